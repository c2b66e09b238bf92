//! oha, without its display.

use super::{entrant, stdout, words};
use crate::contender::{Clock, Contender, Entrant, Expect, Reader, Reading};
use crate::tools::Tool;
use anyhow::{Context, Result};
use std::path::Path;

/// oha with a number of requests on a number of connections.
pub(crate) fn row(tool: &Tool, url: &str, connections: u64, count: u64) -> Entrant {
    entrant(format!("oha -c {connections}"), tool, |name, path| Contender {
        name,
        argv: words(
            path,
            ["-n", &count.to_string(), "-c", &connections.to_string(), "--no-tui", url],
        ),
        expect: Expect::Exactly(count),
        reader: Reader::Oha,
        clock: Clock::Whole,
        max_rounds: None,
    })
}

/// Reads its summary.
pub(crate) fn read(scratch: &Path) -> Result<Reading> {
    parse(&stdout(scratch)?).context("oha's summary is not as expected")
}

/// `[200] 1000 responses` under one heading, `[1] connection refused` under the other.
fn parse(summary: &str) -> Option<Reading> {
    let counts = |heading: &'static str| {
        let lines = summary.lines().skip_while(move |line| line.trim() != heading).skip(1);
        lines.map_while(|line| line.trim().strip_prefix('[')?.split_once(']'))
    };
    let mut reading = Reading { done: 0, failed: 0, own_wall: None, own_cpu: None };
    for (status, rest) in counts("Status code distribution:") {
        let responses: u64 = rest.split_whitespace().next()?.parse().ok()?;
        *(if status == "200" { &mut reading.done } else { &mut reading.failed }) += responses;
    }
    for (errors, _) in counts("Error distribution:") {
        reading.failed += errors.parse::<u64>().ok()?;
    }
    (reading.done + reading.failed > 0).then_some(reading)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_and_errors_are_told_apart() {
        let summary = "Summary:\n  Success rate:\t100.00%\n\nStatus code distribution:\n  [200] 990 responses\n  \
            [404] 7 responses\n\nError distribution:\n  [3] connection refused\n";
        let reading = parse(summary).unwrap();
        assert_eq!((reading.done, reading.failed), (990, 10));
    }

    #[test]
    fn a_summary_without_responses_is_refused() {
        assert_eq!(parse("Summary:\n"), None);
    }
}
