//! One row of a race: a program, how it is called, and how its output tells what it did.

use crate::clients;
use anyhow::{Context, Result};
use serde::Serialize;
use std::ffi::OsString;
use std::fs;
use std::path::Path;

/// What stands in a race's table: a program that runs, or the reason why it cannot.
#[derive(Debug)]
pub(crate) enum Entrant {
    /// It takes part.
    Ready(Contender),
    /// It does not, and its row says why.
    Missing {
        /// The name of the row.
        name: String,
        /// What is missing and how it is installed.
        why: String,
    },
}

impl Entrant {
    /// The entrant with a change to its contender, if it takes part.
    pub(crate) fn changed(self, change: impl FnOnce(&mut Contender)) -> Self {
        match self {
            Self::Ready(mut contender) => {
                change(&mut contender);
                Self::Ready(contender)
            }
            missing @ Self::Missing { .. } => missing,
        }
    }

    /// The name of its row.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Ready(contender) => &contender.name,
            Self::Missing { name, .. } => name,
        }
    }
}

/// A program with its arguments, started anew in each round.
#[derive(Debug)]
pub(crate) struct Contender {
    /// The name of the row.
    pub(crate) name: String,
    /// The command; relative paths are in the run's scratch folder.
    pub(crate) argv: Vec<OsString>,
    /// How many requests or items it must have done.
    pub(crate) expect: Expect,
    /// How its output is read.
    pub(crate) reader: Reader,
    /// Which time counts.
    pub(crate) clock: Clock,
    /// In how many rounds it runs at most; a limit also spares it the warm-up.
    pub(crate) max_rounds: Option<usize>,
    /// How often it is started, one after another, for one figure.
    pub(crate) repeat: u64,
    /// The name of a thread of the process that is started, whose processor time is wanted by itself.
    pub(crate) thread: Option<&'static str>,
    /// The files that it must have written.
    pub(crate) files: Option<Files>,
}

/// Files that a program is to write into a folder, all of one size.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Files {
    /// The folder, inside the scratch folder.
    pub(crate) folder: &'static str,
    /// How many there must be.
    pub(crate) count: u64,
    /// How long each must be.
    pub(crate) bytes: u64,
}

impl Files {
    /// What is wrong with what was written, if anything is.
    pub(crate) fn objection(self, scratch: &Path) -> Result<Option<String>> {
        let (mut whole, mut other) = (0, 0);
        let mut folders = vec![scratch.join(self.folder)];
        while let Some(folder) = folders.pop() {
            let failed = || format!("failed to read {}", folder.display());
            for entry in fs::read_dir(&folder).with_context(failed)? {
                let entry = entry.with_context(failed)?;
                // What a program keeps for itself.
                if entry.file_name().as_encoded_bytes().starts_with(b".") {
                    continue;
                }
                let about = entry.metadata().with_context(failed)?;
                if about.is_dir() {
                    folders.push(entry.path());
                } else {
                    *(if about.len() == self.bytes { &mut whole } else { &mut other }) += 1;
                }
            }
        }
        let fits = whole == self.count && other == 0;
        Ok((!fits)
            .then(|| format!("{whole} whole files and {other} others instead of {}", self.count)))
    }
}

/// How much a program must have done for its figure to count.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Expect {
    /// So many, each with status 200.
    Exactly(u64),
    /// What it could in its time. The server may have seen as many more as were in flight when the time was up.
    Timed {
        /// Connections.
        in_flight: u64,
    },
}

impl Expect {
    /// What is wrong with a run in which the program counted `done` and the server, if it counts, `served`.
    pub(crate) fn objection(self, done: u64, served: Option<u64>) -> Option<String> {
        let (wanted, slack) = match self {
            Self::Exactly(count) => (count, 0),
            Self::Timed { in_flight } => (done, in_flight),
        };
        if done != wanted || done == 0 {
            return Some(format!("{done} done instead of {wanted}"));
        }
        let served = served.unwrap_or(done);
        let fits = (done..=done + slack).contains(&served);
        (!fits).then(|| format!("{done} counted by the client, {served} by the server"))
    }
}

/// Which time a figure is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Clock {
    /// The whole process's, measured from outside.
    Whole,
    /// The program's own, which leaves its start-up out. For interpreters that do fewer requests than the others, whose
    /// start-up would weigh more.
    Own,
}

/// Whose output is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reader {
    /// gaits: its results file.
    Gaits,
    /// gaits: how many requests its preview counts.
    Preview,
    /// gaits: how many rows it says that it wrote.
    Export,
    /// wrk: its summary.
    Wrk,
    /// oha: its summary.
    Oha,
    /// h2load: its summary.
    H2load,
    /// curl: one status code a line.
    Curl,
    /// The bare client: one line of JSON.
    Bare,
    /// A program that says its version and does nothing else.
    Version,
    /// A script of ours in `peers/`: one line of JSON.
    Script,
    /// A program that says nothing, and exits with 0 only if all of so many things went well.
    ExitOf(u64),
}

