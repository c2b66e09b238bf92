//! Options of the work `command`.

use super::bodies::Bodies;
use super::help;
use super::job::Job;
use super::pages::Pages;
use super::urls;
use super::values::{self, Timeout};
use crate::exit::Trouble;
use clap::Args;
use gaits::command::{self, CommandSpec, ItemAs};
use gaits::{Input, Model, SessionScope, WorkSpec};
use gaits_engine::plan::cores;
use std::num::{NonZeroU32, NonZeroU64};
use std::path::PathBuf;

/// How often each model of a race runs the command, if nothing is said.
const RUNS: u64 = 100;
/// How much of a command a race is called by, in characters.
const SHOWN: usize = 60;
/// What stands for standard input.
const STDIN: &str = "-";

/// `command`.
#[derive(Debug, Args)]
#[command(next_help_heading = "Command")]
pub(crate) struct CommandArgs {
    /// The program and its arguments; {} stands for the item
    ///
    /// Without {}, the item is the last argument. All that follows the program belongs to it. `--` may stand before it. A program that is not there is told before
    /// anything is started, unless its name has a {}.
    #[arg(value_name = "COMMAND", trailing_var_arg = true, required = true)]
    #[arg(help_heading = help::INPUT, display_order = 0)]
    command: Vec<String>,

    /// Take items from this file, one a line; `-` is stdin
    ///
    /// Blank lines and lines that begin with # are passed over. White space around an item is a part of it. Without it, items are read from standard input if that is a
    /// pipe or a file and -n is not given.
    #[arg(short = 'i', long, alias = "input", value_name = "FILE", conflicts_with = "count")]
    #[arg(help_heading = help::INPUT, display_order = 1)]
    items: Option<PathBuf>,

    /// Run the command this many times, as it stands
    ///
    /// A race without items runs it 100 times if nothing is said.
    #[arg(short = 'n', long, value_name = "N", value_parser = values::items)]
    #[arg(help_heading = help::INPUT, display_order = 2)]
    count: Option<NonZeroU64>,

    /// End the command and its process group after this long
    ///
    /// The group gets SIGTERM, and SIGKILL after 1 s more. 0 stands for never, which is the default.
    #[arg(long, value_name = "TIME", value_parser = values::timeout, default_value = "0", hide_default_value = true)]
    timeout: Timeout,

    /// Run it as a script of `sh`; {} is one word
    ///
    /// The item is the script's first argument, and {} stands for "$1", so nothing in an item is taken for a command. In a script without either, it is put at the
    /// end of one plain command; a longer script is refused.
    #[arg(long)]
    shell: bool,

    /// Give the item on standard input instead
    ///
    /// It gets a line end.
    #[arg(long, hide_short_help = true)]
    stdin: bool,

    /// Keep this much of standard output and of standard error in the record; the rest is dropped
    #[arg(long, value_name = "SIZE", value_parser = values::size, default_value = "64KiB", hide_short_help = true)]
    capture: u64,

    /// Start the command in this folder
    #[arg(long, value_name = "DIR", hide_short_help = true)]
    cwd: Option<PathBuf>,

    /// Set this environment variable for the command; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = variable, hide_short_help = true)]
    env: Vec<(String, String)>,

    /// Running the command twice for an item does no harm
    ///
    /// With it, an item at which a worker process or gaits itself has died is done again, and --retries N tries one again that
    /// has failed. Without it, an item is done once: after such a death its record says that it may have been processed.
    #[arg(long, hide_short_help = true)]
    repeatable: bool,

    /// What is to be said of a number that was assumed.
    #[arg(skip)]
    assumed: Option<String>,
}

fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("a variable is set as in `LANG=C`".to_owned()),
    }
}

impl CommandArgs {
    /// Takes a number of runs that a race can tell models apart by, if there are no items and none is given.
    pub(super) fn assume_count(&mut self) {
        if self.count.is_none() && self.items.is_none() && !urls::stdin_is_given() {
            self.count = NonZeroU64::new(RUNS);
            self.assumed = Some(format!(
                "no items and no number are given, so each model runs it {RUNS} times a round; -n N sets another"
            ));
        }
    }

    /// Runs it for as long as there is time, if there are no items and no number is given.
    pub(super) fn assume_endless(&mut self) {
        if self.count.is_none() && self.items.is_none() && !urls::stdin_is_given() {
            self.count = Some(NonZeroU64::MAX);
        }
    }

    /// What they come to.
    pub(super) fn resolve(self) -> Result<Job, Trouble> {
        let words = self.command.join(" ");
        let (input, said) = match (self.items, self.count) {
            (Some(path), _) if path.as_os_str() == STDIN => (Input::Stdin, None),
            (Some(path), _) => (Input::File(path), None),
            (None, Some(count)) => {
                let items = vec![words.clone().into()];
                (Input::Listed { items, count: Some(count.get()) }, None)
            }
            (None, None) if urls::stdin_is_given() => {
                let said = "no items are given, so they are read from standard input, one a line";
                (Input::Stdin, Some(said.to_owned()))
            }
            (None, None) => {
                return Err(Trouble::wrong(
                    "no items: give a file with an item a line with -i FILE, or - for standard input, or a number of runs \
                     with -n N",
                ));
            }
        };
        let has_items = !matches!(input, Input::Listed { .. });
        let spec = CommandSpec {
            shell: self.shell,
            item: match (has_items, self.stdin) {
                (false, _) => ItemAs::Nothing,
                (true, true) => ItemAs::Stdin,
                (true, false) => ItemAs::Argument,
            },
            cwd: self.cwd,
            env: self.env,
            timeout: self.timeout.0,
            capture: self.capture,
            repeatable: self.repeatable,
            ..CommandSpec::new(self.command)
        };
        if !has_items && (spec.has_place() || self.stdin) {
            return Err(Trouble::wrong(
                "-n N runs the command as it stands, so there is no item for {} or --stdin; -i FILE gives items",
            ));
        }
        spec.validate().map_err(Trouble::wrong)?;
        let settings = spec.settings().map_err(|error| Trouble::Wrong(error.into()))?;
        Ok(Job {
            work: WorkSpec::new(command::NAME, settings),
            session: SessionScope::default(),
            input,
            bodies: Bodies::Settled,
            model: as_many_as_cores()?,
            retries: spec.repeatable.then_some(0),
            pages: Pages::default(),
            about: about(&words),
            notices: said.into_iter().chain(self.assumed).collect(),
        })
    }
}

/// As many programs at once as there are cores: most of them compute.
fn as_many_as_cores() -> Result<Model, Trouble> {
    let cores = NonZeroU32::new(cores()).unwrap_or(NonZeroU32::MIN);
    Model::ASYNC.with_workers(cores).map_err(Trouble::wrong)
}

/// What a race on a command is called.
fn about(words: &str) -> String {
    let shown: String = words.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match shown.char_indices().nth(SHOWN) {
        None => format!("command {shown}"),
        Some((end, _)) => format!("command {}…", &shown[..end]),
    }
}
