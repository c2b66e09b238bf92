//! The progress bar, and what can't be left unsaid above it.

use crate::talk::{self, Notices};
use gaits::{Notice, units};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::Duration;

/// The bar of all races or sweeps of a command.
#[derive(Debug, Clone)]
pub(in crate::cmd) struct Bar(ProgressBar);

impl Bar {
    /// One on standard error, if that is a terminal that can redraw a line.
    pub(in crate::cmd) fn new(quiet: bool) -> Self {
        if quiet || !talk::can_redraw(&std::io::stderr()) {
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::stderr_with_hz(10));
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {msg}") {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// The bar, for whoever must have it out of the way.
    pub(in crate::cmd) fn drawn(&self) -> ProgressBar {
        self.0.clone()
    }

    /// Whether it is seen.
    pub(in crate::cmd) fn is_seen(&self) -> bool {
        !self.0.is_hidden()
    }

    /// Draws how much of the `whole` time is `spent`, and says what is done.
    pub(in crate::cmd) fn draw(&self, spent: Duration, whole: Duration, doing: &str) {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.0.set_length(millis(whole).max(1));
        self.0.set_position(millis(spent.min(whole)));
        let left_us = u64::try_from(whole.saturating_sub(spent).as_micros()).unwrap_or(u64::MAX);
        let left = match left_us {
            0 => String::new(),
            left_us => format!(", {} left", units::duration(left_us)),
        };
        self.0.set_message(format!("{doing}{left}"));
    }

    /// Says a notice above it, if it is to be said. That a run is about to end is what its time is for.
    pub(in crate::cmd) fn say(&self, notices: &mut Notices, notice: Notice) {
        if !matches!(notice, Notice::Stopping { .. })
            && let Some(line) = notices.say(notice)
        {
            self.0.suspend(|| talk::line(&line));
        }
    }

    /// Says what is left of the notices of a run.
    pub(in crate::cmd) fn say_rest(&self, notices: &mut Notices) {
        let rest = std::mem::take(notices).rest();
        self.0.suspend(|| rest.iter().for_each(|line| talk::line(line)));
    }

    /// Takes it away.
    pub(in crate::cmd) fn clear(&self) {
        self.0.finish_and_clear();
    }
}