/// What a program says about its run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Reading {
    /// How many requests or items went well.
    pub(crate) done: u64,
    /// How many did not.
    pub(crate) failed: u64,
    /// Its own time in seconds, start-up left out, if it tells.
    pub(crate) own_wall: Option<f64>,
    /// Its own processor time in seconds, start-up left out, if it tells.
    pub(crate) own_cpu: Option<f64>,
}

impl Reading {
    /// Counts alone.
    pub(crate) const fn counted(done: u64, failed: u64) -> Self {
        Self { done, failed, own_wall: None, own_cpu: None }
    }
}

impl Reader {
    /// Reads what the program left in its scratch folder.
    pub(crate) fn read(self, scratch: &Path) -> Result<Reading> {
        match self {
            Self::Gaits => clients::gaits::read(scratch),
            Self::Preview => clients::gaits::preview(scratch),
            Self::Export => clients::gaits::exported(scratch),
            Self::Wrk => clients::wrk::read(scratch),
            Self::Oha => clients::oha::read(scratch),
            Self::H2load => clients::h2load::read(scratch),
            Self::Curl => clients::curl::read(scratch),
            Self::Bare => clients::bare::read(scratch),
            Self::Version => clients::version(scratch),
            Self::Script => clients::python::read(scratch),
            Self::ExitOf(count) => Ok(Reading::counted(count, 0)),
        }
    }
}

impl Contender {
    /// A program that is started once a round and timed as a whole.
    pub(crate) const fn new(
        name: String,
        argv: Vec<OsString>,
        expect: Expect,
        reader: Reader,
    ) -> Self {
        Self {
            name,
            argv,
            expect,
            reader,
            clock: Clock::Whole,
            max_rounds: None,
            repeat: 1,
            thread: None,
            files: None,
        }
    }

    /// The command as one would type it.
    pub(crate) fn command(&self) -> String {
        shown(&self.argv)
    }
}

/// A command as one would type it, paths shortened to file names.
pub(crate) fn shown(argv: &[OsString]) -> String {
    let words = argv.iter().map(|word| {
        let word = Path::new(word);
        let shown = if word.is_absolute() && !word.starts_with("/dev") {
            word.file_name().unwrap_or_default()
        } else {
            word.as_os_str()
        };
        let shown = shown.to_string_lossy();
        if shown.contains([' ', '?', '[', '%', '*', '\\']) {
            format!("'{shown}'")
        } else {
            shown.into_owned()
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exact_count_must_be_met_by_client_and_server() {
        let expect = Expect::Exactly(10);
        assert_eq!(expect.objection(10, Some(10)), None);
        assert_eq!(expect.objection(10, None), None);
        assert!(expect.objection(9, Some(10)).is_some());
        assert!(expect.objection(10, Some(11)).is_some());
        assert!(Expect::Exactly(0).objection(0, None).is_some());
    }

    #[test]
    fn a_timed_run_may_leave_its_last_requests_uncounted() {
        let expect = Expect::Timed { in_flight: 2 };
        assert_eq!(expect.objection(100, Some(102)), None);
        assert!(expect.objection(100, Some(103)).is_some());
        assert!(expect.objection(0, Some(0)).is_some());
    }

    #[test]
    fn files_are_counted_by_their_size() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("bodies");
        fs::create_dir_all(folder.join("00")).unwrap();
        fs::write(folder.join("00/a"), "four").unwrap();
        fs::write(folder.join(".lock"), "").unwrap();
        let files = Files { folder: "bodies", count: 1, bytes: 4 };
        assert_eq!(files.objection(scratch.path()).unwrap(), None);
        fs::write(folder.join("b"), "cut").unwrap();
        let objection = files.objection(scratch.path()).unwrap().unwrap();
        assert_eq!(objection, "1 whole files and 1 others instead of 1");
        assert!(Files { folder: "none", ..files }.objection(scratch.path()).is_err());
    }

    #[test]
    fn a_command_is_shown_without_folders_and_with_quotes() {
        let argv = ["/usr/bin/curl", "-o", "/dev/null", "-w", "%{http_code}\\n", "http://h/x"]
            .map(OsString::from)
            .to_vec();
        let contender = Contender::new("curl".into(), argv, Expect::Exactly(1), Reader::Curl);
        assert_eq!(contender.command(), "curl -o /dev/null -w '%{http_code}\\n' http://h/x");
    }
}
