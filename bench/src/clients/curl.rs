//! curl with its parallel transfers: it has no list of results, so each transfer writes its status.

use super::{entrant, stdout, words};
use crate::contender::{Clock, Contender, Entrant, Expect, Reader, Reading};
use crate::tools::Tool;
use anyhow::Result;
use std::path::Path;

/// curl with a number of requests, so many in parallel.
pub(crate) fn row(tool: &Tool, url: &str, parallel: u64, count: u64) -> Entrant {
    entrant(format!("curl -Z --parallel-max {parallel}"), tool, |name, path| {
        let (parallel, urls) = (parallel.to_string(), format!("{url}?[1-{count}]"));
        let arguments = [
            "-q",
            "-s",
            "-Z",
            "--parallel-max",
            &parallel,
            "-o",
            "/dev/null",
            "-w",
            "%{http_code}\\n",
            &urls,
        ];
        Contender {
            name,
            argv: words(path, arguments),
            expect: Expect::Exactly(count),
            reader: Reader::Curl,
            clock: Clock::Whole,
            max_rounds: None,
        }
    })
}

/// Reads the statuses.
pub(crate) fn read(scratch: &Path) -> Result<Reading> {
    Ok(parse(&stdout(scratch)?))
}

fn parse(statuses: &str) -> Reading {
    let (good, bad): (Vec<_>, Vec<_>) = statuses.lines().partition(|line| *line == "200");
    Reading { done: good.len() as u64, failed: bad.len() as u64, own_wall: None, own_cpu: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_200_is_done() {
        let reading = parse("200\n200\n000\n503\n");
        assert_eq!((reading.done, reading.failed), (2, 2));
    }
}
