//! What a small picture shows of one run: records → a lane for each worker, and one lane for all workers that there is no
//! room for.
//!
//! Limit: memory is bounded, however many records and workers come. A lane with few items has each of them as a bar; one
//! with many has sums of time. When items failed is known of all.

use super::axis::Axis;
use super::marks::Marks;
use crate::Latency;
use crate::page::activity::Activity;
use crate::page::phases::Phases;
use gaits_core::Record;
use std::collections::{BTreeMap, HashMap, HashSet};

/// No run goes on for longer, in microseconds: ten years.
const LONGEST_US: u64 = 10 * 365 * 86_400_000_000;
/// So many lanes are told apart at most, and of each event loop only those of its first slots.
const TOLD_APART: usize = 64;
const FIRST_SLOTS: u32 = 16;
/// A lane with more items than this has no bar for each of them.
const MOST_BARS: usize = 200;
/// More workers than this are not counted one by one.
const MOST_COUNTED: usize = 100_000;
/// So many of the slowest items are kept...
const SLOWEST: usize = 3;
/// ...and shown where they took this many times as long as half of all items.
const UNLIKE: f64 = 2.0;

/// A worker by its place, counted from 0: of its process in the run, of its thread in the process, and on its event loop.
/// Who does the items of a later run of the same file gets the same places again. None for what no worker ever saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Place {
    pub(super) process: u32,
    pub(super) thread: u32,
    pub(super) slot: u32,
}

/// One item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bar {
    pub(super) started_us: u64,
    pub(super) phases: Phases,
    pub(super) failed: bool,
}

impl Bar {
    pub(super) fn finished_us(&self) -> u64 {
        self.phases.0.iter().fold(self.started_us, |end, us| end.saturating_add(*us))
    }
}

/// What one worker did, or several.
#[derive(Debug, Clone)]
pub(super) struct Lane {
    /// Of how many workers it is.
    pub(super) workers: usize,
    /// Each item by its start; none where there are too many.
    pub(super) bars: Option<Vec<Bar>>,
    pub(super) activity: Activity,
    /// When items failed.
    pub(super) failures: Marks,
    /// Items that took unlike long.
    pub(super) slow: Vec<Bar>,
}

impl Lane {
    fn new(bars: Option<Vec<Bar>>) -> Self {
        let (activity, failures) = (Activity::new(), Marks::new());
        Self { workers: 1, bars, activity, failures, slow: Vec::new() }
    }

    fn add(&mut self, bar: Bar) {
        self.activity.add(bar.started_us, bar.phases);
        if bar.failed {
            self.failures.add(bar.finished_us());
        }
        match &mut self.bars {
            Some(bars) if bars.len() < MOST_BARS => bars.push(bar),
            _ => self.bars = None,
        }
    }

    /// The share of the time of its workers that went into each phase, by column of a time axis with so many of them. It is
    /// as fine as the bars, or as the sums of time where there are none.
    pub(super) fn columns(&self, axis: Axis, number: usize) -> Vec<[f64; Phases::COUNT]> {
        let mut columns = Columns::new(axis, number);
        let workers = self.workers.max(1) as f64;
        if let Some(bars) = &self.bars {
            for bar in bars {
                let mut from = bar.started_us as f64;
                for (phase, us) in bar.phases.0.into_iter().enumerate() {
                    columns.add(phase, from, from + us as f64, 1.0 / workers);
                    from += us as f64;
                }
            }
            return columns.shares;
        }
        let bin_us = self.activity.bin_us as f64;
        for (place, bin) in self.activity.bins.iter().enumerate() {
            let from = place as f64 * bin_us;
            for (phase, us) in bin.iter().enumerate().filter(|(_, us)| **us > 0) {
                columns.add(phase, from, from + bin_us, *us as f64 / bin_us / workers);
            }
        }
        columns.shares
    }

    fn merge(&mut self, other: &Self) {
        self.activity.merge(&other.activity);
        self.failures.merge(&other.failures);
        self.workers += other.workers;
        self.slow.extend(&other.slow);
    }
}

/// Shares of time by column of a time axis.
struct Columns {
    wide_us: f64,
    shares: Vec<[f64; Phases::COUNT]>,
}

impl Columns {
    fn new(axis: Axis, number: usize) -> Self {
        let wide_us = axis.length_us as f64 / number.max(1) as f64;
        Self { wide_us, shares: vec![[0.0; Phases::COUNT]; number] }
    }

