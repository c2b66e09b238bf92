//! nginx: one worker process on loopback, no log, connections kept without end.
//!
//! It counts the requests it got, which is how every client's own count is checked.

use super::certificate::{self, AUTHORITY, CERTIFICATE, KEY};
use super::{Counts, Process, Server, free_port, probe};
use anyhow::{Context, Result, bail};
use nix::unistd::Uid;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// What `/small` answers: 50 bytes of JSON.
pub(crate) const SMALL_BODY: &str = "{\"uuid\": \"d2b6a0f1-4f6c-4f0e-9d43-5a1c7be0f3a9\" }\n";
/// The size of what `/large` answers.
pub(crate) const LARGE_BYTES: usize = 10_000;
/// The size of what `/huge` answers.
pub(crate) const HUGE_BYTES: usize = 1_000_000;
/// It listens on 127.0.0.1 and the addresses that follow, so many in all: to a client, so many hosts.
const HOSTS: u64 = 64;

/// A running nginx, stopped when dropped.
#[derive(Debug)]
pub(crate) struct Nginx {
    // Before the folder, so that it is stopped first.
    process: Process,
    folder: TempDir,
    ports: Ports,
}

/// Where nginx listens, by protocol.
#[derive(Debug, Clone, Copy)]
struct Ports {
    plain: u16,
    /// On every loopback address, of which there are 16 million.
    everywhere: u16,
    tls: Option<Tls>,
}

/// None of it is there when nginx was built without TLS.
#[derive(Debug, Clone, Copy)]
struct Tls {
    /// HTTP/1.1. A client may resume a session with a ticket, as by nginx's defaults.
    resumed: u16,
    /// HTTP/1.1, with a full handshake for each connection.
    full: u16,
    /// HTTP/2; none when nginx was built without it.
    http2: Option<u16>,
}

impl Nginx {
    /// Starts the nginx at `program` and waits until it answers.
    pub(crate) fn start(program: &Path) -> Result<Self> {
        let mut error = None;
        // The ports that were free may be taken by the time nginx binds them.
        for _ in 0..3 {
            match Self::try_start(program) {
                Ok(nginx) => return Ok(nginx),
                Err(failed) => error = Some(failed),
            }
        }
        Err(error.context("nginx was not started")?)
    }

    fn try_start(program: &Path) -> Result<Self> {
        let ports = Ports::choose(&modules(program))?;
        let folder = tempfile::Builder::new().prefix("gaits-bench-nginx").tempdir()?;
        let file = |name: &str| folder.path().join(name);
        let config = file("nginx.conf");
        fs::write(&config, configuration(ports)).context("failed to write nginx.conf")?;
        for (name, bytes) in [("large", LARGE_BYTES), ("huge", HUGE_BYTES)] {
            fs::write(file(name), vec![b'x'; bytes]).context("failed to write a body")?;
        }
        if ports.tls.is_some() {
            certificate::write(folder.path())?;
        }
        let mut command = Command::new(program);
        command.arg("-p").arg(folder.path()).arg("-c").arg(&config).args(["-e", "error.log"]);
        let mut process = Process::start(
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()),
        )?;
        process.wait_until(|| probe::counts(ports.plain).is_ok()).with_context(|| {
            let log = fs::read_to_string(file("error.log")).unwrap_or_default();
            format!("nginx: {}", log.lines().next_back().unwrap_or("its error log is empty"))
        })?;
        let nginx = Self { process, folder, ports };
        nginx.check_bodies()?;
        Ok(nginx)
    }

    fn check_bodies(&self) -> Result<()> {
        let bodies = [("/small", SMALL_BODY.len()), ("/large", LARGE_BYTES), ("/huge", HUGE_BYTES)];
        for (path, bytes) in bodies {
            let got = probe::get(self.ports.plain, path)?.len();
            if got != bytes {
                bail!("nginx answers {path} with {got} bytes instead of {bytes}");
            }
        }
        Ok(())
    }

    /// Where it listens for plain HTTP.
    pub(super) fn port(&self) -> u16 {
        self.ports.plain
    }

    /// The URL of the 50-byte body.
    pub(crate) fn small(&self) -> String {
        format!("http://127.0.0.1:{}/small", self.ports.plain)
    }

    /// The URL of the 10 kB body.
    pub(crate) fn large(&self) -> String {
        format!("http://127.0.0.1:{}/large", self.ports.plain)
    }

    /// The URL of the 1 MB body.
    pub(crate) fn huge(&self) -> String {
        format!("http://127.0.0.1:{}/huge", self.ports.plain)
    }

    /// The URLs of the 50-byte body on all hosts.
    pub(crate) fn hosts(&self) -> Vec<String> {
        let port = self.ports.plain;
        (1..=HOSTS).map(|host| format!("http://127.0.0.{host}:{port}/small")).collect()
    }

    /// The URL of the 50-byte body on one of 125,000 hosts: other addresses than those of `hosts`.
    pub(crate) fn host_of_many(&self, number: u64) -> String {
        let (net, subnet, host) = (number / 62_500 % 2 + 1, number / 250 % 250, number % 250 + 1);
        format!("http://127.{net}.{subnet}.{host}:{}/small", self.ports.everywhere)
    }

    /// The URL of the 50-byte body over TLS and HTTP/1.1, where sessions may be resumed.
    pub(crate) fn tls(&self) -> Option<String> {
        Some(secure(self.ports.tls?.resumed))
    }

    /// The same with a full handshake for each connection.
    pub(crate) fn tls_full(&self) -> Option<String> {
        Some(secure(self.ports.tls?.full))
    }

    /// The URL of the 50-byte body over TLS and HTTP/2.
    pub(crate) fn http2(&self) -> Option<String> {
        Some(secure(self.ports.tls?.http2?))
    }

    /// The certificate that clients are to trust.
    pub(crate) fn authority(&self) -> String {
        self.folder.path().join(AUTHORITY).to_string_lossy().into_owned()
    }
}

