//! By what an item of an earlier run is known again.
//!
//! Limit: it compares hashes; items are as records show them, without secrets.

use super::done::item_hash;
use gaits_core::Data;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fmt;

/// How an item of an earlier run is known again.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Match {
    /// By its place in the input. What stands there must be the same.
    #[default]
    Place,
    /// By what it is, as records show it, wherever it stands. One that stands in the input twice is done once.
    Item,
    /// By a field of it, where it is a JSON object, wherever it stands: the name of a field, or a JSON Pointer to it (RFC 6901).
    /// An item that has no such field is known by what it is.
    Field(Box<str>),
}

/// As the command line names it.
impl fmt::Display for Match {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Match::Place => "place",
            Match::Item => "item",
            Match::Field(name) => name,
        })
    }
}

impl Match {
    /// Whether items are known wherever they stand.
    #[must_use]
    pub fn is_by_item(&self) -> bool {
        *self != Match::Place
    }

    /// What an item is known by, as a hash.
    #[must_use]
    pub fn hash(&self, shown: &Data) -> u64 {
        match self {
            Match::Place | Match::Item => item_hash(shown),
            Match::Field(name) => {
                field(name, shown).map_or_else(|| item_hash(shown), |key| item_hash(&key))
            }
        }
    }
}

/// The field of an item, as text: what a string says, or the JSON of another value. Numbers are as they are written: two may
/// differ in digits that a float does not hold.
fn field(name: &str, shown: &Data) -> Option<Data> {
    let text = shown.as_text().filter(|text| text.trim_start().starts_with('{'))?;
    let written = written(name, text)?;
    Some(match written.as_bytes().first()? {
        b'n' => return None,
        b'-' | b'0'..=b'9' => written.into(),
        _ => match serde_json::from_str(written).ok()? {
            serde_json::Value::String(key) => key.into(),
            value => value.to_string().into(),
        },
    })
}

/// The JSON of a field as it is written.
fn written<'t>(name: &str, text: &'t str) -> Option<&'t str> {
    let steps = |json: &'t str| -> Option<&'t str> {
        let Some(pointer) = name.strip_prefix('/') else { return step(json, name) };
        let unescaped = |token: &str| token.replace("~1", "/").replace("~0", "~");
        pointer.split('/').try_fold(json, |json, token| step(json, &unescaped(token)))
    };
    // The columns of a table stand in `input`.
    steps(text).or_else(|| step(text, "input").and_then(steps))
}

/// What a JSON object or array has at this name or place.
fn step<'t>(json: &'t str, name: &str) -> Option<&'t str> {
    if json.trim_start().starts_with('[') {
        let values: Vec<&RawValue> = serde_json::from_str(json).ok()?;
        return values.get(name.parse::<usize>().ok()?).map(|value| value.get());
    }
    let fields: BTreeMap<String, &RawValue> = serde_json::from_str(json).ok()?;
    fields.get(name).map(|value| value.get())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_the_key_of_an_item_and_the_item_where_it_has_none() {
        let by = |field: &str, item: &str| Match::Field(field.into()).hash(&item.into());
        let id = by("id", r#"{"url":"http://a/","id":7}"#);
        assert_eq!(id, by("id", r#"{"id":7,"url":"http://b/","more":1}"#));
        assert_ne!(id, by("id", r#"{"id":8,"url":"http://a/"}"#));
        assert_eq!(by("/a/0", r#"{"a":["x"]}"#), by("/a/0", r#"{"b":1,"a":["x",2]}"#));
        // A URL alone is as good as an object with that URL.
        assert_eq!(by("url", "http://a/"), by("url", r#"{"url":"http://a/","id":1}"#));
        assert_eq!(id, by("id", r#"{"url":"http://a/","input":{"id":7}}"#));
        // Numbers that are one float.
        for name in ["id", "/id", "/a/0"] {
            let of = |number: &str| by(name, &format!(r#"{{"id":{number},"a":[ {number} ]}}"#));
            let one = of("12345678901234567890123");
            assert_eq!(one, of("12345678901234567890123"));
            assert_ne!(one, of("12345678901234567890124"), "{name}");
            let in_row = |number: &str| {
                by(
                    name,
                    &format!(r#"{{"url":"http://h/","input":{{"id":{number},"a":[{number}]}}}}"#),
                )
            };
            assert_eq!(one, in_row("12345678901234567890123"), "{name}");
        }
        // A number beside it that is larger than any float.
        assert_eq!(by("id", r#"{"id":7,"x":1e400}"#), by("id", r#"{"id":7,"x":1e401}"#));
        // Nothing is no key.
        assert_ne!(by("id", r#"{"id":null,"a":1}"#), by("id", r#"{"id":null,"a":2}"#));
        assert_eq!(by("id", "http://a/"), Match::Item.hash(&"http://a/".into()));
        assert_ne!(by("id", r#"{"url":"http://a/"}"#), by("id", r#"{"url":"http://b/"}"#));
    }
}
