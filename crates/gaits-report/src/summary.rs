//! What is said on stderr after a run. Duty: at most about ten lines in which a run that failed cannot be read as
//! one that went well. Limit: it says what the tally holds; it judges nothing.

use crate::style::one_line;
use crate::units::{self, NOTHING, per_second};
use crate::{Latency, Layout, Style, Tally};
use std::fmt;

/// As many kinds of failure get a line of their own.
const KINDS: usize = 3;

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
        if tally.extra_attempts() > 0 {
            parts.push(format!("{} extra attempts", units::count(tally.extra_attempts())));
        }
        if self.interrupted {
            let left = match self.total_items {
                Some(total) => {
                    let left = total.saturating_sub(tally.items());
                    format!("{} of {} were not done", units::count(left), units::count(total))
                }
                None => "the rest was not done".to_owned(),
            };
            parts.push(style.warn(&format!("interrupted: {left}")));
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

    fn wall(&self) -> String {
        let tally = &self.tally;
        let mut parts = vec![units::duration(self.wall_us)];
        if let Some(rate) = per_second(tally.ok(), self.wall_us) {
            parts.push(format!("{} ok items/s", units::number(rate)));
        }
        if tally.failed() > 0
            && let Some(rate) = per_second(tally.items(), self.wall_us)
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
        if let Some(rate) = per_second(bytes, self.wall_us) {
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
        format!("p50 {p50}, p90 {p90}, p99 {p99}, max {max}{which}")
    }

    fn connections(&self) -> String {
        let opened = units::count(self.tally.connections_opened());
        let reused = units::count(self.tally.connections_reused());
        format!("{opened} opened, reused {reused} times")
    }

    /// What was configured, and how much of it was missing.
    fn workers(&self, style: Style) -> String {
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

fn counted(number: usize, one: &str, many: &str) -> String {
    format!("{} {}", units::count(number as u64), if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tally::tests::record;
    use gaits_core::{Detail, ErrorKind, Record, Value};
    use proptest::prelude::*;

    fn summary(tally: Tally, wall_us: u64) -> Summary {
        Summary {
            tally,
            wall_us,
            startup_us: 0,
            closing_us: 0,
            model: "threads:2/async:50".to_owned(),
            layout: Layout::new(1, 2, 50),
            missing_workers: 0,
            total_items: None,
            interrupted: false,
        }
    }

    #[test]
    fn what_passes_before_and_after_the_work_is_told_where_it_matters() {
        let mut tally = Tally::new();
        tally.add(&record((1, 1), 100, None));
        let told = |startup_us, closing_us| {
            Summary { startup_us, closing_us, ..summary(tally.clone(), 100_000) }.to_string()
        };
        let long = told(1_000, 4_000);
        assert!(
            long.contains("1.00 ms before the first item and 4.00 ms after the last"),
            "{long}"
        );
        assert!(!told(1_000, 3_999).contains("before the first item"));
    }

    #[test]
    fn missing_workers_are_told_beside_the_model() {
        let summary = Summary { missing_workers: 88, ..summary(Tally::new(), 5) };
        assert!(summary.to_string().contains("; 88 workers were missing\n"), "{summary}");
    }

    fn fetched(tid: u32, latency_us: u64, reused: bool) -> Record {
        let fields = [
            ("status", Value::Integer(200)),
            ("bytes", Value::Integer(50)),
            ("decoded_bytes", Value::Integer(50)),
            ("reused", Value::Bool(reused)),
        ];
        let fields = fields.map(|(name, value)| (name.into(), value)).to_vec();
        let detail = Some(Detail::read("http", fields));
        Record { detail, ..record((7, tid), latency_us, None) }
    }

    #[test]
    fn a_run_that_went_well() {
        let mut tally = Tally::new();
        for place in 0..1200 {
            tally.add(&fetched(8 + place % 2, 230_000, place >= 100));
        }
        assert_eq!(
            summary(tally, 2_760_000).to_string(),
            "\
items        1,200 of 1,200 ok
wall time    2.76 s, 435 ok items/s
bytes        60.0 kB, 21.7 kB/s
latency      p50 230 ms, p90 230 ms, p99 230 ms, max 230 ms
connections  100 opened, reused 1,100 times
model        threads:2/async:50: 1 process × 2 threads × 50 in flight
in flight    100 on average, seen in 1 process on 2 threads
"
        );
    }

    #[test]
    fn a_run_in_which_all_failed_says_so_first() {
        let mut tally = Tally::new();
        for _ in 0..9 {
            let refused = (ErrorKind::Connect, "127.0.0.1:9: connection refused\n(os error 111)");
            tally.add(&record((7, 7), 90, Some(refused)));
        }
        let summary = summary(tally, 300_000);
        assert_eq!(
            summary.to_string(),
            "\
items      0 of 9 ok, 9 failed
failed     connect 9: 127.0.0.1:9: connection refused (os error 111)
wall time  300 ms, 0 ok items/s, 30.0 items/s with those that failed
latency    p50 90 µs, p90 90 µs, p99 90 µs, max 90 µs, all of failed items
model      threads:2/async:50: 1 process × 2 threads × 50 in flight
in flight  0.0027 on average, seen in 1 process on 1 thread
"
        );
        assert!(summary.render(Style::COLOR).contains("\x1b[1;31m0 of 9 ok, 9 failed\x1b[0m"));
    }

    #[test]
    fn many_kinds_of_failure_take_few_lines() {
        let mut tally = Tally::new();
        tally.add(&record((7, 7), 5000, None));
        for (times, kind) in ErrorKind::ALL.iter().enumerate().take(6) {
            for _ in 0..=times {
                tally.add(&record((7, 7), 10, Some((*kind, "so it is"))));
            }
        }
        let summary = Summary { total_items: Some(100), interrupted: true, ..summary(tally, 0) };
        assert_eq!(
            summary.to_string(),
            "\
items      1 of 22 ok, 21 failed; interrupted: 78 of 100 were not done
failed     timeout 6: so it is
           tls 5: so it is
           connect_timeout 4: so it is
           connect 3, dns 2, invalid_item 1
wall time  0 µs
latency    p50 5.00 ms, p90 5.00 ms, p99 5.00 ms, max 5.00 ms, of the items that were ok
model      threads:2/async:50: 1 process × 2 threads × 50 in flight
in flight  – on average, seen in 1 process on 1 thread
"
        );
    }

    #[test]
    fn a_run_of_nothing_is_no_success() {
        assert_eq!(
            summary(Tally::new(), 12).to_string(),
            "\
items      none was done
wall time  12 µs, 0 ok items/s
latency    –
model      threads:2/async:50: 1 process × 2 threads × 50 in flight
in flight  0 on average, seen in 0 processes on 0 threads
"
        );
    }

    proptest! {
        #[test]
        fn no_number_is_nonsense_and_no_text_long(
            outcomes in proptest::collection::vec(
                (any::<u64>(), proptest::option::of(proptest::sample::select(ErrorKind::ALL))), 0..40
            ),
            wall_us: u64,
            interrupted: bool,
            total_items: Option<u64>,
        ) {
            let mut tally = Tally::new();
            for (latency_us, kind) in outcomes {
                let latency_us = latency_us / 2; // leaves room to start after 0
                tally.add(&record((7, 7), latency_us, kind.map(|kind| (kind, "\x1b[2Jno\nway"))));
            }
            let summary = Summary { total_items, interrupted, ..summary(tally, wall_us) };
            let text = summary.to_string();
            let bare = text.replace("in flight", "").replace("invalid", "").to_lowercase();
            prop_assert!(!bare.contains("nan") && !bare.contains("inf"), "{}", text);
            prop_assert!(!text.contains('\x1b'));
            prop_assert!(text.lines().count() <= 11, "{}", text);
            prop_assert_eq!(text.contains("failed"), summary.tally.failed() > 0);
        }
    }
}
