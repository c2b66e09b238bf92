//! What a run adds up to, record by record. Duty: constant memory, whatever the number of records. Limit: sums,
//! counts and distributions only; rates and comparisons are made from them elsewhere.

use crate::Latency;
use crate::hosts::Hosts;
use gaits_core::{Detail, ErrorKind, Field, Outcome, Record, Value, WorkerId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};

/// As many workers are told apart; a run that respawns more counts the first ones only, so that memory stays bounded.
const MOST_WORKERS: usize = 65_536;

/// The work whose traffic and connections are summed up.
const HTTP: &str = "http";

/// As much of a failure's message is kept, in bytes.
const MESSAGE_BYTES: usize = 400;

/// The failures of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failures {
    /// How many.
    pub count: u64,
    /// What the first of them said, so that nobody has to open the file; the beginning of it if it is long.
    pub message: String,
}

/// As many names of extracted fields are told apart where they were missing.
const MOST_FIELDS: usize = 64;

/// The name of the extracted field that has what was taken of each element of a list.
const EACH: &str = "each";

/// Where the time of items went, in microseconds: sums over all of them. The phases of `http` are those of its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Phases {
    /// From the moment when an item was handed out to the moment when a worker began with it.
    pub queued_us: u64,
    /// Name look-ups.
    pub dns_us: u64,
    /// Opening connections.
    pub connect_us: u64,
    /// TLS handshakes.
    pub tls_us: u64,
    /// From the request out to the head of the response in.
    pub first_byte_us: u64,
    /// From the head of the response to the end of its body.
    pub body_us: u64,
}

impl Phases {
    /// The same as one list, to be gone through.
    const fn all(&mut self) -> [&mut u64; 6] {
        let Self { queued_us, dns_us, connect_us, tls_us, first_byte_us, body_us } = self;
        [queued_us, dns_us, connect_us, tls_us, first_byte_us, body_us]
    }

    fn merge(&mut self, mut other: Self) {
        for (ours, theirs) in self.all().into_iter().zip(other.all()) {
            *ours = ours.saturating_add(*theirs);
        }
    }
}

/// What a run adds up to.
///
/// Feeding it two lists of records one after the other gives the same as merging the tallies of both.
/// Written down, it has no hosts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    items: u64,
    ok: u64,
    failed: BTreeMap<ErrorKind, Failures>,
    #[serde(default)]
    unsure: u64,
    bytes: u64,
    decoded_bytes: u64,
    extra_attempts: u64,
    connections_opened: u64,
    connections_reused: u64,
    cpu_us: u64,
    latency: Latency,
    failed_latency: Latency,
    at_work_us: u64,
    phases: Phases,
    #[serde(default)]
    extracted: u64,
    #[serde(default)]
    missing: BTreeMap<String, u64>,
    #[serde(skip)]
    elements_are_whole: bool,
    #[serde(skip)]
    hosts: Hosts,
    workers: HashSet<WorkerId>,
    #[serde(skip)]
    last_worker: LastWorker,
}

/// The worker of the record before: most records come in runs of one worker, and need no look-up. It is no part of
/// what was counted, so all are equal.
#[derive(Debug, Clone, Copy, Default)]
struct LastWorker(Option<WorkerId>);

impl PartialEq for LastWorker {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Tally {
    /// Of no record yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same, where the elements of a list were taken as they are (`--each` without `--extract`). Nobody has asked for a field
    /// of theirs then, so one that is null is not missing.
    #[must_use]
    pub const fn of_whole_elements(mut self) -> Self {
        self.elements_are_whole = true;
        self
    }

    /// Counts one record.
    pub fn add(&mut self, record: &Record) {
        self.items += 1;
        self.extra_attempts += u64::from(record.attempts.saturating_sub(1));
        self.cpu_us = self.cpu_us.saturating_add(record.timing.cpu_us);
        match &record.outcome {
            Outcome::Ok => self.ok += 1,
            Outcome::Failed(error) => {
                self.unsure += u64::from(error.may_have_been_processed());
                self.failed
                    .entry(error.kind)
                    .or_insert_with(|| Failures { count: 0, message: beginning(&error.message) })
                    .add(1);
            }
        }
        self.phases.queued_us = self.phases.queued_us.saturating_add(record.timing.queue_us());
        if let Some(detail) = record.detail.as_ref().filter(|detail| detail.work() == HTTP) {
            self.add_request(detail);
        }
        self.add_missing(record);
        self.hosts.add(record);
        if let Some(worker) = record.worker {
            self.add_worker(worker);
            self.add_latency(record);
        }
    }

