//! Brotli, kept from holding its event loop.
//!
//! A brotli decoder does not stop after a few kilobytes: it fills its whole ring buffer before it gives anything out, and
//! the stream says how large that is, up to 16 MB. A few bytes of input can cost 30 ms. So a stream starts with a decoder
//! whose ring buffer may grow to [`SMALL_RING`] only, which is enough for most pages. When a stream needs more, decoding
//! starts again from its first byte with a decoder that may have it all, and that one runs on threads of tokio's blocking
//! pool. What was given out before is dropped the second time.
//!
//! Limit: knows only brotli; the stage around it knows where its input comes from.

use super::super::blocking::{self, Running};
use super::step::Step;
use super::windows::{MIB, Window, permits};
use brotli_decompressor::{
    Allocator, BrotliDecoderErrorCode, BrotliDecompressStream, BrotliResult, BrotliState,
    StandardAlloc,
};

/// How large the ring buffer of a decoder may be that runs on the event loop. To fill it takes 0.5 ms at 500 MB/s, the
/// speed of the slowest stream (one byte, repeated).
const SMALL_RING: usize = 256 * 1024;

/// What is allocated with a ring buffer of that size: 600 bytes more.
const SMALL_ALLOCATION: usize = SMALL_RING + 4096;

/// How much input of a stream is kept to begin anew. Only a stream that hardly gives anything gets there.
const SEEN_MAX: usize = 512 * 1024;

/// How much a decoder on another thread gives at a time: enough to make the way there and back (10 µs) cheap.
const LARGE_STEP: usize = 256 * 1024;

/// How much input a decoder on another thread is given at a time.
const LARGE_INPUT: usize = 64 * 1024;

/// The base-2 logarithm of the largest window, which has 16 MB (RFC 7932, section 9.1).
const WINDOW_BITS_MAX: u32 = 24;

/// How many permits the largest window takes.
pub(super) const PERMITS_MAX: u32 = permits(16 * MIB);

type SmallState = BrotliState<SmallAlloc, StandardAlloc, StandardAlloc>;
type LargeState = BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>;

/// Refuses a ring buffer that is too large for the event loop.
#[derive(Debug, Default, Clone, Copy)]
struct SmallAlloc(StandardAlloc);

impl Allocator<u8> for SmallAlloc {
    type AllocatedMemory = <StandardAlloc as Allocator<u8>>::AllocatedMemory;

    fn alloc_cell(&mut self, len: usize) -> Self::AllocatedMemory {
        if len > SMALL_ALLOCATION {
            return Self::AllocatedMemory::default();
        }
        self.0.alloc_cell(len)
    }

    fn free_cell(&mut self, cell: Self::AllocatedMemory) {
        self.0.free_cell(cell);
    }
}

/// A decoder that runs on the event loop.
pub(super) struct Small {
    state: Box<SmallState>,
    /// All input so far.
    seen: Vec<u8>,
    /// How many bytes have been given out.
    given: u64,
}

/// What a small decoder came to.
pub(super) enum SmallStep {
    Done(Step),
    /// The stream needs a larger one, which takes its place. All input was read, and this many bytes were written.
    Outgrown(Large, usize),
}

impl Small {
    pub(super) fn new() -> Self {
        let state = SmallState::new_strict(
            SmallAlloc::default(),
            StandardAlloc::default(),
            StandardAlloc::default(),
        );
        Self { state: Box::new(state), seen: Vec::new(), given: 0 }
    }

    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<SmallStep, String> {
        match step(&mut self.state, input, output) {
            Ok(step) => {
                self.given += step.written as u64;
                // A window of this size never needs a larger buffer. It is 0 until the first byte was read.
                if matches!(self.state.window_bits, 1..=18) {
                    self.seen = Vec::new();
                } else if self.seen.len() + step.read > SEEN_MAX {
                    self.seen.extend_from_slice(input);
                    return Ok(SmallStep::Outgrown(self.outgrow(), step.written));
                } else {
                    self.seen.extend_from_slice(&input[..step.read]);
                }
                Ok(SmallStep::Done(step))
            }
            Err(written) if self.needs_more_room() => {
                self.given += written as u64;
                self.seen.extend_from_slice(input);
                Ok(SmallStep::Outgrown(self.outgrow(), written))
            }
            Err(_) => Err(INVALID.to_owned()),
        }
    }

    fn needs_more_room(&self) -> bool {
        matches!(
            self.state.error_code,
            BrotliDecoderErrorCode::BROTLI_DECODER_ERROR_ALLOC_RING_BUFFER_1
                | BrotliDecoderErrorCode::BROTLI_DECODER_ERROR_ALLOC_RING_BUFFER_2
        )
    }

