//! The progress bar. It looks at the run's counters ten times a second, from a thread of its own.

use gaits::{Input, Progress};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::fmt::Write as _;
use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, TryRecvError, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How often it looks.
const TICK: Duration = Duration::from_millis(100);

/// A bar on standard error, where that is a terminal; else nothing.
pub(crate) struct Bar {
    drawn: ProgressBar,
    /// Dropped to stop the thread.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Bar {
    /// A bar for a run over `input`, unless it is not wanted: `quiet`, no terminal, or records that go to one.
    pub(crate) fn start(
        progress: Arc<Progress>,
        input: &Input,
        quiet: bool,
        to_stdout: bool,
    ) -> Self {
        let muddled = to_stdout && std::io::stdout().is_terminal();
        if quiet || muddled || !std::io::stderr().is_terminal() {
            return Self { drawn: ProgressBar::hidden(), stop: None, thread: None };
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10));
        let (stop, stopped) = channel();
        let (drawn, input) = (bar.clone(), input.clone());
        let thread = thread::Builder::new().name("progress".into()).spawn(move || {
            // A huge file takes its time to count; who stops the run does not wait for it.
            let gone = || stopped.try_recv() == Err(TryRecvError::Disconnected);
            style(&drawn, input.count(gone));
            loop {
                drawn.set_message(message(&progress));
                drawn.set_position(progress.ok() + progress.failed());
                drawn.tick();
                if stopped.recv_timeout(TICK) != Err(RecvTimeoutError::Timeout) {
                    return;
                }
            }
        });
        // A run without a bar is better than none.
        Self { drawn: bar, stop: Some(stop), thread: thread.ok() }
    }

    /// A handle to speak past the bar.
    pub(crate) fn speaker(&self) -> Speaker {
        Speaker(self.drawn.clone())
    }

    /// Takes the bar away.
    pub(crate) fn finish(mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        self.drawn.finish_and_clear();
    }
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

fn message(progress: &Progress) -> String {
    let mut text = format!("{} in flight", progress.in_flight());
    if progress.failed() > 0 {
        // Writing to a String cannot fail.
        let _ = write!(text, ", {} failed", progress.failed());
    }
    text
}

fn style(bar: &ProgressBar, total: Option<u64>) {
    let rate = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
        let _ = write!(out, "{:.0}/s", state.per_sec());
    };
    let template = match total {
        Some(total) => {
            bar.set_length(total);
            "{bar:30} {human_pos}/{human_len} {rate}, {msg}, {eta} left"
        }
        None => "{spinner} {human_pos} {rate}, {msg}, {elapsed}",
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.with_key("rate", rate));
    }
}
