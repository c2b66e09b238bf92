//! Answers that are pages of a listing: their elements, and what they say of the next page.
//!
//! Limit: makes no URL of what it finds.

use super::answer::Answer;
use super::pick;
use super::room::Cannot;
use crate::http::next_page::NextPage;
use crate::http::text::text_of;
use http::header::LINK;
use memchr::{memchr2, memchr3};
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
            for (_, value) in fields {
                if let Some(url) = link_called_next(&text_of(value))? {
                    return Ok(Some(Named::Url(url)));
                }
            }
            Ok(None)
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
                Ok(url) => Ok(named(url).map(Named::Url)),
                Err(_) if found.get().starts_with(['[', '{']) => Err(Cannot::NoValue),
                Err(_) => Err(Cannot::NoUrl),
            }
        }
        NextPage::Cursor { pointer, .. } => {
            let Some(found) = at(body, pointer)? else { return Ok(None) };
            let value = match serde_json::from_str(found.get()) {
                Ok(serde_json::Value::String(text)) => text,
                // As the server has written it: as a number it may lose digits.
                Ok(serde_json::Value::Number(_)) => found.get().to_owned(),
                _ => return Err(Cannot::NoValue),
            };
            Ok(named(value).map(Named::Value))
        }
    }
}

/// What a server names; none where it is blank.
fn named(text: String) -> Option<String> {
    (!text.trim().is_empty()).then_some(text)
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

/// The URL of the link that is called `next` in a `link` field (RFC 8288, section 3): `<URL>; rel="next", …`. Links of something
/// else than the answer (`anchor`) are passed over.
fn link_called_next(field: &str) -> Result<Option<String>, Cannot> {
    let mut rest = field;
    loop {
        let Some(start) = rest.find('<') else { return Ok(None) };
        let Some((url, after)) = rest[start + 1..].split_once('>') else {
            return Err(Cannot::NoLink);
        };
        let (link, others) = until_comma(after);
        let is_next = link.rel.is_some_and(|rel| {
            let rel = rel.trim_matches('\'');
            rel.split_ascii_whitespace().any(|rel| rel.eq_ignore_ascii_case("next"))
        });
        if is_next && !link.has_anchor {
            return Ok(named(url.trim().to_owned()));
        }
        rest = others;
    }
}

/// What the parameters of a link say. The first of each name counts (RFC 8288, section 3).
#[derive(Default)]
struct Link {
    rel: Option<String>,
    has_anchor: bool,
}

impl Link {
    /// Notes a parameter. Others than these may be many, and nothing is held of them.
    fn note(&mut self, name: &str, value: impl FnOnce() -> String) {
        if name.eq_ignore_ascii_case("rel") {
            self.rel.get_or_insert_with(value);
        }
        self.has_anchor |= name.eq_ignore_ascii_case("anchor");
    }
}

/// The parameters of a link, up to the comma that ends it, and what comes after that.
fn until_comma(text: &str) -> (Link, &str) {
    let mut link = Link::default();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ';']);
        if rest.is_empty() {
            return (link, rest);
        }
        if let Some(others) = rest.strip_prefix(',') {
            return (link, others);
        }
        let end = memchr3(b'=', b';', b',', rest.as_bytes()).unwrap_or(rest.len());
        let name = rest[..end].trim_end();
        rest = &rest[end..];
        let Some(value) = rest.strip_prefix('=') else {
            link.note(name, String::new);
            continue;
        };
        let value = value.trim_start_matches([' ', '\t']);
        let Some(quoted) = value.strip_prefix('"') else {
            let end = memchr2(b';', b',', value.as_bytes()).unwrap_or(value.len());
            link.note(name, || value[..end].trim_end().to_owned());
            rest = &value[end..];
            continue;
        };
        let mut is_escaped = false;
        let is_end = |byte: &u8| {
            let ends = *byte == b'"' && !is_escaped;
            is_escaped = *byte == b'\\' && !is_escaped;
            ends
        };
        let end = quoted.as_bytes().iter().position(is_end);
        let text = &quoted[..end.unwrap_or(quoted.len())];
        link.note(name, || unescaped(text));
        rest = end.map_or("", |end| &quoted[end + 1..]);
    }
}

/// A quoted text without the backslashes that stand in front of what they escape.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        out.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    out
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
            ("<a>; rel='next'", Some("a")),
            ("<a>; rel=prev; rel=next", None),
            (r##"<a>; rel=next; anchor="#x""##, None),
            ("<>; rel=next", None),
            ("nonsense", None),
            (r#"<a>; rel=""#, None),
        ] {
            assert_eq!(link_called_next(field).unwrap().as_deref(), wanted, "{field}");
        }
        assert!(link_called_next("</list?n=2; rel=next").is_err(), "a link that is cut is none");
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
            if let Ok(Some(url)) = link_called_next(&field) {
                prop_assert!(field.contains(&url), "{url:?}");
            }
        }
    }
}
