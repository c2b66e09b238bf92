//! What each work measures.

use serde::de::{Deserializer, Error as _};
use serde::ser::{SerializeStruct, Serializer};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What the work measured, one variant a work; a record holds it under the work's name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Detail {
    /// Nothing was measured: no worker saw the item, or the work panicked.
    None,
    /// By `http`.
    Http(Box<HttpDetail>),
    /// By `cpu`.
    Cpu(CpuDetail),
    /// By `wait`.
    Wait(WaitDetail),
}

/// What `http` measures. Phases are durations in microseconds; a phase that did not take place is 0. Of redirected
/// requests they are the sums.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct HttpDetail {
    /// The response's status; none when no response came.
    pub status: Option<u16>,
    /// The protocol it came over.
    pub version: Option<HttpVersion>,
    /// The URL that gave the response, after redirects.
    pub url: Box<str>,
    /// How many redirects were followed.
    pub redirects: u8,
    /// Bytes of body received, before decoding.
    pub bytes: u64,
    /// Bytes of body after its content codings were undone.
    pub decoded_bytes: u64,
    /// Hash of the decoded body; none when it did not arrive whole.
    pub blake3: Option<Blake3>,
    /// Whether the connection had served a request before.
    pub reused: bool,
    /// Resolving the host's name.
    pub dns_us: u64,
    /// Establishing the TCP connection.
    pub connect_us: u64,
    /// The TLS handshake.
    pub tls_us: u64,
    /// From the request's first byte out to the response's head in.
    pub first_byte_us: u64,
    /// From the response's head to the end of its body.
    pub body_us: u64,
}

impl Serialize for HttpDetail {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let brief = serializer.is_human_readable();
        let mut out = serializer.serialize_struct("HttpDetail", 13)?;
        super::form::optional(&mut out, brief, "status", self.status.as_ref())?;
        super::form::optional(&mut out, brief, "version", self.version.as_ref())?;
        out.serialize_field("url", &self.url)?;
        out.serialize_field("redirects", &self.redirects)?;
        out.serialize_field("bytes", &self.bytes)?;
        out.serialize_field("decoded_bytes", &self.decoded_bytes)?;
        super::form::optional(&mut out, brief, "blake3", self.blake3.as_ref())?;
        out.serialize_field("reused", &self.reused)?;
        out.serialize_field("dns_us", &self.dns_us)?;
        out.serialize_field("connect_us", &self.connect_us)?;
        out.serialize_field("tls_us", &self.tls_us)?;
        out.serialize_field("first_byte_us", &self.first_byte_us)?;
        out.serialize_field("body_us", &self.body_us)?;
        out.end()
    }
}

/// A version of HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum HttpVersion {
    /// HTTP/1.0
    #[serde(rename = "HTTP/1.0")]
    Http10,
    /// HTTP/1.1
    #[serde(rename = "HTTP/1.1")]
    Http11,
    /// HTTP/2
    #[serde(rename = "HTTP/2")]
    Http2,
}

/// A BLAKE3 hash of 256 bits: lower-case hex digits in JSON.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Blake3(pub [u8; 32]);

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
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return Err(D::Error::custom("a BLAKE3 hash has 64 hex digits"));
        }
        for (byte, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
            *byte = u8::from_str_radix(&text[at..at + 2], 16).map_err(D::Error::custom)?;
        }
        Ok(Blake3(bytes))
    }
}

/// Writes `bytes` as hex digits into `digits`, without allocating: it is done once for every record.
fn hex<'a>(bytes: &[u8; 32], digits: &'a mut [u8; 64]) -> &'a str {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
        pair[0] = HEX[usize::from(byte >> 4)];
        pair[1] = HEX[usize::from(byte & 15)];
    }
    std::str::from_utf8(digits).unwrap_or_default()
}

/// What `cpu` measures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CpuDetail {
    /// Bit length of the result.
    pub bits: u64,
    /// SHA-256 of the result's big-endian bytes, without leading zeros, in hex digits: what
    /// `hashlib.sha256(r.to_bytes((r.bit_length() + 7) // 8, 'big')).hexdigest()` gives in Python.
    pub sha256: Box<str>,
}

/// What `wait` measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitDetail {
    /// How long it was asked to wait, in microseconds.
    pub asked_us: u64,
}