    fn add_request(&mut self, detail: &Detail) {
        let (mut reused, mut was_open) = (false, false);
        let mut phases = Phases::default();
        detail.fields(|name, field| {
            // Most of what is no count needs no look at its name.
            if matches!(field, Field::Text(_) | Field::Hash(_)) {
                return;
            }
            let count = || field.as_unsigned().unwrap_or_default();
            match name {
                "bytes" => self.bytes = self.bytes.saturating_add(count()),
                "decoded_bytes" => self.decoded_bytes = self.decoded_bytes.saturating_add(count()),
                "reused" => reused = field.as_bool().unwrap_or_default(),
                // A refused connection took its time, too, and was never open.
                "status" => was_open |= count() > 0,
                "tls_us" => phases.tls_us = count(),
                "first_byte_us" => phases.first_byte_us = count(),
                "dns_us" => phases.dns_us = count(),
                "connect_us" => phases.connect_us = count(),
                "body_us" => phases.body_us = count(),
                _ => {}
            }
        });
        was_open |= phases.tls_us > 0 || phases.first_byte_us > 0;
        self.phases.merge(phases);
        if reused {
            self.connections_reused += 1;
        } else if was_open {
            self.connections_opened += 1;
        }
    }

    fn add_missing(&mut self, record: &Record) {
        self.extracted += u64::from(!record.extract.is_empty());
        for (name, value) in &record.extract {
            if lacks_some(value) {
                self.add_missing_field(name);
            }
            if let (EACH, Value::Array(elements), false) = (&**name, value, self.elements_are_whole)
            {
                for name in missing_of(elements) {
                    self.add_missing_field(name);
                }
            }
        }
    }

    fn add_missing_field(&mut self, name: &str) {
        if let Some(count) = self.missing.get_mut(name) {
            *count += 1;
        } else if self.missing.len() < MOST_FIELDS {
            self.missing.insert(name.to_owned(), 1);
        }
    }

    fn add_worker(&mut self, mut worker: WorkerId) {
        // Threads are counted, not the slots of their event loops.
        worker.slot = 0;
        if self.last_worker.0 != Some(worker) && self.workers.len() < MOST_WORKERS {
            self.workers.insert(worker);
        }
        self.last_worker.0 = Some(worker);
    }

    fn add_latency(&mut self, record: &Record) {
        let us = record.timing.latency_us();
        self.at_work_us = self.at_work_us.saturating_add(match record.error() {
            Some(error) if error.kind == ErrorKind::WorkerCrashed => 0,
            _ => record.timing.at_work_us(),
        });
        match record.error().map(|error| error.kind) {
            None => self.latency.add(us),
            // its worker died: when it had begun with the item is not known
            Some(ErrorKind::WorkerCrashed) => {}
            Some(_) => self.failed_latency.add(us),
        }
    }

    /// Counts all that `other` has counted, as if its records had come after these.
    pub fn merge(&mut self, other: &Self) {
        self.items = self.items.saturating_add(other.items);
        self.ok = self.ok.saturating_add(other.ok);
        self.unsure = self.unsure.saturating_add(other.unsure);
        for (kind, theirs) in &other.failed {
            match self.failed.get_mut(kind) {
                Some(ours) => ours.add(theirs.count),
                None => {
                    self.failed.insert(*kind, theirs.clone());
                }
            }
        }
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.decoded_bytes = self.decoded_bytes.saturating_add(other.decoded_bytes);
        self.extra_attempts += other.extra_attempts;
        self.connections_opened += other.connections_opened;
        self.connections_reused += other.connections_reused;
        self.cpu_us = self.cpu_us.saturating_add(other.cpu_us);
        self.latency.merge(&other.latency);
        self.failed_latency.merge(&other.failed_latency);
        self.at_work_us = self.at_work_us.saturating_add(other.at_work_us);
        self.phases.merge(other.phases);
        self.extracted += other.extracted;
        for (name, theirs) in &other.missing {
            if let Some(ours) = self.missing.get_mut(name) {
                *ours += theirs;
            } else if self.missing.len() < MOST_FIELDS {
                self.missing.insert(name.clone(), *theirs);
            }
        }
        self.hosts.merge(&other.hosts);
        let room = MOST_WORKERS.saturating_sub(self.workers.len());
        let new = other.workers.difference(&self.workers).copied().take(room).collect::<Vec<_>>();
        self.workers.extend(new);
        self.last_worker = other.last_worker;
    }

