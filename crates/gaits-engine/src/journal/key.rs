//! By what an item of an earlier run is known again.
//!
//! Limit: it compares hashes; items are as records show them, without secrets.

use super::done::item_hash;
use gaits_core::Data;
use serde::{Deserialize, Serialize};
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

/// The field of an item, as text: what a string says, or the JSON of another value.
fn field(name: &str, shown: &Data) -> Option<Data> {
    let text = shown.as_text().filter(|text| text.trim_start().starts_with('{'))?;
    let object: serde_json::Value = serde_json::from_str(text).ok()?;
    let of = |object: &serde_json::Value| {
        if name.starts_with('/') {
            object.pointer(name).cloned()
        } else {
            object.get(name).cloned()
        }
    };
    // The columns of a table stand in `input`.
    let value = of(&object).or_else(|| object.get("input").and_then(of));
    let value = value.filter(|value| !value.is_null())?;
    let key = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Some(key.into())
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
        // Nothing is no key.
        assert_ne!(by("id", r#"{"id":null,"a":1}"#), by("id", r#"{"id":null,"a":2}"#));
        assert_eq!(by("id", "http://a/"), Match::Item.hash(&"http://a/".into()));
        assert_ne!(by("id", r#"{"url":"http://a/"}"#), by("id", r#"{"url":"http://b/"}"#));
    }
}
