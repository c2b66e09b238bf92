//! The source of a run whose answers name further items: these, and those of the input.
//!
//! What answers name goes first, so that no more listings are open than workers need. The input is read by a thread of its own,
//! since it may be a pipe that nobody writes to.

use super::{Followers, Listing, Shared};
use gaits_core::{Content, Entry, HearsOf, More, Source, root_and_steps};
use std::collections::HashSet;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};
use std::thread::{self, JoinHandle};

/// So many entries of the input are read ahead.
const AHEAD: usize = 512;

/// What stops a source.
type Stop = Arc<dyn Fn() + Send + Sync>;

/// The items of an input, and what comes out of their answers.
pub(crate) struct FollowedSource {
    shared: Arc<Shared>,
    input: Input,
    stops_input: Option<Stop>,
}

enum Input {
    Unread(Box<dyn Source>),
    Read(JoinHandle<Box<dyn Source>>),
    Gone,
}

impl Followers {
    /// The items of `input`, and what comes out of their answers.
    pub(crate) fn source(&self, input: Box<dyn Source>) -> FollowedSource {
        let stops_input = input.stopper();
        FollowedSource {
            shared: Arc::clone(&self.shared),
            input: Input::Unread(input),
            stops_input,
        }
    }
}

impl Shared {
    /// Reads the input until it ends or nobody wants more of it.
    fn read(&self, input: &mut dyn Source) {
        let mut batch = Vec::new();
        loop {
            {
                let mut state = self.lock();
                while !state.stopped && state.input.len() >= AHEAD {
                    state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                }
                if state.stopped {
                    return;
                }
            }
            let more = input.next_batch(AHEAD, &mut batch);
            let mut state = self.lock();
            state.input.extend(batch.drain(..));
            state.input_end = match more {
                Ok(More::Maybe) => None,
                Ok(More::No) => Some(Ok(())),
                Err(error) => Some(Err(error)),
            };
            let is_over = state.input_end.is_some();
            drop(state);
            self.changed.notify_all();
            if is_over {
                return;
            }
        }
    }

    fn stop(&self) {
        self.lock().stopped = true;
        self.changed.notify_all();
    }
}

impl FollowedSource {
    /// Starts to read the input, unless that was done.
    fn begin(&mut self) -> io::Result<()> {
        match std::mem::replace(&mut self.input, Input::Gone) {
            Input::Unread(mut input) => {
                let shared = Arc::clone(&self.shared);
                let reader = thread::Builder::new().name("input".into()).spawn(move || {
                    let read = AssertUnwindSafe(|| shared.read(input.as_mut()));
                    if catch_unwind(read).is_err() {
                        // The run would wait for ever for an input that is gone without a word.
                        let error = io::Error::other("its reader panicked");
                        shared.lock().input_end = Some(Err(error));
                        shared.changed.notify_all();
                    }
                    input
                })?;
                self.input = Input::Read(reader);
            }
            other => self.input = other,
        }
        Ok(())
    }
}

impl Source for FollowedSource {
    fn next_batch(&mut self, limit: usize, batch: &mut Vec<Entry>) -> io::Result<More> {
        self.begin()?;
        let first = batch.len();
        let mut state = self.shared.lock();
        loop {
            if state.stopped {
                return Ok(More::No);
            }
            let most = limit.min(state.followers.len());
            batch.extend(state.followers.drain(..most));
            if batch.len() > first {
                break;
            }
            let most = limit.min(state.input.len());
            if most > 0 {
                let entries: Vec<_> = state.input.drain(..most).collect();
                for entry in entries {
                    let (_, steps) = root_and_steps(entry.index);
                    let listing = match (&entry.content, steps) {
                        (Content::Item { data, .. }, 0) => {
                            Some(Listing::new(data.clone(), HashSet::new()))
                        }
                        // It goes on with what an earlier run has left open.
                        _ => state.resumed.remove(&entry.index),
                    };
                    if let Some(listing) = listing {
                        state.open.insert(entry.index, listing);
                    }
                    batch.push(entry);
                }
                break;
            }
            if state.open.is_empty()
                && let Some(end) = state.input_end.take()
            {
                return end.map(|()| More::No);
            }
            state = self.shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        drop(state);
        // There is room for more of the input.
        self.shared.changed.notify_all();
        if let Some(before) = &self.shared.before {
            before(&batch[first..]);
        }
        Ok(More::Maybe)
    }

    fn stopper(&self) -> Option<Stop> {
        let (shared, input) = (Arc::clone(&self.shared), self.stops_input.clone());
        Some(Arc::new(move || {
            shared.stop();
            if let Some(stop) = &input {
                stop();
            }
        }))
    }

    fn hears_of_undone(&self) -> Option<HearsOf> {
        let shared = Arc::clone(&self.shared);
        Some(Arc::new(move |indices| {
            let mut state = shared.lock();
            for index in indices {
                state.open.remove(index);
            }
            drop(state);
            shared.changed.notify_all();
        }))
    }

    fn given_back(&mut self, indices: &[u64]) {
        self.shared.stop();
        // Another one may sit in a read that nobody can end.
        if self.stops_input.is_none() {
            return;
        }
        let Input::Read(reader) = std::mem::replace(&mut self.input, Input::Gone) else { return };
        let Ok(mut input) = reader.join() else { return };
        let unread: Vec<_> = self.shared.lock().input.drain(..).map(|entry| entry.index).collect();
        let of_input = indices.iter().copied().chain(unread);
        let of_input: Vec<_> = of_input.filter(|index| root_and_steps(*index).1 == 0).collect();
        input.given_back(&of_input);
    }
}

impl Drop for FollowedSource {
    fn drop(&mut self) {
        self.shared.stop();
    }
}
