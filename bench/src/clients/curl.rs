//! curl with its parallel transfers: it has no list of results, so each transfer writes its status.

use super::{BODIES, entrant, stdout, words};
use crate::contender::{Contender, Entrant, Expect, Files, Reader, Reading};
use crate::tools::Tool;
use anyhow::Result;
use std::ffi::OsString;
use std::path::Path;

/// What each transfer writes: its status.
const STATUS: &str = "%{http_code}\\n";

/// curl with a number of requests, so many in parallel.
pub(crate) fn row(tool: &Tool, url: &str, parallel: u64, count: u64) -> Entrant {
    entrant(format!("curl -Z --parallel-max {parallel}"), tool, |name, path| {
        let (parallel, urls) = (parallel.to_string(), format!("{url}?[1-{count}]"));
        let arguments =
            ["-q", "-s", "-Z", "--parallel-max", &parallel, "-o", "/dev/null", "-w", STATUS, &urls];
        Contender::new(name, words(path, arguments), Expect::Exactly(count), Reader::Curl)
    })
}

/// The same through the proxy `through`.
pub(crate) fn through(tool: &Tool, through: &str, url: &str, parallel: u64, count: u64) -> Entrant {
    row(tool, url, parallel, count).changed(|contender| {
        contender.argv.extend(["-x", through, "--noproxy", ""].map(OsString::from));
        contender.name.push_str(" -x");
    })
}

/// curl with the transfers of a config file, each of which names the file that its body of `bytes` is written to.
pub(crate) fn bodies(tool: &Tool, config: &Path, parallel: u64, count: u64, bytes: u64) -> Entrant {
    entrant(format!("curl -Z --parallel-max {parallel} to files"), tool, |name, path| {
        let parallel = parallel.to_string();
        let arguments =
            ["-q", "-s", "-Z", "--create-dirs", "--parallel-max", &parallel, "-w", STATUS, "-K"];
        let mut argv = words(path, arguments);
        argv.push(config.as_os_str().to_owned());
        let files = Some(Files { folder: BODIES, count, bytes });
        let contender = Contender::new(name, argv, Expect::Exactly(count), Reader::Curl);
        Contender { files, ..contender }
    })
}

/// The lines of a config file for one transfer.
pub(crate) fn transfer(url: &str, number: u64) -> String {
    format!("url = \"{url}\"\noutput = \"{BODIES}/{number}\"")
}

/// curl with one request.
pub(crate) fn one(tool: &Tool, url: &str) -> Entrant {
    entrant("curl of one URL".into(), tool, |name, path| {
        let argv = words(path, ["-q", "-s", "-o", "/dev/null", "-w", STATUS, url]);
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
