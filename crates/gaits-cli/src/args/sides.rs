//! Options that may stand on either side of the work: `gaits compare --json wait` is `gaits compare wait --json`.
//!
//! The parser looks at each side by itself. Of an option that is given on both sides it keeps only what stands behind the work, and it
//! does not see that two options contradict each other that stand on different sides. So both are refused here; a flag may stand on both.

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, Error};
use std::ffi::OsString;

/// Refuses what is given on both sides, and what contradicts something on the other side. `parser` has understood the words so.
pub(super) fn check(
    words: &[OsString],
    parser: &Command,
    understood: &ArgMatches,
) -> Result<(), Error> {
    let Some((name, (work, _))) =
        understood.subcommand().and_then(|(name, below)| Some((name, below.subcommand()?)))
    else {
        return Ok(());
    };
    let shared = parser.find_subcommand(name).map(shared).unwrap_or_default();
    let mut parted = parser.clone().mut_subcommands(parted);
    let Ok(matches) = parted.try_get_matches_from_mut(words) else { return Ok(()) };
    let Some((_, front)) = matches.subcommand() else { return Ok(()) };
    let Some((_, behind)) = front.subcommand() else { return Ok(()) };
    let Some(command) = parted.find_subcommand_mut(name) else { return Ok(()) };
    let given = |matches: &ArgMatches| -> Vec<&Arg> {
        let on_the_line = Some(ValueSource::CommandLine);
        shared
            .iter()
            .filter(|arg| matches.value_source(arg.get_id().as_str()) == on_the_line)
            .collect()
    };
    let excludes = |one: &Arg, other: &Arg| {
        command.get_arg_conflicts_with(one).iter().any(|arg| arg.get_id() == other.get_id())
    };
    for one in given(front) {
        for other in given(behind) {
            let (first, second) =
                (one.get_long().unwrap_or_default(), other.get_long().unwrap_or_default());
            let is_same = one.get_id() == other.get_id();
            if is_same && matches!(one.get_action(), ArgAction::SetTrue) {
                // It says the same twice, as an alias with `-q` may make it do.
                continue;
            }
            let wrong = if is_same {
                format!(
                    "--{first} stands in front of `{work}` and behind it: put all of it on one side"
                )
            } else if excludes(one, other) || excludes(other, one) {
                format!("--{first} in front of `{work}` cannot be used with --{second} behind it")
            } else {
                continue;
            };
            return Err(command.error(ErrorKind::ArgumentConflict, wrong));
        }
    }
    Ok(())
}

/// The options of `command` that may stand behind its work as well.
fn shared(command: &Command) -> Vec<Arg> {
    let shared = command.get_arguments().filter(|arg| arg.is_global_set());
    shared.map(|arg| arg.clone().global(false)).collect()
}

/// A command whose works have such options of their own, so that the parser keeps apart what stands on which side.
fn parted(command: Command) -> Command {
    let shared = shared(&command);
    let command = command.mut_args(|arg| arg.global(false));
    command.mut_subcommands(|work| work.args(&shared))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_work_has_an_option_by_the_name_of_one_that_stands_in_front_of_it() {
        // The parser would give both the same value.
        let parser = super::super::parser();
        for command in parser.get_subcommands() {
            for work in command.get_subcommands() {
                for own in work.get_arguments() {
                    let twice = shared(command).iter().any(|arg| arg.get_id() == own.get_id());
                    assert!(!twice, "{} {}: {own}", command.get_name(), work.get_name());
                }
            }
        }
    }
}