    /// Adds the time between two moments in microseconds, `weight` times.
    fn add(&mut self, phase: usize, from: f64, to: f64, weight: f64) {
        let (wide, last) = (self.wide_us, self.shares.len().saturating_sub(1));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "not negative, and it saturates"
        )]
        let column = |us: f64| ((us / wide) as usize).min(last);
        for place in column(from)..=column(to) {
            let begins = place as f64 * wide;
            let overlap = to.min(begins + wide) - from.max(begins);
            if let Some(shares) = self.shares.get_mut(place).filter(|_| overlap > 0.0) {
                shares[phase] += overlap / wide * weight;
            }
        }
    }
}

/// Takes the records of a run one by one.
#[derive(Debug)]
pub struct LanesBuilder {
    told: BTreeMap<Place, Lane>,
    rest: Lane,
    in_rest: HashSet<Place>,
    unseen: Option<Lane>,
    /// The places of the processes of the run at hand, and of their threads, by their numbers in the system.
    processes: HashMap<u32, u32>,
    threads: HashMap<(u32, u32), u32>,
    threads_of: HashMap<u32, u32>,
    slowest: Vec<(u64, Option<Place>, Bar)>,
    at_work: Latency,
    offset_us: u64,
    end_us: u64,
    records: u64,
    failed: u64,
    impossible: u64,
}

/// What a picture shows of one run.
#[derive(Debug)]
pub struct Lanes {
    told: BTreeMap<Place, Lane>,
    /// What was not told apart while records were read.
    rest: Lane,
    unseen: Option<Lane>,
    pub(super) end_us: u64,
    pub(super) records: u64,
    pub(super) failed: u64,
    /// Records whose times can't be, which are counted and not drawn.
    pub(super) impossible: u64,
}

/// The lanes of a run, no more than there is room for.
#[derive(Debug)]
pub(super) struct Shown<'a> {
    pub(super) lanes: Vec<(String, &'a Lane)>,
    /// All others together.
    pub(super) rest: Option<Lane>,
}

impl Default for LanesBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl LanesBuilder {
    /// Of a run that has no record yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            told: BTreeMap::new(),
            rest: Lane { workers: 0, ..Lane::new(None) },
            in_rest: HashSet::new(),
            unseen: None,
            processes: HashMap::new(),
            threads: HashMap::new(),
            threads_of: HashMap::new(),
            slowest: Vec::new(),
            at_work: Latency::new(),
            offset_us: 0,
            end_us: 0,
            records: 0,
            failed: 0,
            impossible: 0,
        }
    }

    /// The records that follow are of another run, whose times begin at zero again: it is drawn behind those before.
    pub fn begin_run(&mut self) {
        self.offset_us = self.end_us;
        self.processes.clear();
        self.threads.clear();
        self.threads_of.clear();
    }

    /// Takes one record.
    pub fn add(&mut self, record: &Record) {
        self.records += 1;
        let failed = record.error().is_some();
        self.failed += u64::from(failed);
        let timing = record.timing;
        if timing.finished_us < timing.started_us || timing.finished_us > LONGEST_US {
            self.impossible += 1;
            return;
        }
        let started_us = self.offset_us.saturating_add(timing.started_us);
        self.end_us = self.end_us.max(self.offset_us.saturating_add(timing.finished_us));
        let Some(worker) = record.worker else {
            let bar = Bar { started_us, phases: Phases::default(), failed };
            self.unseen.get_or_insert_with(|| Lane::new(Some(Vec::new()))).add(bar);
            return;
        };
        let bar = Bar { started_us, phases: Phases::of(record), failed };
        let place = self.place(worker.pid, worker.tid, worker.slot);
        self.at_work.add(timing.at_work_us());
        self.slowest.push((timing.at_work_us(), place, bar));
        self.slowest.sort_by_key(|(us, _, _)| std::cmp::Reverse(*us));
        self.slowest.truncate(SLOWEST);
        if let Some(place) = place.filter(|place| self.is_told_apart(*place)) {
            self.told.entry(place).or_insert_with(|| Lane::new(Some(Vec::new()))).add(bar);
            return;
        }
        self.rest.add(bar);
        if let Some(place) = place
            && self.in_rest.len() < MOST_COUNTED
        {
            self.in_rest.insert(place);
        }
    }

    /// None where there are so many threads that they are not told apart any more.
    fn place(&mut self, pid: u32, tid: u32, slot: u32) -> Option<Place> {
        if self.threads.len() >= MOST_COUNTED && !self.threads.contains_key(&(pid, tid)) {
            return None;
        }
        let next = u32::try_from(self.processes.len()).unwrap_or(u32::MAX);
        let process = *self.processes.entry(pid).or_insert(next);
        let threads_of = self.threads_of.entry(pid).or_insert(0);
        let thread = *self.threads.entry((pid, tid)).or_insert_with(|| {
            *threads_of += 1;
            *threads_of - 1
        });
        Some(Place { process, thread, slot })
    }

    fn is_told_apart(&self, place: Place) -> bool {
        place.slot < FIRST_SLOTS
            && (self.told.len() < TOLD_APART || self.told.contains_key(&place))
            && !self.in_rest.contains(&place)
    }

    /// What a picture shows of the records so far.
    #[must_use]
    pub fn finish(mut self) -> Lanes {
        self.rest.workers = self.in_rest.len();
        let usual = self.at_work.p50_us().unwrap_or(0) as f64;
        for (us, place, bar) in self.slowest {
            if us as f64 <= usual * UNLIKE {
                continue;
            }
            let lane = place.and_then(|place| self.told.get_mut(&place)).unwrap_or(&mut self.rest);
            lane.slow.push(bar);
        }
        for lane in self.told.values_mut().chain(&mut self.unseen) {
            lane.bars.iter_mut().for_each(|bars| bars.sort_by_key(|bar| bar.started_us));
        }
        Lanes {
            told: self.told,
            rest: self.rest,
            unseen: self.unseen,
            end_us: self.end_us,
            records: self.records,
            failed: self.failed,
            impossible: self.impossible,
        }
    }
}

