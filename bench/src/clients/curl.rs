//! curl with its parallel transfers: it has no list of results, so each transfer writes its status.

use super::{entrant, stdout, words};
use crate::contender::{Contender, Entrant, Expect, Reader, Reading};
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
        Contender::new(name, words(path, arguments), Expect::Exactly(count), Reader::Curl)
    })
}

/// curl with one request.
pub(crate) fn one(tool: &Tool, url: &str) -> Entrant {
    entrant("curl of one URL".into(), tool, |name, path| {
        let argv = words(path, ["-q", "-s", "-o", "/dev/null", "-w", "%{http_code}\\n", url]);
        Contender::new(name, argv, Expect::Exactly(1), Reader::Curl)
    })
}

/// Reads the statuses.
pub(crate) fn read(scratch: &Path) -> Result<Reading> {
    Ok(parse(&stdout(scratch)?))
}

fn parse(statuses: &str) -> Reading {
    let (good, bad): (Vec<_>, Vec<_>) = statuses.lines().partition(|line| *line == "200");
    Reading::counted(good.len() as u64, bad.len() as u64)
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
