//! Parameters that are added to the query of a URL.
//!
//! Limit: checks no URL.

use std::borrow::Cow;

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
