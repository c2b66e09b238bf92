//! The two forms of a record: brief in JSON, complete in formats that do not describe themselves.

use super::{Outcome, Record, Timing, Try, WorkerId};
use crate::detail::Fields;
use crate::{Data, Detail, ItemError, Value};
use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Writes `extract` as an object.
struct Extract<'a>(&'a [(Box<str>, Value)]);

impl Serialize for Extract<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl Serialize for Record {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Timing { due_us, queued_us, started_us, finished_us, cpu_us } = self.timing;
        if !serializer.is_human_readable() {
            let tries = (self.attempts, &self.tries);
            let head = (self.index, &self.item, self.error(), self.worker);
            let times = (due_us, queued_us, started_us, finished_us, cpu_us);
            return (head, tries, times, &self.detail, &self.extract, &self.payload)
                .serialize(serializer);
        }
        let mut out = serializer.serialize_map(None)?;
        out.serialize_entry("index", &self.index)?;
        out.serialize_entry("item", &self.item)?;
        out.serialize_entry("outcome", if self.outcome.is_ok() { "ok" } else { "failed" })?;
        if let Some(error) = self.error() {
            out.serialize_entry("error", error)?;
        }
        out.serialize_entry("attempts", &self.attempts)?;
        if !self.tries.is_empty() {
            out.serialize_entry("tries", &self.tries)?;
        }
        if let Some(worker) = &self.worker {
            out.serialize_entry("worker", worker)?;
        }
        if let Some(due_us) = due_us {
            out.serialize_entry("due_us", &due_us)?;
        }
        out.serialize_entry("queued_us", &queued_us)?;
        out.serialize_entry("started_us", &started_us)?;
        out.serialize_entry("finished_us", &finished_us)?;
        out.serialize_entry("cpu_us", &cpu_us)?;
        if let Some(detail) = &self.detail {
            out.serialize_entry(detail.work(), &Fields(detail))?;
        }
        if !self.extract.is_empty() {
            out.serialize_entry("extract", &Extract(&self.extract))?;
        }
        if let Some(payload) = &self.payload {
            out.serialize_entry("payload", payload)?;
        }
        out.end()
    }
}

#[derive(Deserialize)]
struct Wire {
    head: (u64, Data, Option<ItemError>, Option<WorkerId>),
    tries: (u32, Vec<Try>),
    times: (Option<u64>, u64, u64, u64, u64),
    detail: Option<Detail>,
    extract: Vec<(Box<str>, Value)>,
    payload: Option<Data>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum JsonOutcome {
    Ok,
    Failed,
}

impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return deserializer.deserialize_map(JsonVisitor);
        }
        let Wire { head, tries, times, detail, extract, payload } =
            Wire::deserialize(deserializer)?;
        let (index, item, error, worker) = head;
        let (attempts, tries) = tries;
        let (due_us, queued_us, started_us, finished_us, cpu_us) = times;
        Ok(Record {
            index,
            item,
            outcome: error.map_or(Outcome::Ok, Outcome::Failed),
            attempts,
            tries,
            worker,
            timing: Timing { due_us, queued_us, started_us, finished_us, cpu_us },
            detail,
            extract,
            payload,
        })
    }
}

/// Reads a record's object. Of the keys that no record has, the first one with an object is the work's detail; others
/// are passed over, since later versions may write more.
struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Record;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a record")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Record, A::Error> {
        let (mut index, mut item, mut attempts, mut outcome) = (None, None, None, None);
        let (mut error, mut worker, mut payload, mut detail) = (None, None, None, None);
        let mut timing = Timing::default();
        let mut timed = 0;
        let (mut extract, mut tries) = (Vec::new(), Vec::new());
        while let Some(key) = map.next_key::<Box<str>>()? {
            let mut time = |map: &mut A, of: fn(&mut Timing) -> &mut u64| -> Result<(), A::Error> {
                *of(&mut timing) = map.next_value()?;
                timed += 1;
                Ok(())
            };
            match &*key {
                "index" => index = Some(map.next_value::<u64>()?),
                "item" => item = Some(map.next_value::<Data>()?),
                "outcome" => outcome = Some(map.next_value::<JsonOutcome>()?),
                "error" => error = map.next_value::<Option<ItemError>>()?,
                "attempts" => attempts = Some(map.next_value::<u32>()?),
                "tries" => tries = map.next_value::<Vec<Try>>()?,
                "worker" => worker = map.next_value::<Option<WorkerId>>()?,
                "due_us" => timing.due_us = map.next_value::<Option<u64>>()?,
                "queued_us" => time(&mut map, |timing| &mut timing.queued_us)?,
                "started_us" => time(&mut map, |timing| &mut timing.started_us)?,
                "finished_us" => time(&mut map, |timing| &mut timing.finished_us)?,
                "cpu_us" => time(&mut map, |timing| &mut timing.cpu_us)?,
                "payload" => payload = map.next_value::<Option<Data>>()?,
                "extract" => match map.next_value::<Value>()? {
                    Value::Object(fields) => extract = fields,
                    _ => return Err(A::Error::custom("`extract` is not an object")),
                },
                // What the item says, once more.
                "input" => drop(map.next_value::<IgnoredAny>()?),
                _ if detail.is_some() => {
                    map.next_value::<IgnoredAny>()?;
                }
                _ => {
                    if let Value::Object(fields) = map.next_value::<Value>()? {
                        detail = Some(Detail::read(key, fields));
                    }
                }
            }
        }
        if timed < 4 {
            return Err(A::Error::custom("a record without all of its times"));
        }
        let outcome = match (outcome, error) {
            (None, _) => return Err(A::Error::missing_field("outcome")),
            (Some(JsonOutcome::Ok), None) => Outcome::Ok,
            (Some(JsonOutcome::Failed), Some(error)) => Outcome::Failed(error),
            (Some(JsonOutcome::Ok), Some(_)) => {
                return Err(A::Error::custom("an ok record has an error"));
            }
            (Some(JsonOutcome::Failed), None) => {
                return Err(A::Error::custom("a failed record has no error"));
            }
        };
        let missing = A::Error::missing_field;
        Ok(Record {
            index: index.ok_or_else(|| missing("index"))?,
            item: item.ok_or_else(|| missing("item"))?,
            outcome,
            attempts: attempts.ok_or_else(|| missing("attempts"))?,
            tries,
            worker,
            timing,
            detail,
            extract,
            payload,
        })
    }
}
