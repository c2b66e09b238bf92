//! The Python programs in `peers/`. Each prints one line of JSON about its loop, start-up left out.

use super::{entrant, stdout, words};
use crate::contender::{Clock, Contender, Entrant, Expect, Reader, Reading};
use crate::tools::Tool;
use anyhow::{Context, Result};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// A way of doing things in Python.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Way {
    /// One after another.
    Loop,
    /// On so many threads.
    Threads(u64),
    /// On so many processes.
    Processes(u64),
}

impl Way {
    fn arguments(self) -> (&'static str, u64) {
        match self {
            Self::Loop => ("loop", 1),
            Self::Threads(workers) => ("threads", workers),
            Self::Processes(workers) => ("processes", workers),
        }
    }

    fn label(self) -> String {
        match self {
            Self::Loop => "loop".into(),
            Self::Threads(workers) => format!("{workers} threads"),
            Self::Processes(workers) => format!("{workers} processes"),
        }
    }
}

/// `count` requests with the requests package, a session a worker.
pub(crate) fn requests(tool: &Tool, way: Way, url: &str, count: u64) -> Entrant {
    let (name, workers) = way.arguments();
    let arguments = [name, &workers.to_string(), &count.to_string(), url];
    row(format!("requests, {}", way.label()), tool, "fetch_requests.py", arguments, count)
}

/// `count` requests with aiohttp, gathered, on so many connections.
pub(crate) fn aiohttp(tool: &Tool, connections: u64, url: &str, count: u64) -> Entrant {
    let arguments = ["gather", &connections.to_string(), &count.to_string(), url];
    row(
        format!("aiohttp gather, {connections} connections"),
        tool,
        "fetch_aiohttp.py",
        arguments,
        count,
    )
}

/// `count` times `product(30)`.
pub(crate) fn product(tool: &Tool, way: Way, count: u64) -> Entrant {
    let (name, workers) = way.arguments();
    let arguments = [name, &workers.to_string(), &count.to_string(), "30"];
    row(format!("Python, {}", way.label()), tool, "product.py", arguments, count)
}

fn row(name: String, tool: &Tool, script: &str, arguments: [&str; 4], count: u64) -> Entrant {
    entrant(name, tool, |name, python| {
        let mut argv = words(python, []);
        argv.push(peers().join(script).into());
        argv.extend(arguments.map(Into::into));
        let contender = Contender::new(name, argv, Expect::Exactly(count), Reader::Script);
        Contender { clock: Clock::Own, ..contender }
    })
}

/// The folder of the scripts.
pub(crate) fn peers() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers")
}

#[derive(Debug, Deserialize)]
struct Line {
    done: u64,
    failed: u64,
    seconds: f64,
    cpu_seconds: f64,
}

/// Reads the line.
pub(crate) fn read(scratch: &Path) -> Result<Reading> {
    parse(&stdout(scratch)?)
}

fn parse(output: &str) -> Result<Reading> {
    let line = output.lines().next_back().context("the script printed nothing")?;
    let Line { done, failed, seconds, cpu_seconds } =
        serde_json::from_str(line).with_context(|| format!("not what a script prints: {line}"))?;
    Ok(Reading { done, failed, own_wall: Some(seconds), own_cpu: Some(cpu_seconds) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_counts() {
        let reading =
            parse("hello\n{\"done\": 9, \"failed\": 1, \"seconds\": 1.5, \"cpu_seconds\": 1.25}\n")
                .unwrap();
        assert_eq!(
            reading,
            Reading { done: 9, failed: 1, own_wall: Some(1.5), own_cpu: Some(1.25) }
        );
        assert!(parse("").is_err());
        assert!(parse("Traceback").is_err());
    }
}
