//! Answers that are pages of a listing: their elements, and what they say of the next page.
//!
//! Limit: makes no URL of what it finds.

use super::answer::Answer;
use super::pick;
use super::room::Cannot;
use crate::http::next_page::NextPage;
use http::header::LINK;
use serde_json::value::RawValue;

/// What an answer says of the page that comes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::http) enum Named {
    /// Its URL, which may be relative.
    Url(String),
    /// The value of a parameter.
    Value(String),
    /// The number in a parameter grows.
    Counts,
}

/// The elements of the array at `pointer` of `json`; none if nothing is there, or null.
pub(super) fn elements<'j>(
    json: &'j [u8],
    pointer: &str,
) -> Result<Option<Vec<&'j RawValue>>, Cannot> {
    let found = pick::pick(json, &[pointer]).map_err(Cannot::NotJson)?.pop().flatten();
    let Some(found) = found.filter(|found| found.get() != "null") else { return Ok(None) };
    if !found.get().starts_with('[') {
        return Err(Cannot::NoList);
    }
    serde_json::from_str(found.get()).map(Some).map_err(Cannot::NotJson)
}

/// What an answer with this body says of the page that comes next; none if it is the last one. `elements` says how many elements
/// the page has, where that is known.
pub(super) fn next_page(
    next: &NextPage,
    answer: &Answer,
    body: &[u8],
    elements: Option<usize>,
) -> Result<Option<Named>, Cannot> {
    match next {
        NextPage::Link => {
            let fields = answer.headers.iter().filter(|(name, _)| *name == LINK);
            let found = fields
                .map(|(_, value)| String::from_utf8_lossy(value))
                .find_map(|links| link_called_next(&links));
            Ok(found.map(Named::Url))
        }
        NextPage::Counter { .. } => {
            let is_empty = match elements {
                Some(elements) => elements == 0,
                None => says_nothing(body),
            };
            Ok((!is_empty).then_some(Named::Counts))
        }
        NextPage::Url(pointer) => {
            let Some(found) = at(body, pointer)? else { return Ok(None) };
            match serde_json::from_str(found.get()) {
                Ok(url) => Ok(Some(url).filter(|url: &String| !url.is_empty()).map(Named::Url)),
                Err(_) => Err(Cannot::NoUrl),
            }
        }
        NextPage::Cursor { pointer, .. } => {
            let Some(found) = at(body, pointer)? else { return Ok(None) };
            let value = match serde_json::from_str(found.get()) {
                Ok(serde_json::Value::String(text)) => text,
                Ok(serde_json::Value::Number(number)) => number.to_string(),
                _ => return Err(Cannot::NoValue),
            };
            Ok(Some(value).filter(|value| !value.is_empty()).map(Named::Value))
        }
    }
}

/// What is at a pointer; none for nothing, null and false, which is how servers say that there is no next page.
fn at<'j>(json: &'j [u8], pointer: &str) -> Result<Option<&'j RawValue>, Cannot> {
    let found = pick::pick(json, &[pointer]).map_err(Cannot::NotJson)?.pop().flatten();
    Ok(found.filter(|found| !matches!(found.get(), "null" | "false")))
}

/// Whether there is nothing in a body: no text but space, or JSON that is null, `[]` or `{}`, or an object that has lists and none
/// of them has an element.
fn says_nothing(body: &[u8]) -> bool {
    if body.trim_ascii().is_empty() {
        return true;
    }
    let Ok(whole) = serde_json::from_slice::<&RawValue>(body) else { return false };
    let is_empty_list =
        |text: &str| text.strip_prefix('[').is_some_and(|rest| rest.trim_start().starts_with(']'));
    match whole.get().as_bytes().first() {
        Some(b'n') => true,
        Some(b'[') => is_empty_list(whole.get()),
        Some(b'{') => {
            let fields = serde_json::from_str::<Vec1>(whole.get());
            let Ok(Vec1(fields)) = fields else { return false };
            let mut lists = fields.iter().filter(|value| value.get().starts_with('[')).peekable();
            fields.is_empty()
                || lists.peek().is_some() && lists.all(|list| is_empty_list(list.get()))
        }
        _ => false,
    }
}

