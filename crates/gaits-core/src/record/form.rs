//! The two forms of a record: brief in JSON, complete in formats that do not describe themselves.

use super::{CpuDetail, Detail, HttpDetail, Outcome, Record, Timing, WaitDetail, WorkerId};
use crate::{ItemError, Value};
use serde::de::{Deserializer, Error as _};
use serde::ser::{SerializeStruct, Serializer};
use serde::{Deserialize, Serialize};

/// Writes a field, or, in a brief form and without a value, leaves it out.
pub(super) fn optional<S: SerializeStruct, T: Serialize>(
    out: &mut S,
    brief: bool,
    name: &'static str,
    value: Option<&T>,
) -> Result<(), S::Error> {
    match value {
        None if brief => out.skip_field(name),
        value => out.serialize_field(name, &value),
    }
}

/// Writes `extract` as an object.
struct Fields<'a>(&'a [(Box<str>, Value)]);

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl Serialize for Record {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Timing { queued_us, started_us, finished_us, cpu_us } = self.timing;
        if !serializer.is_human_readable() {
            let wire = (self.index, &self.item, self.error(), self.attempts, self.worker);
            let times = (queued_us, started_us, finished_us, cpu_us);
            return (wire, times, &self.detail, &self.extract).serialize(serializer);
        }
        let mut out = serializer.serialize_struct("Record", 12)?;
        out.serialize_field("index", &self.index)?;
        out.serialize_field("item", &self.item)?;
        out.serialize_field("outcome", if self.outcome.is_ok() { "ok" } else { "failed" })?;
        optional(&mut out, true, "error", self.error())?;
        out.serialize_field("attempts", &self.attempts)?;
        optional(&mut out, true, "worker", self.worker.as_ref())?;
        out.serialize_field("queued_us", &queued_us)?;
        out.serialize_field("started_us", &started_us)?;
        out.serialize_field("finished_us", &finished_us)?;
        out.serialize_field("cpu_us", &cpu_us)?;
        match &self.detail {
            Detail::None => {}
            Detail::Http(http) => out.serialize_field("http", http)?,
            Detail::Cpu(cpu) => out.serialize_field("cpu", cpu)?,
            Detail::Wait(wait) => out.serialize_field("wait", wait)?,
        }
        if !self.extract.is_empty() {
            out.serialize_field("extract", &Fields(&self.extract))?;
        }
        out.end()
    }
}

#[derive(Deserialize)]
struct Wire {
    head: (u64, Box<str>, Option<ItemError>, u32, Option<WorkerId>),
    times: (u64, u64, u64, u64),
    detail: Detail,
    extract: Vec<(Box<str>, Value)>,
}

#[derive(Deserialize)]
struct Json {
    index: u64,
    item: Box<str>,
    outcome: JsonOutcome,
    error: Option<ItemError>,
    attempts: u32,
    worker: Option<WorkerId>,
    queued_us: u64,
    started_us: u64,
    finished_us: u64,
    cpu_us: u64,
    http: Option<Box<HttpDetail>>,
    cpu: Option<CpuDetail>,
    wait: Option<WaitDetail>,
    extract: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum JsonOutcome {
    Ok,
    Failed,
}

impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            let Wire { head, times, detail, extract } = Wire::deserialize(deserializer)?;
            let (index, item, error, attempts, worker) = head;
            let (queued_us, started_us, finished_us, cpu_us) = times;
            return Ok(Record {
                index,
                item,
                outcome: error.map_or(Outcome::Ok, Outcome::Failed),
                attempts,
                worker,
                timing: Timing { queued_us, started_us, finished_us, cpu_us },
                detail,
                extract,
            });
        }
        let json = Json::deserialize(deserializer)?;
        let outcome = match (json.outcome, json.error) {
            (JsonOutcome::Ok, None) => Outcome::Ok,
            (JsonOutcome::Failed, Some(error)) => Outcome::Failed(error),
            (JsonOutcome::Ok, Some(_)) => {
                return Err(D::Error::custom("an ok record has an error"));
            }
            (JsonOutcome::Failed, None) => {
                return Err(D::Error::custom("a failed record has no error"));
            }
        };
        let detail = match (json.http, json.cpu, json.wait) {
            (None, None, None) => Detail::None,
            (Some(http), None, None) => Detail::Http(http),
            (None, Some(cpu), None) => Detail::Cpu(cpu),
            (None, None, Some(wait)) => Detail::Wait(wait),
            _ => return Err(D::Error::custom("a record of more than one work")),
        };
        let extract = match json.extract {
            None => Vec::new(),
            Some(Value::Object(fields)) => fields,
            Some(_) => return Err(D::Error::custom("`extract` is not an object")),
        };
        Ok(Record {
            index: json.index,
            item: json.item,
            outcome,
            attempts: json.attempts,
            worker: json.worker,
            timing: Timing {
                queued_us: json.queued_us,
                started_us: json.started_us,
                finished_us: json.finished_us,
                cpu_us: json.cpu_us,
            },
            detail,
            extract,
        })
    }
}
