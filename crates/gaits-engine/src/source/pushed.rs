//! Items that the program pushes while the run goes on: a list that grows, such as the next page of a listing.

use gaits_core::{Data, Entry, More, Source};
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::num::NonZeroUsize;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// A source that gives what is pushed, and what it is pushed with. At most `bound` items wait in between. The source ends
/// when every [`Pusher`] is gone.
#[must_use]
pub fn pushed(bound: NonZeroUsize) -> (Pusher, Pushed) {
    let shared = Arc::new(Shared {
        state: Mutex::new(State { pushers: 1, ..State::default() }),
        changed: Condvar::new(),
        bound: bound.get(),
    });
    (Pusher { shared: Arc::clone(&shared) }, Pushed { shared })
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// All who wait do so here: for items, and for room.
    changed: Condvar,
    bound: usize,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Entry>,
    /// How many were pushed, which is the index of the next.
    count: u64,
    pushers: usize,
    /// The source was stopped, or is gone.
    stopped: bool,
    /// Items that were not done, by their indices.
    given_back: Vec<u64>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing inside the lock can panic half-way, so a poisoned state is still whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stop(&self) {
        self.lock().stopped = true;
        self.changed.notify_all();
    }
}

/// Why an item is not taken any more: the run has ended. The item is given back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended(pub Data);

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the run takes no more items")
    }
}

impl std::error::Error for Ended {}

/// Pushes items into a run.
#[derive(Debug)]
pub struct Pusher {
    shared: Arc<Shared>,
}

impl Pusher {
    /// Pushes an item, and tells its index. Waits while as many wait as may.
    ///
    /// An observer must not wait here: the run would wait for itself.
    ///
    /// # Errors
    /// The run takes no more items.
    pub fn push(&self, item: impl Into<Data>) -> Result<u64, Ended> {
        let mut state = self.shared.lock();
        while !state.stopped && state.waiting.len() >= self.shared.bound {
            state = self.shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.stopped {
            return Err(Ended(item.into()));
        }
        let index = state.count;
        state.count += 1;
        state.waiting.push_back(Entry::item(index, item));
        drop(state);
        self.shared.changed.notify_all();
        Ok(index)
    }

    /// The items that were pushed and not done when the run ended, by their indices; to be asked after its end.
    #[must_use]
    pub fn given_back(&self) -> Vec<u64> {
        self.shared.lock().given_back.clone()
    }
}

impl Clone for Pusher {
    fn clone(&self) -> Self {
        self.shared.lock().pushers += 1;
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl Drop for Pusher {
    fn drop(&mut self) {
        self.shared.lock().pushers -= 1;
        self.shared.changed.notify_all();
    }
}

/// The source of what is pushed.
#[derive(Debug)]
pub struct Pushed {
    shared: Arc<Shared>,
}

impl Source for Pushed {
    fn next_batch(&mut self, limit: usize, batch: &mut Vec<Entry>) -> io::Result<More> {
        let mut state = self.shared.lock();
        while state.waiting.is_empty() && state.pushers > 0 && !state.stopped {
            state = self.shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.stopped || (state.waiting.is_empty() && state.pushers == 0) {
            return Ok(More::No);
        }
        let most = limit.min(state.waiting.len());
        batch.extend(state.waiting.drain(..most));
        drop(state);
        self.shared.changed.notify_all();
        Ok(More::Maybe)
    }

    fn stopper(&self) -> Option<Arc<dyn Fn() + Send + Sync>> {
        let shared = Arc::clone(&self.shared);
        Some(Arc::new(move || shared.stop()))
    }

    fn given_back(&mut self, indices: &[u64]) {
        let mut state = self.shared.lock();
        state.given_back.extend(indices);
        // Also what the run has not come to read.
        let unread: Vec<_> = state.waiting.drain(..).map(|entry| entry.index).collect();
        state.given_back.extend(unread);
    }
}

impl Drop for Pushed {
    fn drop(&mut self) {
        self.shared.stop();
    }
}
