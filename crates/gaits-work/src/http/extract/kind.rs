//! The type that an extracted value is to have.

use super::ExtractError;
use gaits_core::Value;
use std::str::FromStr;

/// The numbers up to here are whole in a float, too: 2^53.
const WHOLE: f64 = 9_007_199_254_740_992.0;

/// A type, as it stands behind the name of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Whatever it is.
    Any,
    Int,
    Float,
    Bool,
    Str,
    /// What a text says as JSON.
    Json,
}

impl FromStr for Kind {
    type Err = ExtractError;

    fn from_str(text: &str) -> Result<Self, ExtractError> {
        Ok(match text {
            "int" => Self::Int,
            "float" => Self::Float,
            "bool" => Self::Bool,
            "str" => Self::Str,
            "json" => Self::Json,
            _ => return Err(ExtractError::Kind(text.to_owned())),
        })
    }
}

impl Kind {
    /// What it is called.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Any | Self::Json => "JSON",
            Self::Int => "int",
            Self::Float => "float",
            Self::Bool => "bool",
            Self::Str => "str",
        }
    }

    /// The value in this type; none if it has none that means the same.
    pub(super) fn of(self, value: Value) -> Option<Value> {
        match (self, value) {
            (Self::Any, value)
            | (_, value @ Value::Null)
            | (Self::Str, value @ Value::String(_)) => Some(value),
            (Self::Int, value) => int(value),
            (Self::Float, value) => float(&value),
            (Self::Bool, value) => bool(&value),
            (Self::Str, value) => Some(Value::String(serde_json::to_string(&value).ok()?.into())),
            (Self::Json, Value::String(text)) => serde_json::from_str(&text).ok(),
            (Self::Json, value) => Some(value),
        }
    }
}

fn int(value: Value) -> Option<Value> {
    match value {
        Value::Integer(_) | Value::Unsigned(_) => Some(value),
        #[expect(clippy::cast_possible_truncation, reason = "it is whole and small enough")]
        Value::Float(x) if x.fract() == 0.0 && x.abs() <= WHOLE => Some(Value::Integer(x as i64)),
        Value::String(text) => {
            let text = text.trim();
            let signed = text.parse().ok().map(Value::Integer);
            signed.or_else(|| text.parse().ok().map(Value::Unsigned))
        }
        _ => None,
    }
}

fn float(value: &Value) -> Option<Value> {
    let x = match value {
        Value::Integer(i) => *i as f64,
        Value::Unsigned(u) => *u as f64,
        Value::Float(x) => *x,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    x.is_finite().then_some(Value::Float(x))
}

fn bool(value: &Value) -> Option<Value> {
    let yes = match value {
        Value::Bool(yes) => *yes,
        Value::Integer(1) => true,
        Value::Integer(0) => false,
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "1" => true,
            "false" | "0" => false,
            _ => return None,
        },
        _ => return None,
    };
    Some(Value::Bool(yes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kind: &str, json: &str) -> Option<String> {
        let kind: Kind = kind.parse().unwrap();
        let value = kind.of(serde_json::from_str(json).unwrap())?;
        Some(serde_json::to_string(&value).unwrap())
    }

    #[test]
    fn a_value_gets_the_type_or_is_none_of_it() {
        for (kind, json, wanted) in [
            ("int", "7", Some("7")),
            ("int", "7.0", Some("7")),
            ("int", "7.5", None),
            ("int", "1e300", None),
            ("int", r#"" -7 ""#, Some("-7")),
            ("int", r#""18446744073709551615""#, Some("18446744073709551615")),
            ("int", r#""1,000""#, None),
            ("int", "true", None),
            ("int", "null", Some("null")),
            ("float", "7", Some("7.0")),
            ("float", r#""1e3""#, Some("1000.0")),
            ("float", r#""inf""#, None),
            ("float", "[1]", None),
            ("bool", "true", Some("true")),
            ("bool", r#""False""#, Some("false")),
            ("bool", "1", Some("true")),
            ("bool", "2", None),
            ("str", "7.50", Some(r#""7.5""#)),
            ("str", r#"{"b":1,"a":[]}"#, Some(r#""{\"b\":1,\"a\":[]}""#)),
            ("str", r#""x""#, Some(r#""x""#)),
            ("json", r#""{\"a\":[1]}""#, Some(r#"{"a":[1]}"#)),
            ("json", r#""{""#, None),
            ("json", "[1]", Some("[1]")),
        ] {
            assert_eq!(of(kind, json).as_deref(), wanted, "{kind} {json}");
        }
    }
}
