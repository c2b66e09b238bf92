//! What is said on stderr after a run. Duty: at most about ten lines in which a run that failed cannot be read as
//! one that went well. Limit: it says what the tally holds; it judges nothing.

use crate::style::one_line;
use crate::units::{self, NOTHING, per_second};
use crate::{Latency, Layout, Style, Tally};
use std::fmt;

/// As many kinds of failure get a line of their own.
const KINDS: usize = 3;

/// As many characters of a failure's message are shown.
const MESSAGE_WIDTH: usize = 72;

/// One run, summed up.
#[derive(Debug, Clone)]
pub struct Summary {
    /// What the records add up to.
    pub tally: Tally,
    /// How long the run took, in microseconds.
    pub wall_us: u64,
    /// The model, as the command line names it.
    pub model: String,
    /// How its workers were laid out.
    pub layout: Layout,
    /// How many items the input held, where that is known.
    pub total_items: Option<u64>,
    /// Whether the run was stopped before its input was done.
    pub interrupted: bool,
}

impl Summary {
    /// The text, some lines with a line break after each.
    #[must_use]
    pub fn render(&self, style: Style) -> String {
        let mut lines = vec![("items", self.items(style))];
        lines.extend(self.failures(style));
        lines.push(("wall time", self.wall()));
        if self.tally.bytes() > 0 || self.tally.decoded_bytes() > 0 {
            lines.push(("bytes", self.bytes()));
        }
        lines.push(("latency", self.latency()));
        if self.tally.connections_opened() + self.tally.connections_reused() > 0 {
            lines.push(("connections", self.connections()));
        }
        lines.push(("model", format!("{}: {}", self.model, self.layout)));
        lines.push(("in flight", self.in_flight()));

        let width = lines.iter().map(|(label, _)| label.len()).max().unwrap_or(0);
        let line = |(label, text)| format!("{}  {text}\n", style.dim(&format!("{label:width$}")));
        lines.into_iter().map(line).collect()
    }

    /// How many went well, of how many: the first thing that is read.
    fn items(&self, style: Style) -> String {
        let tally = &self.tally;
        let (ok, items) = (units::count(tally.ok()), units::count(tally.items()));
        let mut text = match (tally.items(), tally.failed()) {
            (0, _) => style.warn("none was done"),
            (_, 0) => style.good(&format!("{ok} of {items} ok")),
            (_, failed) => {
                style.bad(&format!("{ok} of {items} ok, {} failed", units::count(failed)))
            }
        };
        if tally.extra_attempts() > 0 {
            text += &format!("; {} extra attempts", units::count(tally.extra_attempts()));
        }
        if self.interrupted {
            let left = match self.total_items {
                Some(total) => {
                    let left = total.saturating_sub(tally.items());
                    format!("{} of {} were not done", units::count(left), units::count(total))
                }
                None => "the rest was not done".to_owned(),
            };
            text += &format!("; {}", style.warn(&format!("interrupted: {left}")));
        }
        text
    }

    /// A line for each of the most frequent kinds, with what the first of a kind said.
    fn failures(&self, style: Style) -> Vec<(&'static str, String)> {
        let kinds = self.tally.failures_by_count();
        let shown = if kinds.len() == KINDS + 1 { KINDS + 1 } else { KINDS };
        let (shown, rest) = kinds.split_at(shown.min(kinds.len()));
        let mut lines = Vec::new();
        for (kind, failures) in shown {
            let message = one_line(&failures.message, MESSAGE_WIDTH);
            let counted = style.bad(&format!("{kind} {}", units::count(failures.count)));
            let label = if lines.is_empty() { "failed" } else { "" };
            lines.push((label, format!("{counted}: {message}")));
        }
        if !rest.is_empty() {
            let rest = rest.iter().map(|(kind, f)| format!("{kind} {}", units::count(f.count)));
            lines.push(("", style.bad(&rest.collect::<Vec<_>>().join(", "))));
        }
        lines
    }

    fn wall(&self) -> String {
        let tally = &self.tally;
        let mut text = units::duration(self.wall_us);
        if let Some(rate) = per_second(tally.ok(), self.wall_us) {
            text += &format!(", {} ok items/s", units::number(rate));
        }
        if tally.failed() > 0
            && let Some(rate) = per_second(tally.items(), self.wall_us)
        {
            text += &format!(" ({} items/s with those that failed)", units::number(rate));
        }
        text
    }

    fn bytes(&self) -> String {
        let (bytes, decoded) = (self.tally.bytes(), self.tally.decoded_bytes());
        let mut text = units::bytes(bytes);
        if let Some(rate) = per_second(bytes, self.wall_us) {
            text += &format!(", {}", units::bytes_per_second(rate));
        }
        if decoded != bytes {
            text += &format!(", {} decoded", units::bytes(decoded));
        }
        text
    }

    /// Of the items that went well; of those that failed only where none did.
    fn latency(&self) -> String {
        let (ok, failed) = (self.tally.latency(), self.tally.failed_latency());
        let (shown, which) = match (ok.count(), failed.count()) {
            (0, 0) => return NOTHING.to_owned(),
            (0, _) => (failed, ", all of failed items"),
            (_, 0) => (ok, ""),
            _ => (ok, ", of the items that were ok"),
        };
        let us = |value: Option<u64>| value.map_or(NOTHING.to_owned(), units::duration);
        let [p50, p90, p99, max] =
            [Latency::p50_us, Latency::p90_us, Latency::p99_us, Latency::max_us]
                .map(|of| us(of(shown)));
        format!("p50 {p50}, p90 {p90}, p99 {p99}, max {max}{which}")
    }

    fn connections(&self) -> String {
        let opened = units::count(self.tally.connections_opened());
        let reused = units::count(self.tally.connections_reused());
        format!("{opened} items opened one, {reused} reused one")
    }

    /// What was seen at work, beside what was configured.
    fn in_flight(&self) -> String {
        let mean =
            self.tally.mean_in_flight(self.wall_us).map_or(NOTHING.to_owned(), units::number);
        let processes = counted(self.tally.processes(), "process", "processes");
        let threads = counted(self.tally.threads(), "thread", "threads");
        format!("{mean} on average, seen in {processes} on {threads}")
    }
}

/// As it is without colour.
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(Style::PLAIN))
    }
}

fn counted(number: usize, one: &str, many: &str) -> String {
    format!("{} {}", units::count(number as u64), if number == 1 { one } else { many })
}
