//! How each item of a run has ended, in a form that is small and can be compared.

use gaits_core::{Detail, ErrorKind, Field, Outcome, Record};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Of so many items it is kept what they gave; of more, only how they ended.
const MOST_DIGESTS: u64 = 100_000;

/// How each item has ended, by its place in the input.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Outcomes {
    /// The ways in which items have ended, in words.
    ways: Vec<String>,
    /// The way of each item: how many in a row have ended in one, in the order of the input.
    runs: Vec<(u32, u64)>,
    /// The beginning of the hash of what each item gave, where there is one and there are few enough items.
    digests: Vec<Option<u64>>,
}

/// Gathers [`Outcomes`] from records, which come in the order in which items finish.
#[derive(Debug, Default)]
pub struct OutcomesOf {
    ways: Vec<String>,
    known: HashMap<Way, u32>,
    /// Of each item, one more than its way; 0 is an item of which there is no record yet.
    each: Vec<u32>,
    digests: Vec<Option<u64>>,
}

/// A way to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Way {
    failed: Option<ErrorKind>,
    status: Option<Status>,
}

/// What was said at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Status {
    /// The status of a response, or with which a command has exited.
    Number(u64),
    /// The signal that has ended a command.
    Signal(u64),
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Status::Number(number) => write!(f, "status {number}"),
            Status::Signal(number) => write!(f, "signal {number}"),
        }
    }
}

impl Way {
    fn in_words(self) -> String {
        match (self.failed, self.status) {
            (None, None) => "ok".to_owned(),
            (None, Some(status)) => format!("ok, with {status}"),
            (Some(kind), None) => kind.to_string(),
            (Some(kind), Some(status)) => format!("{kind}, with {status}"),
        }
    }
}

/// Whether an item that has ended in this way, in words, went well.
pub(super) fn is_good(way: &str) -> bool {
    way == "ok" || way.starts_with("ok, ")
}

impl OutcomesOf {
    /// Of no record yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in one record.
    pub fn add(&mut self, record: &Record) {
        let Ok(at) = usize::try_from(record.index) else { return };
        let (status, digest) = record.detail.as_ref().map_or((None, None), measured);
        let failed = match &record.outcome {
            Outcome::Ok => None,
            Outcome::Failed(error) => Some(error.kind),
        };
        let way = Way { failed, status };
        let next = u32::try_from(self.ways.len()).unwrap_or(u32::MAX);
        let number = *self.known.entry(way).or_insert_with(|| {
            self.ways.push(way.in_words());
            next
        });
        if self.each.len() <= at {
            self.each.resize(at + 1, 0);
        }
        self.each[at] = number + 1;
        if record.index < MOST_DIGESTS {
            if self.digests.len() <= at {
                self.digests.resize(at + 1, None);
            }
            self.digests[at] = digest;
        }
    }

    /// What it has come to, for a run of `items` items.
    #[must_use]
    pub fn finish(mut self, items: u64) -> Outcomes {
        let seen = self.each.len() as u64;
        // What has no record is a way as well; there may be far more of it than can be kept one by one.
        let unseen = items.saturating_sub(seen);
        let undone = u32::try_from(self.ways.len()).unwrap_or(u32::MAX);
        if unseen > 0 || self.each.contains(&0) {
            self.ways.push("not done".to_owned());
        }
        let mut runs: Vec<(u32, u64)> = Vec::new();
        let each = self.each.into_iter().map(|number| number.checked_sub(1).unwrap_or(undone));
        for (way, count) in each.map(|way| (way, 1)).chain((unseen > 0).then_some((undone, unseen)))
        {
            match runs.last_mut() {
                Some((last, before)) if *last == way => *before += count,
                _ => runs.push((way, count)),
            }
        }
        let whole = self.digests.len() as u64 == items && self.digests.iter().any(Option::is_some);
        let digests = if whole { self.digests } else { Vec::new() };
        Outcomes { ways: self.ways, runs, digests }
    }
}

impl Outcomes {
    /// How each item has ended, in words, in the order of the input.
    pub fn each(&self) -> impl Iterator<Item = &str> {
        self.runs.iter().flat_map(|(way, count)| {
            let way = self.ways.get(*way as usize).map_or("", String::as_str);
            (0..*count).map(move |_| way)
        })
    }

    /// What each item gave, as the beginning of a hash; empty where that was not kept.
    #[must_use]
    pub fn digests(&self) -> &[Option<u64>] {
        &self.digests
    }

    /// How many items there are.
    #[must_use]
    pub fn items(&self) -> u64 {
        self.runs.iter().fold(0, |sum: u64, (_, count)| sum.saturating_add(*count))
    }
}

/// The status of a response or a command, and the beginning of the hash of what came.
fn measured(detail: &Detail) -> (Option<Status>, Option<u64>) {
    let (mut status, mut digest) = (None, None);
    detail.fields(|name, field| match name {
        "status" | "exit" => status = field.as_unsigned().map(Status::Number),
        "signal" => status = field.as_unsigned().map(Status::Signal),
        "blake3" | "sha256" => digest = beginning(field),
        _ => {}
    });
    (status, digest)
}

fn beginning(hash: Field<'_>) -> Option<u64> {
    match hash {
        Field::Hash(hash) => Some(u64::from_be_bytes(*hash.0.first_chunk()?)),
        other => u64::from_str_radix(other.as_text()?.get(..16)?, 16).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tally::tests::record;
    use gaits_core::Value;

    fn at(index: u64, error: Option<(ErrorKind, &str)>) -> Record {
        Record { index, ..record((1, 1), 5, error) }
    }

    #[test]
    fn each_item_is_known_by_its_place_whatever_the_order_of_records() {
        let mut outcomes = OutcomesOf::new();
        outcomes.add(&at(3, None));
        outcomes.add(&at(0, Some((ErrorKind::Timeout, "late"))));
        outcomes.add(&at(1, None));
        let outcomes = outcomes.finish(6);
        let each: Vec<_> = outcomes.each().collect();
        assert_eq!(each, ["timeout", "ok", "not done", "ok", "not done", "not done"]);
        assert_eq!(outcomes.items(), 6);
        let text = serde_json::to_string(&outcomes).unwrap();
        assert_eq!(serde_json::from_str::<Outcomes>(&text).unwrap(), outcomes);
    }

    #[test]
    fn how_a_command_has_exited_is_a_part_of_how_its_item_has_ended() {
        let ended = |index, name: &str, number: i64| {
            let detail = Detail::read("command", vec![(name.into(), Value::Integer(number))]);
            let error = (number != 0).then_some((ErrorKind::Command, "it failed"));
            Record { detail: Some(detail), ..at(index, error) }
        };
        let mut outcomes = OutcomesOf::new();
        for (index, (name, number)) in (0..).zip([("exit", 0), ("exit", 9), ("signal", 9)]) {
            outcomes.add(&ended(index, name, number));
        }
        let outcomes = outcomes.finish(3);
        let each: Vec<_> = outcomes.each().collect();
        assert_eq!(each, ["ok, with status 0", "command, with status 9", "command, with signal 9"]);
    }

    #[test]
    fn a_huge_list_that_was_hardly_begun_takes_no_memory() {
        let mut outcomes = OutcomesOf::new();
        outcomes.add(&at(0, None));
        let outcomes = outcomes.finish(u64::MAX);
        assert_eq!(outcomes.items(), u64::MAX);
        assert_eq!(outcomes.each().nth(1), Some("not done"));
    }
}
