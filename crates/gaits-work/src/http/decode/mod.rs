//! Undoes the codings of a body as it comes in, counts and hashes what comes out.
//!
//! It works in steps with a budget, so that its caller can give the event loop back between them: a server that sends
//! 1 MB which decodes to 1 GB would otherwise hold the loop for a second. The caller does this:
//!
//! ```text
//! loop {
//!     let pushed = decoder.push(rest, budget)?;
//!     rest = &rest[pushed.used..];
//!     budget = budget.saturating_sub(pushed.work);
//!     if !pushed.more { break }
//!     decoder.pause().await?;
//!     budget = BUDGET;
//! }
//! ```
//!
//! What is left of the budget is for the next push: a server may send its body in any number of pieces, each of which
//! decodes to as much as a budget allows.
//!
//! What a body in flight holds: nothing without a coding; 50 kB for gzip and deflate; for zstd 0.4 MB and its window, at
//! most 8 MB (RFC 9659); for brotli 1.2 MB of tables at most and its window, which is at most 16 MB and while it grows half
//! as much again, and 0.6 MB of buffers once it runs on another thread. A short body takes a window of its own length only.
//! Decoders are made when the first byte comes and dropped with the body; between two of them, one on top of the other, lie
//! 16 kB.
//!
//! Limit: keeps the body only where it is asked to, and waits for nothing but the decoder itself.

mod brotli;
mod codings;
mod kept;
mod stage;
mod step;

pub use codings::ACCEPTED;
pub(super) use codings::Codings;
pub(super) use kept::Kept;

use gaits_core::{Blake3, ErrorKind, ItemError};
use stage::{STEP, Stage};
use std::fmt::Display;

/// How much work is done before the event loop is given back: 0.01 to 0.7 ms, the
/// latter for brotli that repeats one byte (`docs/design/http.md`).
///
/// It is counted in bytes: those that decoders write, at all stages, and [`INPUT_WEIGHT`] times those that they read.
pub(super) const BUDGET: usize = 128 * 1024;

/// How many written bytes a read one stands for. A coding's tables cost time although nothing comes out of them, at most
/// some 80 ns a byte; a byte that comes out costs 0.4 to 3 ns.
const INPUT_WEIGHT: usize = 16;

/// How many written bytes a push stands for: it takes some 0.3 µs to clear the memory that a step writes to.
const PUSH_WEIGHT: usize = 256;

/// Takes a body in and tells its length and hash.
pub(super) struct Decoder<'h> {
    /// In the order in which they are undone.
    stages: Vec<Stage>,
    /// Why the body cannot be decoded. A body without a byte needs no decoding.
    wrong: Option<Box<str>>,
    digest: Digest<'h>,
}

/// What is known of the decoded body.
struct Digest<'h> {
    /// Lent, since it is 2 kB large: one serves all bodies of a session.
    hasher: &'h mut blake3::Hasher,
    len: u64,
    max_len: u64,
    kept: Option<Kept>,
}

/// How far one push came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pushed {
    /// How much of the input was taken.
    pub(super) used: usize,
    /// How much work was done, counted as the budget is; nothing where there was nothing to decode.
    pub(super) work: usize,
    /// Whether there is more to do. If so, push the rest of the input after a pause, even if none is left. If not, all
    /// input was taken.
    pub(super) more: bool,
}

impl<'h> Decoder<'h> {
    /// For a body with these `codings`, of which at most `max_len` decoded bytes are taken; with `keep`, they are
    /// kept. `hasher` is begun anew.
    pub(super) fn new(
        codings: &Codings,
        max_len: u64,
        keep: bool,
        hasher: &'h mut blake3::Hasher,
    ) -> Self {
        let stages = codings.to_undo().map(Stage::new).collect();
        hasher.reset();
        let digest = Digest { hasher, len: 0, max_len, kept: keep.then(Kept::default) };
        Self { stages, wrong: codings.wrong().map(Box::from), digest }
    }

    /// Whether the decoded body is what comes over the wire.
    pub(super) fn is_identity(&self) -> bool {
        self.stages.is_empty() && self.wrong.is_none()
    }

    /// Takes the next bytes of the body, until some `budget` of work is done; see [`BUDGET`]. Of a body without coding,
    /// all of them are taken: whoever reads it decides how many come at a time.
    ///
    /// # Errors
    ///
    /// The body cannot be decoded or is too large. Nothing may be pushed after that.
    pub(super) fn push(&mut self, input: &[u8], budget: usize) -> Result<Pushed, ItemError> {
        if self.is_identity() {
            self.digest.push(input)?;
            return Ok(Pushed { used: input.len(), work: 0, more: false });
        }
        if let Some(wrong) = &self.wrong {
            if input.is_empty() {
                return Ok(Pushed { used: 0, work: 0, more: false });
            }
            return Err(ItemError::new(ErrorKind::Decode, &**wrong));
        }
        self.push_coded(input, budget)
    }

