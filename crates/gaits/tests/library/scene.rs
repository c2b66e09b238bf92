//! What the tests run: waits, which need no server.

use gaits::wait::{self, WaitSpec};
use gaits::{Input, Limits, Plan, Program, Record, SessionScope, Sink, WorkSpec, WorkerCommand};
use std::io;

pub(crate) fn program() -> Program {
    // No test uses a model with worker processes: this binary could not be one.
    Program { works: gaits::works(), worker: WorkerCommand::this_binary() }
}

/// The work `wait`, by timer.
pub(crate) fn waits() -> WorkSpec {
    WorkSpec::new(wait::NAME, WaitSpec::Timer.settings().unwrap())
}

pub(crate) fn plan(model: &str) -> Plan {
    Plan {
        work: waits(),
        model: model.parse().unwrap(),
        session: SessionScope::default(),
        limits: Limits::default(),
    }
}

/// Waits of these seconds.
pub(crate) fn listed(items: &[&str]) -> Input {
    Input::Listed { items: items.iter().map(|&item| item.into()).collect(), count: None }
}

/// Waits of no time at all.
pub(crate) fn short(count: u64) -> Input {
    Input::Listed { items: vec!["0".into()], count: Some(count) }
}

/// Keeps every record.
#[derive(Debug, Default)]
pub(crate) struct Collected(pub(crate) Vec<Record>);

impl Collected {
    pub(crate) fn indices(&self) -> Vec<u64> {
        self.0.iter().map(|record| record.index).collect()
    }
}

impl Sink for Collected {
    fn write(&mut self, record: &Record) -> io::Result<()> {
        self.0.push(record.clone());
        Ok(())
    }
}

/// Does something at every record.
pub(crate) struct Each<F>(pub(crate) F);

impl<F: FnMut(&Record) -> io::Result<()> + Send> Sink for Each<F> {
    fn write(&mut self, record: &Record) -> io::Result<()> {
        (self.0)(record)
    }
}
