//! What was probably meant by a command line that can't be understood. Only what is sure is said.

use super::command_among;
use super::urls::{is_file, is_url};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, Error};
use std::ffi::OsString;

/// The commands whose first word may be a URL, and the work that is meant by that.
const OF_URLS: ([&str; 2], &str) = (["compare", "sweep"], "http");

/// The works, which are no commands of their own.
const WORKS: [&str; 4] = ["http", "cpu", "wait", "command"];

/// Options that set how many workers there are.
const IN_FLIGHT: [&str; 7] = ["-c", "--concurrency", "-j", "--jobs", "-t", "--threads", "-P"];

/// What a sweep has for them.
const NUMBERS: &str =
    "a sweep tries many numbers of workers: --workers 1,2,4 names them, -m says on what";

/// Options of other programs, and what does the same here.
const ELSEWHERE: &[(&[&str], &str)] = &[
    (
        &["-j", "--jobs", "-P", "--parallel", "-Z", "-t", "--threads", "--workers", "--processes"],
        "-c N has N items in flight; -m threads:N, processes:N or async:N says on what",
    ),
    (&["--retry"], "--retries N tries a failed item up to N times more"),
    (&["--max-time"], "--timeout TIME gives up a URL after this long"),
    (&["-L", "--location"], "redirects are followed; --max-redirects N says how many"),
    (&["-s", "--silent"], "-q leaves out the progress bar and the summary"),
    (&["-l", "--list", "--input-file"], "-i FILE takes the URLs in a file"),
    (&["--requests"], "-n N sets the number of requests"),
    (&["-F"], "--form NAME=@FILE sends a form with files"),
    (
        &["-b", "--cookie"],
        "-H 'Cookie: NAME=VALUE' sends cookies; --cookie-file FILE takes them from a file",
    ),
    (&["-O", "--remote-name"], "--bodies DIR writes bodies to files in a folder"),
];

/// The words with the work that is meant, if `error` comes from a race or a sweep whose work was left out: `compare URL…`,
/// `compare -i FILE`.
pub(super) fn with_work(
    error: &Error,
    words: &[OsString],
    parser: &Command,
) -> Option<Vec<OsString>> {
    let (commands, work) = OF_URLS;
    let at = words.iter().position(|word| parser.find_subcommand(word).is_some())?;
    let command = commands.into_iter().find(|command| words[at] == **command)?;
    let race = parser.find_subcommand(command)?;
    if words[at..]
        .iter()
        .any(|word| word.to_str().is_some_and(|word| race.find_subcommand(word).is_some()))
    {
        return None;
    }
    let is_meant = match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let first = text(error, ContextKind::InvalidSubcommand)?;
            is_url(first) || first == "-"
        }
        ErrorKind::UnknownArgument => {
            let option = text(error, ContextKind::InvalidArg)?;
            knows(race.find_subcommand(work)?, option)
        }
        _ => false,
    };
    is_meant.then(|| {
        let (before, after) = words.split_at(at + 1);
        [before, &[work.into()], after].concat()
    })
}

/// Adds what was probably meant.
pub(super) fn advised(mut error: Error, words: &[OsString], parser: &Command) -> Error {
    let command = command_among(words, parser);
    let name = command.map_or("", Command::get_name);
    let tip = match error.kind() {
        ErrorKind::InvalidSubcommand => {
            text(&error, ContextKind::InvalidSubcommand).and_then(|word| instead_of(word, name))
        }
        ErrorKind::UnknownArgument if ["fetch", "run", "compare", "sweep"].contains(&name) => {
            text(&error, ContextKind::InvalidArg).and_then(|option| {
                let here = match name {
                    "sweep" if IN_FLIGHT.contains(&option) => Some(NUMBERS),
                    _ => elsewhere(option),
                };
                let here = here.map(str::to_owned);
                here.or_else(|| after_the_work(option, command?, words))
            })
        }
        _ => None,
    };
    let Some(tip) = tip else { return error };
    // What the parser takes to be similar is something else, and stands in the usage as well.
    for kind in [ContextKind::SuggestedSubcommand, ContextKind::SuggestedArg, ContextKind::Usage] {
        error.remove(kind);
    }
    error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    error
}

/// What takes `word`, which stands where a command should be.
fn instead_of(word: &str, command: &str) -> Option<String> {
    if command.is_empty() && WORKS.contains(&word) {
        return Some(format!(
            "gaits run {word} does it, gaits compare {word} races models on it, gaits sweep {word} finds out how many workers are right"
        ));
    }
    let takes = match command {
        "" => "fetch",
        "run" => "run http",
        "compare" => "compare http",
        "sweep" => "sweep http",
        _ => return None,
    };
    if command == "compare" && word.contains(' ') {
        Some(format!("to race a program: gaits compare --program '{word}'"))
    } else if command == "compare" && word.contains('.') && !is_file(word) && !is_url(word) {
        Some(format!("if it is a URL: gaits compare https://{word}"))
    } else if is_url(word) {
        Some(format!("to fetch it: gaits {takes} {word}"))
    } else if is_file(word) {
        Some(format!("if it is a file of URLs: gaits {takes} -i {word}"))
    } else {
        None
    }
}

/// Where an option of a work belongs that stands before it.
fn after_the_work(option: &str, command: &Command, words: &[OsString]) -> Option<String> {
    let work = words.iter().find_map(|word| command.find_subcommand(word))?;
    let name = work.get_name();
    knows(work, option).then(|| format!("{option} stands after the work: {name} {option} …"))
}

/// Whether a command has an option, as it is typed.
fn knows(command: &Command, option: &str) -> bool {
    command.get_arguments().any(|arg| {
        arg.get_long().is_some_and(|long| option.strip_prefix("--") == Some(long))
            || arg.get_short().is_some_and(|short| option == format!("-{short}"))
    })
}

fn elsewhere(option: &str) -> Option<&'static str> {
    ELSEWHERE.iter().find(|(names, _)| names.contains(&option)).map(|(_, tip)| *tip)
}

fn text(error: &Error, kind: ContextKind) -> Option<&str> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text),
        _ => None,
    }
}
