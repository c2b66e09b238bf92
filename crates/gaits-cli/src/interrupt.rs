//! Ctrl-C and its like: the first time stops in good order, the second at once.

use crate::exit::Exit;
use gaits_engine::Control;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// How long a run has to write what it knows once it is to stop at once. It needs longer only if nobody takes its
/// records.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Passes signals on to the run at hand.
#[derive(Debug, Clone, Default)]
pub(crate) struct Interrupts {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    run: Option<Control>,
    seen: u32,
}

impl Interrupts {
    /// Listens from now on.
    pub(crate) fn listen() -> io::Result<Self> {
        let interrupts = Self::default();
        let theirs = interrupts.clone();
        let mut signals = Signals::new([SIGINT, SIGTERM])?;
        thread::Builder::new().name("signals".into()).spawn(move || {
            for _ in &mut signals {
                if theirs.interrupt() > 1 {
                    // The run ends this process by itself, unless it is stuck.
                    thread::sleep(LAST_WORDS);
                    std::process::exit(i32::from(Exit::Interrupted.number()));
                }
            }
        })?;
        Ok(interrupts)
    }

    /// Passes a signal on, and tells which one it is.
    fn interrupt(&self) -> u32 {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.seen += 1;
        if let Some(run) = &state.run {
            run.interrupt();
        }
        state.seen
    }

    /// Names the run that signals are for. One that came before, between two runs, counts.
    pub(crate) fn attach(&self, run: &Control) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..state.seen {
            run.interrupt();
        }
        state.run = Some(run.clone());
    }
}
