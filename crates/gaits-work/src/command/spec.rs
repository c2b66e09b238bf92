//! What the plan says about commands: plain data that can travel, and the checks on it.

use super::guard;
use super::program::Programs;
use super::template::{ItemAs, PLACE, Template};
use crate::settings::{self, SettingsError};
use gaits_core::{Setting, Value};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

/// How many bytes of each stream go into the record, unless another number is asked for.
pub const DEFAULT_CAPTURE: u64 = 64 * 1024;
/// The most bytes of each stream that can be asked for.
pub const MOST_CAPTURE: u64 = 16 * 1024 * 1024;

/// Which program is run for an item, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandSpec {
    /// The program and its arguments, or with `shell` the words of a script. `{}` stands for the item.
    pub command: Vec<String>,
    /// Whether `sh -c` runs the words as a script.
    pub shell: bool,
    /// How the program gets the item.
    pub item: ItemAs,
    /// Where the program is started; none for where gaits was.
    pub cwd: Option<PathBuf>,
    /// Environment variables that are set for it, beside those that gaits has.
    pub env: Vec<(String, String)>,
    /// After this long its process group is ended.
    pub timeout: Option<Duration>,
    /// How many bytes of each of its two output streams go into the record.
    pub capture: u64,
    /// Whether running it twice for an item has the same effect as running it once.
    pub repeatable: bool,
    /// What all processes of a run find their guard by, and no other run; empty if each process has a guard of its own.
    pub guard: String,
}

impl CommandSpec {
    /// Runs `command` with the item as an argument; all processes of a run with these settings share a guard.
    #[must_use]
    pub fn new(command: Vec<String>) -> Self {
        Self {
            command,
            shell: false,
            item: ItemAs::default(),
            cwd: None,
            env: Vec::new(),
            timeout: None,
            capture: DEFAULT_CAPTURE,
            repeatable: false,
            guard: guard::new_name(),
        }
    }

    /// The settings as a plan carries them.
    pub fn settings(&self) -> Result<Value, SettingsError> {
        settings::to_value(self)
    }

    /// Whether `{}` stands in the command.
    #[must_use]
    pub fn has_place(&self) -> bool {
        self.command.iter().any(|word| word.contains(PLACE))
    }

    /// Says what is wrong, if anything is: above all, that the program is not there.
    ///
    /// # Errors
    /// A sentence that says what is wrong and how to put it right.
    pub fn validate(&self) -> Result<(), String> {
        self.template().map(drop)
    }

    /// What an item is put into, if nothing is wrong.
    pub(super) fn template(&self) -> Result<Template, String> {
        if self.capture > MOST_CAPTURE {
            return Err(format!("at most {MOST_CAPTURE} bytes of each stream can be captured"));
        }
        if let Some(cwd) = &self.cwd
            && !cwd.is_dir()
        {
            return Err(format!("{} is no folder to start a program in", cwd.display()));
        }
        let of_env = self.env.iter().flat_map(|(name, value)| [name, value]);
        let holes = self.command.iter().chain(of_env).any(|word| word.contains('\0'));
        let bad_name = self.env.iter().find(|(name, _)| name.is_empty() || name.contains('='));
        if holes {
            return Err("a NUL byte can't stand in a command or its environment".to_owned());
        }
        if let Some((name, _)) = bad_name {
            return Err(format!("`{name}` can't be the name of an environment variable"));
        }
        let programs = Programs::of(self.cwd.as_deref(), &self.env);
        Template::of(&self.command, self.shell, self.item, &programs)
    }

    /// Without secrets: arguments and the values of variables may be some, so only their hashes are shown.
    pub(super) fn public_settings(&self) -> Vec<Setting> {
        let setting = |name, value, changes_meaning| Setting { name, value, changes_meaning };
        let text = |text: &str| Value::String(text.into());
        let (program, arguments) = match &*self.command {
            _ if self.shell => ("sh", &*self.command),
            [program, arguments @ ..] => (program.as_str(), arguments),
            [] => ("", &[][..]),
        };
        let item = match self.item {
            ItemAs::Argument => "argument",
            ItemAs::Stdin => "stdin",
            ItemAs::Nothing => "nothing",
        };
        let cwd = self.cwd.as_ref().map(|cwd| cwd.to_string_lossy());
        let names = self.env.iter().map(|(name, _)| Value::String(name.as_str().into())).collect();
        let timeout_us = self.timeout.map(|timeout| timeout.as_micros());
        let timeout_us = timeout_us.map(|us| u64::try_from(us).unwrap_or(u64::MAX));
        vec![
            setting("command", text(program), true),
            setting("arguments", text(&hash_of(arguments)), true),
            setting("shell", Value::Bool(self.shell), true),
            setting("item", text(item), true),
            setting("cwd", cwd.map_or(Value::Null, |cwd| text(&cwd)), true),
            setting("env", Value::Array(names), true),
            setting("capture", self.capture.into(), false),
            setting("repeatable", Value::Bool(self.repeatable), false),
            setting("timeout_us", timeout_us.map_or(Value::Null, Value::from), false),
        ]
    }
}

