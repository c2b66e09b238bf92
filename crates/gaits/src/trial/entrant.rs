//! What takes part in a race: a model, or another program as a whole.

use gaits_engine::plan::Model;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;

/// What takes part in a race.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entrant {
    /// The work of the race under a model.
    Model(Model),
    /// Another program, which does whatever it does.
    Program(OtherProgram),
}

/// A program that is raced as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherProgram {
    /// Its name in the race.
    pub name: String,
    /// The command, as a shell takes it.
    pub command: String,
    /// A command to be run before each of its runs, and not counted.
    pub prepare: Option<String>,
    /// A command to be run once, after the last of its runs.
    pub cleanup: Option<String>,
}

/// What a shell has to be asked for: everything else is words, perhaps in quotes.
const FOR_A_SHELL: &str = "|&;<>()$`*?[]#~{}!\n";

impl OtherProgram {
    /// Starts it: by itself where its command is only words, as the shell's own start would count, and by a shell where there
    /// is more to it. None where the command has no words, or its quotes don't end.
    #[must_use]
    pub fn start(&self) -> Option<Command> {
        let words = shlex::split(&self.command)?;
        let (program, args) = words.split_first()?;
        // `NAME=value program` is for a shell, too.
        if self.command.contains(|c| FOR_A_SHELL.contains(c)) || program.contains('=') {
            return Some(shell(&self.command));
        }
        let mut command = Command::new(program);
        command.args(args);
        Some(command)
    }
}

impl OtherProgram {
    /// Whether it can be started, as far as that can be seen without starting it.
    ///
    /// # Errors
    /// Says why not.
    pub(crate) fn check(&self) -> Result<(), String> {
        let command = self.start().ok_or("there are no words in it, or a quote has no end")?;
        let program = Path::new(command.get_program());
        let is_program = |path: &Path| {
            path.metadata().is_ok_and(|found| found.is_file() && found.mode() & 0o111 != 0)
        };
        if program.components().count() > 1 {
            let there = is_program(program);
            return there
                .then_some(())
                .ok_or_else(|| format!("there is no program {}", program.display()));
        }
        let folders = std::env::var_os("PATH").unwrap_or_default();
        if std::env::split_paths(&folders).any(|folder| is_program(&folder.join(program))) {
            return Ok(());
        }
        Err(format!("there is no program {} in the folders of PATH", program.display()))
    }
}

/// `sh -c COMMAND`
pub(super) fn shell(command: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]);
    shell
}

impl fmt::Display for Entrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Entrant::Model(model) => model.fmt(f),
            Entrant::Program(program) => f.write_str(&program.name),
        }
    }
}

impl From<Model> for Entrant {
    fn from(model: Model) -> Self {
        Entrant::Model(model)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_is_asked_only_for_what_it_takes_one() {
        let started = |command: &str| {
            let command = command.to_owned();
            let program =
                OtherProgram { name: command.clone(), command, prepare: None, cleanup: None };
            let command = program.start()?;
            let args = command.get_args().map(|arg| arg.to_string_lossy().into_owned());
            let name = command.get_program().to_string_lossy().into_owned();
            Some(std::iter::once(name).chain(args).collect::<Vec<_>>())
        };
        let words = |words: &[&str]| Some(words.iter().map(ToString::to_string).collect());
        assert_eq!(started("python3 'a b.py' -n 5"), words(&["python3", "a b.py", "-n", "5"]));
        assert_eq!(started("sort < list"), words(&["sh", "-c", "sort < list"]));
        assert_eq!(started("LANG=C sort list"), words(&["sh", "-c", "LANG=C sort list"]));
        assert_eq!(started("echo 'open"), None);
        assert_eq!(started("  "), None);
    }
}
