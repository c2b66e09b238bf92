//! What an export writes to: a stream, or a file that gets its name when it is whole.

use super::ExportError;
use super::input::Input;
use crate::output::Destination;
use crate::sys;
use gaits_engine::journal::Aside;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::{AsFd as _, OwnedFd};

/// What the table is written to.
pub(super) struct Output {
    pub(super) name: String,
    to: To,
}

enum To {
    /// A pipe, a terminal, a device.
    Stream(File),
    /// A file that gets its name at the end.
    Aside(Aside),
}

impl Output {
    pub(super) fn open(to: &Destination, input: &Input) -> Result<Self, ExportError> {
        let name = match to {
            Destination::Stdout => "standard output".to_owned(),
            Destination::File(path) => path.display().to_string(),
        };
        let no_place = |why: &dyn std::fmt::Display| ExportError::NoPlace {
            output: name.clone(),
            why: why.to_string(),
        };
        let is_input = || no_place(&"it is what is read; the table needs a file of its own");
        let to = match to {
            Destination::Stdout => {
                if sys::was_closed(io::stdout().as_fd()) {
                    return Err(no_place(&"it is closed; give a file with -o FILE"));
                }
                let stdout: OwnedFd =
                    io::stdout().as_fd().try_clone_to_owned().map_err(|error| no_place(&error))?;
                if sys::is_same_file(stdout.as_fd(), input.file.as_fd()) {
                    return Err(is_input());
                }
                To::Stream(stdout.into())
            }
            Destination::File(path) if path.is_dir() || path.file_name().is_none() => {
                return Err(no_place(&"it is a folder; give a file"));
            }
            Destination::File(path) => {
                if sys::is_file_at(input.file.as_fd(), path) {
                    return Err(is_input());
                }
                if path.exists() && !path.is_file() {
                    // A device or a pipe must not be replaced by a file.
                    let opened = OpenOptions::new().write(true).open(path);
                    To::Stream(opened.map_err(|error| no_place(&error))?)
                } else {
                    To::Aside(Aside::create_unshared(path).map_err(|error| no_place(&error))?)
                }
            }
        };
        Ok(Self { name, to })
    }

    pub(super) fn finish(self) -> io::Result<()> {
        match self.to {
            To::Stream(_) => Ok(()),
            To::Aside(aside) => aside.finish(true),
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.to {
            To::Stream(file) => file.write(bytes),
            To::Aside(aside) => aside.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
