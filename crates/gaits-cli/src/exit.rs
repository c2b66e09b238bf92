//! Exit codes. They are API, and never change their meaning.

use crate::talk::{self, Colors};
use gaits::{InputError, RaceError, RunError, SweepError};
use std::process::ExitCode;

/// How a command ended that could do its job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// 0: every item went well.
    AllOk,
    /// 1: all is done, and some items failed.
    SomeFailed,
    /// 4: stopped early on purpose; run again, it goes on.
    StoppedEarly,
    /// 5: a condition of `--fail-if` holds.
    GateFailed,
    /// 130: stopped by the user.
    Interrupted,
}

/// Why a command could not do its job.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// 2: the command line or the input is wrong; nothing was started.
    Wrong(anyhow::Error),
    /// 3: the run could not go on; what was recorded is intact.
    CouldNotGoOn(anyhow::Error),
    /// 4: something was started, and it was seen that what may be spent is too little for the rest.
    TooLittle(anyhow::Error),
    /// 3: whoever read standard output has seen enough. There is nobody to complain to.
    ReaderGone,
}

impl Trouble {
    /// A wrong command line or input, as `message` tells.
    pub(crate) fn wrong(message: impl std::fmt::Display) -> Self {
        Trouble::Wrong(anyhow::anyhow!("{message}"))
    }
}

impl From<InputError> for Trouble {
    fn from(error: InputError) -> Self {
        Trouble::Wrong(error.into())
    }
}

impl From<RunError> for Trouble {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Work(_) | RunError::Input(_) | RunError::Journal(_) => {
                Trouble::Wrong(error.into())
            }
            _ => Trouble::CouldNotGoOn(error.into()),
        }
    }
}

impl From<RaceError> for Trouble {
    fn from(error: RaceError) -> Self {
        match error {
            RaceError::NoModels
            | RaceError::Twice { .. }
            | RaceError::NoProgram { .. }
            | RaceError::Work(_)
            | RaceError::Budget { .. }
            | RaceError::TooManyItems { .. } => Trouble::Wrong(error.into()),
            _ => Trouble::CouldNotGoOn(error.into()),
        }
    }
}

impl From<SweepError> for Trouble {
    fn from(error: SweepError) -> Self {
        match error {
            SweepError::Trial(_) => Trouble::CouldNotGoOn(error.into()),
            _ => Trouble::Wrong(error.into()),
        }
    }
}

/// The process's exit code; says what went wrong.
pub(crate) fn code(result: Result<Exit, Trouble>, colors: Colors) -> ExitCode {
    ExitCode::from(match result {
        Ok(exit) => exit.number(),
        Err(Trouble::Wrong(error)) => {
            talk::error(&error, colors);
            2
        }
        Err(Trouble::CouldNotGoOn(error)) => {
            talk::error(&error, colors);
            3
        }
        Err(Trouble::TooLittle(error)) => {
            talk::error(&error, colors);
            Exit::StoppedEarly.number()
        }
        Err(Trouble::ReaderGone) => 3,
    })
}

impl Exit {
    /// The number that scripts see.
    pub(crate) const fn number(self) -> u8 {
        match self {
            Exit::AllOk => 0,
            Exit::SomeFailed => 1,
            Exit::StoppedEarly => 4,
            Exit::GateFailed => 5,
            Exit::Interrupted => 130,
        }
    }
}
