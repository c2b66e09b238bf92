//! Finds the places in a JSON text that pointers (RFC 6901) lead to.
//!
//! What lies beside them is read over: in memory it would take up to fifty times its length, and a server can send nothing
//! else. Limit: what is read over need not be UTF-8, nor must its escapes make sense.

use serde::Deserialize as _;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// The texts that `pointers` lead to in `json`, each none if it leads nowhere. Of a key that is there twice the last
/// counts, as nearly every parser has it.
///
/// # Errors
///
/// `json` is no JSON, or is nested more than 127 deep on the way to a place.
pub(super) fn pick<'j>(
    json: &'j [u8],
    pointers: &[&str],
) -> serde_json::Result<Vec<Option<&'j RawValue>>> {
    let mut found = vec![None; pointers.len()];
    let wanted = pointers.iter().copied().enumerate().collect();
    let mut json = serde_json::Deserializer::from_slice(json);
    Seek { wanted, found: &mut found }.deserialize(&mut json)?;
    json.end()?;
    Ok(found)
}

/// Goes through one value.
struct Seek<'p, 'f, 'j> {
    /// What is wanted of it: the number of each pointer, and the rest of it.
    wanted: Vec<(usize, &'p str)>,
    found: &'f mut [Option<&'j RawValue>],
}

impl<'j> DeserializeSeed<'j> for Seek<'_, '_, 'j> {
    type Value = ();

    fn deserialize<D: Deserializer<'j>>(self, value: D) -> Result<(), D::Error> {
        let Self { mut wanted, found } = self;
        if wanted.iter().all(|(_, rest)| !rest.is_empty()) {
            return value.deserialize_any(Seek { wanted, found });
        }
        // Some want all of it, and others may want a part.
        let whole = <&RawValue>::deserialize(value)?;
        wanted.retain(|&(number, rest)| {
            if rest.is_empty() {
                found[number] = Some(whole);
            }
            !rest.is_empty()
        });
        if wanted.is_empty() {
            return Ok(());
        }
        let mut whole = serde_json::Deserializer::from_str(whole.get());
        Seek { wanted, found }.deserialize(&mut whole).map_err(D::Error::custom)
    }
}

impl<'j> Visitor<'j> for Seek<'_, '_, 'j> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_map<A: MapAccess<'j>>(self, mut fields: A) -> Result<(), A::Error> {
        while let Some(wanted) = fields.next_key_seed(Key(&self.wanted))? {
            if wanted.is_empty() {
                fields.next_value::<IgnoredAny>()?;
                continue;
            }
            for (number, _) in &wanted {
                self.found[*number] = None;
            }
            fields.next_value_seed(Seek { wanted, found: &mut *self.found })?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'j>>(self, mut items: A) -> Result<(), A::Error> {
        let indices: Vec<(usize, usize, &str)> = self
            .wanted
            .iter()
            .filter_map(|&(number, rest)| {
                let (token, rest) = split(rest)?;
                Some((array_index(token)?, number, rest))
            })
            .collect();
        for index in 0.. {
            let here = indices.iter().filter(|(at, ..)| *at == index);
            let wanted: Vec<_> = here.map(|&(_, number, rest)| (number, rest)).collect();
            let item = if wanted.is_empty() {
                items.next_element::<IgnoredAny>()?.map(drop)
            } else {
                items.next_element_seed(Seek { wanted, found: &mut *self.found })?
            };
            if item.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
}

/// Reads a key, and gives what is wanted of the value behind it.
struct Key<'p, 'w>(&'w [(usize, &'p str)]);

impl<'j, 'p> DeserializeSeed<'j> for Key<'p, '_> {
    type Value = Vec<(usize, &'p str)>;

    fn deserialize<D: Deserializer<'j>>(self, key: D) -> Result<Self::Value, D::Error> {
        key.deserialize_str(self)
    }
}

impl<'p> Visitor<'_> for Key<'p, '_> {
    type Value = Vec<(usize, &'p str)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Self::Value, E> {
        let behind = |&(number, rest): &(usize, &'p str)| {
            let (token, rest) = split(rest)?;
            is_key(token, key).then_some((number, rest))
        };
        Ok(self.0.iter().filter_map(behind).collect())
    }
}

/// The first token of a pointer that is not empty, and the rest of it.
fn split(pointer: &str) -> Option<(&str, &str)> {
    let tokens = pointer.strip_prefix('/')?;
    Some(tokens.split_at(tokens.find('/').unwrap_or(tokens.len())))
}

fn is_key(token: &str, key: &str) -> bool {
    if token.contains('~') {
        token.replace("~1", "/").replace("~0", "~") == key
    } else {
        token == key
    }
}

/// RFC 6901: digits without a leading zero.
fn array_index(token: &str) -> Option<usize> {
    let is_index =
        token.bytes().all(|b| b.is_ascii_digit()) && (token == "0" || !token.starts_with('0'));
    if is_index { token.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picked(json: &str, pointers: &[&str]) -> Vec<Option<String>> {
        let found = pick(json.as_bytes(), pointers).unwrap();
        found.into_iter().map(|raw| raw.map(|raw| raw.get().to_owned())).collect()
    }

    #[test]
    fn pointers_that_share_a_part_of_their_way_are_all_followed() {
        let json = r#"{"a": {"b": [1, {"c": "\u0064"}], "x": {}}, "": {"": 7}}"#;
        assert_eq!(
            picked(json, &["/a/b/1/c", "/a/b", "/a/b/0", "/a", "/a/b/1/c", "/a/x/y", "//", ""]),
            [
                Some(r#""\u0064""#),
                Some(r#"[1, {"c": "\u0064"}]"#),
                Some("1"),
                Some(r#"{"b": [1, {"c": "\u0064"}], "x": {}}"#),
                Some(r#""\u0064""#),
                None,
                Some("7"),
                Some(json)
            ]
            .map(|text| text.map(str::to_owned))
        );
    }

    #[test]
    fn of_a_key_that_is_there_twice_the_last_counts_with_all_below_it() {
        let json = r#"{"a": {"b": 1, "c": 2}, "a": {"b": 3, "b": 4}}"#;
        assert_eq!(picked(json, &["/a/b", "/a/c"]), [Some("4".to_owned()), None]);
        assert_eq!(picked(r#"{"a": {"b": 1}, "a": 2}"#, &["/a/b"]), [None]);
    }

    #[test]
    fn what_is_no_json_is_refused_wherever_it_breaks() {
        for json in ["", "{", "[1,]", r#"{"a": 1} x"#, r#"{"a": 1, "b": }"#, r#"{"a": tru}"#, "nil"]
        {
            for pointer in ["", "/a", "/0"] {
                assert!(pick(json.as_bytes(), &[pointer]).is_err(), "{json} {pointer}");
            }
        }
        assert!(pick(b"[\"\xff\"]", &["/0"]).is_err(), "it is not UTF-8");
    }
}
