//! What is said on stderr after a run. Duty: about a dozen lines in which a run that failed cannot be read as
//! one that went well. Limit: it says what the tally holds; it judges nothing.

use crate::style::one_line;
use crate::units::{self, NOTHING, per_second};
use crate::{EarlyEnd, Host, Latency, Layout, Style, Tally};
use std::fmt::{self, Write as _};

/// As many kinds of failure get a line of their own.
const KINDS: usize = 3;

/// As many fields are named that were missing in answers.
const FIELDS: usize = 3;

/// As many characters of a field's name are shown.
const FIELD_WIDTH: usize = 30;

/// As many lines are given to hosts, the one for the rest of them included.
const HOSTS: usize = 3;

/// As many characters of a host's name are shown.
const HOST_WIDTH: usize = 50;

/// What passes before the first item and after the last is told when it is at least one part in this many of the wall time.
const TOLD: u64 = 20;

/// As many characters of a failure's message are shown.
const MESSAGE_WIDTH: usize = 72;

/// One run, summed up.
#[derive(Debug, Clone)]
pub struct Summary {
    /// What the records add up to.
    pub tally: Tally,
    /// How long the run took, in microseconds.
    pub wall_us: u64,
    /// For how much of that its process was stopped, as by Ctrl-Z, in microseconds. What was in flight meanwhile has this
    /// time in its latency.
    pub suspended_us: u64,
    /// How much of that passed before the first item was started, in microseconds.
    pub startup_us: u64,
    /// How much of it passed after the last item was finished, in microseconds.
    pub closing_us: u64,
    /// The model, as the command line names it.
    pub model: String,
    /// How its workers were laid out.
    pub layout: Layout,
    /// How many of its workers were missing: they could not be started, or gave up.
    pub missing_workers: u64,
    /// How many items the input held, where that is known.
    pub total_items: Option<u64>,
    /// Whether the run was stopped before its input was done.
    pub interrupted: bool,
    /// Why it ended early of its own accord, if it did.
    pub early_end: Option<EarlyEnd>,
    /// How many tries failed and were followed by another.
    pub retries: u64,
    /// How often a host has asked to be left alone.
    pub pauses: u64,
}

impl Summary {
    /// What stands for the model of a run that has left only its records.
    pub const UNKNOWN: &str = "unknown";

    /// The text, some lines with a line break after each.
    #[must_use]
    pub fn render(&self, style: Style) -> String {
        let mut lines = vec![("items", self.items(style))];
        lines.extend(self.failures(style));
        lines.extend(self.missing(style));
        if let Some(end) = &self.early_end {
            lines.push(("stopped", style.warn(&end.to_string())));
        }
        if self.retries + self.pauses > 0 {
            lines.push(("retries", self.retried()));
        }
        lines.extend(self.hosts());
        lines.push(("wall time", self.wall()));
        if self.tally.bytes() > 0 || self.tally.decoded_bytes() > 0 {
            lines.push(("bytes", self.bytes()));
        }
        lines.push(("latency", self.latency()));
        if self.tally.connections_opened() + self.tally.connections_reused() > 0 {
            lines.push(("connections", self.connections()));
        }
        lines.push(("model", self.workers(style)));
        lines.push(("in flight", self.in_flight()));

        let width = lines.iter().map(|(label, _)| label.len()).max().unwrap_or(0);
        let line = |(label, text)| format!("{}  {text}\n", style.dim(&format!("{label:width$}")));
        lines.into_iter().map(line).collect()
    }

