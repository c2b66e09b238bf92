//! Undoes content codings as the body comes in, counts and hashes what comes out.
//!
//! Limit: holds one buffer per coding, whatever the body's size; keeps the body only where it is asked to.

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, StandardAlloc};
use flate2::{Decompress, FlushDecompress, Status};
use gaits_core::{Blake3, ErrorKind, ItemError};
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use std::fmt::Display;
use zstd::stream::raw::Operation as _;

/// What is sent as `accept-encoding`.
pub(super) const ACCEPTED: &str = "gzip, br, zstd, deflate";

/// More codings than anybody has a use for, one upon the other, are an attack.
const MAX_CODINGS: usize = 4;

/// Room for what one step of a decoder gives.
const STEP: usize = 16 * 1024;

/// The base-2 logarithm of the largest window that a zstd body may ask for: 8 MB, RFC 9659.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;

/// Takes a body in and tells its length and hash.
pub(super) struct Decoder<'h> {
    /// In the order in which they are undone.
    stages: Vec<Stage>,
    digest: Digest<'h>,
}

/// What is known of the decoded body.
struct Digest<'h> {
    /// Lent, since it is 2 kB large: one serves all bodies of a session.
    hasher: &'h mut blake3::Hasher,
    len: u64,
    max_len: u64,
    kept: Option<Vec<u8>>,
}

impl<'h> Decoder<'h> {
    /// For a body with these `headers`, of which at most `max_len` decoded bytes are taken; with `keep`, they are
    /// kept. `hasher` is begun anew.
    pub(super) fn new(
        headers: &HeaderMap,
        max_len: u64,
        keep: bool,
        hasher: &'h mut blake3::Hasher,
    ) -> Result<Self, ItemError> {
        let mut stages = Vec::new();
        for value in headers.get_all(CONTENT_ENCODING) {
            let text = value.to_str().map_err(|e| decode_error("the content-encoding", &e))?;
            for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
                if !name.eq_ignore_ascii_case("identity") {
                    stages.push(Stage::new(name)?);
                }
            }
        }
        if stages.len() > MAX_CODINGS {
            let message = format!("{} content codings, one upon the other", stages.len());
            return Err(ItemError::new(ErrorKind::Decode, message));
        }
        stages.reverse();
        hasher.reset();
        let digest = Digest { hasher, len: 0, max_len, kept: keep.then(Vec::new) };
        Ok(Self { stages, digest })
    }

    /// Whether the decoded body is what comes over the wire.
    pub(super) fn is_identity(&self) -> bool {
        self.stages.is_empty()
    }

    /// Takes the next bytes of the body.
    pub(super) fn push(&mut self, chunk: &[u8]) -> Result<(), ItemError> {
        push(&mut self.stages, chunk, &mut self.digest)
    }

    /// The body is at its end: are all of its codings?
    pub(super) fn finish(&self) -> Result<(), ItemError> {
        self.stages.iter().try_for_each(Stage::finish)
    }

    pub(super) const fn decoded_len(&self) -> u64 {
        self.digest.len
    }

    pub(super) fn hash(&self) -> Blake3 {
        Blake3(*self.digest.hasher.finalize().as_bytes())
    }

    /// The body, if it was kept.
    pub(super) fn kept(&self) -> Option<&[u8]> {
        self.digest.kept.as_deref()
    }
}

fn push(stages: &mut [Stage], input: &[u8], digest: &mut Digest<'_>) -> Result<(), ItemError> {
    let Some((stage, rest)) = stages.split_first_mut() else {
        return digest.push(input);
    };
    let mut buffer = std::mem::take(&mut stage.buffer);
    buffer.resize(STEP, 0);
    let pushed = stage.run(input, &mut buffer, &mut |decoded| push(rest, decoded, digest));
    stage.buffer = buffer;
    pushed
}

impl Digest<'_> {
    fn push(&mut self, decoded: &[u8]) -> Result<(), ItemError> {
        self.len += decoded.len() as u64;
        if self.len > self.max_len {
            return Err(too_large(self.max_len));
        }
        self.hasher.update(decoded);
        if let Some(kept) = &mut self.kept {
            kept.extend_from_slice(decoded);
        }
        Ok(())
    }
}

/// The body is larger than `max_len` decoded bytes.
pub(super) fn too_large(max_len: u64) -> ItemError {
    ItemError::new(ErrorKind::TooLarge, format!("the decoded body is larger than {max_len} bytes"))
}

fn decode_error(what: &str, e: &dyn Display) -> ItemError {
    ItemError::new(ErrorKind::Decode, format!("cannot decode {what}: {e}"))
}

/// One coding that is being undone.
struct Stage {
    name: &'static str,
    coding: Coding,
    state: State,
    buffer: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing has come: an empty body is taken for an empty one, as every client does.
    Empty,
    Running,
    /// It is complete, and may be followed by another of its kind if it is of that kind.
    Ended,
}

