//! What is known of one pacing key: its items that wait, how many are out, and from when on the next may go.

use super::meter::Meter;
use crate::plan::Limits;
use gaits_core::Item;
use std::collections::VecDeque;

/// The shortest pause where none is named, in microseconds; doubled each time it was of no use.
const FIRST_PAUSE_US: u64 = 1_000_000;
/// The longest such pause.
const LONGEST_PAUSE_US: u64 = 60_000_000;

/// When so many pauses have begun, it is told how much a key lets through between them.
const PAUSES_TO_LOOK_AT: u32 = 5;

/// One pacing key.
#[derive(Debug)]
pub(super) struct Key {
    /// What messages call it.
    pub(super) name: Box<str>,
    /// Its items that wait, the next one first.
    pub(super) waiting: VecDeque<Item>,
    /// How many were taken from here and are not finished.
    pub(super) in_flight: u32,
    /// How many have failed and wait to be tried again.
    pub(super) retrying: usize,
    /// How many may be.
    limit: u32,
    /// How many may be for now, after a pause.
    window: Option<u32>,
    meter: Option<Meter>,
    /// How much time it wants between the starts of two items, if it wants any, and when the next may be started for that.
    pub(super) apart_us: u64,
    free_from_us: u64,
    /// Nothing is started before this.
    paused_until_us: u64,
    /// When it has asked for the first of the pauses that were not followed by anything that went well, and how many
    /// those were.
    refusing_since_us: u64,
    refusals: u32,
    /// How many pauses have begun, when the first one did, and how many items were answered in another way since.
    pauses: u32,
    first_pause_us: u64,
    answered: u64,
    /// It wants to be left alone for longer than is waited for.
    pub(super) given_up: bool,
    /// Its place in the order of all keys.
    pub(super) turn: Turn,
    /// How many of its items count as ready to go.
    pub(super) ready_items: usize,
}

/// A key's place in the order of all keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// It has no item, or something of it has to be finished first.
    None,
    /// Its next item, which has this index, may be started.
    Ready(u64),
    /// Its next item may be started at this time.
    Later(u64),
}

/// What comes of it that a key wants to be left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pause {
    /// It is, until then; and it was not before.
    Begun { until_us: u64 },
    /// It was already.
    GoesOn,
    /// It wants that for too long, until then: its items are given up for this run.
    TooLong { until_us: u64, is_new: bool },
}

/// What a key has let through from one pause to a later one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LetThrough {
    /// How many items.
    pub(crate) items: u64,
    /// In how many microseconds.
    pub(crate) in_us: u64,
}

impl Key {
    pub(super) fn new(name: Box<str>, public: bool, limits: &Limits) -> Self {
        let polite = if public { limits.polite } else { None };
        Self {
            name,
            waiting: VecDeque::new(),
            in_flight: 0,
            retrying: 0,
            limit: limits.per_key.or(polite).map_or(u32::MAX, std::num::NonZero::get),
            window: None,
            meter: limits.rate.map(Meter::new),
            apart_us: 0,
            free_from_us: 0,
            paused_until_us: 0,
            refusing_since_us: 0,
            refusals: 0,
            pauses: 0,
            first_pause_us: 0,
            answered: 0,
            given_up: false,
            turn: Turn::None,
            ready_items: 0,
        }
    }

    /// Whether a limit of its own holds for it, so that nothing of it is handed out before a worker is free: it would be
    /// started later than it was counted.
    pub(super) fn is_limited(&self) -> bool {
        self.limit < u32::MAX || self.window.is_some() || self.meter.is_some() || self.apart_us > 0
    }

    /// How many more may be out.
    pub(super) fn room(&self) -> u32 {
        // When the one before was really started is known once it is finished.
        let apart = if self.apart_us > 0 { 1 } else { u32::MAX };
        self.limit.min(self.window.unwrap_or(u32::MAX)).min(apart).saturating_sub(self.in_flight)
    }

    /// Whether its limit keeps it from having more out.
    pub(super) fn is_at_its_limit(&self) -> bool {
        self.in_flight >= self.limit
    }

    /// From when on its next item may be started, as far as it knows by now; none if something of it has to be finished
    /// first.
    pub(super) fn next_us(&self) -> Option<u64> {
        let free = self.room() > 0 && !self.given_up;
        let metered_us = self.meter.as_ref().map_or(0, Meter::next_us);
        free.then(|| metered_us.max(self.left_alone_until_us()))
    }

    /// Until when it is to be left alone, at its own wish.
    pub(super) fn left_alone_until_us(&self) -> u64 {
        self.paused_until_us.max(self.free_from_us)
    }

    /// Counts a start as soon as its rate allows one, and tells when that is.
    pub(super) fn book(&mut self, now_us: u64) -> u64 {
        self.meter.as_mut().map_or(0, |meter| meter.book(now_us))
    }

