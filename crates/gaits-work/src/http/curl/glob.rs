//! Brackets and braces in the URL of a command: curl makes several URLs of one with `[1-3]` or `{a,b}`, and browsers put a
//! backslash in front of those that stand for themselves.
//!
//! Limit: nothing is expanded. gaits has patterns of its own for that.

const RANGE: &str = "curl would take the brackets in its URL for a range; put a backslash in front of each, or add -g, if they \
                     stand for themselves, and if not, write the URL as a pattern of gaits such as {1..3}";

const CHOICE: &str = "curl would take the braces in its URL for several; put a backslash in front of each, or add -g, if they stand \
                      for themselves. With a table, -i FILE, they are places for columns";

/// Where the host of a URL begins, with or without a scheme in front.
pub(super) fn host_of(url: &str) -> usize {
    url.find("://").map_or(0, |at| at + 3)
}

/// The URL that is meant. With `off`, everything stands for itself. With `places`, braces are those of columns, and a brace that
/// stands for itself is written twice.
///
/// # Errors
/// It would be several.
pub(super) fn taken(url: &str, off: bool, places: bool) -> Result<String, String> {
    if off {
        return Ok(url.to_owned());
    }
    // The address of a host may stand in brackets.
    let host = host_of(url);
    let host = if url[host..].starts_with('[') { host } else { usize::MAX };
    let mut taken = String::with_capacity(url.len());
    let mut in_host = false;
    let mut chars = url.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => match chars.next_if(|(_, next)| "[]{}".contains(*next)) {
                Some((_, brace @ ('{' | '}'))) if places => taken.extend([brace, brace]),
                Some((_, literal)) => taken.push(literal),
                None => taken.push(c),
            },
            '[' if at == host => {
                in_host = true;
                taken.push(c);
            }
            ']' if in_host => {
                in_host = false;
                taken.push(c);
            }
            '[' | ']' => return Err(RANGE.to_owned()),
            '{' | '}' if !places => return Err(CHOICE.to_owned()),
            _ => taken.push(c),
        }
    }
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_one_or_refused() {
        let one = |url: &str| taken(url, false, false).unwrap();
        assert_eq!(one("http://h/a?b=c"), "http://h/a?b=c");
        // As Chrome copies it.
        assert_eq!(one(r"http://h/?a\[\]=\{1\}&b=\n"), r"http://h/?a[]={1}&b=\n");
        assert_eq!(one("http://[::1]:80/a"), "http://[::1]:80/a");
        assert_eq!(taken("http://h/[1-3]{a,b}", true, false).unwrap(), "http://h/[1-3]{a,b}");
        for (url, wanted) in [
            ("http://h/[1-3]", RANGE),
            ("http://h/?a[]=1", RANGE),
            ("http://[::1]/[1-3]", RANGE),
            ("http://h/{a,b}", CHOICE),
            ("http://h/}", CHOICE),
        ] {
            assert_eq!(taken(url, false, false).unwrap_err(), wanted, "{url}");
        }
    }

    #[test]
    fn columns_have_places() {
        let filled = |url: &str| taken(url, false, true).unwrap();
        assert_eq!(filled(r"http://h/{id}?a\[\]=\{1\}"), "http://h/{id}?a[]={{1}}");
    }
}
