//! Ctrl-C and its like: the first time stops in good order, the second at once.

use crate::exit::Exit;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::io;
use std::thread;
use std::time::Duration;

/// How long a run has to write what it knows once it is to stop at once. It needs longer only if nobody takes its
/// records.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Passes each signal on to `interrupt`, from now on. The second one ends this process, if the run does not.
pub(crate) fn listen(interrupt: impl Fn() + Send + 'static) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    thread::Builder::new().name("signals".into()).spawn(move || {
        let mut seen = 0;
        for _ in &mut signals {
            seen += 1;
            interrupt();
            if seen > 1 {
                // The run ends this process by itself, unless it is stuck.
                thread::sleep(LAST_WORDS);
                std::process::exit(i32::from(Exit::Interrupted.number()));
            }
        }
    })?;
    Ok(())
}
