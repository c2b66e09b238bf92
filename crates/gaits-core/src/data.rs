//! Text or bytes: what items are, and what works give back.

use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::fmt;

/// Text, or bytes that are none.
///
/// In JSON, text is a string, and bytes are an object with one field: `{"base64":"…"}`, the standard alphabet of RFC 4648
/// with padding.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Data {
    /// Text.
    Text(Box<str>),
    /// Bytes.
    Bytes(Box<[u8]>),
}

/// The text, or how many bytes there are.
impl fmt::Display for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Data::Text(text) => f.write_str(text),
            Data::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
        }
    }
}

impl Data {
    /// The text, if it is text.
    #[must_use]
    pub const fn as_text(&self) -> Option<&str> {
        match self {
            Data::Text(text) => Some(text),
            Data::Bytes(_) => None,
        }
    }

    /// The bytes; those of a text are its UTF-8.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        match self {
            Data::Text(text) => text.as_bytes(),
            Data::Bytes(bytes) => bytes,
        }
    }

    /// How many bytes it has.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// Whether it has none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl fmt::Debug for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Data::Text(text) => fmt::Debug::fmt(text, f),
            Data::Bytes(bytes) => write!(f, "b\"{}\"", bytes.escape_ascii()),
        }
    }
}

impl<T: Into<Box<str>>> From<T> for Data {
    fn from(text: T) -> Self {
        Data::Text(text.into())
    }
}

impl PartialEq<str> for Data {
    fn eq(&self, text: &str) -> bool {
        self.as_text() == Some(text)
    }
}

impl Serialize for Data {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            let is_text = self.as_text().is_some();
            return (is_text, Raw(self.as_bytes())).serialize(serializer);
        }
        match self {
            Data::Text(text) => serializer.serialize_str(text),
            Data::Bytes(bytes) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("base64", &Base64(bytes))?;
                map.end()
            }
        }
    }
}

/// Bytes that are written as such, and not one by one.
struct Raw<'a>(&'a [u8]);

impl Serialize for Raw<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

struct RawBuf(Vec<u8>);

impl<'de> Deserialize<'de> for RawBuf {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct BytesVisitor;
        impl serde::de::Visitor<'_> for BytesVisitor {
            type Value = RawBuf;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<RawBuf, E> {
                Ok(RawBuf(bytes.to_vec()))
            }

            fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<RawBuf, E> {
                Ok(RawBuf(bytes))
            }
        }
        deserializer.deserialize_byte_buf(BytesVisitor)
    }
}

/// Takes texts as they are handed over: they may be long, and are not copied.
struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Data;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, or an object with the field `base64`")
    }

    fn visit_str<E>(self, text: &str) -> Result<Data, E> {
        Ok(Data::Text(text.into()))
    }

    fn visit_string<E>(self, text: String) -> Result<Data, E> {
        Ok(Data::Text(text.into()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Data, A::Error> {
        let mut bytes = None;
        while let Some(name) = map.next_key::<String>()? {
            if name == "base64" {
                let decoded = from_base64(map.next_value::<String>()?);
                let malformed = || A::Error::custom("malformed base64");
                bytes = Some(decoded.ok_or_else(malformed)?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        let missing = || A::Error::missing_field("base64");
        Ok(Data::Bytes(bytes.ok_or_else(missing)?.into()))
    }
}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return deserializer.deserialize_any(JsonVisitor);
        }
        let (is_text, RawBuf(bytes)) = Deserialize::deserialize(deserializer)?;
        if is_text {
            String::from_utf8(bytes).map(Data::from).map_err(D::Error::custom)
        } else {
            Ok(Data::Bytes(bytes.into()))
        }
    }
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Bytes that are written in base64 piece by piece: the whole text may be long.
struct Base64<'a>(&'a [u8]);

impl fmt::Display for Base64<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Of a length that needs no padding.
        let mut piece = String::with_capacity(4096);
        for bytes in self.0.chunks(3072) {
            piece.clear();
            push_base64(&mut piece, bytes);
            f.write_str(&piece)?;
        }
        Ok(())
    }
}

impl Serialize for Base64<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

fn push_base64(text: &mut String, bytes: &[u8]) {
    for group in bytes.chunks(3) {
        let [a, b, c] = [0, 1, 2].map(|at| u32::from(group.get(at).copied().unwrap_or(0)));
        let bits = a << 16 | b << 8 | c;
        for at in 0..4 {
            let digit = ALPHABET[(bits >> (18 - 6 * at)) as usize & 63];
            text.push(if at <= group.len() { char::from(digit) } else { '=' });
        }
    }
}

/// The bytes that a text in base64 stands for. They take its place in memory.
fn from_base64(text: String) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=').len();
    if !text.len().is_multiple_of(4) || text.len() - digits > 2 {
        return None;
    }
    let mut bytes = text.into_bytes();
    let mut written = 0;
    for begin in (0..digits).step_by(4) {
        let end = digits.min(begin + 4);
        let mut bits = 0_u32;
        for digit in &bytes[begin..end] {
            let value = ALPHABET.iter().position(|known| known == digit)?;
            bits = bits << 6 | u32::try_from(value).ok()?;
        }
        bits <<= 6 * (4 - (end - begin));
        let count = end - begin - 1;
        // What is written stands in front of what is still to be read.
        bytes[written..written + count].copy_from_slice(&bits.to_be_bytes()[1..=count]);
        written += count;
    }
    bytes.truncate(written);
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_written_as_the_standard_has_it() {
        // RFC 4648, section 10.
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(Base64(bytes.as_bytes()).to_string(), text);
            assert_eq!(from_base64(text.to_owned()).as_deref(), Some(bytes.as_bytes()));
        }
        for bad in ["Zg", "Zg=", "Z===", "Zm9v=", "Z g=", "Zm9\u{e9}"] {
            assert_eq!(from_base64(bad.to_owned()), None, "{bad}");
        }
    }

    #[test]
    fn bytes_of_any_length_come_back() {
        for len in (0..8).chain(3070..3075).chain([10_000]) {
            let bytes: Vec<u8> = (0..=255).cycle().skip(100).take(len).collect();
            let text = Base64(&bytes).to_string();
            assert_eq!(text.len(), len.div_ceil(3) * 4);
            assert_eq!(from_base64(text), Some(bytes));
        }
    }
}
