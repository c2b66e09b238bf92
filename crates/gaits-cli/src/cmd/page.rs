//! `--html`: pages written to files.

use super::stdout;
use crate::args;
use crate::exit::Trouble;
use crate::rerun::Rerun;
use crate::talk;
use anyhow::anyhow;
use gaits::{Page, write_page};
use std::ffi::OsString;
use std::path::Path;

/// Options that keep the same command from running twice, and take a value.
const ONCE: &str = "--save";

/// Writes a page, and says so if that was to a file.
pub(super) fn write(page: &Page, path: &Path, quiet: bool) -> Result<(), Trouble> {
    if stdout::is_meant_by(path) {
        return stdout::write(|out| page.write(out));
    }
    write_page(page, path).map_err(|error| {
        Trouble::CouldNotGoOn(anyhow!(error).context(format!("can't write {}", path.display())))
    })?;
    if !quiet {
        talk::line(&format!("gaits: wrote the page {}", path.display()));
    }
    Ok(())
}

/// The command of this process, as one types it to have the same again, without secrets. `seed` is added to it unless it
/// is there.
pub(super) fn command(words: impl IntoIterator<Item = OsString>, seed: u64) -> String {
    let parser = args::parser();
    let words: Vec<OsString> = words.into_iter().collect();
    // What stands behind is the raced program's, or an item.
    let (own, others) = words.split_at(args::own_words(&words, &parser));
    let mut again: Vec<OsString> = vec!["gaits".into()];
    let mut own = own.iter().skip(1);
    while let Some(word) = own.next() {
        if word == ONCE {
            own.next();
        } else if !word.to_string_lossy().starts_with(&format!("{ONCE}=")) {
            again.push(word.clone());
        }
    }
    let named = |word: &OsString| {
        let word = word.to_string_lossy();
        word == "--seed" || word.starts_with("--seed=")
    };
    if !again.iter().any(named) {
        let command = again.iter().position(|word| parser.find_subcommand(word).is_some());
        let at = command.map_or(again.len(), |command| command + 1);
        again.splice(at..at, ["--seed".into(), seed.to_string().into()]);
    }
    again.extend_from_slice(others);
    Rerun::of(again, &parser).command
}

#[cfg(test)]
mod tests {
    use super::*;

    fn again(words: &str) -> String {
        command(words.split(' ').map(OsString::from), 7)
    }

    #[test]
    fn the_command_that_repeats_a_race_has_its_seed_and_saves_nothing_twice() {
        assert_eq!(again("/some/where/gaits compare"), "gaits compare --seed 7");
        let words = "gaits compare --save there --seed=5 --save=here wait 1 --html a.html";
        assert_eq!(again(words), "gaits compare --seed=5 wait 1 --html a.html");
        assert_eq!(again("gaits compare wait -- 1"), "gaits compare --seed 7 wait -- 1");
        assert_eq!(
            again("gaits --color never sweep wait 1"),
            "gaits --color never sweep --seed 7 wait 1"
        );
        let program = "prog --save x --seed 1 -- --save=y";
        for of in [program.to_owned(), format!("-- {program}")] {
            assert_eq!(
                again(&format!("gaits compare --save there command -n 2 {of}")),
                format!("gaits compare --seed 7 command -n 2 {of}")
            );
        }
        let secret = again("gaits compare http http://me:hunter2@x/ --bearer hunter2");
        assert!(!secret.contains("hunter2"), "{secret}");
    }
}