    /// Records counted: items that have come to an end, well or not.
    #[must_use]
    pub const fn items(&self) -> u64 {
        self.items
    }

    /// Items that went well.
    #[must_use]
    pub const fn ok(&self) -> u64 {
        self.ok
    }

    /// Items that did not.
    #[must_use]
    pub const fn failed(&self) -> u64 {
        self.items.saturating_sub(self.ok)
    }

    /// Those of them that may have been processed all the same, so that they should not be done again unasked.
    #[must_use]
    pub const fn unsure(&self) -> u64 {
        self.unsure
    }

    /// The failures by kind.
    #[must_use]
    pub const fn failures(&self) -> &BTreeMap<ErrorKind, Failures> {
        &self.failed
    }

    /// Bytes of response bodies received, before decoding, of failed items too.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Bytes of response bodies after decoding, of failed items too.
    #[must_use]
    pub const fn decoded_bytes(&self) -> u64 {
        self.decoded_bytes
    }

    /// Attempts beyond the first of each item.
    #[must_use]
    pub const fn extra_attempts(&self) -> u64 {
        self.extra_attempts
    }

    /// Items of `http` for which a connection was opened.
    #[must_use]
    pub const fn connections_opened(&self) -> u64 {
        self.connections_opened
    }

    /// Items of `http` that went over a connection which had served a request before.
    #[must_use]
    pub const fn connections_reused(&self) -> u64 {
        self.connections_reused
    }

    /// CPU time of workers on items, in microseconds: the sum of the records' `cpu_us`.
    #[must_use]
    pub const fn cpu_us(&self) -> u64 {
        self.cpu_us
    }

    /// How long the items took that went well, at their workers.
    #[must_use]
    pub const fn latency(&self) -> &Latency {
        &self.latency
    }

    /// How long the items took that a worker performed in vain.
    #[must_use]
    pub const fn failed_latency(&self) -> &Latency {
        &self.failed_latency
    }

    /// How long the items were at their workers, all together, in microseconds.
    #[must_use]
    pub const fn at_work_us(&self) -> u64 {
        self.at_work_us
    }

    /// Where the time of the items went.
    #[must_use]
    pub const fn phases(&self) -> &Phases {
        &self.phases
    }

    /// Records with extracted fields.
    #[must_use]
    pub const fn extracted(&self) -> u64 {
        self.extracted
    }

    /// The extracted fields of which something was missing, with in how many of these records. A field counts once for a record:
    /// if it is null, or a list with a null in it, or either of that in any element of the list of `--each`.
    #[must_use]
    pub const fn missing(&self) -> &BTreeMap<String, u64> {
        &self.missing
    }

    /// How each host has done, where items are URLs.
    #[must_use]
    pub const fn hosts(&self) -> &Hosts {
        &self.hosts
    }

    /// Distinct processes that items were at work in.
    #[must_use]
    pub fn processes(&self) -> usize {
        self.workers.iter().map(|worker| worker.pid).collect::<HashSet<_>>().len()
    }

    /// Distinct threads that items were at work on, over all processes.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.workers.len()
    }

    /// How many items were in flight on average over a run of `wall_us` microseconds: Little's law, L = λW, where
    /// λW is the sum of all times at work over the wall time. None when no time went by.
    #[must_use]
    pub fn mean_in_flight(&self, wall_us: u64) -> Option<f64> {
        (wall_us > 0).then(|| self.at_work_us as f64 / wall_us as f64)
    }

    /// The failures in a few words, the most frequent kind first: `connect 7, timeout 2`; empty without any.
    #[must_use]
    pub fn failures_brief(&self) -> String {
        let kinds = self.failures_by_count();
        let words = kinds.iter().map(|(kind, failures)| format!("{kind} {}", failures.count));
        words.collect::<Vec<_>>().join(", ")
    }

