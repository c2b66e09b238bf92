//! Programs of our own that do no more than the work itself: a client that sends, receives and hashes, and a server that
//! answers after a delay.
//!
//! They show what the machine allows. Each runs as a process of its own, through a hidden subcommand of this binary, so
//! that it is started, timed and counted like every other program.

mod client;
mod delay;
mod lines;
mod response;

use anyhow::Result;
use clap::{Args, Subcommand};
use std::path::PathBuf;
use std::time::Duration;

/// Which program this process is to be.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Bare {
    /// The client
    #[command(hide = true)]
    BareClient(Client),
    /// The server
    #[command(hide = true)]
    DelayServer(Server),
}

/// What the client does.
#[derive(Debug, Clone, Args)]
pub(crate) struct Client {
    /// What is requested: an http:// URL with an address, not a name
    pub(crate) url: String,
    /// So many connections, with one request at a time on each
    #[arg(long)]
    pub(crate) connections: usize,
    /// So many requests in all
    #[arg(long)]
    pub(crate) count: u64,
    /// Hash each body with BLAKE3
    #[arg(long)]
    pub(crate) hash: bool,
    /// Send this JSON by POST, in place of a GET
    #[arg(long)]
    pub(crate) json: Option<String>,
    /// Write a line for each response to this file
    #[arg(long)]
    pub(crate) lines: Option<PathBuf>,
}

/// What the server does.
#[derive(Debug, Clone, Args)]
pub(crate) struct Server {
    /// The port on the loopback address
    pub(crate) port: u16,
    /// How long each request waits for its answer, in milliseconds
    pub(crate) milliseconds: u64,
}

impl Bare {
    /// Is the program; the server ends by a signal only.
    pub(crate) fn run(&self) -> Result<()> {
        match self {
            Self::BareClient(settings) => {
                println!("{}", client::run(settings)?);
                Ok(())
            }
            Self::DelayServer(settings) => {
                let delay = Duration::from_millis(settings.milliseconds);
                delay::Server::new(settings.port, delay)?.run()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients::bare::Line;
    use crate::server::counts;
    use std::thread;

    #[test]
    fn the_client_makes_all_its_requests_on_its_connections() {
        let server = delay::Server::new(0, Duration::from_millis(1)).unwrap();
        let port = server.port();
        // It serves until the test process ends.
        thread::spawn(move || server.run());
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("lines");
        for (connections, count, hash) in [(3, 10, true), (200, 200, false), (5, 2, false)] {
            let lines = hash.then(|| file.clone());
            let before = counts(port).unwrap();
            let url = format!("http://127.0.0.1:{port}/slow");
            let settings = Client { url, connections, count, hash, json: None, lines };
            let told = client::run(&settings).unwrap();
            let Line { done, failed, held } = serde_json::from_str(&told).unwrap();
            assert_eq!((done, failed, held.is_some()), (count, 0, hash));
            let came = counts(port).unwrap().since(before);
            assert_eq!(came.requests, count);
            assert_eq!(came.connections, count.min(connections as u64));
        }
        let written = std::fs::read_to_string(file).unwrap();
        assert_eq!(written.lines().map(str::len).collect::<Vec<_>>(), [499; 10]);
    }
}
