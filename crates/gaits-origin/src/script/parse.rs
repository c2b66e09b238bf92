//! Reads scripts from JSON. It finds what is not written as a script; steps that make no sense together are found where
//! a path is added.

use std::fmt;
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use bytes::Bytes;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::play::Cursor;
use super::{Entry, Script, ScriptError, Step, Then};
use crate::codings::Coding;

/// The most bytes that are compressed for an `encode` step. They are compressed when the script is read.
const LONGEST_TO_ENCODE: usize = 64 * 1024 * 1024;

/// What a step is written as; shown when it is not.
const STEPS: &str = "\"send\", \"base64\", \"zeros\", \"gzip_zeros\", \"encode\", \"chunked\", \"repeat\", \"drip\" or \
                     \"wait_ms\" in braces, as in {\"send\": \"HTTP/1.1 200 OK\\r\\n\"}, or \"close\", \"drop\", \
                     \"reset\" or \"stall\" without";

pub(super) fn parse(text: &str) -> Result<Script, ScriptError> {
    let Pairs(pairs) = serde_json::from_str(text).map_err(|error| {
        ScriptError(format!("it is not a JSON object of paths and replies: {error}"))
    })?;
    let mut script = Script::default();
    for (path, Unique(value)) in pairs {
        let entry = entry(&value, &path)?;
        script.add(&path, entry)?;
    }
    Ok(script)
}

/// An object with its names in order, twice if they are there twice, which `serde_json::Value` would hide.
struct Pairs(Vec<(String, Unique)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Pairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object such as {\"/path\": [\"close\"]}")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(Object)
    }
}

