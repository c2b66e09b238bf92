//! A proxy between a client and [`Nginx`]: another nginx of one worker process, which keeps connections on both sides.
//!
//! Limit: whatever host it is asked for, it leads to that one server.

use super::{Nginx, Process, free_port, nginx, probe};
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// A running proxy, stopped when dropped.
#[derive(Debug)]
pub(crate) struct Proxy {
    // Before the folder, so that it is stopped first.
    _process: Process,
    _folder: TempDir,
    port: u16,
}

impl Proxy {
    /// Starts the nginx at `program` as a proxy to `server`, and waits until that answers through it.
    pub(crate) fn start(program: &Path, server: &Nginx) -> Result<Self> {
        let port = free_port()?;
        let folder = tempfile::Builder::new().prefix("gaits-bench-proxy").tempdir()?;
        let config = folder.path().join("nginx.conf");
        fs::write(&config, configuration(port, server.port()))
            .context("failed to write the proxy's nginx.conf")?;
        let mut command = Command::new(program);
        command.arg("-p").arg(folder.path()).arg("-c").arg(&config).args(["-e", "error.log"]);
        let mut process = Process::start(
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()),
        )?;
        let answers = || probe::get(port, "/small").is_ok();
        process.wait_until(answers).context("the proxy was not started")?;
        Ok(Self { _process: process, _folder: folder, port })
    }

    /// Its URL.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

fn configuration(port: u16, server: u16) -> String {
    // Connections to the server end soon after the last request, since a race waits until its server has none.
    format!(
        r"{}    tcp_nodelay on;
    upstream server {{
        server 127.0.0.1:{server};
        keepalive 256;
        keepalive_requests 1000000000;
        keepalive_timeout 1s;
    }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{
            proxy_pass http://server;
            proxy_http_version 1.1;
            proxy_set_header Connection '';
            proxy_set_header Host $host;
        }}
    }}
}}
",
        nginx::beginning()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::Server;

    #[test]
    fn it_leads_to_the_server_which_counts_and_is_left_alone_again() {
        let program = Path::new("/usr/sbin/nginx");
        // What isn't installed can't be tried.
        if !program.exists() {
            return;
        }
        let nginx = Nginx::start(program).unwrap();
        let before = nginx.settled().unwrap();
        let proxy = Proxy::start(program, &nginx).unwrap();
        assert_eq!(
            probe::get(proxy.port, "/small").unwrap().len(),
            crate::server::SMALL_BODY.len()
        );
        let after = nginx.settled().unwrap();
        assert!(after.requests >= before.requests + 2, "{before:?} {after:?}");
    }
}
