//! What is said to the user, on standard error. A closed standard error is nobody to talk to, and no reason to stop.

use gaits::{Notice, Style, host_name, is_obeyed, units};
use std::collections::HashSet;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;

/// The first pause of so many hosts is told.
const MOST_PAUSES: usize = 10;

/// How wide a text is made that goes to no terminal.
const UNKNOWN_WIDTH: usize = 120;

/// Says one line.
pub(crate) fn line(text: &str) {
    let _ = writeln!(io::stderr(), "{}", harmless(text));
}

/// A text without what a terminal would obey, but with its line ends: messages hold what servers and files said.
pub(crate) fn harmless(text: &str) -> String {
    text.replace(|c: char| is_obeyed(c) && c != '\n', "\u{fffd}")
}

/// Says a text that ends its own lines.
pub(crate) fn text(text: &str) {
    let _ = write!(io::stderr(), "{text}");
}

/// Says what went wrong, with its causes, in the form that the parser's own errors have.
pub(crate) fn error(error: &anyhow::Error, colors: Colors) {
    let said = harmless(&format!("{error:#}"));
    let _ = writeln!(io::stderr(), "{} {said}", colors.style(&io::stderr()).bad("error:"));
}

/// The notices of one run, kept from saying the same a thousand times: workers are given up one by one.
#[derive(Debug, Default)]
pub(crate) struct Notices {
    /// How many workers were left when that was last said.
    fewer_said: Option<usize>,
    /// What was not said since.
    fewer: Option<Notice>,
    /// How many workers were not started, and how often that was told.
    unstarted: usize,
    unstarted_times: u32,
    /// The hosts whose first pause was told.
    paused: HashSet<String>,
    /// The hosts of which it was told how much time they want between two requests.
    spaced: HashSet<String>,
}

impl Notices {
    /// What is to be said of `notice`, if anything.
    pub(crate) fn say(&mut self, notice: Notice) -> Option<String> {
        match notice {
            Notice::FewerWorkers { left, .. } => {
                if self.fewer_said.is_some_and(|said| left > said / 2) {
                    self.fewer = Some(notice);
                    return None;
                }
                self.fewer_said = Some(left);
                self.fewer = None;
            }
            // Each of its pauses after the first is in the progress line, and those of hosts beyond a few.
            Notice::Paused { ref key, .. }
                if self.paused.len() >= MOST_PAUSES || !self.paused.insert(key.clone()) =>
            {
                return None;
            }
            Notice::SpacedOut { ref key, .. }
                if self.spaced.len() >= MOST_PAUSES || !self.spaced.insert(key.clone()) =>
            {
                return None;
            }
            Notice::WorkersNotStarted { workers, .. } => {
                self.unstarted_times += 1;
                self.unstarted += workers;
                if self.unstarted_times > 1 {
                    return None;
                }
            }
            _ => {}
        }
        Some(put(&notice))
    }

    /// What is left to be said at the end of the run.
    pub(crate) fn rest(&mut self) -> Vec<String> {
        let (unstarted, times) =
            (std::mem::take(&mut self.unstarted), std::mem::take(&mut self.unstarted_times));
        let unstarted =
            (times > 1).then(|| format!("gaits: {unstarted} workers could not be started in all"));
        unstarted.into_iter().chain(self.fewer.take().as_ref().map(put)).collect()
    }
}

/// So many items in so many microseconds, as `--rate` takes it, and not more: two digits of it.
fn rate(items: u64, in_us: u64) -> String {
    let per_second = items as f64 * 1e6 / in_us as f64;
    let (number, unit) = [(1.0, "s"), (60.0, "m"), (3600.0, "h")]
        .map(|(seconds, unit)| (per_second * seconds, unit))
        .into_iter()
        .find(|(number, unit)| *number >= 1.0 || *unit == "h")
        .unwrap_or((per_second, "s"));
    let scale = 10_f64.powf(1.0 - number.log10().floor());
    format!("{}/{unit}", (number * scale).floor() / scale)
}

