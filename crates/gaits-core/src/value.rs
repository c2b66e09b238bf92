//! A JSON value that can also travel in a format that does not describe itself.

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use std::fmt;

/// A JSON value, as taken from an answer by `--extract`.
///
/// In a human-readable format it is written as the value itself; in a binary one, variant by variant. Objects keep
/// the order of their keys.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// An integer that fits an `i64`.
    Integer(i64),
    /// An integer above `i64::MAX`.
    Unsigned(u64),
    /// Any other number.
    Float(f64),
    /// A string.
    String(Box<str>),
    /// An array.
    Array(Vec<Value>),
    /// An object, in the order of its keys in the answer.
    Object(Vec<(Box<str>, Value)>),
}

impl Value {
    /// The bytes of memory that it holds beside itself, or a few more or less.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let of = |inner: &Value| size_of::<Value>() + inner.bytes();
        match self {
            Value::String(text) => text.len(),
            Value::Array(values) => values.iter().map(of).sum(),
            Value::Object(fields) => {
                fields.iter().map(|(name, value)| name.len() + of(value)).sum()
            }
            _ => 0,
        }
    }
}

impl From<u64> for Value {
    fn from(u: u64) -> Self {
        i64::try_from(u).map_or(Value::Unsigned(u), Value::Integer)
    }
}

impl From<u32> for Value {
    fn from(u: u32) -> Self {
        Value::Integer(u.into())
    }
}

impl From<u8> for Value {
    fn from(u: u8) -> Self {
        Value::Integer(u.into())
    }
}

/// The same, for formats that do not describe themselves.
#[derive(serde::Serialize)]
enum WireRef<'a> {
    Null,
    Bool(bool),
    Integer(i64),
    Unsigned(u64),
    Float(f64),
    String(&'a str),
    Array(&'a [Value]),
    Object(&'a [(Box<str>, Value)]),
}

#[derive(serde::Deserialize)]
enum Wire {
    Null,
    Bool(bool),
    Integer(i64),
    Unsigned(u64),
    Float(f64),
    String(Box<str>),
    Array(Vec<Value>),
    Object(Vec<(Box<str>, Value)>),
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            return match self {
                Value::Null => WireRef::Null,
                Value::Bool(b) => WireRef::Bool(*b),
                Value::Integer(i) => WireRef::Integer(*i),
                Value::Unsigned(u) => WireRef::Unsigned(*u),
                Value::Float(x) => WireRef::Float(*x),
                Value::String(s) => WireRef::String(s),
                Value::Array(a) => WireRef::Array(a),
                Value::Object(o) => WireRef::Object(o),
            }
            .serialize(serializer);
        }
        match self {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(b) => serializer.serialize_bool(*b),
            Value::Integer(i) => serializer.serialize_i64(*i),
            Value::Unsigned(u) => serializer.serialize_u64(*u),
            Value::Float(x) => serializer.serialize_f64(*x),
            Value::String(s) => serializer.serialize_str(s),
            Value::Array(a) => serializer.collect_seq(a),
            Value::Object(o) => serializer.collect_map(o.iter().map(|(k, v)| (k, v))),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return deserializer.deserialize_any(JsonVisitor);
        }
        Ok(match Wire::deserialize(deserializer)? {
            Wire::Null => Value::Null,
            Wire::Bool(b) => Value::Bool(b),
            Wire::Integer(i) => Value::Integer(i),
            Wire::Unsigned(u) => Value::Unsigned(u),
            Wire::Float(x) => Value::Float(x),
            Wire::String(s) => Value::String(s),
            Wire::Array(a) => Value::Array(a),
            Wire::Object(o) => Value::Object(o),
        })
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, b: bool) -> Result<Value, E> {
        Ok(Value::Bool(b))
    }

    fn visit_i64<E>(self, i: i64) -> Result<Value, E> {
        Ok(Value::Integer(i))
    }

    fn visit_u64<E>(self, u: u64) -> Result<Value, E> {
        Ok(i64::try_from(u).map_or(Value::Unsigned(u), Value::Integer))
    }

    fn visit_f64<E: serde::de::Error>(self, x: f64) -> Result<Value, E> {
        if x.is_finite() {
            Ok(Value::Float(x))
        } else {
            Err(E::custom("a number that is not finite"))
        }
    }

    fn visit_str<E>(self, s: &str) -> Result<Value, E> {
        Ok(Value::String(s.into()))
    }

    fn visit_string<E>(self, s: String) -> Result<Value, E> {
        Ok(Value::String(s.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Value::Object(fields))
    }

    fn visit_bytes<E: serde::de::Error>(self, _: &[u8]) -> Result<Value, E> {
        Err(E::custom("bytes where a JSON value was expected"))
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer).map_err(D::Error::custom)
    }
}
