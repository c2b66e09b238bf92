//! The server that answers after 230 ms: a process of this very binary (`bare/delay.rs`).

use super::{Counts, Process, Server, free_port, probe};
use anyhow::{Context, Result};
use std::env;
use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

/// How long each request takes.
pub(crate) const DELAY: Duration = Duration::from_millis(230);

/// A running server, stopped when dropped.
#[derive(Debug)]
pub(crate) struct DelayServer {
    process: Process,
    port: u16,
}

impl DelayServer {
    /// Starts it and waits until it answers.
    pub(crate) fn start() -> Result<Self> {
        let port = free_port()?;
        let program = env::current_exe().context("this program cannot be found")?;
        let mut command = Command::new(program);
        command.args(["delay-server", &port.to_string(), &DELAY.as_millis().to_string()]);
        let mut process = Process::start(command.stdin(Stdio::null()).stdout(Stdio::null()))?;
        process.wait_until(|| probe::counts(port).is_ok()).context("the server with a delay")?;
        Ok(Self { process, port })
    }

    /// The URL that takes [`DELAY`].
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/slow", self.port)
    }
}

impl Server for DelayServer {
    fn counts(&self) -> Result<Counts> {
        probe::counts(self.port)
    }

    fn busy(&self) -> Option<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/schedstat", self.process.id())).ok()?;
        super::on_core(&stat)
    }
}