    /// How many went well, of how many: the first thing that is read.
    fn items(&self, style: Style) -> String {
        let tally = &self.tally;
        let (ok, items) = (units::count(tally.ok()), units::count(tally.items()));
        let counted = match (tally.items(), tally.failed()) {
            (0, _) => style.warn("none was done"),
            (_, 0) => style.good(&format!("{ok} of {items} ok")),
            (_, failed) => {
                style.bad(&format!("{ok} of {items} ok, {} failed", units::count(failed)))
            }
        };
        let mut parts = vec![counted];
        // The others come from workers that died.
        let extra = tally.extra_attempts().saturating_sub(self.retries);
        if extra > 0 {
            parts.push(format!("{} extra attempts", units::count(extra)));
        }
        let how = match (self.interrupted, &self.early_end) {
            (true, _) => Some("interrupted"),
            (_, Some(_)) => Some("stopped early"),
            _ => None,
        };
        if let Some(how) = how {
            let left = match self.total_items {
                Some(total) => {
                    let left = total.saturating_sub(tally.items());
                    format!("{} of {} were not done", units::count(left), units::count(total))
                }
                None => "the rest was not done".to_owned(),
            };
            parts.push(style.warn(&format!("{how}: {left}")));
        }
        parts.join("; ")
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

    /// In how many answers fields were missing, those that were missing most first.
    fn missing(&self, style: Style) -> Option<(&'static str, String)> {
        let mut fields: Vec<(&String, &u64)> = self.tally.missing().iter().collect();
        fields.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let (name, count) = fields.first()?;
        let name = one_line(name, FIELD_WIDTH);
        let of = units::count(self.tally.extracted());
        let mut text = format!("{name} in {} of {of} answers", units::count(**count));
        for (name, count) in fields.iter().skip(1).take(FIELDS - 1) {
            // Writing to a String cannot fail.
            let _ = write!(text, ", {} in {}", one_line(name, FIELD_WIDTH), units::count(**count));
        }
        if fields.len() > FIELDS {
            let _ = write!(text, ", and {} more fields", fields.len() - FIELDS);
        }
        Some(("missing", style.warn(&text)))
    }

    fn retried(&self) -> String {
        let mut parts = Vec::new();
        if self.retries > 0 {
            let (tries, were) = if self.retries == 1 { ("try", "was") } else { ("tries", "were") };
            let retries = units::count(self.retries);
            parts.push(format!("{retries} {tries} failed and {were} followed by another"));
        }
        if self.pauses > 0 {
            let times = if self.pauses == 1 { "time" } else { "times" };
            let pauses = units::count(self.pauses);
            parts.push(format!("hosts asked {pauses} {times} to be left alone"));
        }
        parts.join("; ")
    }

    /// A line for each of the worst hosts, where there are several.
    fn hosts(&self) -> Vec<(&'static str, String)> {
        let hosts = self.tally.hosts();
        let worst = hosts.worst_first();
        if worst.len() < 2 {
            return Vec::new();
        }
        let all = worst.len() <= HOSTS && hosts.others().is_none();
        let (shown, rest) = worst.split_at(if all { worst.len() } else { HOSTS - 1 });
        let mut lines: Vec<_> = shown
            .iter()
            .map(|(name, host)| {
                let name = one_line(name, HOST_WIDTH);
                let mut text = format!("{name}: {}", counts(host.items(), host.failed()));
                let at = |quantile| host.quantile_us(quantile).map(units::duration);
                if let (Some(p50), Some(p99)) = (at(0.5), at(0.99)) {
                    // Writing to a String cannot fail.
                    let _ = write!(text, ", p50 {p50}, p99 {p99}");
                }
                text
            })
            .collect();
        if !all {
            let others = || rest.iter().map(|(_, host)| *host).chain(hosts.others());
            let of = |what: fn(&Host) -> u64| others().map(what).sum();
            // How many hosts there was no room for is not known.
            let more = if hosts.others().is_some() { "more than " } else { "" };
            let number = units::count(rest.len() as u64);
            let others = counts(of(Host::items), of(Host::failed));
            lines.push(format!("{more}{number} others: {others}"));
        }
        let label = |place| if place == 0 { "hosts" } else { "" };
        lines.into_iter().enumerate().map(|(place, line)| (label(place), line)).collect()
    }

    /// The wall time without that in which it was stopped.
    fn at_work_us(&self) -> u64 {
        self.wall_us.saturating_sub(self.suspended_us)
    }

    fn wall(&self) -> String {
        let tally = &self.tally;
        let mut parts = vec![units::duration(self.wall_us)];
        if self.suspended_us > 0 {
            let suspended = units::duration(self.suspended_us);
            parts.push(format!("{suspended} of it stopped by Ctrl-Z"));
        }
        if let Some(rate) = per_second(tally.ok(), self.at_work_us()) {
            parts.push(format!("{} ok items/s", units::number(rate)));
        }
        if tally.failed() > 0
            && let Some(rate) = per_second(tally.items(), self.at_work_us())
        {
            parts.push(format!("{} items/s with those that failed", units::number(rate)));
        }
        let beside = self.startup_us.saturating_add(self.closing_us);
        if tally.items() > 0 && beside > 0 && beside.saturating_mul(TOLD) >= self.wall_us {
            let [startup, closing] = [self.startup_us, self.closing_us].map(units::duration);
            parts.push(format!("{startup} before the first item and {closing} after the last"));
        }
        parts.join(", ")
    }

    fn bytes(&self) -> String {
        let (bytes, decoded) = (self.tally.bytes(), self.tally.decoded_bytes());
        let mut parts = vec![units::bytes(bytes)];
        if let Some(rate) = per_second(bytes, self.at_work_us()) {
            parts.push(units::bytes_per_second(rate));
        }
        if decoded != bytes {
            parts.push(format!("{} decoded", units::bytes(decoded)));
        }
        parts.join(", ")
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
        let stop =
            if self.suspended_us > 0 { ", with the time in which it was stopped" } else { "" };
        format!("p50 {p50}, p90 {p90}, p99 {p99}, max {max}{which}{stop}")
    }

    /// How many items had to wait for a new one. How many were opened is not known: of an item that was tried again, the record
    /// tells of its last try, and one with redirects may need several.
    fn connections(&self) -> String {
        let (new, kept) = (self.tally.connections_opened(), self.tally.connections_reused());
        let news = if new == 1 { "item over a new one" } else { "items over new ones" };
        let olds = if kept == 1 { "a kept one" } else { "kept ones" };
        let tries = if self.tally.extra_attempts() > 0 { ", in the last try of each" } else { "" };
        format!("{} {news}, {} over {olds}{tries}", units::count(new), units::count(kept))
    }

    /// What was configured, and how much of it was missing.
    fn workers(&self, style: Style) -> String {
        // Without the model, how its workers were laid out isn't known either.
        if self.model == Self::UNKNOWN {
            return self.model.clone();
        }
        let configured = format!("{}: {}", self.model, self.layout);
        if self.missing_workers == 0 {
            return configured;
        }
        let missing = units::count(self.missing_workers);
        let were = if self.missing_workers == 1 { "worker was" } else { "workers were" };
        format!("{configured}; {}", style.warn(&format!("{missing} {were} missing")))
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

fn counts(items: u64, failed: u64) -> String {
    let items = counted(usize::try_from(items).unwrap_or(usize::MAX), "item", "items");
    if failed == 0 { items } else { format!("{items}, {} failed", units::count(failed)) }
}

fn counted(number: usize, one: &str, many: &str) -> String {
    format!("{} {}", units::count(number as u64), if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests;
