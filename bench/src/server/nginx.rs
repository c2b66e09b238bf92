//! nginx: one worker process on loopback, no log, connections kept without end.
//!
//! It counts the requests it got, which is how every client's own count is checked.

use super::{Process, free_port, probe};
use anyhow::{Context, Result, bail};
use nix::unistd::Uid;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// What `/small` answers: 50 bytes of JSON.
pub(crate) const SMALL_BODY: &str = "{\"uuid\": \"d2b6a0f1-4f6c-4f0e-9d43-5a1c7be0f3a9\" }\n";
/// The size of what `/large` answers.
pub(crate) const LARGE_BYTES: usize = 10_000;
/// How long `/slow` takes.
pub(crate) const DELAY: Duration = Duration::from_millis(230);

/// A running nginx, stopped when dropped.
#[derive(Debug)]
pub(crate) struct Nginx {
    // Before the folder, so that it is stopped first.
    process: Process,
    _folder: TempDir,
    port: u16,
    has_echo: bool,
}

/// What nginx had counted at some moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Connections accepted.
    pub(crate) connections: u64,
    /// Requests read.
    pub(crate) requests: u64,
}

impl Counts {
    /// What came in since `before`, but for the one request, on a connection of its own, that asked for the counts.
    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            connections: (self.connections - before.connections).saturating_sub(1),
            requests: (self.requests - before.requests).saturating_sub(1),
        }
    }
}

impl Nginx {
    /// Starts the nginx at `program`, with the echo module if there is one, and waits until it answers.
    pub(crate) fn start(program: &Path) -> Result<Self> {
        let echo = echo_module(program);
        let mut error = None;
        // The port that was free may be taken by the time nginx binds it.
        for _ in 0..3 {
            match Self::try_start(program, echo.as_deref()) {
                Ok(nginx) => return Ok(nginx),
                Err(failed) => error = Some(failed),
            }
        }
        Err(error.context("nginx was not started")?)
    }

    fn try_start(program: &Path, echo: Option<&Path>) -> Result<Self> {
        let port = free_port()?;
        let folder = tempfile::Builder::new().prefix("gaits-bench-nginx").tempdir()?;
        let config = folder.path().join("nginx.conf");
        fs::write(&config, configuration(port, echo)).context("failed to write nginx.conf")?;
        let large = vec![b'x'; LARGE_BYTES];
        fs::write(folder.path().join("large"), large).context("failed to write the large body")?;
        let mut command = Command::new(program);
        command.arg("-p").arg(folder.path()).arg("-c").arg(&config).args(["-e", "error.log"]);
        let mut process = Process::start(
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()),
        )?;
        process.wait_until(|| probe::get(port, "/counts").is_ok()).with_context(|| {
            let log = fs::read_to_string(folder.path().join("error.log")).unwrap_or_default();
            format!("nginx: {}", log.lines().next_back().unwrap_or("its error log is empty"))
        })?;
        let nginx = Self { process, _folder: folder, port, has_echo: echo.is_some() };
        nginx.check_bodies()?;
        Ok(nginx)
    }

    fn check_bodies(&self) -> Result<()> {
        for (path, bytes) in [("/small", SMALL_BODY.len()), ("/large", LARGE_BYTES)] {
            let got = probe::get(self.port, path)?.len();
            if got != bytes {
                bail!("nginx answers {path} with {got} bytes instead of {bytes}");
            }
        }
        Ok(())
    }

    /// The URL of the 50-byte body.
    pub(crate) fn small(&self) -> String {
        format!("http://127.0.0.1:{}/small", self.port)
    }

    /// The URL of the 10 kB body.
    pub(crate) fn large(&self) -> String {
        format!("http://127.0.0.1:{}/large", self.port)
    }

    /// The URL that takes [`DELAY`]; none without the echo module.
    pub(crate) fn slow(&self) -> Option<String> {
        self.has_echo.then(|| format!("http://127.0.0.1:{}/slow", self.port))
    }

    /// What it has counted, this question included.
    pub(crate) fn counts(&self) -> Result<Counts> {
        let page = probe::get(self.port, "/counts").context("failed to read nginx's counters")?;
        parse_counts(&String::from_utf8_lossy(&page))
            .context("nginx's counters are not as expected")
    }

    /// Processor time that nginx has used so far; none if the kernel does not tell.
    pub(crate) fn busy(&self) -> Option<Duration> {
        let master = self.process.id();
        let workers = fs::read_to_string(format!("/proc/{master}/task/{master}/children")).ok()?;
        let spent = workers.split_whitespace().filter_map(|pid| {
            let stat = fs::read_to_string(format!("/proc/{pid}/schedstat")).ok()?;
            stat.split_whitespace().next()?.parse::<u64>().ok()
        });
        Some(Duration::from_nanos(spent.sum()))
    }
}

