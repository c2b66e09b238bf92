//! `--html`: pages written to files.

use super::picture;
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

/// Says no to a file that a page can't be written to, as far as that is known before there is one.
pub(super) fn check(path: &Path) -> Result<(), Trouble> {
    picture::check("--html", path)
}

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
    let mut again: Vec<OsString> = vec!["gaits".into()];
    let mut words = words.into_iter().skip(1);
    while let Some(word) = words.next() {
        if word == ONCE {
            words.next();
        } else if !word.to_string_lossy().starts_with(&format!("{ONCE}=")) {
            again.push(word);
        }
    }
    let named = |word: &OsString| {
        let word = word.to_string_lossy();
        word == "--seed" || word.starts_with("--seed=")
    };
    if !again.iter().any(named) {
        // Items may stand at the end, behind `--`.
        let at = again.iter().position(|word| word == "--").unwrap_or(again.len());
        again.splice(at..at, ["--seed".into(), seed.to_string().into()]);
    }
    Rerun::of(again, &args::parser()).command
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
        assert_eq!(again("gaits compare wait -- 1"), "gaits compare wait --seed 7 -- 1");
        let secret = again("gaits compare http http://me:hunter2@x/ --bearer hunter2");
        assert!(!secret.contains("hunter2"), "{secret}");
    }
}
