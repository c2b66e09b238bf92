//! Why a run could not begin or go on, in the words of its output and its input.

use crate::bodies;
use crate::input::{InputError, unreadable};
use crate::journal::{Gone, JournalError};
use crate::output::Output;
use gaits_engine::RunError as Engine;
use gaits_engine::WorkError;
use std::fmt;
use std::io;

/// Why a run could not begin or go on. What was recorded until then is intact.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The work can't be set up. Nothing was started.
    #[error(transparent)]
    Work(#[from] WorkError),
    /// The input can't be opened, or has no item. Nothing was recorded, and a results file that was created for the run
    /// is gone again.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The reader of the output has gone away.
    #[error("{output} was closed by its reader; the run was stopped")]
    OutputClosed {
        /// The output's name.
        output: String,
    },
    /// The output takes no more records.
    #[error("can't write to {output}, so the run was stopped; {last_record}")]
    Output {
        /// The output's name.
        output: String,
        /// Whether the last record in it is whole.
        last_record: LastRecord,
        /// What the system said.
        source: io::Error,
    },
    /// The results file was removed while the run wrote to it, or another one was put in its place.
    #[error(
        "{output} was removed or replaced while the run wrote to it, so the run was stopped; its records are lost with it \
         ({records}), and the same command does them again"
    )]
    OutputRemoved {
        /// The output's name.
        output: String,
        /// How many records it held, those of earlier runs among them.
        records: u64,
    },
    /// The results file got another name while the run wrote to it.
    #[error(
        "{output} was renamed while the run wrote to it, so the run was stopped; its records are whole in {to} \
         ({records}): move it back, and the same command goes on, or it does them again"
    )]
    OutputMoved {
        /// The output's name.
        output: String,
        /// Where the file is now, as far as that is known.
        to: String,
        /// How many records it holds, those of earlier runs among them.
        records: u64,
    },
    /// A body could not be written to its file. No record was written that names it.
    #[error("bodies can't be kept, so the run was stopped")]
    Bodies {
        /// What the system said, and of which file.
        source: io::Error,
    },
    /// What is asked for now does not go with the records that are there. Nothing was started, and nothing was changed.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The input turned out to be another one than that of the records, after some of it was done.
    #[error("the run was stopped; what was recorded is intact")]
    InputChanged(#[source] JournalError),
    /// One of the other sinks takes no more records.
    #[error("records can't be handed on, so the run was stopped")]
    Sink {
        /// Which of the sinks given to [`Run::sink`](super::Run::sink) it was, counted from 0.
        number: usize,
        /// What it said.
        source: io::Error,
    },
    /// The input can't be read any further.
    #[error("can't read {input} to its end; what was read is done")]
    Source {
        /// The input's name.
        input: String,
        /// What the system said.
        source: io::Error,
    },
    /// The engine could not begin or go on.
    #[error(transparent)]
    Engine(gaits_engine::RunError),
}

/// What is known of the last record in an output that could not be written to.
#[derive(Debug)]
pub enum LastRecord {
    /// It is whole: what was written of another one has been cut off.
    Whole,
    /// What was written of it could not be cut off.
    MayBeTorn(io::Error),
}

impl fmt::Display for LastRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LastRecord::Whole => f.write_str("the records that are there are whole"),
            LastRecord::MayBeTorn(error) => write!(f, "its last record may be torn ({error})"),
        }
    }
}

/// Names the output that can't be written to, and the input that can't be read. `has_first` says whether the first sink is
/// that of the output, or that of bodies; `begun`, whether anything was started.
pub(super) fn explain(
    error: Engine,
    output: Option<&Output>,
    has_first: bool,
    input: String,
    begun: bool,
) -> RunError {
    let error = match error {
        Engine::Source(source) => match source.downcast::<JournalError>() {
            Ok(changed) if begun => return RunError::InputChanged(changed),
            Ok(differs) => return RunError::Journal(differs),
            Err(source) => Engine::Source(source),
        },
        other => other,
    };
    match (error, output) {
        (Engine::Sink { number: 0, source }, _) if is_of_bodies(&source) => {
            RunError::Bodies { source }
        }
        (Engine::Sink { number: 0, source }, Some(output)) => {
            let name = output.name().to_owned();
            match source.get_ref().and_then(|error| error.downcast_ref()) {
                Some(Gone::Removed { records }) => {
                    return RunError::OutputRemoved { output: name, records: *records };
                }
                Some(Gone::Moved { records, to }) => {
                    let to = to.as_ref().map(|to| to.display().to_string());
                    let to = to.unwrap_or_else(|| "the file that had this name".to_owned());
                    return RunError::OutputMoved { output: name, to, records: *records };
                }
                None => {}
            }
            if source.kind() == io::ErrorKind::BrokenPipe {
                return RunError::OutputClosed { output: name };
            }
            let last_record =
                output.cut_torn_line().map_or_else(LastRecord::MayBeTorn, |()| LastRecord::Whole);
            RunError::Output { output: name, last_record, source }
        }
        (Engine::Sink { number, source }, _) => {
            RunError::Sink { number: number - usize::from(has_first), source }
        }
        (Engine::Source(error), _) => {
            let (input, source) = unreadable(input, error);
            RunError::Source { input, source }
        }
        (Engine::Work(error), _) => RunError::Work(error),
        (other, _) => RunError::Engine(other),
    }
}

/// Whether a sink has failed because of a body.
fn is_of_bodies(error: &io::Error) -> bool {
    matches!(error.get_ref(), Some(source) if source.is::<bodies::Fault>())
}
