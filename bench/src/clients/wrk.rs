//! wrk runs for a time, not for a number of requests.

use super::{entrant, stdout, words};
use crate::contender::{Contender, Entrant, Expect, Reader, Reading};
use crate::tools::Tool;
use anyhow::{Context, Result};
use std::path::Path;

/// wrk on one thread for some seconds.
pub(crate) fn row(tool: &Tool, url: &str, connections: u64, seconds: u64) -> Entrant {
    entrant(format!("wrk -t1 -c{connections}"), tool, |name, path| {
        let argv = words(path, ["-t1", &format!("-c{connections}"), &format!("-d{seconds}s"), url]);
        Contender::new(name, argv, Expect::Timed { in_flight: connections }, Reader::Wrk)
    })
}

/// Reads its summary.
pub(crate) fn read(scratch: &Path) -> Result<Reading> {
    parse(&stdout(scratch)?).context("wrk's summary is not as expected")
}

fn parse(summary: &str) -> Option<Reading> {
    let total = summary.lines().find_map(|line| line.split_once(" requests in "))?.0;
    let total: u64 = total.trim().parse().ok()?;
    let line_of = |start: &str| summary.lines().find_map(|line| line.trim().strip_prefix(start));
    let refused: u64 =
        line_of("Non-2xx or 3xx responses:").map_or(Some(0), |count| count.trim().parse().ok())?;
    let broken: u64 = line_of("Socket errors:").map_or(Some(0), |errors| {
        errors.split(',').map(|kind| kind.split_whitespace().last()?.parse::<u64>().ok()).sum()
    })?;
    Some(Reading::counted(total.checked_sub(refused)?, refused + broken))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "Running 2s test @ http://127.0.0.1:1/small\n  1 threads and 50 connections\n  \
        Thread Stats   Avg      Stdev     Max   +/- Stdev\n    Latency   370.48us\n  \
        266543 requests in 2.00s, 51.09MB read\nRequests/sec: 133217.93\nTransfer/sec:     25.54MB\n";

    #[test]
    fn the_requests_of_a_clean_run_all_count() {
        let reading = parse(GOOD).unwrap();
        assert_eq!((reading.done, reading.failed), (266_543, 0));
    }

    #[test]
    fn errors_of_both_kinds_are_failures() {
        let bad = format!(
            "{GOOD}  Socket errors: connect 0, read 3, write 0, timeout 1\n  Non-2xx or 3xx responses: 43\n"
        );
        let reading = parse(&bad).unwrap();
        assert_eq!((reading.done, reading.failed), (266_500, 47));
    }

    #[test]
    fn something_else_is_refused() {
        assert_eq!(parse("unable to connect to 127.0.0.1:1 Connection refused\n"), None);
    }
}
