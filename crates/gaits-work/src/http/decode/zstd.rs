//! Zstd, which is told apart from its window before that is allocated.
//!
//! A frame says in its first bytes how large its window is. They are looked at here before libzstd sees them, so that the frame
//! can wait for room.
//!
//! Limit: judges nothing about a frame; what is wrong with it, or too large, libzstd says.

use super::step::Step;
use super::windows::permits;
use std::io;
use zstd::stream::raw::{Decoder, Operation as _};
use zstd::zstd_safe::DParameter;

/// The base-2 logarithm of the largest window that a body may ask for: 8 MB, RFC 9659.
const WINDOW_LOG_MAX: u32 = 23;

/// How many permits the largest window takes.
pub(super) const PERMITS_MAX: u32 = permits(WINDOW_MAX);

const WINDOW_MAX: u32 = 1 << WINDOW_LOG_MAX;

/// The most bytes from the beginning of a frame to where all is said about its window.
const HEAD_MAX: usize = 17;

const MAGIC: [u8; 4] = 0xfd2f_b528_u32.to_le_bytes();

/// Decodes frames, one after the other.
pub(super) struct Zstd {
    decoder: Decoder<'static>,
    /// The first bytes of a frame, as long as libzstd has not seen them.
    head: Vec<u8>,
    /// Whether the frame has not said yet how large its window is.
    begins: bool,
    /// How many permits it lacks for its window.
    wanted: u32,
}

impl Zstd {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { decoder: decoder()?, head: Vec::new(), begins: true, wanted: 0 })
    }

    /// Gets ready for another frame.
    pub(super) fn restart(&mut self) -> io::Result<()> {
        self.begins = true;
        self.decoder.reinit()
    }

    /// How many permits it lacks for its window.
    pub(super) const fn wanted(&self) -> u32 {
        self.wanted
    }

    /// Frees the window of the frame before.
    pub(super) fn free_window(&mut self) -> io::Result<()> {
        self.decoder = decoder()?;
        Ok(())
    }

    /// It may have its window.
    pub(super) fn begin(&mut self) -> io::Result<()> {
        self.wanted = 0;
        // Not even an empty frame ends with these bytes, so nothing comes out of them.
        self.decoder.run_on_buffers(&self.head, &mut [])?;
        self.head.clear();
        Ok(())
    }

    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> io::Result<Step> {
        if self.begins {
            let before = self.head.len();
            self.head.extend(input.iter().take(HEAD_MAX - before));
            let Some((window, len)) = window(&self.head) else {
                return Ok(Step { read: self.head.len() - before, written: 0, ended: false });
            };
            self.begins = false;
            // What is too large is refused before it is allocated.
            let allowed = u32::try_from(window).ok().filter(|window| *window <= WINDOW_MAX);
            self.wanted = allowed.map_or(0, permits);
            self.head.truncate(len);
            if self.wanted > 0 || before > 0 {
                if self.wanted == 0 {
                    self.begin()?;
                }
                return Ok(Step { read: len - before, written: 0, ended: false });
            }
            // A short frame that came whole takes no window.
            self.head.clear();
        }
        let status = self.decoder.run_on_buffers(input, output)?;
        Ok(Step {
            read: status.bytes_read,
            written: status.bytes_written,
            ended: status.remaining == 0,
        })
    }
}

fn decoder() -> io::Result<Decoder<'static>> {
    let mut decoder = Decoder::new()?;
    decoder.set_parameter(DParameter::WindowLogMax(WINDOW_LOG_MAX))?;
    Ok(decoder)
}

/// How large the window of a frame is, and how many of its first bytes say so (RFC 8878, section 3.1.1.1); none if there are
/// too few. What is no frame with data has none.
fn window(frame: &[u8]) -> Option<(u64, usize)> {
    if *frame.first_chunk()? != MAGIC {
        return Some((0, 4));
    }
    let about = *frame.get(4)?;
    if about & 0x20 == 0 {
        let window = *frame.get(5)?;
        let base = 1_u64 << (10 + (window >> 3));
        return Some((base + base / 8 * u64::from(window & 7), 6));
    }
    // A single segment: its window is as long as its content, whose length stands behind the id of a dictionary.
    let at = 5 + [0, 1, 2, 4][usize::from(about & 3)];
    let len = 1 << (about >> 6);
    let mut content = [0; 8];
    content[..len].copy_from_slice(frame.get(at..at + len)?);
    let content = u64::from_le_bytes(content);
    Some((if len == 2 { content + 256 } else { content }, at + len))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    const MIB: u64 = 1 << 20;

    #[test]
    fn a_frame_says_how_large_its_window_is() {
        let frame = |size: Option<u64>, log: u32, checksum: bool| {
            let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
            encoder.window_log(log).unwrap();
            encoder.include_checksum(checksum).unwrap();
            encoder.include_contentsize(size.is_some()).unwrap();
            encoder.set_pledged_src_size(size).unwrap();
            let len = usize::try_from(size.unwrap_or(3 * MIB)).unwrap();
            encoder.write_all(&vec![7; len]).unwrap();
            encoder.finish().unwrap()
        };
        for (size, log, wanted) in [
            (None, 20, (MIB, 6)),
            (None, 23, (8 * MIB, 6)),
            (Some(3 * MIB), 20, (MIB, 6)),
            (Some(3 * MIB), 23, (3 * MIB, 9)),
            (Some(70_000), 23, (70_000, 9)),
            (Some(300), 23, (300, 7)),
            (Some(3), 23, (3, 6)),
        ] {
            for checksum in [false, true] {
                let frame = frame(size, log, checksum);
                assert_eq!(window(&frame), Some(wanted), "{size:?} {log}");
                for len in 0..wanted.1 {
                    assert_eq!(window(&frame[..len]), None, "{size:?} {log} {len}");
                }
            }
        }
        assert_eq!(window(b"no zstd"), Some((0, 4)));
    }
}