/// How many words there are, and what tells them from others.
fn hash_of(words: &[String]) -> String {
    if words.is_empty() {
        return "none".to_owned();
    }
    let mut hasher = blake3::Hasher::new();
    for word in words {
        // The end of each counts: `ab c` is not `a bc`.
        hasher.update(word.as_bytes()).update(&[0]);
    }
    let hash = hasher.finalize().to_hex();
    let count = words.len();
    format!("{count} {}, blake3 {}", if count == 1 { "word" } else { "words" }, &hash[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(words: &[&str]) -> CommandSpec {
        CommandSpec::new(words.iter().map(|&word| word.to_owned()).collect())
    }

    #[test]
    fn a_program_that_is_not_there_is_told_before_anything_is_started() {
        assert_eq!(spec(&["true"]).validate(), Ok(()));
        let wrong = spec(&["nosuchprogram"]).validate().unwrap_err();
        assert!(wrong.contains("no program `nosuchprogram`"), "{wrong}");
        let wrong = spec(&["./nosuchprogram"]).validate().unwrap_err();
        assert!(wrong.contains("`./nosuchprogram`: "), "{wrong}");
        let wrong = spec(&["/"]).validate().unwrap_err();
        assert!(wrong.contains("is a folder"), "{wrong}");
        let wrong = spec(&["/etc/passwd"]).validate().unwrap_err();
        assert!(wrong.contains("can't be executed"), "{wrong}");
        // Which program it is depends on the item.
        assert_eq!(spec(&["{}"]).validate(), Ok(()));
        assert_eq!(CommandSpec { shell: true, ..spec(&["nosuchprogram"]) }.validate(), Ok(()));
        assert!(spec(&[]).validate().is_err());
    }

    #[test]
    fn what_no_program_can_be_given_is_refused() {
        let wrong = |change: &dyn Fn(&mut CommandSpec)| {
            let mut spec = spec(&["true"]);
            change(&mut spec);
            spec.validate().unwrap_err()
        };
        assert!(wrong(&|s| s.command.push("a\0b".into())).contains("NUL"));
        assert!(wrong(&|s| s.env.push(("A".into(), "\0".into()))).contains("NUL"));
        assert!(wrong(&|s| s.env.push(("A=B".into(), String::new()))).contains("`A=B`"));
        assert!(wrong(&|s| s.cwd = Some("/nosuchfolder".into())).contains("no folder"));
        assert!(wrong(&|s| s.capture = u64::MAX).contains("at most"));
    }

    #[test]
    fn no_argument_and_no_value_of_a_variable_is_shown() {
        let mut spec = spec(&["curl", "-u", "me:hunter2", "{}"]);
        spec.env.push(("TOKEN".into(), "hunter2".into()));
        let shown = format!("{:?}", spec.public_settings());
        assert!(!shown.contains("hunter2") && shown.contains("curl"), "{shown}");
        assert!(shown.contains("TOKEN"), "{shown}");
        let of = |words: &[&str]| {
            let words: Vec<_> = words.iter().map(|&word| word.to_owned()).collect();
            hash_of(&words)
        };
        assert_ne!(of(&["ab", "c"]), of(&["a", "bc"]));
        assert_eq!(of(&[]), "none");
    }

    #[test]
    fn settings_travel() {
        let mut spec = spec(&["sh", "-c", "{}"]);
        spec.timeout = Some(Duration::from_millis(1_500));
        spec.cwd = Some("/tmp".into());
        spec.env.push(("A".into(), "b=c".into()));
        let read: CommandSpec = settings::from_value(&spec.settings().unwrap()).unwrap();
        assert_eq!(read, spec);
        assert_ne!(read.guard, CommandSpec::new(vec![]).guard, "each run has a guard of its own");
    }
}
