//! The programs that go through a list of URLs and can go on with it: how each is called, and what it leaves.

use crate::clients::python;
use crate::tools::{Tool, Tools};
use anyhow::{Context, Result};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::Path;

/// Transfers in flight of every program.
const IN_FLIGHT: &str = "16";
/// The folder of the bodies, inside the scratch folder.
const BODIES: &str = "bodies";
/// A file with an object of JSON for each result, inside the scratch folder.
const LINES: &str = "results.jsonl";
/// What each program that is given a list reads, inside the scratch folder.
const LIST: &str = "list";

/// A program, called as its manual recommends: retries on, and on with what was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Program {
    /// gaits: the same command again.
    Gaits,
    /// curl: `--retry`, then `--continue-at -`.
    Curl,
    /// aria2c: `--continue`.
    Aria2c,
    /// wget2: `--continue`.
    Wget2,
    /// Scrapy: a `JOBDIR`, and the URLs as `start_urls`, which are requested in each run.
    Scrapy,
    /// The same with requests that the `JOBDIR` remembers.
    ScrapyFiltered,
}

/// What a program left.
#[derive(Debug, Default)]
pub(super) struct Left {
    /// The bodies that stand as results, by item; of several the first that is found.
    pub(super) bodies: BTreeMap<u64, Vec<u8>>,
    /// Results of items that have another one.
    pub(super) twice: u64,
    /// Items that are recorded as failed.
    pub(super) failed: u64,
}

impl Program {
    /// All of them, in the order of the table.
    pub(super) const ALL: [Self; 6] =
        [Self::Gaits, Self::Curl, Self::Aria2c, Self::Wget2, Self::Scrapy, Self::ScrapyFiltered];

    /// The name of its row.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Gaits => "gaits fetch",
            Self::Curl => "curl -Z --retry",
            Self::Aria2c => "aria2c -c",
            Self::Wget2 => "wget2 -c",
            Self::Scrapy => "Scrapy, JOBDIR",
            Self::ScrapyFiltered => "Scrapy, JOBDIR, filtered",
        }
    }

    /// Where it is and its version, or how to get it.
    pub(super) fn tool(self, tools: &Tools) -> Result<(&Path, &str), &str> {
        let tool: &Tool = match self {
            Self::Gaits => return Ok((&tools.gaits.path, "")),
            Self::Curl => &tools.curl,
            Self::Aria2c => &tools.aria2c,
            Self::Wget2 => &tools.wget2,
            Self::Scrapy | Self::ScrapyFiltered => &tools.scrapy,
        };
        match tool {
            Ok(found) => Ok((&found.path, &found.version)),
            Err(why) => Err(why),
        }
    }

    /// Whether it says of each result by itself that it is one, whatever its exit status.
    pub(super) const fn records_results(self) -> bool {
        matches!(self, Self::Gaits | Self::Scrapy | Self::ScrapyFiltered)
    }

    /// Writes the list of `urls` in the program's form. An item's number is its place.
    pub(super) fn prepare(self, urls: &[String], scratch: &Path) -> Result<()> {
        let items = urls.iter().enumerate();
        let lines: Vec<String> = match self {
            Self::Curl => items
                .map(|(item, url)| format!("url = \"{url}\"\noutput = \"{BODIES}/{item}\""))
                .collect(),
            Self::Aria2c => items.map(|(item, url)| format!("{url}\n  out={item}")).collect(),
            Self::Gaits | Self::Wget2 | Self::Scrapy | Self::ScrapyFiltered => urls.to_vec(),
        };
        fs::write(scratch.join(LIST), lines.join("\n") + "\n").context("failed to write the list")
    }

    /// The command; `again` for the run that goes on.
    pub(super) fn argv(self, (path, version): (&Path, &str), again: bool) -> Vec<OsString> {
        let mut argv = vec![path.as_os_str().to_owned()];
        let mut add = |words: &[&str]| argv.extend(words.iter().map(OsString::from));
        match self {
            Self::Gaits => {
                let model = format!("async:{IN_FLIGHT}");
                add(&["fetch", "-i", LIST, "-o", LINES, "--bodies", BODIES, "-m", &model, "-q"]);
            }
            Self::Curl => {
                add(&["-q", "-sS", "-Z", "--parallel-max", IN_FLIGHT, "--create-dirs"]);
                add(&["--retry", "5", "--retry-all-errors", "-K", LIST]);
                // With --fail, the 416 that a file gets which is whole already is an error that is tried again.
                add(if again { &["-C", "-"] } else { &["--fail"] });
            }
            Self::Aria2c => {
                add(&["--no-conf", "-q", "-c", "-j", IN_FLIGHT, "-d", BODIES, "-i", LIST]);
                add(&["--max-tries=5", "--retry-wait=1", "--auto-file-renaming=false"]);
            }
            Self::Wget2 => {
                let threads = format!("--max-threads={IN_FLIGHT}");
                add(&["--no-config", "-q", "-c", "-P", BODIES, "-i", LIST, &threads]);
                add(&["--tries=5", "--waitretry=1"]);
                // Before 2.0 there was no such option.
                if !version.contains("Wget2 1.") {
                    add(&["--retry-on-http-error=429,503"]);
                }
            }
            Self::Scrapy | Self::ScrapyFiltered => {
                add(&["-m", "scrapy", "runspider"]);
                argv.push(python::peers().join("finish_scrapy.py").into());
                let concurrency = format!("CONCURRENT_REQUESTS_PER_DOMAIN={IN_FLIGHT}");
                let words = ["-a", "urls=list", "-o", LINES, "-s", "JOBDIR=job", "--nolog", "-s"];
                argv.extend(words.iter().map(OsString::from));
                argv.push(concurrency.into());
                if self == Self::ScrapyFiltered {
                    argv.extend(["-a", "filtered=yes"].map(OsString::from));
                }
            }
        }
        argv
    }

    /// Reads what it left.
    pub(super) fn left(self, scratch: &Path) -> Result<Left> {
        match self {
            Self::Gaits | Self::Scrapy | Self::ScrapyFiltered => of_lines(scratch),
            Self::Curl | Self::Aria2c | Self::Wget2 => of_files(scratch),
        }
    }
}

