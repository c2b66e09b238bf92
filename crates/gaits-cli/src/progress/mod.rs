//! Shows how far a run has come: a line that is redrawn on a terminal, a plain line now and then where standard error is
//! none. A thread of its own looks at the run's counters.
//!
//! Limit: it draws ten times a second at most, and what it says is put together in [`line`].

mod line;
mod meter;

use crate::talk;
use gaits::{Input, MonotonicClock, Progress};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use meter::Meter;
use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How often it looks and draws on a terminal.
const TICK: Duration = Duration::from_millis(100);
/// How often it says a line elsewhere.
const LINE_EVERY: Duration = Duration::from_secs(30);
/// How many columns the bar itself takes, with the blank after it.
const BAR_WIDTH: usize = 21;
/// On a terminal of fewer columns, all of them are for the text.
const WIDE: usize = 80;
/// How many columns are taken for granted where the terminal does not say.
const USUAL_WIDTH: usize = 80;

/// A bar on standard error where that is a terminal, else a line now and then.
pub(crate) struct Bar {
    drawn: ProgressBar,
    /// Dropped to stop the thread.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<Option<u64>>>,
}

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    Bar,
    Lines,
    No,
}

impl Bar {
    /// Shows how far a run over `input`, where its items can be counted, has come, unless that is not wanted: `quiet`, or records that go to the same
    /// terminal.
    pub(crate) fn start(
        progress: Arc<Progress>,
        input: Option<&Input>,
        quiet: bool,
        to_stdout: bool,
        done_before: u64,
    ) -> Self {
        let muddled = to_stdout && io::stdout().is_terminal() && io::stderr().is_terminal();
        let shown = match (quiet, talk::can_redraw(&io::stderr())) {
            (true, _) => Shown::No,
            _ if muddled => Shown::No,
            (_, true) => Shown::Bar,
            (_, false) => Shown::Lines,
        };
        let drawn = match shown {
            Shown::Bar => {
                let target = ProgressDrawTarget::stderr_with_hz(10);
                // Nothing is drawn before there is something to say.
                ProgressBar::with_draw_target(None, target).with_style(style("{msg}"))
            }
            Shown::Lines | Shown::No => ProgressBar::hidden(),
        };
        if shown == Shown::No {
            return Self { drawn, stop: None, thread: None };
        }
        let (stop, stopped) = channel();
        let (bar, input) = (drawn.clone(), input.cloned());
        let thread = thread::Builder::new().name("progress".into()).spawn(move || {
            let mut meter = Meter::new(MonotonicClock::start());
            // A huge file takes its time to count; who stops the run does not wait for it.
            let gone = || stopped.try_recv() == Err(TryRecvError::Disconnected);
            let total = input.and_then(|input| input.count(gone));
            let total = total.map(|total| total.saturating_sub(done_before));
            if shown == Shown::Bar {
                bar.set_length(total.unwrap_or_default());
                draw(&bar, &mut meter, &progress, total);
                at_intervals(TICK, &stopped, || draw(&bar, &mut meter, &progress, total));
            } else {
                at_intervals(LINE_EVERY, &stopped, || {
                    let parts = line::parts(&meter.look(&progress, total));
                    talk::line(&format!("gaits: {}", line::fit(parts, usize::MAX)));
                });
            }
            total
        });
        // A run without a bar is better than none.
        Self { drawn, stop: Some(stop), thread: thread.ok() }
    }

    /// A handle to speak past the bar.
    pub(crate) fn speaker(&self) -> Speaker {
        Speaker(self.drawn.clone())
    }

    /// Takes the bar away. Gives how many items the input has, if they were counted.
    pub(crate) fn finish(mut self) -> Option<u64> {
        drop(self.stop.take());
        let total = self.thread.take().and_then(|thread| thread.join().ok().flatten());
        self.drawn.finish_and_clear();
        total
    }
}

/// Calls `then` at the end of each interval, until nobody holds the other end of `stopped`.
fn at_intervals(interval: Duration, stopped: &Receiver<()>, mut then: impl FnMut()) {
    while stopped.recv_timeout(interval) == Err(RecvTimeoutError::Timeout) {
        then();
    }
}

/// Draws the bar and its line, as wide as the terminal is now.
fn draw(
    bar: &ProgressBar,
    meter: &mut Meter<MonotonicClock>,
    progress: &Progress,
    total: Option<u64>,
) {
    let width = terminal_size::terminal_size_of(io::stderr())
        .map_or(USUAL_WIDTH, |(width, _)| usize::from(width.0));
    let now = meter.look(progress, total);
    let wide = width >= WIDE;
    let (template, taken) = match total {
        Some(_) if wide => ("{bar:20} {msg}", BAR_WIDTH),
        Some(_) => ("{msg}", 0),
        None => ("{spinner} {msg}", 2),
    };
    bar.set_style(style(template));
    // In the last column the cursor would go on to the next line.
    bar.set_message(line::fit(line::parts(&now), width.saturating_sub(taken + 1)));
    bar.set_position(now.done);
    bar.tick();
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// Speaks past a bar.
#[derive(Debug, Clone)]
pub(crate) struct Speaker(ProgressBar);

impl Speaker {
    /// Does something to the terminal with the bar out of the way.
    pub(crate) fn speak(&self, what: impl FnOnce()) {
        self.0.suspend(what);
    }

    /// Takes the bar away for good.
    pub(crate) fn end(&self) {
        self.0.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_comes_at_each_interval_until_the_run_ends() {
        let (stop, stopped) = channel();
        let (say, said) = channel();
        let ticker = thread::Builder::new()
            .spawn(move || {
                at_intervals(Duration::from_millis(1), &stopped, || {
                    let _ = say.send(());
                });
            })
            .unwrap();
        for _ in 0..3 {
            said.recv().unwrap();
        }
        drop(stop);
        ticker.join().unwrap();
    }

    #[test]
    fn a_run_that_ends_before_the_interval_says_nothing() {
        let (stop, stopped) = channel();
        drop(stop);
        at_intervals(Duration::from_hours(1), &stopped, || panic!("nothing is to be said"));
    }
}
