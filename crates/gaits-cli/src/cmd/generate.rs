//! `gaits completions` and `gaits man`: made from the parser itself.

use super::stdout;
use crate::args;
use crate::exit::{Exit, Trouble};
use anyhow::Context as _;
use clap::Command;
use clap_mangen::Man;
use std::io;
use std::path::Path;

/// Prints completions for `shell`.
pub(super) fn completions(shell: clap_complete::Shell) -> Result<Exit, Trouble> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut args::parser(), "gaits", &mut text);
    print(&text)
}

/// Prints the manual page of the command that `path` leads to, and of those below it.
pub(super) fn man(path: &[String]) -> Result<Exit, Trouble> {
    let root = documented();
    let mut command = &root;
    // `run http` may come as one word or as two.
    for name in path.iter().flat_map(|words| words.split_whitespace()) {
        command = command.find_subcommand(name).ok_or_else(|| {
            let names = command.get_subcommands().map(Command::get_name).collect::<Vec<_>>();
            let known = match &names[..] {
                [] => "it has none".to_owned(),
                names => format!("the commands are {}", names.join(", ")),
            };
            Trouble::wrong(format!("{} has no command `{name}`; {known}", shown(command)))
        })?;
    }
    let mut text = Vec::new();
    render(command, &mut text).context("can't make the manual").map_err(Trouble::CouldNotGoOn)?;
    print(&text)
}

/// Writes each manual page to a file in `folder`.
pub(super) fn man_files(folder: &Path) -> Result<Exit, Trouble> {
    std::fs::create_dir_all(folder)
        .and_then(|()| write_files(&documented(), folder))
        .with_context(|| format!("can't write the manual to {}", folder.display()))
        .map_err(Trouble::Wrong)?;
    Ok(Exit::AllOk)
}

fn write_files(command: &Command, folder: &Path) -> io::Result<()> {
    page(command).generate_to(folder)?;
    command.get_subcommands().try_for_each(|below| write_files(below, folder))
}

fn page(command: &Command) -> Man {
    let source = concat!("gaits ", env!("CARGO_PKG_VERSION"));
    Man::new(command.clone()).source(source).manual("User commands")
}

/// The parser, with the full name of each command, and without `help`, which needs no page.
fn documented() -> Command {
    fn for_pages(command: Command) -> Command {
        // A page leaves out what is said of options that -h leaves out.
        let command = command.mut_args(|arg| arg.hide_short_help(false));
        command.disable_help_subcommand(true).mut_subcommands(for_pages)
    }
    let mut root = for_pages(args::parser());
    root.build();
    root
}

fn shown(command: &Command) -> &str {
    command.get_bin_name().unwrap_or_else(|| command.get_name())
}

fn render(command: &Command, text: &mut Vec<u8>) -> io::Result<()> {
    page(command).render(text)?;
    command.get_subcommands().try_for_each(|below| render(below, text))
}

fn print(text: &[u8]) -> Result<Exit, Trouble> {
    stdout::print(&String::from_utf8_lossy(text)).map(|()| Exit::AllOk)
}