impl Lanes {
    /// How many records there were.
    #[must_use]
    pub const fn records(&self) -> u64 {
        self.records
    }

    /// Whether items took unlike long.
    pub(super) fn has_slow(&self) -> bool {
        self.all().any(|lane| !lane.slow.is_empty())
    }

    fn all(&self) -> impl Iterator<Item = &Lane> {
        self.told.values().chain(&self.unseen).chain([&self.rest])
    }

    /// At most `most` lanes with a name each, and all others as one. Threads come before slots: one of each event loop is
    /// shown before a second one of any.
    pub(super) fn shown(&self, most: usize) -> Shown<'_> {
        let mut of_thread: HashMap<(u32, u32), usize> = HashMap::new();
        let mut ranked: Vec<(usize, Place)> = Vec::new();
        for place in self.told.keys() {
            let rank = of_thread.entry((place.process, place.thread)).or_insert(0);
            ranked.push((*rank, *place));
            *rank += 1;
        }
        let all = self.told.len() + self.rest.workers;
        // A lane of its own takes no more room than a lane for one other.
        let most = if all == most.saturating_add(1) { all } else { most };
        ranked.sort_unstable();
        let mut chosen: Vec<Place> =
            ranked.into_iter().take(most).map(|(_, place)| place).collect();
        chosen.sort_unstable();
        let mut rest = self.rest.clone();
        for (place, lane) in &self.told {
            if chosen.binary_search(place).is_err() {
                rest.merge(lane);
            }
        }
        let name = self.names();
        let lanes = chosen.iter().map(|place| (name(*place), &self.told[place]));
        let unseen = self.unseen.iter().map(|lane| ("no worker".to_owned(), lane));
        Shown { lanes: lanes.chain(unseen).collect(), rest: (rest.workers > 0).then_some(rest) }
    }

    /// What lanes are called: by what tells them apart.
    fn names(&self) -> impl Fn(Place) -> String {
        let any = |is: fn(&Place) -> bool| self.told.keys().any(is);
        let processes = any(|place| place.process > 0);
        let threads = any(|place| place.thread > 0);
        let slots = any(|place| place.slot > 0);
        move |Place { process, thread, slot }| {
            // A slot has the number that records give it; those of processes and threads are the system's, and only long.
            let (process, thread) = (u64::from(process) + 1, u64::from(thread) + 1);
            match (processes, threads, slots) {
                (false, false, false) => "one at a time".to_owned(),
                (true, false, false) => format!("process {process}"),
                (false, true, false) => format!("thread {thread}"),
                (false, false, true) => format!("slot {slot}"),
                (true, false, true) => format!("process {process} slot {slot}"),
                (false, true, true) => format!("thread {thread} slot {slot}"),
                (true, true, false) => format!("process {process} thread {thread}"),
                (true, true, true) => format!("{process}.{thread} slot {slot}"),
            }
        }
    }
}