    /// How many of its items that wait may go at once.
    pub(super) fn may_go(&self) -> usize {
        let most = if self.meter.is_some() { 1 } else { self.room() as usize };
        self.waiting.len().min(most)
    }

    /// Counts a start.
    pub(super) fn start(&mut self, now_us: u64) {
        self.in_flight += 1;
        if let Some(meter) = &mut self.meter {
            meter.start(now_us);
        }
        self.started(now_us);
    }

    /// One was started at that time, so the next one has to wait for a while, if that is wanted.
    pub(super) fn started(&mut self, started_us: u64) {
        if self.apart_us > 0 {
            self.free_from_us = self.free_from_us.max(started_us.saturating_add(self.apart_us));
        }
    }

    /// It wants this time between two, said to one that was started at `started_us`. Tells whether that is news.
    pub(super) fn space_out(&mut self, started_us: u64, apart_us: u64) -> bool {
        let is_new = apart_us > self.apart_us;
        self.apart_us = self.apart_us.max(apart_us);
        self.started(started_us);
        is_new
    }

    /// One that was started at `started_us` was answered in another way than by asking for a pause: if that was after the
    /// pause, one more may be out. So their number doubles each time when all are answered. `most` is how many can be.
    pub(super) fn answered(&mut self, started_us: u64, most: usize) {
        self.answered += 1;
        self.started(started_us);
        if started_us < self.paused_until_us {
            return;
        }
        self.refusals = 0;
        if let Some(window) = &mut self.window {
            *window += 1;
            if *window as usize > most {
                self.window = None;
            }
        }
    }

    /// Whether one that was started at `started_us`, and is refused, was to find out if others may follow after a pause.
    pub(super) fn is_refused_again(&self, started_us: u64) -> bool {
        self.refusals > 0 && started_us >= self.paused_until_us
    }

    /// It wants to be left alone, said at `now_us` to one that was started at `started_us`; until `until_us`, if it has
    /// named a time. `longest_us` is how long is waited for it.
    pub(super) fn pause(
        &mut self,
        (started_us, now_us): (u64, u64),
        until_us: Option<u64>,
        longest_us: u64,
    ) -> Pause {
        self.started(started_us);
        // What was started before it asked first says nothing new.
        let is_new = self.refusals == 0 || started_us >= self.paused_until_us;
        if is_new {
            if self.refusals == 0 {
                self.refusing_since_us = now_us;
            }
            self.refusals = self.refusals.saturating_add(1);
        }
        let doubled = FIRST_PAUSE_US.saturating_mul(1 << (self.refusals - 1).min(16));
        let by_itself_us = now_us.saturating_add(doubled.min(LONGEST_PAUSE_US));
        let until_us = match until_us {
            // A time that was of no use before is not believed again.
            Some(until_us) if self.refusals > 1 => until_us.max(by_itself_us),
            Some(until_us) => until_us,
            None if is_new => by_itself_us,
            None => self.paused_until_us,
        };
        self.window = Some(1);
        let was_paused = self.paused_until_us > now_us;
        self.paused_until_us = self.paused_until_us.max(until_us);
        let for_us = self.paused_until_us.saturating_sub(self.refusing_since_us);
        if for_us > longest_us {
            let is_new = !std::mem::replace(&mut self.given_up, true);
            Pause::TooLong { until_us: self.paused_until_us, is_new }
        } else if was_paused {
            Pause::GoesOn
        } else {
            self.pauses += 1;
            if self.pauses == 1 {
                (self.first_pause_us, self.answered) = (now_us, 0);
            }
            Pause::Begun { until_us: self.paused_until_us }
        }
    }

    /// What it has let through since its first pause; only when the last pause to be looked at has begun, and if there was
    /// anything.
    pub(super) fn let_through(&self, now_us: u64) -> Option<LetThrough> {
        let in_us = now_us.saturating_sub(self.first_pause_us);
        let let_through = LetThrough { items: self.answered, in_us };
        (self.pauses == PAUSES_TO_LOOK_AT && self.answered > 0 && in_us > 0).then_some(let_through)
    }

    /// Until when it is paused, if it is.
    pub(super) fn paused_until_us(&self, now_us: u64) -> Option<u64> {
        (self.paused_until_us > now_us).then_some(self.paused_until_us)
    }

    /// Whether nothing about it need be remembered.
    pub(super) fn is_idle(&self, now_us: u64) -> bool {
        self.waiting.is_empty()
            && self.in_flight == 0
            && self.retrying == 0
            && !self.given_up
            && self.window.is_none()
            && self.refusals == 0
            && self.free_from_us <= now_us
            && self.meter.as_ref().is_none_or(|meter| meter.is_full(now_us))
    }
}
