//! Which of several lists can't be read. Its name is a part of the error, so that a message can tell it.

use std::io;

/// Why one of several lists can't be read.
#[derive(Debug, thiserror::Error)]
#[error("{name}: {source}")]
struct OfList {
    name: String,
    source: io::Error,
}

/// The error of the list that has this name.
pub(super) fn of_list(name: String, source: io::Error) -> io::Error {
    io::Error::new(source.kind(), OfList { name, source })
}

/// The name of the list that can't be read, and why: it is one of several, or `input` itself.
pub(crate) fn unreadable(input: String, error: io::Error) -> (String, io::Error) {
    match error.downcast::<OfList>() {
        Ok(OfList { name, source }) => (name, source),
        Err(error) => (input, error),
    }
}
