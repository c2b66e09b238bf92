//! What a work measured: named fields that only the work itself gives a meaning.

use crate::{Blake3, Value};
use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::any::Any;
use std::borrow::Cow;
use std::fmt;

/// What a work measured of one item. A record holds it under the work's name, as an object.
///
/// A work keeps what it measures in a type of its own, which is turned into named fields only where they are needed: in
/// the sink, and on the way out of a worker process. A detail that was read from a file or came from a worker process
/// has the same fields, and no type.
#[derive(Clone)]
pub struct Detail {
    work: Cow<'static, str>,
    form: Form,
}

#[derive(Clone)]
enum Form {
    Measured(Box<dyn Measured>),
    Read(Vec<(Box<str>, Value)>),
}

/// What a work measures, in a type of its own.
pub trait Measured: Any + fmt::Debug + Send + Sync {
    /// Calls `each` with the name and the value of every field, always in the same order. Fields without a value are
    /// left out. A name holds nothing that JSON would have to escape: letters, digits, `_`.
    fn fields(&self, each: &mut dyn FnMut(&str, Field<'_>));

    /// The bytes of those fields that may have many, such as a body. Queues are bounded by them.
    fn bytes(&self) -> usize {
        0
    }

    /// A copy in a box.
    fn boxed(&self) -> Box<dyn Measured>;
}

impl Clone for Box<dyn Measured> {
    fn clone(&self) -> Self {
        (**self).boxed()
    }
}

/// The value of one field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Field<'a> {
    /// `true` or `false`
    Bool(bool),
    /// A count, or a duration in microseconds.
    Unsigned(u64),
    /// A text.
    Text(&'a str),
    /// A hash; in JSON, its hex digits.
    Hash(&'a Blake3),
    /// Anything else.
    Value(&'a Value),
}

impl Field<'_> {
    /// The same, as a value of its own.
    #[must_use]
    pub fn to_value(self) -> Value {
        match self {
            Field::Bool(b) => Value::Bool(b),
            Field::Unsigned(u) => i64::try_from(u).map_or(Value::Unsigned(u), Value::Integer),
            Field::Text(text) => Value::String(text.into()),
            Field::Hash(hash) => Value::String(hash.to_string().into()),
            Field::Value(value) => value.clone(),
        }
    }

    /// It as a count; none if it is something else.
    #[must_use]
    pub fn as_unsigned(self) -> Option<u64> {
        match self {
            Field::Unsigned(u) => Some(u),
            Field::Value(Value::Unsigned(u)) => Some(*u),
            Field::Value(Value::Integer(i)) => u64::try_from(*i).ok(),
            _ => None,
        }
    }

    /// It as a truth value; none if it is something else.
    #[must_use]
    pub fn as_bool(self) -> Option<bool> {
        match self {
            Field::Bool(b) => Some(b),
            Field::Value(Value::Bool(b)) => Some(*b),
            _ => None,
        }
    }

    /// It as a text; none if it is something else.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Field::Text(text) => Some(text),
            Field::Value(Value::String(text)) => Some(text),
            _ => None,
        }
    }
}

impl Serialize for Field<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Field::Bool(b) => serializer.serialize_bool(*b),
            Field::Unsigned(u) => serializer.serialize_u64(*u),
            Field::Text(text) => serializer.serialize_str(text),
            Field::Hash(hash) => hash.serialize(serializer),
            Field::Value(value) => value.serialize(serializer),
        }
    }
}

impl Detail {
    /// What the work called `work` has measured.
    pub fn new(work: &'static str, measured: impl Measured) -> Self {
        Self::boxed(work, Box::new(measured))
    }

    /// The same, of what is in a box already.
    #[must_use]
    pub fn boxed(work: &'static str, measured: Box<dyn Measured>) -> Self {
        Self { work: Cow::Borrowed(work), form: Form::Measured(measured) }
    }

    /// What was written about an item of the work called `work`.
    pub fn read(work: impl Into<String>, fields: Vec<(Box<str>, Value)>) -> Self {
        Self { work: Cow::Owned(work.into()), form: Form::Read(fields) }
    }

    /// The name of the work.
    #[must_use]
    pub fn work(&self) -> &str {
        &self.work
    }

    /// Whether no name needs an escape in JSON, as [`Measured`] promises.
    #[must_use]
    pub const fn has_plain_names(&self) -> bool {
        matches!(self.form, Form::Measured(_))
    }

    /// The bytes of those fields that may have many.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match &self.form {
            Form::Measured(measured) => measured.bytes(),
            Form::Read(fields) => fields.iter().map(|(_, value)| value.bytes()).sum(),
        }
    }

    /// Calls `each` with the name and the value of every field.
    pub fn fields(&self, mut each: impl FnMut(&str, Field<'_>)) {
        match &self.form {
            Form::Measured(measured) => measured.fields(&mut each),
            Form::Read(fields) => {
                for (name, value) in fields {
                    each(name, Field::Value(value));
                }
            }
        }
    }

    /// The field called `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Value> {
        let mut found = None;
        self.fields(|field, value| {
            if field == name {
                found = Some(value.to_value());
            }
        });
        found
    }

    /// What was measured, in the type of its work; none where it was read back.
    #[must_use]
    pub fn downcast_ref<T: Measured>(&self) -> Option<&T> {
        match &self.form {
            Form::Measured(measured) => {
                let any: &dyn Any = &**measured;
                any.downcast_ref()
            }
            Form::Read(_) => None,
        }
    }

    pub(crate) fn values(&self) -> Vec<(Box<str>, Value)> {
        let mut values = Vec::new();
        self.fields(|name, value| values.push((name.into(), value.to_value())));
        values
    }
}

#[expect(clippy::missing_fields_in_debug, reason = "the fields are those that were measured")]
impl fmt::Debug for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct(&self.work);
        self.fields(|name, value| {
            out.field(name, &value);
        });
        out.finish()
    }
}

/// Two details are the same if all their fields are.
impl PartialEq for Detail {
    fn eq(&self, other: &Self) -> bool {
        self.work == other.work && self.values() == other.values()
    }
}

/// Writes the fields as an object.
pub(crate) struct Fields<'a>(pub(crate) &'a Detail);

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let mut result = Ok(());
        self.0.fields(|name, value| {
            if result.is_ok() {
                result = map.serialize_entry(name, &value);
            }
        });
        result?;
        map.end()
    }
}

/// For formats that do not describe themselves; in JSON, the record writes the name as a key.
impl Serialize for Detail {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (&*self.work, self.values()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Detail {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (work, fields): (String, Vec<(Box<str>, Value)>) =
            Deserialize::deserialize(deserializer)?;
        Ok(Detail::read(work, fields))
    }
}