    /// The failures, the most frequent kind first, with the first message of each.
    #[must_use]
    pub fn failures_by_count(&self) -> Vec<(ErrorKind, &Failures)> {
        let mut kinds = self.failed.iter().map(|(kind, f)| (*kind, f)).collect::<Vec<_>>();
        kinds.sort_by_key(|(_, failures)| std::cmp::Reverse(failures.count));
        kinds
    }
}

impl Extend<Record> for Tally {
    fn extend<I: IntoIterator<Item = Record>>(&mut self, records: I) {
        for record in records {
            self.add(&record);
        }
    }
}

impl Failures {
    fn add(&mut self, count: u64) {
        self.count += count;
    }
}

/// Whether the value of a field is not there, or one of its values is not.
fn lacks_some(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(values) => values.contains(&Value::Null),
        _ => false,
    }
}

/// The fields that any of the elements lacks, each once.
fn missing_of(elements: &[Value]) -> Vec<&str> {
    let mut names = Vec::new();
    let fields = elements.iter().filter_map(|element| match element {
        Value::Object(fields) => Some(fields),
        _ => None,
    });
    for (name, value) in fields.flatten() {
        if lacks_some(value) && names.len() < MOST_FIELDS && !names.contains(&&**name) {
            names.push(&**name);
        }
    }
    names
}