/// A line of the file of results.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Line {
    /// A record of gaits.
    Record { index: u64, outcome: String, http: Option<Http> },
    /// An item of our spider; each character of the body stands for a byte.
    Scraped { item: u64, body: String },
}

#[derive(Debug, Deserialize)]
struct Http {
    body_file: Option<String>,
}

/// The results of a file with a line for each. A line that was torn is no result.
fn of_lines(scratch: &Path) -> Result<Left> {
    let mut left = Left::default();
    let text = match fs::read_to_string(scratch.join(LINES)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(left),
        text => text.context("failed to read the results")?,
    };
    for line in text.lines().filter_map(|line| serde_json::from_str(line).ok()) {
        let (item, body) = match line {
            Line::Scraped { item, body } => {
                (item, body.chars().map(|byte| u8::try_from(byte).unwrap_or(b'?')).collect())
            }
            Line::Record { index, outcome, http } => {
                let file = http.and_then(|http| http.body_file).filter(|_| outcome == "ok");
                let Some(file) = file else {
                    left.failed += 1;
                    continue;
                };
                // A record whose file is not there is a wrong result.
                (index, fs::read(scratch.join(BODIES).join(file)).unwrap_or_default())
            }
        };
        left.add(item, body);
    }
    Ok(left)
}

/// The results of a folder with a file for each. aria2c marks by a second file those that are not whole.
fn of_files(scratch: &Path) -> Result<Left> {
    let mut left = Left::default();
    let folder = scratch.join(BODIES);
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(left),
        entries => entries.context("failed to read the folder of the bodies")?,
    };
    for entry in entries {
        let path = entry.context("failed to read the folder of the bodies")?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let marker = folder.join(format!("{name}.aria2"));
        if path.extension().is_some_and(|end| end == "aria2") || marker.exists() {
            continue;
        }
        // wget2 names files by their URL, of which the item's number is the end.
        let item = name.rsplit_once('=').map_or(name.as_str(), |(_, item)| item);
        match item.parse() {
            Ok(item) => left.add(item, fs::read(&path).context("failed to read a body")?),
            // Such as `1000?seed=7.1`.
            Err(_) => left.twice += 1,
        }
    }
    Ok(left)
}

impl Left {
    fn add(&mut self, item: u64, body: Vec<u8>) {
        match self.bodies.entry(item) {
            Entry::Vacant(place) => drop(place.insert(body)),
            Entry::Occupied(_) => self.twice += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_and_scraped_items_are_results_and_torn_lines_are_none() {
        let scratch = tempfile::tempdir().unwrap();
        fs::create_dir(scratch.path().join(BODIES)).unwrap();
        fs::write(scratch.path().join(BODIES).join("a"), "abc").unwrap();
        let lines = [
            r#"{"index":0,"item":"http://h","outcome":"ok","http":{"body_file":"a"}}"#,
            r#"{"index":0,"item":"http://h","outcome":"ok","http":{"body_file":"a"}}"#,
            r#"{"index":1,"item":"http://h","outcome":"failed"}"#,
            r#"{"item":2,"body":"\u00e9!"}"#,
            r#"{"item":3,"bo"#,
        ];
        fs::write(scratch.path().join(LINES), lines.join("\n")).unwrap();
        let left = Program::Scrapy.left(scratch.path()).unwrap();
        assert_eq!((left.twice, left.failed), (1, 1));
        let bodies = BTreeMap::from([(0, b"abc".to_vec()), (2, vec![0xe9, b'!'])]);
        assert_eq!(left.bodies, bodies);
    }

    #[test]
    fn files_are_results_unless_they_are_marked_as_begun() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join(BODIES);
        fs::create_dir(&folder).unwrap();
        for name in ["0", "1", "1.aria2", "9?seed=2", "9?seed=2.1"] {
            fs::write(folder.join(name), name).unwrap();
        }
        let left = Program::Aria2c.left(scratch.path()).unwrap();
        assert_eq!(left.bodies.keys().copied().collect::<Vec<_>>(), [0, 2]);
        assert_eq!(left.twice, 1);
    }
}
