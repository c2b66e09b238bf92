//! Text or bytes: what items are, and what works give back.

use serde::de::{Deserialize, Deserializer, Error as _};
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
                map.serialize_entry("base64", &to_base64(bytes))?;
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
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
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
        deserializer.deserialize_byte_buf(Visitor)
    }
}

#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Json {
    Text(Box<str>),
    Bytes { base64: String },
}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return match Json::deserialize(deserializer)? {
                Json::Text(text) => Ok(Data::Text(text)),
                Json::Bytes { base64 } => match from_base64(&base64) {
                    Some(bytes) => Ok(Data::Bytes(bytes.into())),
                    None => Err(D::Error::custom("malformed base64")),
                },
            };
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

fn to_base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let [a, b, c] = [0, 1, 2].map(|at| u32::from(group.get(at).copied().unwrap_or(0)));
        let bits = a << 16 | b << 8 | c;
        for at in 0..4 {
            let digit = ALPHABET[(bits >> (18 - 6 * at)) as usize & 63];
            text.push(if at <= group.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

fn from_base64(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=').as_bytes();
    if !text.len().is_multiple_of(4) || text.len() - digits.len() > 2 {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    for group in digits.chunks(4) {
        let mut bits = 0_u32;
        for digit in group {
            let value = ALPHABET.iter().position(|known| known == digit)?;
            bits = bits << 6 | u32::try_from(value).ok()?;
        }
        bits <<= 6 * (4 - group.len());
        bytes.extend_from_slice(&bits.to_be_bytes()[1..group.len()]);
    }
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
            assert_eq!(to_base64(bytes.as_bytes()), text);
            assert_eq!(from_base64(text).as_deref(), Some(bytes.as_bytes()));
        }
        for bad in ["Zg", "Zg=", "Z===", "Zm9v=", "Z g=", "Zm9\u{e9}"] {
            assert_eq!(from_base64(bad), None, "{bad}");
        }
    }
}