/// How a notice is put.
fn put(notice: &Notice) -> String {
    match notice {
        Notice::WorkerSaid { pid, line } => format!("worker {pid}: {line}"),
        Notice::WorkSaid { line } => format!("gaits: {line}"),
        Notice::SessionNotClosed { why } => {
            format!("gaits: a session panicked while it was closed: {why}")
        }
        Notice::WorkerDied { pid, how } => {
            format!("gaits: worker process {pid} {how}; another takes its place")
        }
        Notice::WorkerOverdue { pid } => {
            format!(
                "gaits: worker process {pid} was at an item for longer than --deadline; another takes its place"
            )
        }
        Notice::WorkersNotStarted { workers, why } => {
            let missing =
                if *workers == 1 { "a worker".into() } else { format!("{workers} workers") };
            format!("gaits: can't start {missing}, going on with the others: {why}")
        }
        Notice::FewerWorkers { left, why } => {
            let workers = if *left == 1 { "worker" } else { "workers" };
            format!("gaits: going on with {left} {workers}: {why}")
        }
        Notice::Polite { in_flight } => {
            format!(
                "gaits: at most {in_flight} requests at a time to a host that may belong to others; --per-host N sets another limit"
            )
        }
        Notice::Paused { key, for_us } => {
            format!("gaits: {key} wants to be left alone for {}; it is", units::duration(*for_us))
        }
        Notice::SpacedOut { key, apart_us } => format!(
            "gaits: {key} wants {} between two requests (Crawl-delay), so it is asked for one at a time",
            units::duration(*apart_us)
        ),
        Notice::LetsThrough { key, items, in_us } => {
            let rate = rate(*items, *in_us);
            format!(
                "gaits: {} lets about {rate} through, its pauses included: --rate {rate} would need none, \
                 and a higher one may go, too",
                host_name(key)
            )
        }
        Notice::GivenUp { key, for_us } => format!(
            "gaits: {key} is given up, since its pauses, the last one of {}, come to more than --max-retry-after; its items stay undone",
            units::duration(*for_us)
        ),
        Notice::StoppingEarly { in_flight } => {
            format!("gaits: stopping early; {in_flight} in flight are finished first")
        }
        Notice::Stopping { in_flight } => {
            format!(
                "gaits: stopping; {in_flight} in flight are finished first, Ctrl-C again stops at once"
            )
        }
        other => format!("gaits: {other:?}"),
    }
}

/// Where colour is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Colors {
    /// On a terminal that has it, unless `NO_COLOR` is set.
    Auto,
    /// Everywhere.
    Always,
    /// Nowhere.
    Never,
}

impl Colors {
    /// How a text looks that goes to `stream`.
    pub(crate) fn style(self, stream: &impl IsTerminal) -> Style {
        let unwanted = || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let colored = match self {
            Colors::Auto => can_redraw(stream) && !unwanted(),
            Colors::Always => true,
            Colors::Never => false,
        };
        if colored { Style::COLOR } else { Style::PLAIN }
    }
}

/// Whether `stream` is a terminal that obeys escapes: a line on it can be drawn again.
pub(crate) fn can_redraw(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// How many columns `stream` shows; as many as a text of ordinary names takes, where it is no terminal.
pub(crate) fn width(stream: &impl AsFd) -> usize {
    if let Some((width, _)) = terminal_size::terminal_size_of(stream) {
        return width.0.into();
    }
    // As other programs do where there is no terminal to be asked.
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    columns.filter(|columns| *columns > 0).unwrap_or(UNKNOWN_WIDTH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_one_that_can_be_asked_for_and_no_more_than_was_seen() {
        for (items, in_s, wanted) in [
            (40, 4, "10/s"),
            (99, 10, "9.9/s"),
            (1_999, 10, "190/s"),
            (5, 10, "30/m"),
            (1, 1_000, "3.6/h"),
            (1, 100_000, "0.036/h"),
        ] {
            assert_eq!(rate(items, in_s * 1_000_000), wanted);
        }
    }

    #[test]
    fn what_repeats_itself_is_said_when_it_has_grown() {
        let mut notices = Notices::default();
        let fewer = |left| Notice::FewerWorkers { left, why: "too many open files".into() };
        let said: Vec<_> =
            (47..3000).rev().filter(|left| notices.say(fewer(*left)).is_some()).collect();
        assert_eq!(said, [2999, 1499, 749, 374, 187, 93]);
        assert_eq!(notices.rest(), ["gaits: going on with 47 workers: too many open files"]);
        assert!(notices.rest().is_empty());

        let unstarted = || Notice::WorkersNotStarted { workers: 2, why: "no room".into() };
        let said = (0..5).filter_map(|_| notices.say(unstarted())).collect::<Vec<_>>();
        assert_eq!(said, ["gaits: can't start 2 workers, going on with the others: no room"]);
        assert_eq!(notices.rest(), ["gaits: 10 workers could not be started in all"]);
    }
}
