//! What is done about items that have failed and of which the work advises something: tried again, paused, or the run ended.

use super::{Dispatcher, Stopped};
use crate::flow::Notice;
use crate::pace::{LetThrough, Pause};
use gaits_core::{Advice, Item, Paced, PacingKey, Record, Try};
use std::time::Duration;

impl Dispatcher<'_> {
    /// Follows the advice of the work, as far as the limits of the plan allow. Gives the record if that was the end of the
    /// item.
    pub(super) fn advised(
        &mut self,
        record: Record,
        advice: Advice,
        item: Item,
        now_us: u64,
    ) -> Option<Record> {
        let started_us = record.timing.started_us;
        let is_followed = match &advice {
            Advice::Final => false,
            Advice::Retry => item.tries < self.limits.retries,
            Advice::Pause { .. } => self.limits.longest_pause.is_some(),
            Advice::Stop | Advice::Space { .. } | Advice::Again => true,
        };
        if !is_followed {
            self.pacer.finished(item.key, started_us);
            return Some(self.with_tries(record));
        }
        match advice {
            // The run's end does not wait for another try.
            _ if self.state.stopping => self.again(item),
            Advice::Retry => self.retry(&record, item),
            Advice::Pause { until_us, of } => {
                self.pause(item, started_us, (until_us, of.as_deref()), now_us);
            }
            Advice::Space { apart_us } => self.space_out(item, started_us, apart_us, now_us),
            Advice::Again => self.start_again(item, &record),
            Advice::Stop | Advice::Final => {
                if let Some(error) = record.error().cloned() {
                    self.stop_early(Stopped::Advised { item: record.item.to_string(), error });
                }
                self.again(item);
            }
        }
        None
    }

    /// Has an item tried again.
    fn retry(&mut self, record: &Record, mut item: Item) {
        if let Some(error) = record.error().cloned() {
            let (started_us, finished_us) = (record.timing.started_us, record.timing.finished_us);
            let failed = Try { started_us, finished_us, error };
            self.state.tries.entry(item.index).or_default().push(failed);
        }
        self.state.end.retries += 1;
        // The work would not advise to do it again if it could have been done.
        self.take_back_start(&item);
        item.tries += 1;
        // What was suspected of a worker's death has done nothing to this one.
        item.trial = 0;
        self.pacer.retry(item, record.timing.started_us);
    }

    /// Leaves a pacing key alone until a time, if one is named: that of `item`, or the one named. Takes back what was handed out
    /// ahead.
    fn pause(
        &mut self,
        mut item: Item,
        started_us: u64,
        (until_us, of): (Option<u64>, Option<&Paced>),
        now_us: u64,
    ) {
        self.take_back_start(&item);
        item.trial = 0;
        let (id, key) = match of {
            Some(other) => (PacingKey::of(&other.key), other.key.to_string()),
            None => (item.key, self.pacer.name_of(&item).into_string()),
        };
        let pause = self.pacer.pause(item, started_us, until_us, of);
        let for_us = |until_us: u64| until_us.saturating_sub(now_us);
        let notice = match pause {
            Pause::Begun { until_us } => Notice::Paused { key, for_us: for_us(until_us) },
            Pause::TooLong { until_us, is_new: true } => {
                self.leave_suspects(id);
                Notice::GivenUp { key, for_us: for_us(until_us) }
            }
            // Nothing of it was handed out since it was taken back.
            Pause::TooLong { .. } | Pause::GoesOn => return,
        };
        for back in self.queue.recall_everywhere(id) {
            self.again(back);
        }
        self.state.end.pauses += 1;
        let let_through = self.pacer.let_through(id).filter(|_| !self.state.let_through_told);
        let key = match &notice {
            Notice::Paused { key, .. } if let_through.is_some() => Some(key.clone()),
            _ => None,
        };
        self.observer.notice(notice);
        if let (Some(LetThrough { items, in_us }), Some(key)) = (let_through, key) {
            self.state.let_through_told = true;
            self.observer.notice(Notice::LetsThrough { key, items, in_us });
        }
    }

    /// Spaces the items of a pacing key out: takes back what was handed out ahead.
    fn space_out(&mut self, mut item: Item, started_us: u64, apart_us: u64, now_us: u64) {
        let longest = self.limits.longest_pause.unwrap_or(Duration::MAX);
        if Duration::from_micros(apart_us) > longest {
            // Each item would be a pause of that length.
            let until_us = started_us.saturating_add(apart_us);
            return self.pause(item, started_us, (Some(until_us), None), now_us);
        }
        self.take_back_start(&item);
        let id = item.key;
        item.trial = 0;
        let key = self.pacer.name_of(&item).into_string();
        if self.pacer.space_out(item, started_us, apart_us) {
            for back in self.queue.recall_everywhere(id) {
                self.again(back);
            }
            self.observer.notice(Notice::SpacedOut { key, apart_us });
        }
    }

    /// Has an item started again whose start went into something else. Both are starts of its pacing key.
    fn start_again(&mut self, mut item: Item, record: &Record) {
        item.put_back_by = record.worker.map_or(0, |worker| worker.pid);
        if item.trial > 0 {
            // It is still suspected of a worker's death. Such items are handed out by themselves.
            return self.again(item);
        }
        self.take_back_start(&item);
        self.pacer.start_again(item, record.timing.started_us);
    }

    /// Puts into the record of an item how it has failed before.
    pub(super) fn with_tries(&mut self, record: Record) -> Record {
        if self.state.tries.is_empty() {
            return record;
        }
        let tries = self.state.tries.remove(&record.index).unwrap_or_default();
        Record { tries, ..record }
    }

    /// Notes which pacing keys were given up, as the reason why not all is done.
    pub(super) fn note_given_up(&mut self, now_us: u64) {
        let (undone, keys) = self.pacer.given_up();
        self.state.end.given_back += undone;
        let Some((key, until_us)) = keys.iter().min_by_key(|(_, until_us)| *until_us) else {
            return;
        };
        let for_us = until_us.saturating_sub(now_us);
        let paused = Stopped::Paused { keys: keys.len() as u64, key: key.to_string(), for_us };
        self.state.end.stopped.get_or_insert(paused);
    }
}
