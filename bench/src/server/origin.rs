//! gaits's own origin, for the delay that nginx cannot make without the echo module.

use super::{DELAY, Process, free_port, probe};
use anyhow::{Context, Result};
use std::path::Path;
use std::process::{Command, Stdio};

/// A running `gaits origin`, stopped when dropped.
#[derive(Debug)]
pub(crate) struct Origin {
    _process: Process,
    port: u16,
}

impl Origin {
    /// Starts it with [`DELAY`] of latency and waits until it answers.
    pub(crate) fn start(gaits: &Path) -> Result<Self> {
        let port = free_port()?;
        let mut command = Command::new(gaits);
        command.args(["origin", "--quiet", "--port", &port.to_string()]);
        command.args(["--latency", &format!("{}ms", DELAY.as_millis())]);
        let mut process = Process::start(command.stdin(Stdio::null()).stdout(Stdio::null()))?;
        process.wait_until(|| probe::get(port, "/uuid").is_ok()).context("gaits origin")?;
        Ok(Self { _process: process, port })
    }

    /// The URL that takes [`DELAY`].
    pub(crate) fn slow(&self) -> String {
        format!("http://127.0.0.1:{}/uuid", self.port)
    }
}
