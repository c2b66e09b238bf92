//! Hashes in records.

use serde::de::{Deserializer, Error as _};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A BLAKE3 hash of 256 bits: lower-case hex digits in JSON.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Blake3(pub [u8; 32]);

impl Blake3 {
    /// Lends its hex digits, which takes no memory.
    pub fn with_hex<T>(&self, with: impl FnOnce(&str) -> T) -> T {
        with(hex(&self.0, &mut [0; 64]))
    }
}

impl fmt::Display for Blake3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(hex(&self.0, &mut [0; 64]))
    }
}

impl fmt::Debug for Blake3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text is not the hex digits of a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAHash;

impl fmt::Display for NotAHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a BLAKE3 hash has 64 hex digits")
    }
}

impl std::error::Error for NotAHash {}

impl FromStr for Blake3 {
    type Err = NotAHash;

    fn from_str(text: &str) -> Result<Self, NotAHash> {
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(NotAHash);
        }
        for (byte, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
            *byte = u8::from_str_radix(&text[at..at + 2], 16).unwrap_or_default();
        }
        Ok(Blake3(bytes))
    }
}

impl Serialize for Blake3 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(hex(&self.0, &mut [0; 64]))
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Blake3 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return <[u8; 32]>::deserialize(deserializer).map(Blake3);
        }
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// Writes `bytes` as hex digits into `digits`, without allocating: it is done once for every record. The eight digits of four
/// bytes are made together, in the bytes of a word: no table is looked into.
fn hex<'a>(bytes: &[u8; 32], digits: &'a mut [u8; 64]) -> &'a str {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let (eights, _) = digits.as_chunks_mut::<8>();
    let (fours, _) = bytes.as_chunks::<4>();
    for (eight, four) in eights.iter_mut().zip(fours) {
        // The four bytes are spread to the places 0, 2, 4 and 6. The upper half of each stays there; its lower half goes to the
        // next place.
        let wide = u64::from(u32::from_le_bytes(*four));
        let wide = (wide | wide << 16) & 0x0000_ffff_0000_ffff;
        let wide = (wide | wide << 8) & 0x00ff_00ff_00ff_00ff;
        let halves = (wide >> 4 | wide << 8) & (ONES * 15);
        // 1 in the byte of each digit beyond 9: with 6 more it has a fifth bit.
        let letters = (halves + ONES * 6) >> 4 & ONES;
        let to_letter = u64::from(b'a' - b'9' - 1);
        *eight = (halves + ONES * u64::from(b'0') + letters * to_letter).to_le_bytes();
    }
    std::str::from_utf8(digits).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_its_two_digits() {
        let all: Vec<u8> = (0..=255).collect();
        for bytes in all.as_chunks::<32>().0 {
            let digits: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(Blake3(*bytes).to_string(), digits.concat());
            assert_eq!(digits.concat().parse(), Ok(Blake3(*bytes)));
        }
    }
}