fn secure(port: u16) -> String {
    format!("https://127.0.0.1:{port}/small")
}

impl Server for Nginx {
    fn counts(&self) -> Result<Counts> {
        probe::counts(self.ports.plain)
    }

    fn busy(&self) -> Option<Duration> {
        let master = self.process.id();
        let workers = fs::read_to_string(format!("/proc/{master}/task/{master}/children")).ok()?;
        let spent = workers.split_whitespace().filter_map(|pid| {
            super::on_core(&fs::read_to_string(format!("/proc/{pid}/schedstat")).ok()?)
        });
        Some(spent.sum())
    }
}

impl Ports {
    /// Draws free ports for what nginx was built with.
    fn choose(modules: &str) -> Result<Self> {
        let has = |module: &str| modules.contains(module);
        let tls = if has("--with-http_ssl_module") {
            let http2 = has("--with-http_v2_module").then(free_port).transpose()?;
            Some(Tls { resumed: free_port()?, full: free_port()?, http2 })
        } else {
            None
        };
        Ok(Self { plain: free_port()?, everywhere: free_port()?, tls })
    }
}

/// How nginx was built.
fn modules(program: &Path) -> String {
    let output = Command::new(program).arg("-V").output();
    output.map(|output| String::from_utf8_lossy(&output.stderr).into_owned()).unwrap_or_default()
}

fn configuration(ports: Ports) -> String {
    format!(
        r"{}    default_type application/json;
    sendfile on;
    tcp_nopush on;
    tcp_nodelay on;
    open_file_cache max=16;
    open_file_cache_valid 3600s;
    ssl_protocols TLSv1.2 TLSv1.3;
    root .;
{}}}
",
        beginning(),
        servers(ports)
    )
}

/// How the configuration of each nginx begins here, as far as into its block `http`.
pub(super) fn beginning() -> String {
    // Started by root, the worker would become another user, who may not read the folder.
    let user = if Uid::effective().is_root() { "user root root;" } else { "" };
    format!(
        r"{user}
daemon off;
worker_processes 1;
worker_rlimit_nofile 16384;
pid nginx.pid;
error_log error.log warn;
events {{ worker_connections 12000; }}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    keepalive_requests 1000000000;
    keepalive_timeout 3600s;
"
    )
}

/// One `server` block for each port.
fn servers(Ports { plain, everywhere, tls }: Ports) -> String {
    let mut listen = String::new();
    for host in 1..=HOSTS {
        let backlog = if host == 1 { " backlog=4096" } else { "" };
        let _ = write!(listen, "listen 127.0.0.{host}:{plain}{backlog}; ");
    }
    let mut servers = server(&listen);
    // Each loopback address by itself would be a socket of its own; others than those are turned away.
    servers +=
        &server(&format!("listen 0.0.0.0:{everywhere} backlog=4096; allow 127.0.0.0/8; deny all;"));
    if let Some(Tls { resumed, full, http2 }) = tls {
        let secure = |port: u16, protocol: &str, more: &str| {
            server(&format!(
                "listen 127.0.0.1:{port} ssl{protocol} backlog=4096; ssl_certificate {CERTIFICATE}; ssl_certificate_key {KEY}; {more}"
            ))
        };
        servers += &secure(resumed, "", "");
        servers += &secure(full, "", "ssl_session_tickets off; ssl_session_cache off;");
        if let Some(port) = http2 {
            servers += &secure(port, " http2", "");
        }
    }
    servers
}

fn server(listen: &str) -> String {
    format!(
        r"    server {{
        {listen}
        location = /small {{ return 200 '{SMALL_BODY}'; }}
        location = /large {{ }}
        location = /huge {{ }}
        location = /counts {{ stub_status; }}
        location / {{ return 404; }}
    }}
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_small_body_has_fifty_bytes() {
        assert_eq!(SMALL_BODY.len(), 50);
    }

    #[test]
    fn nginx_listens_only_for_what_it_was_built_with() {
        let of = |modules: &str| configuration(Ports::choose(modules).unwrap());
        assert!(!of("--with-threads").contains("ssl_certificate"));
        let tls = of("--with-http_ssl_module");
        assert!(tls.contains(" ssl backlog") && !tls.contains("http2"));
        assert!(of("--with-http_ssl_module --with-http_v2_module").contains(" ssl http2 backlog"));
    }

    #[test]
    fn it_listens_on_every_host() {
        let text = configuration(Ports { plain: 8080, everywhere: 8081, tls: None });
        assert_eq!(text.matches("listen 127.0.0.").count() as u64, HOSTS);
    }
}
