//! What a page draws of one run: records → columns of numbers, lanes by process, thread and slot.
//!
//! Limit: memory is bounded, however many records come. Where not all of them are drawn, it says which are; what is
//! counted and [`Activity`] are of all.

use super::activity::Activity;
use super::columns::{Column, packed};
use super::kept::{Drawn, Kept, Text};
use super::phases::Phases;
use gaits_core::{ErrorKind, Record, WorkerId};
use serde::Serialize;
use std::borrow::Cow;
use std::collections::HashMap;
use std::io;

/// The most lanes that are told apart.
const MOST_LANES: usize = 50_000;
/// The most messages of failures that are kept, and the bytes of each.
const MOST_MESSAGES: usize = 200;
const MESSAGE: usize = 200;
/// All texts of items together, in bytes, for a million items.
const TEXTS: usize = 48 << 20;

/// Takes the records of a run one by one, and keeps of them what a page can draw.
#[derive(Debug)]
pub struct TimelineBuilder {
    drawn: Drawn,
    activity: Activity,
    lanes: HashMap<(u32, Option<WorkerId>), u32>,
    kinds: Vec<ErrorKind>,
    messages: HashMap<Box<str>, u32>,
    run: u32,
    offset_us: u64,
    offsets: Vec<u64>,
    counts: Counts,
    end_us: u64,
}

#[derive(Debug, Clone, Copy, Default, Serialize)]
struct Counts {
    records: u64,
    failures: u64,
    /// Records whose times can't be, which are counted and not drawn.
    impossible: u64,
}

/// One run as a page draws it.
#[derive(Debug)]
pub struct Timeline {
    pub(super) about: About,
    pub(super) data: Vec<u8>,
}

/// What the page must know before it unpacks the columns.
#[derive(Debug, Serialize)]
pub(super) struct About {
    counts: Counts,
    drawn: usize,
    /// Of items that went well, one of so many is drawn.
    every: u64,
    /// Of those that failed.
    every_failure: u64,
    without_text: usize,
    end_us: u64,
    /// When each run began on the time axis, where a file holds several.
    offsets_us: Vec<u64>,
    lanes: Vec<Lane>,
    kinds: Vec<ErrorKind>,
    messages: Vec<Box<str>>,
    bin_us: u64,
    bins: Vec<[u64; Phases::COUNT]>,
}

/// The run, the process, the thread and the slot; all but the first are none where no worker is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Lane(u32, Option<(u32, u32, u32)>);

impl TimelineBuilder {
    /// How many items a page draws at most, all its runs taken together.
    pub const MOST_ITEMS: usize = 1_000_000;

    /// Of a run of which at most about `most_items` are to be drawn.
    #[must_use]
    pub fn new(most_items: usize) -> Self {
        let most = most_items.min(Self::MOST_ITEMS);
        let most_text = most.saturating_mul(TEXTS / Self::MOST_ITEMS).max(1 << 20);
        Self {
            drawn: Drawn::new(most, most_text),
            activity: Activity::new(),
            lanes: HashMap::new(),
            kinds: Vec::new(),
            messages: HashMap::new(),
            run: 0,
            offset_us: 0,
            offsets: vec![0],
            counts: Counts::default(),
            end_us: 0,
        }
    }

    /// The records that follow are of another run, whose times begin at zero again: it is drawn behind those before.
    pub fn begin_run(&mut self) {
        self.run += 1;
        self.offset_us = self.end_us;
        self.offsets.push(self.offset_us);
    }

    /// Takes one record.
    pub fn add(&mut self, record: &Record) {
        self.counts.records += 1;
        let error = record.error();
        self.counts.failures += u64::from(error.is_some());
        let timing = record.timing;
        if !timing.is_possible() {
            self.counts.impossible += 1;
            return;
        }
        let started_us = self.offset_us + timing.started_us;
        self.end_us = self.end_us.max(self.offset_us + timing.finished_us);
        let phases = if record.worker.is_some() { Phases::of(record) } else { Phases::default() };
        self.activity.add(started_us, phases);
        let (mut status, mut bytes, mut reused) = (0, 0, false);
        if let Some(detail) = &record.detail {
            detail.fields(|name, field| match name {
                "status" => status = field.as_unsigned().unwrap_or_default(),
                "bytes" => bytes = field.as_unsigned().unwrap_or_default(),
                "reused" => reused = field.as_bool().unwrap_or_default(),
                _ => {}
            });
        }
        let item = Kept {
            index: record.index,
            lane: self.lane(record.worker),
            started_us,
            queue_us: timing.queue_us(),
            late_us: timing.due_us.map(|due| timing.started_us.saturating_sub(due)),
            phases,
            cpu_us: timing.cpu_us,
            kind: error.map_or(0, |error| self.kind(error.kind)),
            message: error.map_or(0, |error| self.message(&error.message)),
            status,
            bytes,
            attempts: record.attempts,
            reused,
            text: Text::default(),
        };
        let text = match record.item.as_text() {
            Some(text) => Cow::Borrowed(text),
            None => Cow::Owned(record.item.to_string()),
        };
        self.drawn.offer(item, timing.latency_us(), &text);
    }

