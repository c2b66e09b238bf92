//! The origin that a comparison starts for itself: a process of its own, so that it shares nothing with the racers.

use anyhow::{Context as _, bail};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// A running origin; it ends with this value, and with this process.
#[derive(Debug)]
pub(super) struct LocalOrigin {
    child: Child,
    url: String,
}

impl LocalOrigin {
    /// Starts one that holds each request for `latency_ms` milliseconds.
    pub(super) fn start(latency_ms: u32) -> anyhow::Result<Self> {
        let mut child = Command::new("/proc/self/exe")
            .args(["origin", "--port", "0", "--quiet", "--until-stdin-ends"])
            .args(["--latency", &format!("{latency_ms}ms")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("can't execute gaits again")?;
        let stdout = child.stdout.take().context("it has no standard output")?;
        let mut url = String::new();
        BufReader::new(stdout).read_line(&mut url).context("it does not tell its URL")?;
        let url = url.trim_end().to_owned();
        if url.is_empty() {
            let status = child.wait()?;
            bail!("it ended at once, with {status}");
        }
        Ok(Self { child, url })
    }

    /// The URL of `path` on it.
    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }
}

impl Drop for LocalOrigin {
    fn drop(&mut self) {
        // Its standard input ends, and so does it; it has nothing to save, so it need not be waited for long.
        drop(self.child.stdin.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