/// Where the echo module is; none if it is not installed.
fn echo_module(program: &Path) -> Option<PathBuf> {
    let output = Command::new(program).arg("-V").output().ok()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let folder = said.split_whitespace().find_map(|word| word.strip_prefix("--modules-path="))?;
    let module = Path::new(folder).join("ngx_http_echo_module.so");
    module.exists().then_some(module)
}

fn configuration(port: u16, echo: Option<&Path>) -> String {
    let load = echo.map_or(String::new(), |module| format!("load_module {};", module.display()));
    let slow = match echo {
        Some(_) => format!(
            "location = /slow {{ echo_sleep {}; echo -n '{}'; }}",
            DELAY.as_secs_f64(),
            SMALL_BODY.trim_end()
        ),
        None => String::new(),
    };
    // Started by root, the worker would become another user, who may not read the folder.
    let user = if Uid::effective().is_root() { "user root root;" } else { "" };
    format!(
        r"{load}
{user}
daemon off;
worker_processes 1;
worker_rlimit_nofile 16384;
pid nginx.pid;
error_log error.log warn;
events {{ worker_connections 12000; }}
http {{
    access_log off;
    default_type application/json;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    keepalive_requests 1000000000;
    keepalive_timeout 3600s;
    sendfile on;
    tcp_nopush on;
    tcp_nodelay on;
    open_file_cache max=16;
    open_file_cache_valid 3600s;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        root .;
        location = /small {{ return 200 '{SMALL_BODY}'; }}
        location = /large {{ }}
        {slow}
        location = /counts {{ stub_status; }}
        location / {{ return 404; }}
    }}
}}
"
    )
}

/// Reads a `stub_status` page: the third line holds connections accepted, connections handled, requests.
fn parse_counts(page: &str) -> Option<Counts> {
    let mut numbers = page.lines().nth(2)?.split_whitespace();
    let connections = numbers.next()?.parse().ok()?;
    let requests = numbers.nth(1)?.parse().ok()?;
    Some(Counts { connections, requests })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_small_body_has_fifty_bytes() {
        assert_eq!(SMALL_BODY.len(), 50);
    }

    #[test]
    fn the_counters_are_read_and_subtracted() {
        let page = "Active connections: 1 \nserver accepts handled requests\n 7 7 1007 \nReading: 0 Writing: 1 Waiting: 0 \n";
        let after = parse_counts(page).unwrap();
        assert_eq!(after, Counts { connections: 7, requests: 1007 });
        let before = Counts { connections: 5, requests: 6 };
        assert_eq!(after.since(before), Counts { connections: 1, requests: 1000 });
        assert_eq!(parse_counts("nonsense"), None);
    }

    #[test]
    fn without_the_echo_module_there_is_no_slow_location() {
        assert!(!configuration(80, None).contains("echo"));
        assert!(configuration(80, Some(Path::new("m.so"))).contains("echo_sleep 0.23;"));
    }
}