    fn lane(&mut self, worker: Option<WorkerId>) -> u32 {
        let key = (self.run, worker);
        let next = self.lanes.len();
        let key =
            if next < MOST_LANES || self.lanes.contains_key(&key) { key } else { (self.run, None) };
        *self.lanes.entry(key).or_insert_with(|| u32::try_from(next).unwrap_or(u32::MAX))
    }

    fn kind(&mut self, kind: ErrorKind) -> u32 {
        let place = self.kinds.iter().position(|known| *known == kind).unwrap_or_else(|| {
            self.kinds.push(kind);
            self.kinds.len() - 1
        });
        u32::try_from(place + 1).unwrap_or(0)
    }

    fn message(&mut self, message: &str) -> u32 {
        let message = &message[..message.floor_char_boundary(MESSAGE)];
        if let Some(known) = self.messages.get(message) {
            return *known;
        }
        if self.messages.len() >= MOST_MESSAGES {
            return 0;
        }
        let number = u32::try_from(self.messages.len() + 1).unwrap_or(0);
        self.messages.insert(message.into(), number);
        number
    }

    /// What a page draws of the records so far.
    ///
    /// # Errors
    /// There is more than a page can hold.
    pub fn finish(mut self) -> io::Result<Timeline> {
        let mut lanes: Vec<(Lane, u32)> = self
            .lanes
            .iter()
            .map(|((run, worker), number)| {
                (Lane(*run, worker.map(|worker| (worker.pid, worker.tid, worker.slot))), *number)
            })
            .collect();
        lanes.sort_unstable();
        let mut place = vec![0_u32; lanes.len()];
        for (new, (_, old)) in lanes.iter().enumerate() {
            place[*old as usize] = u32::try_from(new).unwrap_or(u32::MAX);
        }
        self.drawn.settle();
        for item in &mut self.drawn.items {
            item.lane = place[item.lane as usize];
        }
        self.drawn.items.sort_unstable_by_key(|item| (item.lane, item.started_us, item.index));
        let mut messages: Vec<(u32, Box<str>)> =
            self.messages.into_iter().map(|(message, number)| (number, message)).collect();
        messages.sort_unstable();
        let about = About {
            counts: self.counts,
            drawn: self.drawn.items.len(),
            every: self.drawn.every,
            every_failure: self.drawn.every_failure,
            without_text: self.drawn.without_text(),
            end_us: self.end_us,
            offsets_us: self.offsets,
            lanes: lanes.into_iter().map(|(lane, _)| lane).collect(),
            kinds: self.kinds,
            messages: messages.into_iter().map(|(_, message)| message).collect(),
            bin_us: self.activity.bin_us,
            bins: self.activity.bins,
        };
        Ok(Timeline { about, data: packed(columns(&self.drawn))? })
    }
}

/// The columns, in the order in which `page/src/data.ts` reads them.
fn columns(drawn: &Drawn) -> Vec<Column> {
    let mut columns: Vec<Column> = (0..17).map(|_| Column::default()).collect();
    let (mut index, mut lane, mut start) = (0, 0, 0);
    for item in &drawn.items {
        let [connect, waiting, receiving, computing] = item.phases.0;
        columns[0].push_step(index, item.index);
        columns[1].push(u64::from(item.lane - lane));
        columns[2].push_step(start, item.started_us);
        columns[3].push(connect);
        columns[4].push(waiting);
        columns[5].push(receiving);
        columns[6].push(computing);
        columns[7].push(item.queue_us);
        columns[8].push(item.late_us.map_or(0, |late| late.saturating_add(1)));
        columns[9].push(item.cpu_us);
        columns[10].push(u64::from(item.kind));
        columns[11].push(u64::from(item.message));
        columns[12].push(item.status);
        columns[13].push(item.bytes);
        columns[14].push(u64::from(item.attempts) << 1 | u64::from(item.reused));
        columns[15].push(item.text.bytes().into());
        columns[16].push_bytes(drawn.text_of(item).as_bytes());
        (index, lane, start) = (item.index, item.lane, item.started_us);
    }
    columns
}
