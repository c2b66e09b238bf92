//! Other programs that take part: from what was given on the command line.

use crate::args::CompareArgs;
use crate::exit::Trouble;
use gaits::OtherProgram;

/// The programs, in the order in which they were given.
pub(super) fn programs(args: &CompareArgs) -> Result<Vec<OtherProgram>, Trouble> {
    let count = args.program.len();
    let needs_program =
        [("--name", &args.name), ("--prepare", &args.prepare), ("--cleanup", &args.cleanup)];
    if let Some((option, _)) =
        needs_program.into_iter().find(|(_, given)| count == 0 && !given.is_empty())
    {
        return Err(Trouble::wrong(format!(
            "{option} is about a program: name one with --program COMMAND"
        )));
    }
    if args.name.len() > count {
        return Err(Trouble::wrong(format!(
            "there are {} names for {count} programs: each --name is for one --program",
            args.name.len()
        )));
    }
    let prepare = of_each("--prepare", &args.prepare, count)?;
    let cleanup = of_each("--cleanup", &args.cleanup, count)?;
    let mut programs: Vec<OtherProgram> = Vec::with_capacity(count);
    for (at, command) in args.program.iter().enumerate() {
        let name = match args.name.get(at) {
            Some(name) if name.trim().is_empty() => {
                return Err(Trouble::wrong("a program's --name is empty"));
            }
            Some(name) => name.clone(),
            None => unlike(command, &programs),
        };
        if name.chars().any(char::is_control) {
            return Err(Trouble::wrong(format!(
                "{name:?} can't be shown; give the program a --name without control characters"
            )));
        }
        programs.push(OtherProgram {
            name,
            command: command.clone(),
            prepare: prepare[at].clone(),
            cleanup: cleanup[at].clone(),
        });
    }
    Ok(programs)
}

/// One command for all, or one for each.
fn of_each(option: &str, given: &[String], count: usize) -> Result<Vec<Option<String>>, Trouble> {
    match given {
        [] => Ok(vec![None; count]),
        [all] => Ok(vec![Some(all.clone()); count]),
        each if each.len() == count => Ok(each.iter().cloned().map(Some).collect()),
        each => Err(Trouble::wrong(format!(
            "there are {} of {option} for {count} programs: give one for all, or one for each",
            each.len()
        ))),
    }
}

/// The command itself is the name; the same one once more is numbered, as it is to be told from the first.
fn unlike(command: &str, before: &[OtherProgram]) -> String {
    match before.iter().filter(|program| program.command == command).count() {
        0 => command.to_owned(),
        same => format!("{command} ({})", same + 1),
    }
}
