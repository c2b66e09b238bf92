//! Each rule with a race that has exactly its cause, and with one that nearly has it.

mod checks;
mod limits;
mod reasons;
mod whatever;

use super::*;
use crate::{MachineLoad, Outcomes, Tally, Usage};
use gaits_core::{Detail, Outcome, Record, Timing, Value, WorkerId};

const MS: u64 = 1000;

/// HTTP from two cores to a server elsewhere.
const HTTP: Job = Job {
    holds_its_thread: false,
    is_http: true,
    cores: 2,
    server_here: false,
    arrivals_per_second: None,
    runs_programs: false,
};

/// Work that needs the CPU, on two cores.
const CPU: Job = Job {
    holds_its_thread: true,
    is_http: false,
    cores: 2,
    server_here: false,
    arrivals_per_second: None,
    runs_programs: false,
};

/// Items that wait, on two cores.
const WAIT: Job = Job {
    holds_its_thread: false,
    is_http: false,
    cores: 2,
    server_here: false,
    arrivals_per_second: None,
    runs_programs: false,
};

/// How long an item is at what, in microseconds.
#[derive(Debug, Clone, Copy, Default)]
struct Time {
    dns: u64,
    connect: u64,
    tls: u64,
    first_byte: u64,
    body: u64,
    /// What is none of these.
    other: u64,
}

impl Time {
    const fn sum(self) -> u64 {
        self.dns + self.connect + self.tls + self.first_byte + self.body + self.other
    }
}

/// A model of which all items take the same time.
#[derive(Debug, Clone)]
struct Model {
    name: &'static str,
    workers: Layout,
    items: u64,
    /// How many items it is at work on at once.
    at_once: u64,
    time: Time,
    startup_us: u64,
    closing_us: u64,
    /// CPU time of an item, in microseconds.
    cpu_us: u64,
    /// Time that all threads together waited for a core, in microseconds.
    waiting_us: Option<u64>,
    connections: u64,
    /// Bytes of a body.
    bytes: u64,
    memory: u64,
    machine_cores: u64,
    /// Shares of the machine's cores in per cent.
    others: u64,
    stolen: u64,
    /// The server's part of what others took, where it is known.
    server: Option<u64>,
    /// Shares of the time in which something waited for memory, and for a disk, in per cent.
    stalls: [u64; 2],
}

impl Model {
    /// 1,000 items of `time`, with as many at once as `workers` say, and a connection for each of these.
    fn new(name: &'static str, workers: Layout, time: Time) -> Self {
        let at_once = u64::from(workers.processes * workers.threads * workers.in_flight);
        Self {
            name,
            workers,
            items: 1000,
            at_once,
            time,
            startup_us: 0,
            closing_us: 0,
            cpu_us: 20,
            waiting_us: Some(0),
            connections: at_once,
            bytes: 50,
            memory: 10_000_000,
            machine_cores: 2,
            others: 0,
            stolen: 0,
            server: None,
            stalls: [0, 0],
        }
    }

    fn wall_us(&self) -> u64 {
        let work = self.items.div_ceil(self.at_once) * self.time.sum();
        self.startup_us + work + self.closing_us
    }

    /// Trials of which each takes a little longer than the one before.
    fn trials(&self) -> Vec<Trial> {
        (1..=3).map(|round| self.trial(round)).collect()
    }

    fn trial(&self, round: u32) -> Trial {
        let wall_us = self.wall_us() + u64::from(round);
        let mut tally = Tally::new();
        for index in 0..self.items {
            tally.add(&self.record(index));
        }
        Trial {
            model: self.name.to_owned(),
            round,
            wall_us,
            startup_us: self.startup_us,
            closing_us: self.closing_us,
            process_us: wall_us,
            missing_workers: 0,
            workers_died: 0,
            tally,
            outcomes: Outcomes::default(),
            usage: Usage {
                cpu_us: self.cpu_us * self.items,
                waiting_us: self.waiting_us,
                peak_memory: self.memory,
                ..Usage::default()
            },
            machine: MachineLoad {
                wall_us,
                cores: self.machine_cores,
                others_us: wall_us * self.machine_cores * self.others / 100,
                stolen_us: wall_us * self.machine_cores * self.stolen / 100,
                server_us: self.server.map(|share| wall_us * self.machine_cores * share / 100),
                memory_stall_us: wall_us * self.stalls[0] / 100,
                disk_stall_us: wall_us * self.stalls[1] / 100,
            },
            steady: None,
        }
    }

    fn record(&self, index: u64) -> Record {
        self.record_of(index, self.time.sum())
    }

    fn record_of(&self, index: u64, latency_us: u64) -> Record {
        let Time { dns, connect, tls, first_byte, body, .. } = self.time;
        let fields = [
            ("status", Value::Integer(200)),
            ("bytes", self.bytes.into()),
            ("reused", Value::Bool(index >= self.connections)),
            ("dns_us", dns.into()),
            ("connect_us", connect.into()),
            ("tls_us", tls.into()),
            ("first_byte_us", first_byte.into()),
            ("body_us", body.into()),
        ];
        let fields = fields.into_iter().map(|(name, value)| (name.into(), value)).collect();
        Record {
            index,
            item: "http://x/".into(),
            outcome: Outcome::Ok,
            attempts: 1,
            tries: Vec::new(),
            worker: Some(WorkerId { pid: 1, tid: 1, slot: 0 }),
            timing: Timing {
                due_us: None,
                queued_us: 0,
                started_us: 0,
                finished_us: latency_us,
                cpu_us: self.cpu_us,
            },
            detail: Some(Detail::read("http", fields)),
            extract: Vec::new(),
            payload: None,
        }
    }
}

/// One at a time.
fn sequential(time: Time) -> Model {
    Model::new("sequential", Layout::new(1, 1, 1), time)
}

/// An event loop with `in_flight`.
fn event_loop(name: &'static str, in_flight: u32, time: Time) -> Model {
    Model::new(name, Layout::new(1, 1, in_flight), time)
}

/// So many threads.
fn threads(name: &'static str, threads: u32, time: Time) -> Model {
    Model::new(name, Layout::new(1, threads, 1), time)
}

/// Waits so long for the server.
fn answer(first_byte: u64) -> Time {
    Time { first_byte, ..Time::default() }
}

/// Explains a race of `models`: the one of the shortest time is the best, and what takes up to 2 % longer is as fast.
fn race(models: &[Model], job: &Job) -> Why {
    let fastest = models.iter().map(Model::wall_us).min().unwrap_or(0);
    let trials = models.iter().map(Model::trials).collect::<Vec<_>>();
    let trials = trials.iter().map(|of_model| of_model.iter().collect()).collect::<Vec<Vec<_>>>();
    let mut has_best = false;
    let subjects = models.iter().zip(&trials).map(|(model, trials)| {
        let ratio = model.wall_us() as f64 / fastest as f64;
        let relation = match ratio {
            1.0 if !has_best => Relation::Best,
            ..=1.02 => Relation::AsFast,
            ratio => Relation::Slower { ratio },
        };
        has_best |= relation == Relation::Best;
        Subject { model: model.name, workers: Some(model.workers), relation, trials }
    });
    explain(&subjects.collect::<Vec<_>>(), job)
}

/// The sentence on `model`.
fn row<'a>(why: &'a Why, model: &str) -> Option<&'a str> {
    why.rows.iter().find(|row| row.model == model).map(|row| row.sentence.english())
}
