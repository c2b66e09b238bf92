//! The bare client of `bare/`, a process of this very binary: what the machine allows.

use super::{stdout, words};
use crate::contender::{Contender, Entrant, Expect, Reader, Reading};
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::env;
use std::path::Path;

/// What a bare client is to do with the bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bodies {
    /// Receive them.
    Received,
    /// Receive and hash them.
    Hashed,
}

/// What the bare client prints.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Line {
    /// Responses with status 200.
    pub(crate) done: u64,
    /// Other responses.
    pub(crate) failed: u64,
    /// What the rate of the last tenth of the responses was over that of the first, where each had a line written.
    pub(crate) held: Option<f64>,
}

/// The bare client with a number of requests on a number of connections; `url` begins with `http://` and an address.
pub(crate) fn row(url: &str, connections: u64, count: u64, bodies: Bodies) -> Entrant {
    let name = match bodies {
        Bodies::Received => format!("bare client, {connections} connections"),
        Bodies::Hashed => format!("bare client with BLAKE3, {connections} connections"),
    };
    let program = match env::current_exe() {
        Ok(program) => program,
        Err(error) => {
            return Entrant::Missing {
                name,
                why: format!("this program cannot be found: {error}"),
            };
        }
    };
    let (connections, total) = (connections.to_string(), count.to_string());
    let arguments = ["bare-client", "--connections", &connections, "--count", &total, url];
    let mut argv = words(&program, arguments);
    if bodies == Bodies::Hashed {
        argv.push("--hash".into());
    }
    Entrant::Ready(Contender::new(name, argv, Expect::Exactly(count), Reader::Bare))
}

/// The bare client that hashes, and has a line written for each response.
pub(crate) fn row_with_lines(url: &str, connections: u64, count: u64) -> Entrant {
    row(url, connections, count, Bodies::Hashed).changed(|contender| {
        contender.name = format!("bare client that writes lines, {connections} connections");
        contender.argv.extend(["--lines", "lines"].map(Into::into));
    })
}

/// The bare client that receives, and sends `json` with each request.
pub(crate) fn post(url: &str, connections: u64, count: u64, json: &str) -> Entrant {
    row(url, connections, count, Bodies::Received).changed(|contender| {
        contender.name.push_str(" POST");
        contender.argv.extend(["--json", json].map(Into::into));
    })
}

/// Reads the line.
pub(crate) fn read(scratch: &Path) -> Result<Reading> {
    let Line { done, failed, .. } = line(scratch)?;
    Ok(Reading::counted(done, failed))
}

/// What it printed.
pub(crate) fn line(scratch: &Path) -> Result<Line> {
    let output = stdout(scratch)?;
    serde_json::from_str(output.trim())
        .with_context(|| format!("not what the bare client prints: {}", output.trim()))
}
