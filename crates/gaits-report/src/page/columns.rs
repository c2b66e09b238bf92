//! Numbers packed into few bytes: LEB128, and zigzag for what may fall.
//!
//! Limit: it knows nothing of what the numbers mean; the order of columns is the timeline's.

use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::{self, Write as _};

/// One column of numbers.
#[derive(Debug, Default)]
pub(super) struct Column(Vec<u8>);

impl Column {
    /// Appends a number.
    pub(super) fn push(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        self.0.push(number.to_le_bytes()[0]);
    }

    /// Appends the step from `before` to `now`.
    pub(super) fn push_step(&mut self, before: u64, now: u64) {
        let step = now.wrapping_sub(before).cast_signed();
        self.push((step << 1 ^ step >> 63).cast_unsigned());
    }

    /// Appends bytes as they are.
    pub(super) fn push_bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }
}

/// The columns one after the other, each behind its length as a little-endian `u32`, compressed with gzip. With zlib-rs,
/// which the whole program uses, a lower level is hardly faster; the lowest is, and makes a page 40 % larger.
///
/// # Errors
/// A column has 4 GiB or more.
pub(super) fn packed(columns: Vec<Column>) -> io::Result<Vec<u8>> {
    let mut out = GzEncoder::new(Vec::new(), Compression::default());
    for Column(bytes) in columns {
        let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
        out.write_all(&length.to_le_bytes())?;
        out.write_all(&bytes)?;
    }
    out.finish()
}
