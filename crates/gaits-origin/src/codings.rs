//! Content codings: compresses whole texts, and makes gzip streams of any number of zeros without compressing them all.
//! It decodes nothing.

use std::io::{self, Read as _, Write as _};

use bytes::Bytes;
use flate2::{Compression, Crc};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

/// A content coding of RFC 9110, 8.4.1, RFC 7932 or RFC 8878.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

impl Coding {
    pub(crate) const ALL: [Self; 4] = [Self::Gzip, Self::Deflate, Self::Brotli, Self::Zstd];

    /// Its name in `Content-Encoding`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
        }
    }

    pub(crate) fn encode(self, content: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Self::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Compression::default());
                encoder.write_all(content)?;
                encoder.finish()
            }
            // RFC 9110, 8.4.1.2: the coding called "deflate" is the zlib format.
            Self::Deflate => {
                let mut encoder =
                    flate2::write::ZlibEncoder::new(Vec::new(), Compression::default());
                encoder.write_all(content)?;
                encoder.finish()
            }
            Self::Brotli => {
                let mut encoded = Vec::new();
                brotli::CompressorReader::new(content, 64 * 1024, 5, 22)
                    .read_to_end(&mut encoded)?;
                Ok(encoded)
            }
            Self::Zstd => Ok(compress_to_vec(content, CompressionLevel::Fastest)),
        }
    }
}

/// A gzip stream: `head`, then `block` so many times, then `tail`.
#[derive(Debug)]
pub(crate) struct Gzip {
    pub(crate) head: Bytes,
    pub(crate) block: Bytes,
    pub(crate) blocks: u64,
    pub(crate) tail: Bytes,
}

/// Zeros in one block of [`gzip_zeros`].
const BLOCK: usize = 1 << 20;

/// A gzip stream that decodes to so many zeros, about a thousand times as many as it has bytes.
pub(crate) fn gzip_zeros(count: u64) -> io::Result<Gzip> {
    let zeros = vec![0; BLOCK];
    let rest = usize::try_from(count % BLOCK as u64).unwrap_or(0);
    let blocks = count / BLOCK as u64;

    // What a new encoder writes up to a flush refers to nothing before it and ends at a whole byte (RFC 1951, 3.2.4), so
    // it can be sent over and over.
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&zeros)?;
    encoder.flush()?;
    let block = encoder.get_ref().clone();
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&zeros[..rest])?;
    let mut tail = encoder.finish()?;

    // The check sum of twice as many blocks follows from that of the half: no need to go through them.
    let mut power = Crc::new();
    power.update(&zeros);
    let mut sum = Crc::new();
    let mut left = blocks;
    while left > 0 {
        if left & 1 == 1 {
            sum.combine(&power);
        }
        left >>= 1;
        let mut double = Crc::new();
        double.combine(&power);
        double.combine(&power);
        power = double;
    }
    sum.update(&zeros[..rest]);
    tail.extend(sum.sum().to_le_bytes());
    // RFC 1952, 2.3.1: the size modulo 2^32.
    tail.extend(&count.to_le_bytes()[..4]);
    // Magic number, method "deflate", no flags, no time, most compression, unknown system.
    let head = Bytes::from_static(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 0xff]);
    Ok(Gzip { head, block: block.into(), blocks, tail: tail.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_zeros_decode_to_zeros() {
        let block = BLOCK as u64;
        for count in [0, 1, 5, block - 1, block, block + 1, 2 * block, 7 * block + 12_345] {
            let Gzip { head, block, blocks, tail } = gzip_zeros(count).unwrap();
            let mut stream = head.to_vec();
            for _ in 0..blocks {
                stream.extend(&block);
            }
            stream.extend(tail);
            let mut decoded = Vec::new();
            // It compares the check sum and the size as well.
            flate2::read::GzDecoder::new(&*stream).read_to_end(&mut decoded).unwrap();
            assert_eq!(decoded.len() as u64, count);
            assert!(decoded.iter().all(|&byte| byte == 0));
        }
        let huge = gzip_zeros(1 << 40).unwrap();
        assert!(huge.block.len() < 2_000 && huge.blocks == 1 << 20);
    }
}
