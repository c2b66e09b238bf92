//! Parameters that are added to the query of a URL.
//!
//! Limit: checks no URL.

use std::borrow::Cow;

/// The same, without the pairs whose names are in the query already: where a server has made the URL, it knows better.
pub(super) fn add_missing<'u>(url: &'u str, pairs: &[(String, String)]) -> Cow<'u, str> {
    let (_, query, _) = parts(url);
    let has =
        |name: &str| form_urlencoded::parse(query.as_bytes()).any(|(there, _)| there == *name);
    let missing: Vec<_> = pairs.iter().filter(|(name, _)| !has(name)).cloned().collect();
    add_query(url, &missing)
}

/// The value of the first parameter called `name` in the query of `url`.
pub(super) fn value_of(url: &str, name: &str) -> Option<String> {
    let (_, query, _) = parts(url);
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    pairs.find_map(|(there, value)| (there == *name).then(|| value.into_owned()))
}

/// `url` with `value` as the one value of the parameter called `name`. All others stay as they are written.
pub(super) fn with_value(url: &str, name: &str, value: &str) -> String {
    let (before, query, fragment) = parts(url);
    let is_it =
        |pair: &&str| form_urlencoded::parse(pair.as_bytes()).any(|(there, _)| there == *name);
    let others: Vec<&str> =
        query.split('&').filter(|pair| !pair.is_empty() && !is_it(pair)).collect();
    let joint = if others.is_empty() { "" } else { "?" };
    let url = format!("{before}{joint}{}{fragment}", others.join("&"));
    add_query(&url, &[(name.to_owned(), value.to_owned())]).into_owned()
}

/// `url` without the parameters that stand in `pairs` too, each with all its values.
pub(super) fn without(url: &str, pairs: &[(String, String)]) -> String {
    let (before, query, fragment) = parts(url);
    let same = |name: &str| {
        let here = form_urlencoded::parse(query.as_bytes())
            .filter(|(there, _)| *there == *name)
            .map(|(_, value)| value.into_owned());
        let there = pairs.iter().filter(|(other, _)| other == name).map(|(_, value)| value.clone());
        here.eq(there)
    };
    let stays = |pair: &&str| {
        !pair.is_empty()
            && !form_urlencoded::parse(pair.as_bytes())
                .any(|(name, _)| pairs.iter().any(|(other, _)| *other == name) && same(&name))
    };
    let kept: Vec<&str> = query.split('&').filter(stays).collect();
    let joint = if kept.is_empty() { "" } else { "?" };
    format!("{before}{joint}{}{fragment}", kept.join("&"))
}

/// What stands before the query of `url`, the query, and the fragment with its `#`.
fn parts(url: &str) -> (&str, &str, &str) {
    let (before, fragment) = url.find('#').map_or((url, ""), |at| url.split_at(at));
    let (before, query) = before.split_once('?').unwrap_or((before, ""));
    (before, query, fragment)
}

/// `url` with `pairs` added to its query, in front of its fragment.
pub(super) fn add_query<'u>(url: &'u str, pairs: &[(String, String)]) -> Cow<'u, str> {
    if pairs.is_empty() {
        return Cow::Borrowed(url);
    }
    let (before, fragment) = url.find('#').map_or((url, ""), |at| url.split_at(at));
    let joint = match before.find('?') {
        None => "?",
        Some(at) if at + 1 == before.len() || before.ends_with('&') => "",
        Some(_) => "&",
    };
    let query: String =
        form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    Cow::Owned(format!("{before}{joint}{query}{fragment}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(of: &[(&str, &str)]) -> Vec<(String, String)> {
        of.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn one_parameter_changes_and_the_others_stay_as_they_are() {
        for (url, wanted) in [
            ("http://h/", "http://h/?page=2"),
            ("http://h/?page=1", "http://h/?page=2"),
            ("http://h/?a=%20x+y&page=1&b#f", "http://h/?a=%20x+y&b&page=2#f"),
            ("http://h/?p%61ge=7&page=8", "http://h/?page=2"),
        ] {
            assert_eq!(with_value(url, "page", "2"), wanted, "{url}");
            assert_eq!(value_of(&with_value(url, "page", "2"), "page").as_deref(), Some("2"));
        }
        assert_eq!(with_value("http://h/", "c", "a b&c"), "http://h/?c=a+b%26c");
    }

    #[test]
    fn what_is_added_to_all_is_neither_there_twice_nor_changed_back() {
        let all = pairs(&[("size", "100"), ("page", "1")]);
        let named = "http://h/?size=100&page=2&x=%31";
        assert_eq!(without(named, &all), "http://h/?page=2&x=%31");
        assert_eq!(add_missing(&without(named, &all), &all), "http://h/?page=2&x=%31&size=100");
        let twice = pairs(&[("tag", "a"), ("tag", "b")]);
        assert_eq!(without("http://h/?tag=a&tag=b", &twice), "http://h/");
        assert_eq!(without("http://h/?tag=a", &twice), "http://h/?tag=a");
    }
}