/// A value in which no object has a name twice.
struct Unique(Value);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Unique;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any value")
            }

            fn visit_unit<E>(self) -> Result<Unique, E> {
                Ok(Unique(Value::Null))
            }

            fn visit_bool<E>(self, value: bool) -> Result<Unique, E> {
                Ok(Unique(value.into()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Unique, E> {
                Ok(Unique(value.into()))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Unique, E> {
                Ok(Unique(value.into()))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Unique, E> {
                Ok(Unique(value.into()))
            }

            fn visit_str<E>(self, value: &str) -> Result<Unique, E> {
                Ok(Unique(value.into()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Unique, A::Error> {
                let mut values = Vec::new();
                while let Some(Unique(value)) = seq.next_element()? {
                    values.push(value);
                }
                Ok(Unique(values.into()))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Unique, A::Error> {
                let mut fields = Map::new();
                while let Some((name, Unique(value))) = map.next_entry::<String, _>()? {
                    if fields.contains_key(&name) {
                        return Err(A::Error::custom(format!("{name:?} is there twice")));
                    }
                    fields.insert(name, value);
                }
                Ok(Unique(fields.into()))
            }
        }

        deserializer.deserialize_any(Any)
    }
}

fn wrong<T>(place: &str, what: impl fmt::Display) -> Result<T, ScriptError> {
    Err(ScriptError(format!("{place} {what}")))
}

fn entry(value: &Value, path: &str) -> Result<Entry, ScriptError> {
    match value {
        Value::Array(_) => {
            let replies = vec![steps(value, &format!("{path}, reply 1"))?.into()];
            Ok(Entry { replies, ..Entry::default() })
        }
        Value::Object(fields) => {
            let mut entry = Entry::default();
            for (name, value) in fields {
                field(&mut entry, name, value, path)?;
            }
            Ok(entry)
        }
        _ => wrong(path, "is neither a list of steps nor an object with \"replies\""),
    }
}

fn field(entry: &mut Entry, name: &str, value: &Value, path: &str) -> Result<(), ScriptError> {
    match (name, value) {
        ("about", Value::String(text)) => entry.about.clone_from(text),
        ("about", _) => return wrong(path, "has an \"about\" that is not a text"),
        ("replies", Value::Array(replies)) => {
            for (index, reply) in replies.iter().enumerate() {
                let steps = steps(reply, &format!("{path}, reply {}", index + 1))?;
                entry.replies.push(steps.into());
            }
        }
        ("replies", _) => {
            return wrong(path, "has \"replies\" that are not a list of lists of steps");
        }
        ("then", value) => {
            entry.then = match value.as_str() {
                Some("last") => Then::Last,
                Some("first") => Then::First,
                Some("normal") => Then::Normal,
                _ => {
                    return wrong(
                        path,
                        "has a \"then\" that is not \"last\", \"first\" or \"normal\"",
                    );
                }
            }
        }
        ("reused", steps_) => {
            entry.reused = Some(steps(steps_, &format!("{path}, \"reused\""))?.into());
        }
        ("read_body", Value::Bool(read)) => entry.ignores_body = !read,
        ("read_body", _) => return wrong(path, "has a \"read_body\" that is not true or false"),
        _ => {
            let what = format!(
                "has {name:?}: use \"about\", \"replies\", \"then\", \"reused\" and \"read_body\""
            );
            return wrong(path, what);
        }
    }
    Ok(())
}

fn steps(value: &Value, place: &str) -> Result<Vec<Step>, ScriptError> {
    let Value::Array(steps) = value else {
        return wrong(
            place,
            "is not a list of steps, such as [{\"send\": \"HTTP/1.1 \"}, \"close\"]",
        );
    };
    let step = |(index, value)| step(value, &format!("{place}, step {}", index + 1));
    steps.iter().enumerate().map(step).collect()
}

fn step(value: &Value, place: &str) -> Result<Step, ScriptError> {
    match value {
        Value::String(word) => match word.as_str() {
            "close" => Ok(Step::Close),
            "drop" => Ok(Step::Drop),
            "reset" => Ok(Step::Reset),
            "stall" => Ok(Step::Stall),
            _ => wrong(place, format!("is {word:?}: write {STEPS}")),
        },
        Value::Object(fields) => described(fields, place),
        _ => wrong(place, format!("is no step: write {STEPS}")),
    }
}

/// A step in braces.
fn described(fields: &Map<String, Value>, place: &str) -> Result<Step, ScriptError> {
    // What a step is, and the name that goes with it.
    const FORMS: [(&str, Option<&str>); 9] = [
        ("send", None),
        ("base64", None),
        ("zeros", None),
        ("gzip_zeros", None),
        ("encode", Some("steps")),
        ("chunked", None),
        ("repeat", Some("steps")),
        ("drip", Some("gap_ms")),
        ("wait_ms", None),
    ];
    let Some((name, also)) = FORMS.into_iter().find(|(name, _)| fields.contains_key(*name)) else {
        let names: Vec<_> = fields.keys().map(|name| format!("{name:?}")).collect();
        return wrong(place, format!("is made of [{}]: write {STEPS}", names.join(", ")));
    };
    for other in fields.keys().map(String::as_str) {
        if other != name && Some(other) != also {
            return wrong(
                place,
                format!("has {other:?} beside {name:?}: make it a step of its own"),
            );
        }
    }
    let value = &fields[name];
    let also = match also {
        None => &Value::Null,
        Some(also) => match fields.get(also) {
            Some(value) => value,
            None => return wrong(place, format!("has {name:?} and no {also:?}: give both")),
        },
    };
    Ok(match name {
        "send" => Step::send(text(value, name, place)?.to_owned()),
        "base64" => match BASE64_STANDARD.decode(text(value, name, place)?) {
            Ok(bytes) => Step::send(bytes),
            Err(error) => return wrong(place, format!("has a \"base64\" that is none: {error}")),
        },
        "zeros" => Step::zeros(number(value, name, place)?),
        "gzip_zeros" => Step::gzip_zeros(number(value, name, place)?),
        "encode" => encode(value, &steps(also, place)?, place)?,
        "chunked" => Step::Chunked(steps(value, place)?),
        "repeat" => {
            let times = match value.as_str() {
                Some("forever") => None,
                Some(_) => {
                    return wrong(place, "has a \"repeat\" that is no number nor \"forever\"");
                }
                None => Some(number(value, name, place)?),
            };
            Step::Repeat { times, steps: steps(also, place)? }
        }
        "drip" => Step::Drip {
            bytes: text(value, name, place)?.to_owned().into(),
            gap: Duration::from_millis(number(also, "gap_ms", place)?),
        },
        _ => Step::Wait(Duration::from_millis(number(value, name, place)?)),
    })
}

fn text<'a>(value: &'a Value, name: &str, place: &str) -> Result<&'a str, ScriptError> {
    match value.as_str() {
        Some(text) => Ok(text),
        None => wrong(place, format!("has a {name:?} that is not a text: write it in quotes")),
    }
}

fn number(value: &Value, name: &str, place: &str) -> Result<u64, ScriptError> {
    match value.as_u64() {
        Some(number) => Ok(number),
        None => wrong(place, format!("has a {name:?} that is not a whole number, as 100 is")),
    }
}

/// What the steps send, compressed now.
fn encode(coding: &Value, steps: &[Step], place: &str) -> Result<Step, ScriptError> {
    let name = coding.as_str().unwrap_or_default();
    let Some(coding) = Coding::ALL.into_iter().find(|coding| coding.name() == name) else {
        return wrong(
            place,
            "has an \"encode\" that is not \"gzip\", \"deflate\", \"br\" or \"zstd\"",
        );
    };
    super::check(steps, place)?;
    let endless = steps.last().is_some_and(Step::ends);
    let content = if endless { None } else { Cursor::new(steps).only_bytes(LONGEST_TO_ENCODE) };
    let Some(content) = content else {
        return wrong(
            place,
            "can compress only what is sent without pauses, chunks or an end, and 64 MiB of it",
        );
    };
    match coding.encode(&content) {
        Ok(encoded) => Ok(Step::Send(Bytes::from(encoded))),
        Err(error) => wrong(place, format!("cannot be compressed: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::sync::Arc;

    use super::*;

    /// The only entry of a script.
    fn only(text: &str) -> Arc<Entry> {
        let script = Script::parse(text).unwrap();
        assert_eq!(script.paths.len(), 1);
        script.paths.into_values().next().unwrap()
    }

    #[test]
    fn each_step_is_read() {
        let entry = only(
            r#"{"/a": [{"send": "é\r\n"}, {"base64": "/wA="}, {"drip": "ab", "gap_ms": 5}, {"wait_ms": 7},
                {"chunked": [{"send": "x"}]}, {"repeat": 3, "steps": [{"send": "y"}]}, {"zeros": 3}, "close"]}"#,
        );
        let send = |text: &'static str| Step::send(text);
        assert_eq!(
            *entry.replies[0],
            [
                send("é\r\n"),
                Step::send(&b"\xff\x00"[..]),
                Step::Drip { bytes: "ab".into(), gap: Duration::from_millis(5) },
                Step::Wait(Duration::from_millis(7)),
                Step::Chunked(vec![send("x")]),
                Step::Repeat { times: Some(3), steps: vec![send("y")] },
                Step::Repeat { times: Some(1), steps: vec![send("\0\0\0")] },
                Step::Close,
            ]
        );
        for (word, step) in [("drop", Step::Drop), ("reset", Step::Reset), ("stall", Step::Stall)] {
            assert_eq!(*only(&format!(r#"{{"/a": ["{word}"]}}"#)).replies[0], [step]);
        }
        let forever = only(r#"{"/a": [{"repeat": "forever", "steps": [{"send": "y"}]}]}"#);
        assert_eq!(*forever.replies[0], [Step::Repeat { times: None, steps: vec![send("y")] }]);
    }

    #[test]
    fn no_zeros_are_nothing_to_send() {
        assert_eq!(*only(r#"{"/a": [{"zeros": 0}]}"#).replies[0], [Step::send("")]);
    }

    #[test]
    fn each_field_of_a_path_is_read() {
        let entry = only(
            r#"{"/a": {"about": "why", "replies": [["reset"], ["close"]], "then": "normal", "reused": ["drop"],
                "read_body": false}}"#,
        );
        let expected = Entry {
            about: "why".into(),
            replies: vec![[Step::Reset].into(), [Step::Close].into()],
            then: Then::Normal,
            reused: Some([Step::Drop].into()),
            ignores_body: true,
        };
        assert_eq!(*entry, expected);
        let then =
            |word| only(&format!(r#"{{"/a": {{"replies": [["close"]], "then": "{word}"}}}}"#)).then;
        assert_eq!((then("last"), then("first")), (Then::Last, Then::First));
    }

    #[test]
    fn encoded_steps_decode_to_what_they_send() {
        let sent = |text: &str| -> Vec<u8> {
            Cursor::new(&only(text).replies[0]).only_bytes(1 << 20).unwrap()
        };
        let twice = sent(
            r#"{"/a": [{"encode": "gzip", "steps": [{"encode": "deflate", "steps": [{"zeros": 40000}, {"send": "x"}]}]}]}"#,
        );
        let mut decoded = Vec::new();
        flate2::read::ZlibDecoder::new(flate2::read::GzDecoder::new(&*twice))
            .read_to_end(&mut decoded)
            .unwrap();
        assert_eq!(decoded.len(), 40_001);
        assert!(decoded.starts_with(b"\0\0") && decoded.ends_with(b"\0x"));
        let brotli = sent(r#"{"/a": [{"encode": "br", "steps": [{"send": "hello"}]}]}"#);
        let mut text = String::new();
        brotli::Decompressor::new(&*brotli, 4096).read_to_string(&mut text).unwrap();
        assert_eq!(text, "hello");
        let zstd = sent(r#"{"/a": [{"encode": "zstd", "steps": [{"send": "hello"}]}]}"#);
        assert_eq!(zstd::bulk::decompress(&zstd, 100).unwrap(), b"hello");
    }

    #[test]
    fn what_is_not_a_script_is_told_with_its_place() {
        for (text, place, what) in [
            ("", "it is not a JSON object", "line 1"),
            ("[]", "it is not a JSON object", "an object such as"),
            ("{\n\"/a\": [\"close\",]}", "it is not a JSON object", "line 2 column 16"),
            (r#"{"a": ["close"]}"#, "path \"a\"", "slash"),
            (r#"{"/a": ["close"], "/a": ["reset"]}"#, "path \"/a\"", "twice"),
            (
                r#"{"/a": [{"send": "a", "send": "b"}]}"#,
                "it is not",
                "\"send\" is there twice at line 1",
            ),
            (
                r#"{"/a": {"then": "last", "then": "first"}}"#,
                "it is not",
                "\"then\" is there twice at line 1",
            ),
            (r#"{"/a": 1}"#, "/a ", "neither a list"),
            (r#"{"/a": {}}"#, "path \"/a\"", "no replies"),
            (r#"{"/a": {"replies": []}}"#, "path \"/a\"", "no replies"),
            (r#"{"/a": {"replies": ["close"]}}"#, "/a, reply 1 ", "not a list of steps"),
            (r#"{"/a": {"replies": "close"}}"#, "/a ", "list of lists"),
            (r#"{"/a": {"replies": [["close"], ["shut"]]}}"#, "/a, reply 2, step 1", "\"shut\""),
            (r#"{"/a": {"replies": [["close"]], "then": "never"}}"#, "/a ", "\"then\""),
            (r#"{"/a": {"replies": [["close"]], "reused": []}}"#, "/a, \"reused\"", "no steps"),
            (r#"{"/a": {"replies": [["close"]], "read_body": 1}}"#, "/a ", "true or false"),
            (r#"{"/a": {"replies": [["close"]], "about": 1}}"#, "/a ", "not a text"),
            (r#"{"/a": {"replays": [["close"]]}}"#, "/a ", "\"replays\": use"),
            (r#"{"/a": [1]}"#, "/a, reply 1, step 1", "no step"),
            (r#"{"/a": [{"sned": "a"}]}"#, "/a, reply 1, step 1", "\"sned\""),
            (r#"{"/a": [{"send": 1}]}"#, "/a, reply 1, step 1", "in quotes"),
            (r#"{"/a": [{"send": "a", "wait_ms": 1}]}"#, "/a, reply 1, step 1", "beside"),
            (r#"{"/a": [{"base64": "?"}]}"#, "/a, reply 1, step 1", "\"base64\""),
            (r#"{"/a": [{"wait_ms": -1}]}"#, "/a, reply 1, step 1", "whole number"),
            (r#"{"/a": [{"wait_ms": 1.5}]}"#, "/a, reply 1, step 1", "whole number"),
            (r#"{"/a": [{"wait_ms": 31536000001}]}"#, "/a, reply 1, step 1", "a year"),
            (r#"{"/a": [{"drip": "a"}]}"#, "/a, reply 1, step 1", "no \"gap_ms\""),
            (r#"{"/a": [{"repeat": "often", "steps": []}]}"#, "/a, reply 1, step 1", "\"forever\""),
            (
                r#"{"/a": [{"repeat": 2, "steps": [{}]}]}"#,
                "/a, reply 1, step 1, step 1",
                "made of []",
            ),
            (r#"{"/a": [{"encode": "lzma", "steps": []}]}"#, "/a, reply 1, step 1", "\"zstd\""),
            (r#"{"/a": [{"encode": "br", "steps": ["close"]}]}"#, "/a, reply 1, step 1", "pauses"),
            (
                r#"{"/a": [{"encode": "br", "steps": [{"zeros": 67108865}]}]}"#,
                "/a, reply 1, step 1",
                "64 MiB",
            ),
            (
                r#"{"/a": [{"encode": "br", "steps": [{"repeat": "forever", "steps": [{"send": "a"}]}]}]}"#,
                "/a, reply 1, step 1",
                "64 MiB",
            ),
            (
                r#"{"/a": ["close", {"send": "a"}]}"#,
                "/a, reply 1, step 1",
                "no step can come after",
            ),
        ] {
            let message = Script::parse(text).unwrap_err().to_string();
            assert!(message.starts_with(place) && message.contains(what), "{text}: {message}");
        }
    }
}
