//! Ctrl-C and its like: the first time stops in good order, the second at once. Ctrl-Z stops until `fg`.

use crate::exit::Exit;
use crate::{job_control, limits};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGTSTP};
use signal_hook::iterator::Signals;
use std::io;
use std::thread;
use std::time::Duration;

/// How long a run has to write what it knows once it is to stop at once. It needs longer only if nobody takes its
/// records.
const TIME_TO_END: Duration = Duration::from_millis(500);

/// Passes each interrupt on to `interrupt`, from now on. The second one ends this process, if the run does not. The end of the
/// terminal is an interrupt as well, unless this process is to outlive it, as under `nohup`. Where the process is to stop for
/// a while, `aside` is to do that with what is drawn on the terminal out of the way.
pub(crate) fn listen(
    interrupt: impl Fn() + Send + 'static,
    aside: impl Fn(&dyn Fn()) + Send + 'static,
) -> io::Result<()> {
    let signals = [SIGTSTP, SIGINT, SIGTERM, SIGHUP];
    let heard = if limits::is_ignored(SIGHUP) { &signals[..3] } else { &signals };
    let mut signals = Signals::new(heard)?;
    thread::Builder::new().name("signals".into()).spawn(move || {
        let mut seen = 0;
        for signal in &mut signals {
            if signal == SIGTSTP {
                aside(&job_control::stop_all);
                continue;
            }
            // A terminal that goes away tells it several times, by the shell and by the system, and some service managers send
            // it right after SIGTERM. Nobody means the second one.
            if signal == SIGHUP && seen > 0 {
                continue;
            }
            seen += 1;
            interrupt();
            if seen > 1 {
                // The run ends this process by itself, unless it is stuck.
                thread::sleep(TIME_TO_END);
                std::process::exit(i32::from(Exit::Interrupted.number()));
            }
        }
    })?;
    Ok(())
}
