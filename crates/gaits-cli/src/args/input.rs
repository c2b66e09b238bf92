//! Where the command line says that items come from.

use std::path::PathBuf;

/// Where items come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Input {
    /// The command line: these, over and over, up to a count if there is one.
    Listed {
        /// The items.
        items: Vec<Box<str>>,
        /// How many in all.
        count: Option<u64>,
    },
    /// A file, an item a line.
    File(PathBuf),
    /// Standard input, an item a line.
    Stdin,
}
