//! Stops a race from outside.

use super::Commands;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A handle on one race, to stop it from any thread. A `control` serves one race.
#[derive(Debug, Clone, Default)]
pub struct RaceControl {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// Those of the trial at hand.
    trial: Option<Commands>,
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
        if let Some(trial) = &state.trial {
            trial.interrupt();
        }
    }

    /// Whether somebody has stopped the race.
    pub(super) fn is_interrupted(&self) -> bool {
        self.lock().interrupts > 0
    }

    /// Names the trial that interrupts are for. One that came before, between two trials, counts.
    pub(super) fn attach(&self, trial: &Commands) {
        let mut state = self.lock();
        for _ in 0..state.interrupts {
            trial.interrupt();
        }
        state.trial = Some(trial.clone());
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
