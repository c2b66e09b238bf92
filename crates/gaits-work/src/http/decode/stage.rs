//! One coding that is being undone, a step at a time.
//!
//! Limit: a step never gives more than fits into the buffer that it is lent; who takes what comes out is decided by the
//! chain of stages.

use super::brotli::{self, Large, Small, SmallStep};
use super::codings::Coding;
use super::decode_error;
use super::step::Step;
use super::windows::Window;
use super::zstd::{self, Zstd};
use flate2::{Decompress, FlushDecompress, Status};
use gaits_core::ItemError;

/// How much one step of a decoder may write.
pub(super) const STEP: usize = 16 * 1024;

/// How much one step of a decoder may read. Input costs time even where nothing comes out of it: 4 kB of nothing but
/// brotli's code tables take 0.3 ms.
pub(super) const SLICE: usize = 4 * 1024;

/// One coding that is being undone.
pub(super) struct Stage {
    coding: Coding,
    decoder: Option<Decoder>,
    state: State,
    /// Whether there may be more output, though all input was read.
    full: bool,
    /// What was decoded and not yet taken.
    output: Vec<u8>,
    /// How much of the output was taken.
    at: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing has come: an empty body is taken for an empty one, as every client does.
    Empty,
    Running,
    /// It is complete, and may be followed by another of its kind if it is of that kind.
    Ended,
}

/// Made when the first byte comes, since each holds 10 to 200 kB.
enum Decoder {
    Inflate(Decompress),
    /// Deflate whose kind is not known yet: zlib by the standard, bare by the habit of some servers. The first two bytes
    /// tell; this is the first, if it has come.
    Deflate(Option<u8>),
    Brotli(Small),
    LargeBrotli(Large),
    Zstd(Zstd),
}

impl Stage {
    pub(super) const fn new(coding: Coding) -> Self {
        Self { coding, decoder: None, state: State::Empty, full: false, output: Vec::new(), at: 0 }
    }

    /// Whether a step would do something, though no input is left.
    pub(super) const fn is_full(&self) -> bool {
        self.full
    }

    /// Whether the next step takes room for a window, or another thread.
    pub(super) fn waits(&self) -> bool {
        match &self.decoder {
            Some(Decoder::LargeBrotli(large)) => large.has_work() && self.decoded().is_empty(),
            Some(Decoder::Zstd(zstd)) => zstd.wanted() > 0,
            _ => false,
        }
    }

    /// How many permits it lacks for the window that the next step takes.
    pub(super) fn wanted(&self) -> u32 {
        match &self.decoder {
            Some(Decoder::LargeBrotli(large)) => large.wanted(),
            Some(Decoder::Zstd(zstd)) => zstd.wanted(),
            _ => 0,
        }
    }

    /// How many permits its windows may take at most.
    pub(super) const fn most_wanted(&self) -> u32 {
        match self.coding {
            Coding::Gzip | Coding::Deflate => 0,
            Coding::Brotli => brotli::PERMITS_MAX,
            Coding::Zstd => zstd::PERMITS_MAX,
        }
    }

    /// Frees the window that it has, which is too small for what comes next.
    pub(super) fn free_window(&mut self) -> Result<(), ItemError> {
        let Some(Decoder::Zstd(zstd)) = &mut self.decoder else { return Ok(()) };
        zstd.free_window().map_err(|e| decode_error(self.coding.name(), &e))
    }

    /// It may have the window that it wants.
    pub(super) fn begin(&mut self, window: &Window) -> Result<(), ItemError> {
        match &mut self.decoder {
            Some(Decoder::LargeBrotli(large)) => large.begin(window.clone()),
            Some(Decoder::Zstd(zstd)) => {
                return zstd.begin().map_err(|e| decode_error(self.coding.name(), &e));
            }
            _ => {}
        }
        Ok(())
    }

    /// What was decoded and not yet taken.
    pub(super) fn decoded(&self) -> &[u8] {
        &self.output[self.at..]
    }

    /// The first `n` bytes of what was decoded have been taken.
    pub(super) fn taken(&mut self, n: usize) {
        self.at += n;
        if self.at == self.output.len() {
            self.output.clear();
            self.at = 0;
        }
    }

    /// Decodes some of `input` into the stage's own buffer, which has to be empty.
    pub(super) fn step_kept(&mut self, input: &[u8]) -> Result<Step, ItemError> {
        let mut output = std::mem::take(&mut self.output);
        output.resize(STEP, 0);
        let stepped = self.step(input, &mut output);
        output.truncate(stepped.as_ref().map_or(0, |step| step.written));
        self.output = output;
        self.at = 0;
        stepped
    }

