//! The parts of the help that no single option says.

use clap::{Arg, ArgAction, Command};

/// The headings of the groups of options.
pub(super) const INPUT: &str = "Input";
pub(super) const OUTPUT: &str = "Output";
pub(super) const RUNNING: &str = "Running";

/// Where options stand in their group that belong to its end.
const LAST: usize = 1_000;

/// Options of requests that say nothing in a race or a sweep, which keeps no bodies and tries nothing again.
const NOT_IN_A_RACE: [&str; 6] =
    ["bodies", "bodies_name", "retry_on", "stop_on", "dry_run", "print_curl"];

/// Makes the help short enough for a screen of 80 × 24, at every command.
pub(super) fn fit(command: Command) -> Command {
    let in_a_race = |work: Command| {
        work.mut_args(|arg| match arg.get_id().as_str() {
            "extract" => arg.hide_short_help(true),
            name if NOT_IN_A_RACE.contains(&name) => arg.hide(true),
            _ => arg,
        })
    };
    let command = command.mut_subcommands(|command| match command.get_name() {
        "compare" | "sweep" => command.mut_subcommands(in_a_race),
        _ => command,
    });
    with_help_in_a_group(command)
}

/// Puts -h into the last group of options, instead of one of its own. What stands above says the group of those below.
fn with_help_in_a_group(command: Command) -> Command {
    let group = match command.get_name() {
        "fetch" | "run" | "compare" | "sweep" | "http" | "cpu" | "wait" | "command" => {
            Some(RUNNING)
        }
        _ => None,
    };
    let help = Arg::new("help").short('h').long("help").action(ArgAction::Help);
    let help =
        help.help("Print help; --help tells all options").help_heading(group).display_order(LAST);
    command.disable_help_flag(true).arg(help).mut_subcommands(with_help_in_a_group)
}

macro_rules! examples {
    () => {
        "\
Examples:
  gaits compare                                    race models on a local server
  gaits fetch -i urls.txt -o results.jsonl         fetch a list of URLs
  gaits run command -i files.txt -- gzip -k {}     run a program for each line"
    };
}

/// Shown under `-h`.
pub(super) const EXAMPLES: &str = examples!();

/// Shown under `--help`.
pub(super) const LONG: &str = concat!(
    "\
Models (-m, --models), how workers are laid out:
  sequential               one item at a time: one process, one thread
  threads:N                N kernel threads, one item each
  processes:N              N child processes, one item each
  async:N                  one event loop on one thread, up to N items in flight
  threads:T/async:N        T event loops in one process, up to N in flight on each
  processes:P/async:N      P processes, each with one event loop
  processes:P/threads:T    P processes, each with T threads
  async:N/threads:T        one event loop; blocking work is handed to T pool threads
Numbers may be left out. Plain threads are then min(32, cores + 4); processes, and threads
that each run an event loop, one for each core; in flight on an event loop, 100.

`fetch` and `run` write records as JSON Lines, to standard output or to the file given with -o.
Without a URL, `fetch` reads URLs from standard input, if that is a pipe or a file.
`compare` and `sweep` print their result on standard output, `origin` its URL. Everything else that is said
goes to standard error: how far a run has come (a line that is redrawn on a terminal, elsewhere
a line every 30 s), its summary, and the command that finishes what was left undone. Ctrl-Z
stops a run with its worker processes, and fg continues it.

Exit codes:
  0    every item went well
  1    all items are done, some failed
  2    the command line or the input is wrong; nothing was started
  3    the run could not go on; what was recorded is intact
  4    stopped early on purpose, with items left undone; run it again
  5    a condition of compare --fail-if holds
  130  interrupted by Ctrl-C, SIGTERM or the end of the terminal: the first finishes what
       is in flight, the second stops at once

",
    examples!(),
    "
  gaits fetch -m async:50 https://example.com/ -n 100
  gaits sweep http https://example.com/
  gaits export results.jsonl -o results.csv
  gaits run wait 3 2 0.5s -m async"
);
