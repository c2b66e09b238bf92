//! Stops a race from outside.

use gaits_engine::Control;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A handle on one race, to stop it from any thread. A `control` serves one race.
#[derive(Debug, Clone, Default)]
pub struct RaceControl {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// The run at hand.
    run: Option<Control>,
    interrupts: u32,
}

impl RaceControl {
    /// A handle for a race that has not begun.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The first time: no further item is started and no further model run; items in flight are finished. The second
    /// time: the race ends at once.
    pub fn interrupt(&self) {
        let mut state = self.lock();
        state.interrupts += 1;
        if let Some(run) = &state.run {
            run.interrupt();
        }
    }

    /// Names the run that interrupts are for. One that came before, between two runs, counts.
    pub(super) fn attach(&self, run: &Control) {
        let mut state = self.lock();
        for _ in 0..state.interrupts {
            run.interrupt();
        }
        state.run = Some(run.clone());
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