    /// Decodes some of `input` into `output`.
    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, ItemError> {
        let large = matches!(self.decoder, Some(Decoder::LargeBrotli(_)));
        let input = if large { input } else { &input[..input.len().min(SLICE)] };
        if self.state == State::Ended && !input.is_empty() {
            self.restart()?;
        }
        if !input.is_empty() {
            self.state = State::Running;
        }
        let step = self.run(input, output).map_err(|e| decode_error(self.coding.name(), &e))?;
        self.full = !step.ended && step.written == output.len();
        if step.ended {
            self.state = State::Ended;
        } else if !input.is_empty() && step.read + step.written == 0 {
            return Err(decode_error(self.coding.name(), &"the decoder does not get on"));
        }
        Ok(step)
    }

    fn run(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, String> {
        let nothing = Step { read: 0, written: 0, ended: false };
        let decoder = match &mut self.decoder {
            Some(decoder) => decoder,
            None if input.is_empty() => return Ok(nothing),
            none => none.insert(Decoder::new(self.coding).map_err(|e| e.to_string())?),
        };
        match decoder {
            Decoder::Inflate(inflate) => run_inflate(inflate, input, output),
            Decoder::Deflate(first) => match (*first, input) {
                (_, []) => Ok(nothing),
                (None, [one]) => {
                    *first = Some(*one);
                    Ok(Step { read: 1, ..nothing })
                }
                (None, [one, two, ..]) => {
                    let mut inflate = Decompress::new(is_zlib(*one, *two));
                    let step = run_inflate(&mut inflate, input, output)?;
                    *decoder = Decoder::Inflate(inflate);
                    Ok(step)
                }
                (Some(one), [two, ..]) => {
                    let mut inflate = Decompress::new(is_zlib(one, *two));
                    // Two bytes are never a whole stream, so both are read.
                    let step = run_inflate(&mut inflate, &[one, *two], output)?;
                    *decoder = Decoder::Inflate(inflate);
                    Ok(Step { read: 1, ..step })
                }
            },
            Decoder::Brotli(small) => match small.step(input, output)? {
                SmallStep::Done(step) => Ok(step),
                SmallStep::Outgrown(large, written) => {
                    *decoder = Decoder::LargeBrotli(large);
                    Ok(Step { read: input.len(), written, ended: false })
                }
            },
            Decoder::LargeBrotli(large) => Ok(Step { read: large.take(input), ..nothing }),
            Decoder::Zstd(zstd) => zstd.step(input, output).map_err(|e| e.to_string()),
        }
    }

    /// Does the step that takes another thread, if there is one.
    pub(super) async fn run_on_thread(&mut self) -> Result<(), ItemError> {
        let Some(Decoder::LargeBrotli(large)) = &mut self.decoder else { return Ok(()) };
        let wrong = |e: &str| decode_error(self.coding.name(), &e);
        let step = large.run(&mut self.output).await.map_err(|e| wrong(&e))?;
        if step.ended {
            self.state = State::Ended;
            if step.left > 0 {
                return Err(wrong(GARBAGE));
            }
        }
        Ok(())
    }

    /// After the end of one: gets ready for another behind it, where the coding allows for that.
    fn restart(&mut self) -> Result<(), ItemError> {
        let ready = match &mut self.decoder {
            Some(Decoder::Inflate(inflate)) if self.coding == Coding::Gzip => {
                *inflate = Decompress::new_gzip(WINDOW_BITS);
                true
            }
            Some(Decoder::Zstd(zstd)) => zstd.restart().is_ok(),
            _ => false,
        };
        if ready { Ok(()) } else { Err(decode_error(self.coding.name(), &GARBAGE)) }
    }

    /// Whether the coding is complete.
    pub(super) fn finish(&self) -> Result<(), ItemError> {
        match self.state {
            State::Empty | State::Ended => Ok(()),
            State::Running => {
                Err(decode_error(self.coding.name(), &"the data ends before its end marker"))
            }
        }
    }
}

const GARBAGE: &str = "garbage after its end";

/// The base-2 logarithm of the only window that gzip knows: 32 kB.
const WINDOW_BITS: u8 = 15;

impl Decoder {
    fn new(coding: Coding) -> std::io::Result<Self> {
        Ok(match coding {
            Coding::Gzip => Decoder::Inflate(Decompress::new_gzip(WINDOW_BITS)),
            Coding::Deflate => Decoder::Deflate(None),
            Coding::Brotli => Decoder::Brotli(Small::new()),
            Coding::Zstd => Decoder::Zstd(Zstd::new()?),
        })
    }
}

fn run_inflate(decoder: &mut Decompress, input: &[u8], output: &mut [u8]) -> Result<Step, String> {
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
