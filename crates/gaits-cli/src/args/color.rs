//! Whether there is colour, as an option.

use crate::talk::Colors;
use clap::{ColorChoice, ValueEnum};
use std::ffi::OsString;

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ColorArg {
    /// On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`
    Auto,
    /// Also where it goes to a file or a pipe
    Always,
    /// Nowhere
    Never,
}

impl From<ColorArg> for Colors {
    fn from(arg: ColorArg) -> Self {
        match arg {
            ColorArg::Auto => Colors::Auto,
            ColorArg::Always => Colors::Always,
            ColorArg::Never => Colors::Never,
        }
    }
}

/// What the parser itself is to do, which must know before it has read the option.
pub(super) fn of_the_parser(words: &[OsString]) -> ColorChoice {
    let mut choice = ColorChoice::Auto;
    let mut words = words.iter().filter_map(|word| word.to_str()).take_while(|word| *word != "--");
    while let Some(word) = words.next() {
        let value = match word.strip_prefix("--color") {
            Some("") => words.next(),
            Some(rest) => rest.strip_prefix('='),
            None => continue,
        };
        choice = match value {
            Some("always") => ColorChoice::Always,
            Some("never") => ColorChoice::Never,
            _ => ColorChoice::Auto,
        };
    }
    choice
}