    fn outgrow(&mut self) -> Large {
        let state = LargeState::new_strict(
            StandardAlloc::default(),
            StandardAlloc::default(),
            StandardAlloc::default(),
        );
        let work = Work {
            state: Box::new(state),
            input: std::mem::take(&mut self.seen),
            at: 0,
            output: Vec::new(),
            window: None,
        };
        let wanted = permits(1 << self.state.window_bits.min(WINDOW_BITS_MAX));
        Large { place: Place::Here(work), wanted, skip: self.given, full: false }
    }
}

const INVALID: &str = "the data is not valid";

/// A decoder that runs on other threads.
pub(super) struct Large {
    place: Place,
    /// How many permits its window takes.
    wanted: u32,
    /// How many bytes of its output were given out before it took over.
    skip: u64,
    /// Whether there may be more output, though all input was read.
    full: bool,
}

enum Place {
    Here(Work),
    Away(Running<(Work, Result<Step, String>)>),
    /// It failed, and is not asked again.
    Gone,
}

/// What goes to another thread and comes back.
struct Work {
    state: Box<LargeState>,
    input: Vec<u8>,
    /// How much of the input was read.
    at: usize,
    output: Vec<u8>,
    /// It goes along, since the window lives for as long as this does, though whoever waited for it has given up.
    window: Option<Window>,
}

impl Work {
    fn run(mut self) -> (Self, Result<Step, String>) {
        self.output.resize(LARGE_STEP, 0);
        let stepped = step(&mut self.state, &self.input[self.at..], &mut self.output);
        let stepped = stepped.map_err(|_written| INVALID.to_owned());
        if let Ok(step) = &stepped {
            self.at += step.read;
        }
        (self, stepped)
    }
}

impl Large {
    /// How many permits it lacks for its window.
    pub(super) const fn wanted(&self) -> u32 {
        match &self.place {
            Place::Here(work) if work.window.is_none() => self.wanted,
            _ => 0,
        }
    }

    /// It may have its window.
    pub(super) fn begin(&mut self, window: Window) {
        if let Place::Here(work) = &mut self.place {
            work.window = Some(window);
        }
    }

    /// Whether there is something to do on another thread.
    pub(super) fn has_work(&self) -> bool {
        match &self.place {
            Place::Here(work) => self.full || work.at < work.input.len(),
            Place::Away(_) => true,
            Place::Gone => false,
        }
    }

    /// Takes over some of `input`, when all that came before it was read; tells how much.
    pub(super) fn take(&mut self, input: &[u8]) -> usize {
        if self.has_work() {
            return 0;
        }
        let Place::Here(work) = &mut self.place else { return 0 };
        let taken = &input[..input.len().min(LARGE_INPUT)];
        work.at = 0;
        work.input.clear();
        work.input.extend_from_slice(taken);
        taken.len()
    }

    /// Does one step on another thread, and puts what it gave into `output`. Whoever drops this future before it is
    /// done may call again: the step is not lost.
    pub(super) async fn run(&mut self, output: &mut Vec<u8>) -> Result<LargeStep, String> {
        if let Place::Here(_) = self.place
            && let Place::Here(work) = std::mem::replace(&mut self.place, Place::Gone)
        {
            self.place = Place::Away(blocking::start(move || work.run()));
        }
        let Place::Away(job) = &mut self.place else { return Err(INVALID.to_owned()) };
        let joined = job.await;
        self.place = Place::Gone;
        let (mut work, stepped) = joined.map_err(|e| e.to_string())?;
        let step = stepped?;
        self.full = !step.ended && step.written == work.output.len();
        work.output.truncate(step.written);
        let skipped = self.skip.min(step.written as u64);
        self.skip -= skipped;
        // What is skipped is at most as long as the buffer.
        work.output.drain(..usize::try_from(skipped).unwrap_or(usize::MAX));
        std::mem::swap(output, &mut work.output);
        let left = work.input.len() - work.at;
        self.place = Place::Here(work);
        Ok(LargeStep { ended: step.ended, left })
    }
}

/// What one step of a [`Large`] came to.
pub(super) struct LargeStep {
    pub(super) ended: bool,
    /// How much of its input was not read.
    pub(super) left: usize,
}

/// One step of a decoder; an error tells how many bytes were written before it.
fn step<A: Allocator<u8>>(
    state: &mut BrotliState<A, StandardAlloc, StandardAlloc>,
    input: &[u8],
    output: &mut [u8],
) -> Result<Step, usize> {
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
        BrotliResult::ResultFailure => Err(written),
        result => Ok(Step { read, written, ended: matches!(result, BrotliResult::ResultSuccess) }),
    }
}
