//! Programs of our own that do no more than the work itself: a client that sends, receives and hashes, and a server that
//! answers after a delay.
//!
//! They show what the machine allows. Each runs as a process of its own, through a hidden subcommand of this binary, so
//! that it is started, timed and counted like every other program.

mod client;
mod delay;
mod response;

use anyhow::Result;
use clap::{Args, Subcommand};
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
                delay::serve(settings.port, Duration::from_millis(settings.milliseconds))
            }
        }
    }
}
