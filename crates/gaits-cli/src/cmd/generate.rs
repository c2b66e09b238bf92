//! `gaits completions` and `gaits man`: made from the parser itself.

use crate::args;
use crate::exit::{Exit, Trouble};
use anyhow::Context as _;
use std::io::{self, Write};

/// Prints completions for `shell`.
pub(super) fn completions(shell: clap_complete::Shell) -> Result<Exit, Trouble> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut args::parser(), "gaits", &mut text);
    print(&text)
}

/// Prints the manual page, with a section for each command.
pub(super) fn man() -> Result<Exit, Trouble> {
    let mut text = Vec::new();
    let mut parser = args::parser();
    parser.build();
    let mut render = |parser: &clap::Command| -> io::Result<()> {
        clap_mangen::Man::new(parser.clone()).render(&mut text)
    };
    let result = render(&parser).and_then(|()| {
        parser.get_subcommands().filter(|sub| !sub.is_hide_set()).try_for_each(&mut render)
    });
    result.context("can't make the manual page").map_err(Trouble::CouldNotGoOn)?;
    print(&text)
}

fn print(text: &[u8]) -> Result<Exit, Trouble> {
    match io::stdout().lock().write_all(text) {
        Ok(()) => Ok(Exit::AllOk),
        // Who has read enough need not read on.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::AllOk),
        Err(error) => Err(Trouble::CouldNotGoOn(error.into())),
    }
}