/// As much of `message` as is kept.
fn beginning(message: &str) -> String {
    message[..message.floor_char_boundary(MESSAGE_BYTES)].to_owned()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use gaits_core::{ItemError, Timing, Value};
    use proptest::prelude::*;

    /// A record of an item that worker (`pid`, `tid`) did in `latency_us`, well or with `error`.
    pub(crate) fn record(
        (pid, tid): (u32, u32),
        latency_us: u64,
        error: Option<(ErrorKind, &str)>,
    ) -> Record {
        Record {
            index: 0,
            item: "http://x/".into(),
            outcome: error.map_or(Outcome::Ok, |(kind, message)| {
                Outcome::Failed(ItemError::new(kind, message))
            }),
            attempts: 1,
            tries: Vec::new(),
            worker: Some(WorkerId { pid, tid, slot: tid % 3 }),
            timing: Timing {
                due_us: None,
                queued_us: 0,
                started_us: 5,
                finished_us: 5 + latency_us,
                cpu_us: 7,
            },
            detail: None,
            extract: Vec::new(),
            payload: None,
        }
    }

    pub(crate) fn http(status: Option<u16>, reused: bool, connect_us: u64) -> Detail {
        let status = status.map(|status| ("status", Value::Integer(status.into())));
        let fields = status.into_iter().chain([
            ("bytes", Value::Integer(10)),
            ("decoded_bytes", Value::Integer(30)),
            ("reused", Value::Bool(reused)),
            ("connect_us", connect_us.into()),
        ]);
        Detail::read("http", fields.map(|(name, value)| (name.into(), value)).collect())
    }

    #[test]
    fn it_counts_what_the_records_say() {
        let mut tally = Tally::new();
        tally
            .add(&Record { detail: Some(http(Some(200), false, 40)), ..record((1, 1), 100, None) });
        tally.add(&Record { detail: Some(http(Some(200), true, 0)), ..record((1, 2), 200, None) });
        let refused = Some((ErrorKind::Connect, "connection refused"));
        tally.add(&Record {
            attempts: 3,
            tries: Vec::new(),
            detail: Some(http(None, false, 7)),
            ..record((2, 2), 9, refused)
        });
        tally.add(&record((2, 2), 9, Some((ErrorKind::Connect, "no route"))));

        assert_eq!((tally.items(), tally.ok(), tally.failed()), (4, 2, 2));
        let connect = &tally.failures()[&ErrorKind::Connect];
        assert_eq!((connect.count, connect.message.as_str()), (2, "connection refused"));
        assert_eq!((tally.bytes(), tally.decoded_bytes()), (30, 90));
        assert_eq!((tally.connections_opened(), tally.connections_reused()), (1, 1));
        assert_eq!((tally.extra_attempts(), tally.cpu_us()), (2, 28));
        assert_eq!((tally.processes(), tally.threads()), (2, 3));
        assert_eq!(tally.latency().max_us(), Some(200));
        assert_eq!(tally.failed_latency().max_us(), Some(9));
        assert_eq!(tally.mean_in_flight(159), Some(2.0));
        assert_eq!(tally.mean_in_flight(0), None);
    }

    #[test]
    fn only_what_a_worker_performed_has_a_latency() {
        let mut tally = Tally::new();
        let invalid = record((1, 1), 0, Some((ErrorKind::InvalidItem, "list:3: no scheme")));
        tally.add(&Record { worker: None, attempts: 0, ..invalid });
        tally.add(&record((1, 1), 0, Some((ErrorKind::WorkerCrashed, "killed by SIGKILL"))));
        assert_eq!(tally.failed(), 2);
        assert_eq!(tally.latency().p50_us(), None);
        assert_eq!(tally.failed_latency().p50_us(), None);
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let mut tally = Tally::new();
        tally.add(&record((1, 1), 0, Some((ErrorKind::Panic, &"ä".repeat(300)))));
        assert_eq!(tally.failures()[&ErrorKind::Panic].message, "ä".repeat(200));
    }

    /// The fields that the records with these extracted fields lack, with in how many.
    fn missing(tally: Tally, extracts: &[&str]) -> Vec<(String, u64)> {
        let mut tally = tally;
        for extract in extracts {
            let Value::Object(extract) = serde_json::from_str(extract).unwrap() else { panic!() };
            tally.add(&Record { extract, ..record((1, 1), 100, None) });
        }
        tally.missing().iter().map(|(name, count)| (name.clone(), *count)).collect()
    }

    #[test]
    fn a_field_that_something_is_missing_of_counts_once_for_a_record() {
        for (extracts, wanted) in [
            (&[r#"{"n":[12,null,null]}"#, r#"{"n":[1]}"#, r#"{"n":null}"#][..], &[("n", 2)][..]),
            (&[r#"{"n":{"m":null},"o":[[null]],"p":[],"q":[{"r":null}]}"#], &[]),
            (&[r#"{"each":[{"a":1,"b":2},{"a":null,"b":2},{"a":null,"b":2}]}"#], &[("a", 1)]),
            (
                &[r#"{"each":[{"a":[1,null]}]}"#, r#"{"each":[{"a":null,"b":null}]}"#],
                &[("a", 2), ("b", 1)],
            ),
            (&[r#"{"each":null}"#, r#"{"each":[]}"#, r#"{"each":[1,null]}"#], &[("each", 2)]),
        ] {
            let wanted: Vec<_> = wanted.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect();
            assert_eq!(missing(Tally::new(), extracts), wanted, "{extracts:?}");
        }
    }

    #[test]
    fn what_whole_elements_have_as_null_is_not_missing() {
        let tally = Tally::new().of_whole_elements();
        assert_eq!(missing(tally.clone(), &[r#"{"each":[{"a":null,"b":2}]}"#]), []);
        assert_eq!(missing(tally, &[r#"{"each":null}"#]), [("each".to_owned(), 1)]);
    }

    prop_compose! {
        fn any_record()(
            worker in proptest::option::of((1..4_u32, 1..4_u32)),
            latency_us in 0..10_000_000_u64,
            attempts in 0..4_u32,
            kind in proptest::option::of(proptest::sample::select(ErrorKind::ALL)),
            message in "[a-c]{0,3}",
            detail in proptest::option::of((any::<bool>(), 0..2_u64)),
        ) -> Record {
            let error = kind.map(|kind| (kind, message.as_str()));
            let mut record = record(worker.unwrap_or((1, 1)), latency_us, error);
            record.attempts = attempts;
            if worker.is_none() {
                record.worker = None;
            }
            if let Some((reused, connect_us)) = detail {
                record.detail = Some(http(None, reused, connect_us));
            }
            record
        }
    }

    proptest! {
        #[test]
        fn merging_tallies_is_tallying_the_concatenation(
            before in proptest::collection::vec(any_record(), 0..30),
            after in proptest::collection::vec(any_record(), 0..30),
        ) {
            let (mut left, mut right, mut all) = (Tally::new(), Tally::new(), Tally::new());
            all.extend(before.iter().chain(&after).cloned());
            left.extend(before);
            right.extend(after);
            left.merge(&right);
            prop_assert_eq!(left, all);
        }

        #[test]
        fn every_record_is_ok_or_failed(
            records in proptest::collection::vec(any_record(), 0..50)
        ) {
            let mut tally = Tally::new();
            tally.extend(records);
            let by_kind = tally.failures().values().map(|f| f.count).sum::<u64>();
            prop_assert_eq!(tally.ok() + by_kind, tally.items());
        }
    }
}
