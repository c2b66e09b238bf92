//! JSON whose numbers keep the text that they are written with: one may have more digits than a float or an integer of 64 bits holds.
//!
//! All else is written in one form: compact, with names in order, so that what is the same is the same text.

use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Error, Value};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The fields of an item, by name. Each value is JSON.
pub type Named = BTreeMap<String, Box<RawValue>>;

/// The fields of a JSON object.
///
/// # Errors
/// It is none.
pub fn fields_of(json: &str) -> Result<Named, Error> {
    let mut fields: Named = serde_json::from_str(json)?;
    for value in fields.values_mut() {
        let json = value.get();
        if json.starts_with(['{', '[']) || json.contains('\\') {
            *value = RawValue::from_string(in_one_form(json)?)?;
        }
    }
    Ok(fields)
}

/// A text, a number or a truth value as text. None if it is another value, or a text that can't be read.
#[must_use]
pub fn scalar(value: &RawValue) -> Option<Cow<'_, str>> {
    let json = value.get();
    match json.as_bytes().first()? {
        b'"' if !json.contains('\\') => Some(Cow::Borrowed(&json[1..json.len() - 1])),
        b'"' => serde_json::from_str(json).ok().map(Cow::Owned),
        b'{' | b'[' | b'n' => None,
        _ => Some(Cow::Borrowed(json)),
    }
}

/// A text as a value.
pub(super) fn value_of(text: &str) -> Box<RawValue> {
    to_raw_value(text).unwrap_or_default()
}

/// The same JSON, compact and with names in order.
///
/// # Errors
/// It is not valid, or nested too deeply.
pub(super) fn in_one_form(json: &str) -> Result<String, Error> {
    // This bounds how deep it is nested, too.
    let value: Value = serde_json::from_str(json)?;
    if !has_floats(&value) {
        return Ok(value.to_string());
    }
    let mut out = String::with_capacity(json.len());
    push_in_one_form(&mut out, json.trim())?;
    Ok(out)
}

/// Whether there are numbers that may be written in another way than they were.
fn has_floats(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_f64(),
        Value::Array(values) => values.iter().any(has_floats),
        Value::Object(fields) => fields.values().any(has_floats),
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}

fn push_in_one_form(out: &mut String, json: &str) -> Result<(), Error> {
    match json.as_bytes().first() {
        Some(b'{') => {
            let fields: BTreeMap<String, &RawValue> = serde_json::from_str(json)?;
            out.push('{');
            for (at, (name, value)) in fields.into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                push_text(out, &name);
                out.push(':');
                push_in_one_form(out, value.get())?;
            }
            out.push('}');
        }
        Some(b'[') => {
            let values: Vec<&RawValue> = serde_json::from_str(json)?;
            out.push('[');
            for (at, value) in values.into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                push_in_one_form(out, value.get())?;
            }
            out.push(']');
        }
        Some(b'"') => push_text(out, &serde_json::from_str::<String>(json)?),
        _ => out.push_str(json),
    }
    Ok(())
}

/// Appends a text as JSON.
pub(super) fn push_text(json: &mut String, text: &str) {
    let is_plain = text.bytes().all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\');
    if is_plain {
        json.push('"');
        json.push_str(text);
        json.push('"');
    } else {
        json.push_str(&Value::from(text).to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_stay_as_they_are_written() {
        for (json, wanted) in [
            (
                r#" {"b": [1.10, 1e5], "a":12345678901234567890123 }"#,
                r#"{"a":12345678901234567890123,"b":[1.10,1e5]}"#,
            ),
            (r#"{"a":"\u00e9\/","a":-0}"#, r#"{"a":-0}"#),
            (r#"[ "\u00e9\/\n", 0.1 , null, {}, []]"#, r#"["é/\n",0.1,null,{},[]]"#),
            (
                "1234567890123456789012345678901234567890",
                "1234567890123456789012345678901234567890",
            ),
        ] {
            assert_eq!(in_one_form(json).unwrap(), wanted);
        }
        for wrong in [r#"{"a":"\ud800"}"#, &"[".repeat(100_000), "[1.5", "1 2"] {
            assert!(in_one_form(wrong).is_err());
        }
        assert!(fields_of(r#"{"a":"\ud800"}"#).is_err());
        assert!(
            fields_of(&format!("{{\"a\":{}0.5{}}}", "[".repeat(9999), "]".repeat(9999))).is_err()
        );
    }

    proptest! {
        #[test]
        fn fields_are_what_they_would_be_elsewhere(texts in proptest::collection::vec("[a\"\\\\\u{1}é]{0,4}", 0..4), float: bool) {
            let mut value = Value::from(texts.clone());
            for text in &texts {
                value = serde_json::json!({"n": if float { Value::from(0.5) } else { Value::from(7) }, text: value, "t": text});
            }
            let object = serde_json::json!({"v": value, "t": texts.concat()});
            let fields = fields_of(&serde_json::to_string_pretty(&object).unwrap()).unwrap();
            prop_assert_eq!(serde_json::to_string(&fields).unwrap(), object.to_string());
            let text = scalar(&fields["t"]).map(Cow::into_owned);
            prop_assert_eq!(text, Some(texts.concat()));
        }
    }
}
