//! What a command adds to the URL that it names.
//!
//! Limit: reads no options.

use super::glob;
use percent_encoding::{AsciiSet, utf8_percent_encode};

/// The URL that a file is sent to: as curl does it, a path that ends with a slash, or is none, gets the file's name.
pub(super) fn named_after(mut url: String, file: &str, kept: &'static AsciiSet) -> String {
    let authority = glob::host_of(&url);
    let path = url[authority..].find(['/', '?', '#']).map_or(url.len(), |at| authority + at);
    let end = url[path..].find(['?', '#']).map_or(url.len(), |at| path + at);
    let is_none = path == end;
    if is_none || url[path..end].ends_with('/') {
        let slash = if is_none { "/" } else { "" };
        url.insert_str(end, &format!("{slash}{}", utf8_percent_encode(file, kept)));
    }
    url
}

/// The URL without user and password.
pub(super) fn without_credentials(mut url: String) -> String {
    let begin = url.find("://").map_or(0, |at| at + 3);
    let end = url[begin..].find(['/', '?', '#', '\\']).map_or(url.len(), |at| begin + at);
    if let Some(at) = url[begin..end].rfind('@') {
        url.replace_range(begin..=begin + at, "");
    }
    url
}

/// The URL with what is encoded already in its query.
pub(super) fn with_query(url: &str, query: &[String]) -> String {
    let (before, fragment) = url.find('#').map_or((url, ""), |at| url.split_at(at));
    let mut all = before.to_owned();
    for part in query {
        if !all.contains('?') {
            all.push('?');
        } else if !all.ends_with(['?', '&']) {
            all.push('&');
        }
        all.push_str(part);
    }
    all + fragment
}

#[cfg(test)]
mod tests {
    use super::super::values::KEPT;
    use super::*;

    #[test]
    fn a_file_that_is_sent_gives_its_name_to_a_path_that_has_none() {
        // As curl 7.88 sends them.
        for (url, wanted) in [
            ("http://h", "http://h/a%20b"),
            ("http://h/", "http://h/a%20b"),
            ("h", "h/a%20b"),
            ("http://h?x=1", "http://h/a%20b?x=1"),
            ("http://h/c/?next=/", "http://h/c/a%20b?next=/"),
            ("http://h/c?next=/", "http://h/c?next=/"),
            ("http://h/c/#x/", "http://h/c/a%20b#x/"),
        ] {
            assert_eq!(named_after(url.to_owned(), "a b", KEPT), wanted, "{url}");
        }
    }
}
