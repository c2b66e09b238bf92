//! Why a run can't go on with a results file.
//!
//! Limit: an error says what is wrong and where. Which option helps is for the program to say.

use gaits_engine::journal::RunFileError;
use std::io;
use std::path::PathBuf;

/// Why a run can't go on with a results file. Nothing in the file was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// What stands in the file was not written by gaits.
    #[error("{results} does not hold records of gaits: line 1: {wrong}")]
    NotResults {
        /// The file.
        results: String,
        /// What is wrong with its first line.
        wrong: String,
    },
    /// One of its lines can't stand there.
    #[error("{results}:{line}: {wrong}")]
    Line {
        /// The file.
        results: String,
        /// The line's number, counted from 1.
        line: u64,
        /// What is wrong with it.
        wrong: String,
    },
    /// It can't be read.
    #[error("can't read {results}")]
    Read {
        /// The file.
        results: String,
        /// What the system said.
        source: io::Error,
    },
    /// The file beside it that tells of earlier runs can't be used.
    #[error("can't read {}, which tells what the records were made with", .path.display())]
    RunFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: RunFileError,
    },
    /// The file beside it that tells of started items can't be used.
    #[error("can't read {}, which tells what may have been processed", .path.display())]
    Started {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: io::Error,
    },
    /// A file beside it can't be written, or the results file can't be made ready.
    #[error("can't write to {}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A run that was to start over was ended before its first record, so the records are older than the run file.
    #[error("a run that was to start {results} over has ended before its first record")]
    StartingOver {
        /// The file.
        results: String,
    },
    /// The records were made with other settings, which give other answers.
    #[error("{results} has records of another plan: {}", .differences.join("; "))]
    Plan {
        /// The file.
        results: String,
        /// Each difference.
        differences: Vec<String>,
    },
    /// The input has something else at the place of an item that has a record.
    #[error(
        "{input} has {now} at item {index} now; the record of that item in {results} is of {then}"
    )]
    Item {
        /// The file.
        results: String,
        /// The input.
        input: String,
        /// The item's index, counted from 0.
        index: u64,
        /// What stands there now.
        now: String,
        /// What the record says.
        then: String,
    },
    /// The input does not have an item that has a record.
    #[error("{input} has no item {index} any more; {results} has a record of it, {then}")]
    Gone {
        /// The file.
        results: String,
        /// The input.
        input: String,
        /// The item's index, counted from 0.
        index: u64,
        /// What the record says.
        then: String,
    },
}

/// The results file has lost its name while a run wrote to it. `records` says how many it holds, those of earlier runs among them.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Gone {
    /// It was removed, or another file was put in its place, and its records are lost.
    #[error("the file was removed")]
    Removed { records: u64 },
    /// It has another name now: this one, where the system tells.
    #[error("the file was renamed")]
    Moved { records: u64, to: Option<PathBuf> },
}
