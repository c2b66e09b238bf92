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
//! What all windows of a process may take together is bounded ([`Windows`]): a body whose window finds no room waits for others to
//! end. Decoders are made when the first byte comes and dropped with the body; between two of them, one on top of the other, lie
//! 16 kB.
//!
//! Limit: keeps the body only where it is asked to, and waits for nothing but the decoder itself and room for its windows.

mod brotli;
mod codings;
mod kept;
mod stage;
mod step;
mod windows;
mod zstd;

pub use codings::ACCEPTED;
pub(super) use codings::Codings;
pub(super) use kept::Kept;
pub(super) use windows::Windows;

use gaits_core::{Blake3, ErrorKind, ItemError};
use stage::{STEP, Stage};
use std::fmt::Display;
use windows::Window;

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
    /// Where room for large windows is taken.
    windows: &'h Windows,
    /// The room that was taken for those of this body.
    window: Option<Window>,
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
    /// kept. `hasher` is begun anew. Large windows take their room from `windows`.
    pub(super) fn new(
        codings: &Codings,
        max_len: u64,
        keep: bool,
        hasher: &'h mut blake3::Hasher,
        windows: &'h Windows,
    ) -> Self {
        let stages = codings.to_undo().map(Stage::new).collect();
        hasher.reset();
        let digest = Digest { hasher, len: 0, max_len, kept: keep.then(Kept::default) };
        let wrong = codings.wrong().map(Box::from);
        Self { stages, wrong, windows, window: None, digest }
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
            if work >= budget.max(1) || matches!(ready, Ready::Pause) {
                return Ok(Pushed { used, work: work + PUSH_WEIGHT, more: true });
            }
            match ready {
                Ready::Pause => {}
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
            if stage.waits() {
                return Some(Ready::Pause);
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

    /// Gives the event loop back for a moment, waits for room for a window, or has another thread do what would hold the loop for
    /// too long.
    ///
    /// # Errors
    ///
    /// The body cannot be decoded.
    pub(super) async fn pause(&mut self) -> Result<(), ItemError> {
        let Some(at) = self.waiting() else {
            tokio::task::yield_now().await;
            return Ok(());
        };
        if let Some(wanted) = self.wanted(at) {
            self.take_window(at, wanted).await?;
        }
        self.stages[at].run_on_thread().await
    }

    /// Which stage waits for more than its turn.
    fn waiting(&self) -> Option<usize> {
        self.stages.iter().rposition(Stage::waits)
    }

    /// How many permits the body must have, so that this stage has the window that it waits for.
    fn wanted(&self, at: usize) -> Option<u32> {
        let stage = &self.stages[at];
        let wanted = stage.wanted();
        // Where several codings have windows, all that they may ever want is taken at once: they would have to wait for
        // one while they hold another.
        let of_all = self.stages.iter().map(Stage::most_wanted).sum();
        let wanted = if stage.most_wanted() == of_all { wanted } else { of_all };
        (stage.wanted() > 0).then_some(wanted)
    }

    async fn take_window(&mut self, at: usize, wanted: u32) -> Result<(), ItemError> {
        let stage = &mut self.stages[at];
        let window = match self.window.take() {
            Some(window) if window.permits() >= wanted => window,
            too_small => {
                stage.free_window()?;
                drop(too_small);
                self.windows.take(wanted).await
            }
        };
        stage.begin(self.window.insert(window))
    }

    /// Whether the next pause is one until other bodies have given back what a window of this one needs.
    pub(super) fn waits_for_others(&self) -> bool {
        let has = self.window.as_ref().map_or(0, Window::permits);
        let wanted = self.waiting().and_then(|at| self.wanted(at));
        wanted.is_some_and(|wanted| wanted > has && wanted > has + self.windows.free())
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
    /// A stage has something to do that takes room for a window, or another thread.
    Pause,
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
