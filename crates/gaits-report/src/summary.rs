//! What is said on stderr after a run. Duty: about a dozen lines in which a run that failed cannot be read as
//! one that went well. Limit: it says what the tally holds; it judges nothing.

use crate::style::one_line;
use crate::units::{self, NOTHING, per_second};
use crate::{EarlyEnd, Host, Latency, Layout, Style, Tally};
use std::fmt::{self, Write as _};

/// As many kinds of failure get a line of their own.
const KINDS: usize = 3;

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
    /// The text, some lines with a line break after each.
    #[must_use]
    pub fn render(&self, style: Style) -> String {
        let mut lines = vec![("items", self.items(style))];
        lines.extend(self.failures(style));
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

    fn connections(&self) -> String {
        let opened = units::count(self.tally.connections_opened());
        let reused = match self.tally.connections_reused() {
            1 => "once".to_owned(),
            reused => format!("{} times", units::count(reused)),
        };
        format!("{opened} opened, reused {reused}")
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

fn counts(items: u64, failed: u64) -> String {
    let items = counted(usize::try_from(items).unwrap_or(usize::MAX), "item", "items");
    if failed == 0 { items } else { format!("{items}, {} failed", units::count(failed)) }
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
            suspended_us: 0,
            startup_us: 0,
            closing_us: 0,
            model: "threads:2/async:50".to_owned(),
            layout: Layout::new(1, 2, 50),
            missing_workers: 0,
            total_items: None,
            interrupted: false,
            early_end: None,
            retries: 0,
            pauses: 0,
        }
    }

    #[test]
    fn a_run_that_ended_early_says_why_and_what_is_left() {
        let mut tally = Tally::new();
        tally.add(&record((1, 1), 100, None));
        let error = (ErrorKind::HttpStatus, "401 Unauthorized");
        tally.add(&record((1, 1), 100, Some(error)));
        let early_end = Some(EarlyEnd::Advised {
            item: "http://x/2".into(),
            kind: ErrorKind::HttpStatus,
            message: "401 Unauthorized".into(),
        });
        let summary = Summary {
            early_end,
            total_items: Some(1000),
            retries: 312,
            pauses: 1,
            ..summary(tally, 100_000)
        };
        let text = summary.to_string();
        assert!(
            text.starts_with(
                "items      1 of 2 ok, 1 failed; stopped early: 998 of 1,000 were not done\n"
            ),
            "{text}"
        );
        assert!(text.contains("\nstopped    at http://x/2"), "{text}");
        assert!(
            text.contains("\nretries    312 tries failed and were followed by another; hosts asked 1 time to be left alone\n"),
            "{text}"
        );
    }

    #[test]
    fn attempts_that_were_no_retries_are_told_apart() {
        let mut tally = Tally::new();
        tally.add(&Record { attempts: 4, ..record((1, 1), 100, None) });
        let told = Summary { retries: 2, ..summary(tally, 100_000) }.to_string();
        assert!(told.contains("1 of 1 ok; 1 extra attempts\n"), "{told}");
        assert!(told.contains("2 tries failed and were followed by another\n"), "{told}");
    }

    #[test]
    fn several_hosts_are_shown_the_worst_first() {
        let of = |url: &str, us, error| Record { item: url.into(), ..record((1, 1), us, error) };
        let told = |hosts: u64| {
            let mut tally = Tally::new();
            for host in 0..hosts {
                tally.add(&of(&format!("http://h{host}.example/"), 100_000 * (host + 1), None));
            }
            let error = Some((ErrorKind::Timeout, "too late"));
            tally.add(&of("http://h0.example/", 10, error));
            summary(tally, 100_000).to_string()
        };
        assert!(!told(1).contains("hosts"));
        let three = told(3);
        assert!(
            three.contains(
                "hosts      h0.example: 2 items, 1 failed, p50 100 ms, p99 100 ms\n           h2.example: 1 item, p50 300 ms, p99 300 ms\n           h1.example: 1 item, p50 200 ms, p99 200 ms\n"
            ),
            "{three}"
        );
        let many = told(20);
        assert!(many.contains("           h19.example: 1 item, p50 2.00 s, p99 2.00 s\n           18 others: 18 items\n"), "{many}");
        let more = told(2_000);
        assert!(more.contains("           more than 998 others: "), "{more}");
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
    fn time_in_which_it_was_stopped_makes_it_not_slower() {
        let mut tally = Tally::new();
        for place in 0..100 {
            tally.add(&fetched(8, 230_000, place > 0));
        }
        let told = Summary { suspended_us: 30_000_000, ..summary(tally, 40_000_000) }.to_string();
        for wanted in [
            "wall time    40.0 s, 30.0 s of it stopped by Ctrl-Z, 10.0 ok items/s\n",
            ", 500 B/s\n",
            "max 230 ms, with the time in which it was stopped\n",
        ] {
            assert!(told.contains(wanted), "{wanted}: {told}");
        }
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
