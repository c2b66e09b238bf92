//! The project's own test server, which breaks responses as it is told and keeps an access log: a process of the binary
//! that is measured.

use super::{Process, probe};
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A running origin, stopped when dropped.
#[derive(Debug)]
pub(crate) struct Origin {
    process: Process,
    url: String,
    log: PathBuf,
}

/// A request that has ended, as its line of the access log tells.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Access {
    /// When its head had been read, in seconds since 1970.
    #[serde(rename = "time")]
    pub(crate) began: f64,
    /// The path with the query.
    pub(crate) path: String,
    /// None if no head was sent.
    pub(crate) status: Option<u16>,
    /// From the beginning to the end.
    pub(crate) duration_us: f64,
    /// How it ended.
    pub(crate) outcome: Ending,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ending {
    /// The whole response was sent.
    Sent,
    /// A fault broke it.
    Broken,
    /// A script replied.
    Scripted,
    /// The client left before.
    Gone,
}

impl Access {
    /// When it ended, in seconds since 1970.
    pub(crate) fn ended(&self) -> f64 {
        self.began + self.duration_us / 1e6
    }

    /// Whether the client was sent all of a good response.
    pub(crate) fn good(&self) -> bool {
        self.status.is_some_and(|status| status < 300) && self.outcome == Ending::Sent
    }
}

impl Origin {
    /// Starts `program` as an origin that writes its access log to `log`, and waits until it serves.
    pub(crate) fn start<S: AsRef<OsStr>>(
        program: &Path,
        port: u16,
        log: PathBuf,
        options: &[S],
    ) -> Result<Self> {
        let mut command = Command::new(program);
        command.args(["origin", "--quiet", "--threads", "1", "--port", &port.to_string()]);
        command.arg("--access-log").arg(&log).args(options);
        let told = tempfile::NamedTempFile::new().context("failed to make a file")?;
        let stdout = told.reopen().context("failed to open a file")?;
        command.stdin(Stdio::null()).stdout(stdout).stderr(Stdio::inherit());
        let mut process = Process::start(&mut command)?;
        let said = || fs::read_to_string(told.path()).unwrap_or_default();
        process.wait_until(|| said().ends_with('\n')).context("gaits origin")?;
        let url = said().lines().next().unwrap_or_default().to_owned();
        if !url.starts_with("http://") {
            bail!("gaits origin says {url:?} and not where it serves");
        }
        Ok(Self { process, url, log })
    }

    /// Its address, without a slash at the end.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The port it listens on.
    pub(crate) fn port(&self) -> Result<u16> {
        let (_, port) = self.url.rsplit_once(':').context("a URL without a port")?;
        port.parse().context("a URL without a port")
    }

    /// The body of `path`, which begins with a slash.
    pub(crate) fn get(&self, path: &str) -> Result<Vec<u8>> {
        probe::get(self.port()?, path)
    }

    /// Where it writes its access log.
    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    /// Stops it and reads what it has logged.
    pub(crate) fn finish(self) -> Result<Vec<Access>> {
        drop(self.process);
        let file = File::open(&self.log).context("there is no access log")?;
        let parse = |line: std::io::Result<String>| {
            let line = line.context("failed to read the access log")?;
            serde_json::from_str(&line).with_context(|| format!("not a line of a log: {line}"))
        };
        BufReader::new(file).lines().map(parse).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_log_is_read() {
        let line = r#"{"time":1772366400.5,"sequence":0,"peer":"127.0.0.1:53412","method":"GET","path":"/get?a=1","status":200,"bytes":231,"duration_us":250000,"outcome":"sent"}"#;
        let access: Access = serde_json::from_str(line).unwrap();
        assert!(access.good() && access.path == "/get?a=1");
        assert!((access.ended() - 1_772_366_400.75).abs() < 1e-6);
        let cut = line.replace("sent", "broken");
        assert!(!serde_json::from_str::<Access>(&cut).unwrap().good());
    }
}