/// The values of an object, without their names.
struct Vec1<'j>(Vec<&'j RawValue>);

impl<'de: 'j, 'j> serde::Deserialize<'de> for Vec1<'j> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Values;
        impl<'de> serde::de::Visitor<'de> for Values {
            type Value = Vec<&'de RawValue>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Self::Value, A::Error> {
                let mut values = Vec::new();
                while let Some((_, value)) =
                    map.next_entry::<serde::de::IgnoredAny, &'de RawValue>()?
                {
                    values.push(value);
                }
                Ok(values)
            }
        }
        deserializer.deserialize_map(Values).map(Vec1)
    }
}

/// The URL of the link that is called `next` in a `link` field (RFC 8288, section 3): `<URL>; rel="next", …`.
fn link_called_next(field: &str) -> Option<String> {
    let mut rest = field;
    loop {
        let start = rest.find('<')?;
        let (url, after) = rest[start + 1..].split_once('>')?;
        let (parameters, others) = until_comma(after);
        if parameters.iter().any(|(name, value)| {
            name.eq_ignore_ascii_case("rel")
                && value.split_ascii_whitespace().any(|rel| rel.eq_ignore_ascii_case("next"))
        }) {
            return Some(url.trim().to_owned()).filter(|url| !url.is_empty());
        }
        rest = others;
    }
}

/// The parameters of a link, up to the comma that ends it, and what comes after that.
fn until_comma(text: &str) -> (Vec<(&str, String)>, &str) {
    let mut parameters = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ';']);
        if rest.is_empty() {
            return (parameters, rest);
        }
        if let Some(others) = rest.strip_prefix(',') {
            return (parameters, others);
        }
        let end = rest.find(['=', ';', ',']).unwrap_or(rest.len());
        let name = rest[..end].trim_end();
        rest = &rest[end..];
        let Some(value) = rest.strip_prefix('=') else {
            parameters.push((name, String::new()));
            continue;
        };
        let value = value.trim_start_matches([' ', '\t']);
        let Some(quoted) = value.strip_prefix('"') else {
            let end = value.find([';', ',']).unwrap_or(value.len());
            parameters.push((name, value[..end].trim_end().to_owned()));
            rest = &value[end..];
            continue;
        };
        let (mut text, mut end, mut is_escaped) = (String::new(), quoted.len(), false);
        for (at, c) in quoted.char_indices() {
            match c {
                _ if is_escaped => {
                    text.push(c);
                    is_escaped = false;
                }
                '\\' => is_escaped = true,
                '"' => {
                    end = at + 1;
                    break;
                }
                _ => text.push(c),
            }
        }
        parameters.push((name, text));
        rest = &quoted[end..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_link_called_next_is_found_among_others() {
        for (field, wanted) in [
            (r#"<https://h/?page=2>; rel="next""#, Some("https://h/?page=2")),
            ("<p?2>; rel=next", Some("p?2")),
            (r#"<a>; rel="prev", <b>; title="x, <y>; rel=\"next\""; rel="last NEXT""#, Some("b")),
            (r#"<a>; rel="prev",<b,c;d>;rel=next;x"#, Some("b,c;d")),
            (r#"<a>; rel="nextish", <b>"#, None),
            ("<>; rel=next", None),
            ("nonsense", None),
            (r#"<a>; rel=""#, None),
        ] {
            assert_eq!(link_called_next(field).as_deref(), wanted, "{field}");
        }
    }

    #[test]
    fn an_answer_without_an_element_says_nothing() {
        for body in ["", " \n", "null", "[]", "[ ]", "{}", r#"{"total":7,"results":[ ]}"#] {
            assert!(says_nothing(body.as_bytes()), "{body}");
        }
        for body in ["0", "[0]", "<p>", r#"{"total":0}"#, r#"{"results":[1],"warnings":[]}"#, "{"] {
            assert!(!says_nothing(body.as_bytes()), "{body}");
        }
    }

    proptest! {
        #[test]
        fn any_field_is_read_to_its_end(field in r#"[<>;,="\\a-e \PC]{0,60}"#) {
            if let Some(url) = link_called_next(&field) {
                prop_assert!(field.contains(&url), "{url:?}");
            }
        }
    }
}
