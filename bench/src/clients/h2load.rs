//! h2load: a load generator in C for HTTP/2.

use super::{entrant, stdout, words};
use crate::contender::{Contender, Entrant, Expect, Reader, Reading};
use crate::tools::Tool;
use anyhow::{Context, Result};
use std::path::Path;

/// h2load on one thread with a number of requests on a number of connections, with so many streams on each.
pub(crate) fn row(tool: &Tool, url: &str, connections: u64, streams: u64, count: u64) -> Entrant {
    entrant(format!("h2load -c {connections} -m {streams}"), tool, |name, path| {
        let [total, connections, streams] =
            [count, connections, streams].map(|number| number.to_string());
        let argv = words(path, ["-n", &total, "-c", &connections, "-m", &streams, "-t", "1", url]);
        Contender::new(name, argv, Expect::Exactly(count), Reader::H2load)
    })
}

/// Reads its summary.
pub(crate) fn read(scratch: &Path) -> Result<Reading> {
    parse(&stdout(scratch)?).context("h2load's summary is not as expected")
}

/// `requests: 1000 total, 1000 started, 1000 done, 990 succeeded, 10 failed, 0 errored, 0 timeout`. What is not a 2xx has
/// failed.
fn parse(summary: &str) -> Option<Reading> {
    let line = summary.lines().find_map(|line| line.strip_prefix("requests: "))?;
    let count = |name: &str| {
        let field = line.split(',').find_map(|field| field.trim().strip_suffix(name))?;
        field.trim().parse::<u64>().ok()
    };
    let (total, succeeded) = (count(" total")?, count(" succeeded")?);
    Some(Reading::counted(succeeded, total.checked_sub(succeeded)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_did_not_succeed_has_failed() {
        let summary = "finished in 1.02s, 97000.00 req/s, 5.5MB/s\n\
            requests: 1000 total, 1000 started, 1000 done, 990 succeeded, 7 failed, 3 errored, 3 timeout\n\
            status codes: 990 2xx, 0 3xx, 7 4xx, 0 5xx\n";
        assert_eq!(parse(summary), Some(Reading::counted(990, 10)));
        assert_eq!(parse("Could not connect\n"), None);
    }
}
