//! oha, without its display.

use super::{Keep, entrant, stdout, words};
use crate::contender::{Contender, Entrant, Expect, Reader, Reading};
use crate::tools::Tool;
use anyhow::{Context, Result};
use std::path::Path;

/// oha with a number of requests on a number of connections.
pub(crate) fn row(tool: &Tool, url: &str, connections: u64, count: u64) -> Entrant {
    build(tool, url, count, &["-c", &connections.to_string()])
}

/// The same, each request sending `json`.
pub(crate) fn post(tool: &Tool, url: &str, connections: u64, count: u64, json: &str) -> Entrant {
    let options = ["-m", "POST", "-T", "application/json", "-d", json];
    row(tool, url, connections, count).changed(|contender| {
        contender.name.push_str(" POST");
        contender.argv.extend(options.map(Into::into));
    })
}

/// The same over HTTP/2, with so many streams on each connection; `authority` is the certificate to trust.
pub(crate) fn http2(
    tool: &Tool,
    url: &str,
    (connections, streams): (u64, u64),
    count: u64,
    authority: &str,
) -> Entrant {
    let (connections, streams) = (connections.to_string(), streams.to_string());
    let options = ["--http2", "-c", &connections, "-p", &streams, "--cacert", authority];
    build(tool, url, count, &options)
}

/// Over TLS, with a connection for each request or with kept ones; `authority` is the certificate to trust.
pub(crate) fn tls(
    tool: &Tool,
    url: &str,
    connections: u64,
    count: u64,
    keep: Keep,
    authority: &str,
) -> Entrant {
    let connections = connections.to_string();
    let mut options = vec!["-c", &connections, "--cacert", authority];
    if keep == Keep::None {
        options.push("--disable-keepalive");
    }
    build(tool, url, count, &options)
}

/// The name of a row leaves out the certificate, which is a path.
fn build(tool: &Tool, url: &str, count: u64, options: &[&str]) -> Entrant {
    let shown = options.iter().copied().filter(|word| *word != "--cacert" && !word.contains('/'));
    let name = std::iter::once("oha").chain(shown).collect::<Vec<_>>().join(" ");
    entrant(name, tool, |name, path| {
        let mut argv = words(path, ["-n", &count.to_string(), "--no-tui", url]);
        argv.extend(options.iter().map(Into::into));
        Contender::new(name, argv, Expect::Exactly(count), Reader::Oha)
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
    let mut reading = Reading::counted(0, 0);
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