    fn push_coded(&mut self, input: &[u8], budget: usize) -> Result<Pushed, ItemError> {
        let mut scratch = [0; STEP];
        let (mut used, mut work) = (0, 0);
        let last = self.stages.len() - 1;
        loop {
            let left = input.len() - used;
            let Some(ready) = self.ready(left > 0) else {
                return Ok(Pushed { used, work: work + PUSH_WEIGHT, more: false });
            };
            if work >= budget.max(1) || matches!(ready, Ready::Thread) {
                return Ok(Pushed { used, work: work + PUSH_WEIGHT, more: true });
            }
            match ready {
                Ready::Thread => {}
                Ready::Digest => {
                    let decoded = self.stages[last].decoded();
                    let decoded = &decoded[..decoded.len().min(STEP)];
                    self.digest.push(decoded)?;
                    work += decoded.len();
                    let taken = decoded.len();
                    self.stages[last].taken(taken);
                }
                Ready::Stage(at) => {
                    let (before, from) = self.stages.split_at_mut(at);
                    let stage = &mut from[0];
                    let source = before.last().map_or(&input[used..], Stage::decoded);
                    let step = if at == last {
                        let step = stage.step(source, &mut scratch)?;
                        self.digest.push(&scratch[..step.written])?;
                        step
                    } else {
                        stage.step_kept(source)?
                    };
                    match before.last_mut() {
                        Some(before) => before.taken(step.read),
                        None => used += step.read,
                    }
                    work += step.written + step.read * INPUT_WEIGHT;
                }
            }
        }
    }

    /// What can be done next. The last stage that can do something comes first, so that its buffer is empty when the one
    /// before it wants to fill it.
    fn ready(&self, has_input: bool) -> Option<Ready> {
        if self.stages.last().is_some_and(|last| !last.decoded().is_empty()) {
            return Some(Ready::Digest);
        }
        for (at, stage) in self.stages.iter().enumerate().rev() {
            if stage.waits_for_thread() {
                return Some(Ready::Thread);
            }
            let input = match at.checked_sub(1) {
                Some(before) => !self.stages[before].decoded().is_empty(),
                None => has_input,
            };
            if input || stage.is_full() {
                return Some(Ready::Stage(at));
            }
        }
        None
    }

    /// Gives the event loop back for a moment, or has another thread do what would hold it for too long.
    ///
    /// # Errors
    ///
    /// The body cannot be decoded.
    pub(super) async fn pause(&mut self) -> Result<(), ItemError> {
        let waiting = self.stages.iter_mut().rev().find(|stage| stage.waits_for_thread());
        if let Some(stage) = waiting {
            return stage.run_on_thread().await;
        }
        tokio::task::yield_now().await;
        Ok(())
    }

    /// The body is at its end, and a push said that there is no more to do: are all of its codings complete?
    pub(super) fn finish(&self) -> Result<(), ItemError> {
        self.stages.iter().try_for_each(Stage::finish)
    }

    pub(super) const fn decoded_len(&self) -> u64 {
        self.digest.len
    }

    pub(super) fn hash(&self) -> Blake3 {
        Blake3(*self.digest.hasher.finalize().as_bytes())
    }

    /// How much of the body is kept now.
    pub(super) fn kept_len(&self) -> usize {
        self.digest.kept.as_ref().map_or(0, Kept::len)
    }

    /// Takes what is kept of the body, and keeps what comes from here on.
    pub(super) fn take_kept(&mut self) -> Kept {
        self.digest.kept.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// The body, if it was kept.
    pub(super) fn into_kept(self) -> Option<Kept> {
        self.digest.kept
    }
}

/// What can be done next.
#[derive(Debug, Clone, Copy)]
enum Ready {
    /// The last stage has output to be taken.
    Digest,
    /// This stage has something to do.
    Stage(usize),
    /// A stage has something to do that takes another thread.
    Thread,
}

impl Digest<'_> {
    fn push(&mut self, decoded: &[u8]) -> Result<(), ItemError> {
        self.len += decoded.len() as u64;
        if self.len > self.max_len {
            return Err(too_large(self.max_len));
        }
        self.hasher.update(decoded);
        if let Some(kept) = &mut self.kept {
            kept.push(decoded);
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

#[cfg(test)]
mod tests;
