//! gaits itself. What it did is read from its results file: one record for each item, all ok, each index once.

use super::BODIES;
use super::words;
use crate::contender::{Contender, Entrant, Expect, Files, Reader, Reading};
use crate::measure::STDERR;
use crate::tools::Binary;
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::Path;

/// Where a table goes, inside the scratch folder.
const TABLE: &str = "table";

/// Where the records go, inside the scratch folder.
pub(crate) const RESULTS: &str = "results.jsonl";

/// `count` requests to one URL; `options` are further ones of the command line.
pub(crate) fn fetch(
    gaits: &Binary,
    model: &str,
    url: &str,
    count: u64,
    options: &[&str],
) -> Entrant {
    let mut argv = words(&gaits.path, ["fetch", "--count", &count.to_string(), url]);
    argv.extend(options.iter().map(Into::into));
    row(gaits, model, count, argv)
}

/// The URLs of a file, of which there are `count`; `options` are further ones of the command line, which the name tells.
pub(crate) fn fetch_file(
    gaits: &Binary,
    model: &str,
    urls: &Path,
    count: u64,
    options: &[&str],
) -> Entrant {
    let mut argv = words(&gaits.path, ["fetch", "-i"]);
    argv.push(urls.as_os_str().to_owned());
    argv.extend(options.iter().map(Into::into));
    row(gaits, model, count, argv).changed(|contender| {
        for option in options {
            contender.name.push(' ');
            contender.name.push_str(option);
        }
    })
}

/// The URLs of a file, whose bodies of `bytes` each are written to files.
pub(crate) fn fetch_bodies(
    gaits: &Binary,
    model: &str,
    urls: &Path,
    count: u64,
    bytes: u64,
) -> Entrant {
    fetch_file(gaits, model, urls, count, &["--bodies", BODIES])
        .changed(|contender| contender.files = Some(Files { folder: BODIES, count, bytes }))
}

/// One URL under the default model, as one would type it.
pub(crate) fn fetch_one(gaits: &Binary, url: &str) -> Entrant {
    let argv = words(&gaits.path, ["fetch", url, "-o", RESULTS, "--quiet"]);
    let name = format!("{} fetch of one URL", gaits.name);
    Entrant::Ready(Contender::new(name, argv, Expect::Exactly(1), Reader::Gaits))
}

/// The version and nothing else: what it costs to start the program.
pub(crate) fn version(gaits: &Binary) -> Entrant {
    let (name, argv) = (format!("{} --version", gaits.name), words(&gaits.path, ["--version"]));
    Entrant::Ready(Contender::new(name, argv, Expect::Exactly(1), Reader::Version))
}

/// `count` times `product(30)`.
pub(crate) fn product(gaits: &Binary, model: &str, count: u64) -> Entrant {
    let arguments = ["run", "cpu", "product", "--n", "30", "--count", &count.to_string()];
    row(gaits, model, count, words(&gaits.path, arguments))
}

/// `count` waits that wait for nothing.
pub(crate) fn no_op(gaits: &Binary, model: &str, count: u64) -> Entrant {
    let arguments = ["run", "wait", "--count", &count.to_string(), "--for", "0ms"];
    row(gaits, model, count, words(&gaits.path, arguments))
        .changed(|contender| contender.thread = Some(DISPATCHER))
}

/// `true` for each line of a list, of which there are `count`.
pub(crate) fn command(gaits: &Binary, model: &str, list: &Path, count: u64) -> Entrant {
    let mut argv = words(&gaits.path, ["run", "command", "-i"]);
    argv.push(list.as_os_str().to_owned());
    // All that stands behind the program belongs to it.
    row(gaits, model, count, argv).changed(|contender| {
        contender.argv.extend(["--", "true"].map(OsString::from));
    })
}

/// Reads the `count` items of a list, which `what` names, and looks at one of them; `options` say how they are read.
pub(crate) fn sample(
    gaits: &Binary,
    what: &str,
    items: &Path,
    count: u64,
    options: &[&str],
) -> Entrant {
    let mut argv = words(&gaits.path, ["fetch", "--sample", "1", "--dry-run", "-i"]);
    argv.push(items.as_os_str().to_owned());
    argv.extend(options.iter().map(Into::into));
    let name = format!("{} {what}", gaits.name);
    Entrant::Ready(Contender::new(name, argv, Expect::Exactly(count), Reader::ExitOf(count)))
}

/// Counts the requests of a list, of which `count` are different.
pub(crate) fn dedupe(gaits: &Binary, items: &Path, count: u64) -> Entrant {
    let mut argv = words(&gaits.path, ["fetch", "--dedupe", "--dry-run", "-i"]);
    argv.push(items.as_os_str().to_owned());
    let name = format!("{} --dedupe", gaits.name);
    Entrant::Ready(Contender::new(name, argv, Expect::Exactly(count), Reader::Preview))
}

/// Writes the `count` records of a results file as a table.
pub(crate) fn export(gaits: &Binary, form: &str, results: &Path, count: u64) -> Entrant {
    let mut argv = words(&gaits.path, ["export", "--to", form, "-o", TABLE]);
    argv.push(results.as_os_str().to_owned());
    let name = format!("{} export to {form}", gaits.name);
    Entrant::Ready(Contender::new(name, argv, Expect::Exactly(count), Reader::Export))
}

/// Reads `gaits: 12 requests would be sent` of a preview.
pub(crate) fn preview(scratch: &Path) -> Result<Reading> {
    counted(scratch, |line| line.split_once(" would be sent")?.0.split_whitespace().next())
}