enum Coding {
    Gzip(Decompress),
    /// Zlib by the standard, bare by the habit of some servers: the first two bytes tell.
    Deflate {
        first: Option<u8>,
        inflate: Option<Decompress>,
    },
    Brotli(Box<BrotliState>),
    Zstd(zstd::stream::raw::Decoder<'static>),
}

type BrotliState = brotli_decompressor::BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>;

/// What one step of a decoder did.
struct Step {
    read: usize,
    written: usize,
    ended: bool,
}

impl Stage {
    fn new(name: &str) -> Result<Self, ItemError> {
        let name = name.to_ascii_lowercase();
        let (name, coding) = match name.as_str() {
            "gzip" | "x-gzip" => ("gzip", Coding::Gzip(Decompress::new_gzip(15))),
            "deflate" => ("deflate", Coding::Deflate { first: None, inflate: None }),
            "br" => {
                let alloc = StandardAlloc::default;
                ("br", Coding::Brotli(Box::new(BrotliState::new_strict(alloc(), alloc(), alloc()))))
            }
            "zstd" => {
                let mut decoder =
                    zstd::stream::raw::Decoder::new().map_err(|e| decode_error("zstd", &e))?;
                decoder
                    .set_parameter(zstd::zstd_safe::DParameter::WindowLogMax(ZSTD_WINDOW_LOG_MAX))
                    .map_err(|e| decode_error("zstd", &e))?;
                ("zstd", Coding::Zstd(decoder))
            }
            _ => {
                let message = format!("unknown content coding {name:?}; {ACCEPTED} are known");
                return Err(ItemError::new(ErrorKind::Decode, message));
            }
        };
        Ok(Self { name, coding, state: State::Empty, buffer: Vec::new() })
    }

    /// Undoes the coding of `input`, handing what comes out to `out`, a piece at a time.
    fn run(
        &mut self,
        mut input: &[u8],
        buffer: &mut [u8],
        out: &mut dyn FnMut(&[u8]) -> Result<(), ItemError>,
    ) -> Result<(), ItemError> {
        while !input.is_empty() {
            if self.state == State::Ended && !self.coding.restart() {
                return Err(decode_error(self.name, &"garbage after its end"));
            }
            self.state = State::Running;
            // A full buffer may have more behind it, though all input was read.
            loop {
                let step =
                    self.coding.step(input, buffer).map_err(|e| decode_error(self.name, &e))?;
                input = &input[step.read..];
                out(&buffer[..step.written])?;
                if step.ended {
                    self.state = State::Ended;
                    break;
                }
                if step.written < buffer.len()
                    && (input.is_empty() || step.read + step.written == 0)
                {
                    if !input.is_empty() {
                        return Err(decode_error(self.name, &"the decoder does not get on"));
                    }
                    break;
                }
            }
        }
        Ok(())
    }

    fn finish(&self) -> Result<(), ItemError> {
        match self.state {
            State::Empty | State::Ended => Ok(()),
            State::Running => Err(decode_error(self.name, &"the data ends before its end marker")),
        }
    }
}

impl Coding {
    /// After the end of one: gets ready for another behind it, where the coding allows for that.
    fn restart(&mut self) -> bool {
        match self {
            Coding::Gzip(inflate) => {
                *inflate = Decompress::new_gzip(15);
                true
            }
            Coding::Zstd(decoder) => decoder.reinit().is_ok(),
            Coding::Deflate { .. } | Coding::Brotli(_) => false,
        }
    }

    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, String> {
        match self {
            Coding::Gzip(decoder) => inflate(decoder, input, output),
            Coding::Deflate { first, inflate: decoder } => {
                match (&mut *decoder, &mut *first, input) {
                    (Some(decoder), ..) => inflate(decoder, input, output),
                    (None, _, []) => Ok(Step { read: 0, written: 0, ended: false }),
                    (None, None, [one]) => {
                        *first = Some(*one);
                        Ok(Step { read: 1, written: 0, ended: false })
                    }
                    (None, None, [one, two, ..]) => {
                        let decoder = decoder.insert(Decompress::new(is_zlib(*one, *two)));
                        inflate(decoder, input, output)
                    }
                    (None, Some(one), [two, ..]) => {
                        let decoder = decoder.insert(Decompress::new(is_zlib(*one, *two)));
                        // Two bytes are never a whole stream, so both are read.
                        let step = inflate(decoder, &[*one, *two], output)?;
                        Ok(Step { read: 1, ..step })
                    }
                }
            }
            Coding::Brotli(state) => {
                let (mut available_in, mut read) = (input.len(), 0);
                let (mut available_out, mut written, mut total) = (output.len(), 0, 0);
                let result = BrotliDecompressStream(
                    &mut available_in,
                    &mut read,
                    input,
                    &mut available_out,
                    &mut written,
                    output,
                    &mut total,
                    state,
                );
                match result {
                    BrotliResult::ResultFailure => Err("the data is not valid".to_owned()),
                    result => {
                        let ended = matches!(result, BrotliResult::ResultSuccess);
                        Ok(Step { read, written, ended })
                    }
                }
            }
            Coding::Zstd(decoder) => {
                let status = decoder.run_on_buffers(input, output).map_err(|e| e.to_string())?;
                Ok(Step {
                    read: status.bytes_read,
                    written: status.bytes_written,
                    ended: status.remaining == 0,
                })
            }
        }
    }
}

fn inflate(decoder: &mut Decompress, input: &[u8], output: &mut [u8]) -> Result<Step, String> {
    let (read, written) = (decoder.total_in(), decoder.total_out());
    let status = match decoder.decompress(input, output, FlushDecompress::None) {
        Ok(status) => status,
        Err(e) => return Err(e.message().map_or_else(|| e.to_string(), str::to_owned)),
    };
    // Both differences are at most the lengths of slices.
    let done = |now: u64, before: u64| usize::try_from(now - before).unwrap_or(usize::MAX);
    Ok(Step {
        read: done(decoder.total_in(), read),
        written: done(decoder.total_out(), written),
        ended: status == Status::StreamEnd,
    })
}

/// RFC 1950: the method is 8, and the two bytes are a multiple of 31.
fn is_zlib(one: u8, two: u8) -> bool {
    one & 0x0f == 8 && u16::from_be_bytes([one, two]).is_multiple_of(31)
}