/// Reads `gaits: wrote 1,000 rows to FILE` of an export.
pub(crate) fn exported(scratch: &Path) -> Result<Reading> {
    counted(scratch, |line| line.strip_prefix("wrote ")?.split_whitespace().next())
}

/// The number that `find` takes from a line of what gaits says.
fn counted(scratch: &Path, find: impl Fn(&str) -> Option<&str>) -> Result<Reading> {
    let said =
        fs::read_to_string(scratch.join(STDERR)).context("failed to read what gaits said")?;
    let count = said.lines().find_map(|line| find(line.strip_prefix("gaits: ")?));
    let count = count.context("gaits tells no count")?.replace(',', "");
    Ok(Reading::counted(count.parse().context("gaits tells no count")?, 0))
}

fn row(gaits: &Binary, model: &str, count: u64, mut argv: Vec<OsString>) -> Entrant {
    argv.extend(["-m", model, "-o", RESULTS, "--quiet"].map(OsString::from));
    let name = format!("{} {model}", gaits.name);
    Entrant::Ready(Contender::new(name, argv, Expect::Exactly(count), Reader::Gaits))
}

/// The thread that hands out the items.
const DISPATCHER: &str = "dispatcher";

/// What of a record is checked.
#[derive(Debug, Deserialize)]
struct Record<'a> {
    index: usize,
    outcome: &'a str,
    #[serde(default)]
    started_us: u64,
    finished_us: u64,
    http: Option<Http>,
}

#[derive(Debug, Deserialize)]
struct Http {
    status: u16,
}

/// Reads the results file. Its own time is that from the run's beginning until its last item was finished.
pub(crate) fn read(scratch: &Path) -> Result<Reading> {
    Ok(course(scratch)?.reading)
}

/// What a results file says of the whole run.
#[derive(Debug)]
pub(crate) struct Course {
    /// What was done.
    pub(crate) reading: Reading,
    /// When each item was finished, in microseconds since the run began, in the order of the file.
    pub(crate) finished_us: Vec<u64>,
    /// When the item of the last record was started, in microseconds since that run began.
    pub(crate) last_started_us: u64,
}

/// Reads all of the results file.
pub(crate) fn course(scratch: &Path) -> Result<Course> {
    let file = File::open(scratch.join(RESULTS)).context("there is no results file")?;
    parse(BufReader::with_capacity(1 << 20, file))
}

fn parse(mut records: impl BufRead) -> Result<Course> {
    let (mut done, mut failed, mut last_us, mut last_started_us) = (0, 0, 0, 0);
    let mut finished_us = Vec::new();
    let mut seen = Vec::new();
    let mut line = String::new();
    while records.read_line(&mut line).context("failed to read the results file")? > 0 {
        let record: Record<'_> = serde_json::from_str(&line)
            .with_context(|| format!("a record that cannot be read: {}", line.trim()))?;
        if seen.len() <= record.index {
            seen.resize(record.index + 1, false);
        }
        if std::mem::replace(&mut seen[record.index], true) {
            bail!("two records of item {}", record.index);
        }
        let good = record.outcome == "ok" && record.http.is_none_or(|http| http.status == 200);
        *(if good { &mut done } else { &mut failed }) += 1;
        last_us = last_us.max(record.finished_us);
        last_started_us = record.started_us;
        finished_us.push(record.finished_us);
        line.clear();
    }
    let reading = Reading { done, failed, own_wall: Some(last_us as f64 / 1e6), own_cpu: None };
    Ok(Course { reading, finished_us, last_started_us })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OK: &str = r#"{"index":0,"item":"http://h/","outcome":"ok","attempts":1,"finished_us":1500000,"http":{"status":200}}"#;

    #[test]
    fn records_are_counted_and_the_last_one_ends_the_run() {
        let failed = OK.replace(":0,", ":1,").replace("\"ok\"", "\"failed\"");
        let elsewhere =
            OK.replace(":0,", ":2,").replace("200", "302").replace("1500000", "2500000");
        let course = parse(format!("{OK}\n{failed}\n{elsewhere}\n").as_bytes()).unwrap();
        assert_eq!(course.finished_us, [1_500_000, 1_500_000, 2_500_000]);
        let reading = course.reading;
        assert_eq!((reading.done, reading.failed), (1, 2));
        assert_eq!(reading.own_wall, Some(2.5));
    }

    #[test]
    fn counts_are_read_from_what_is_said() {
        let scratch = tempfile::tempdir().unwrap();
        let said =
            "gaits: --dedupe left out 1 item\ngaits: 10,000 requests would be sent: 10,000 to h\n";
        fs::write(scratch.path().join(STDERR), said).unwrap();
        assert_eq!(preview(scratch.path()).unwrap().done, 10_000);
        assert!(exported(scratch.path()).is_err());
        fs::write(scratch.path().join(STDERR), "gaits: wrote 1,234 rows to table\n").unwrap();
        assert_eq!(exported(scratch.path()).unwrap().done, 1_234);
    }

    #[test]
    fn a_wait_needs_no_status() {
        let wait = r#"{"index":0,"item":"0","outcome":"ok","finished_us":1}"#;
        assert_eq!(parse(wait.as_bytes()).unwrap().reading.done, 1);
    }

    #[test]
    fn an_item_recorded_twice_or_a_torn_line_is_an_error() {
        assert!(
            parse(format!("{OK}\n{OK}\n").as_bytes())
                .unwrap_err()
                .to_string()
                .contains("two records")
        );
        assert!(parse(&OK.as_bytes()[..40]).is_err());
    }
}
