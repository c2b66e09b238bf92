//! What a run is about to do, compared with what earlier ones did.

use super::{Journal, JournalError};
use crate::sys;
use gaits_core::{Setting, Value};
use gaits_engine::journal::{Match, RunEntry, RunFile, WrittenSetting};

/// What a run is about to do, in the words of the run file.
#[derive(Debug, Clone)]
pub(crate) struct Planned {
    pub(crate) work: String,
    pub(crate) settings: Vec<Setting>,
    pub(crate) model: String,
    pub(crate) input: String,
    pub(crate) arguments: Vec<String>,
}

impl Planned {
    pub(super) fn run_file(&self, key: Match) -> RunFile {
        RunFile::new(&self.work, &self.settings, key)
    }

    /// The run's entry, as it begins.
    pub(super) fn entry(&self) -> RunEntry {
        RunEntry {
            gaits: env!("CARGO_PKG_VERSION").to_owned(),
            started: sys::now(),
            machine: sys::machine(),
            arguments: self.arguments.clone(),
            input: self.input.clone(),
            model: self.model.clone(),
            done_before: 0,
            end: None,
        }
    }
}

impl Journal {
    /// Whether the records that are there may stand beside those of `planned`.
    pub(crate) fn compare(&self, planned: &Planned) -> Result<(), JournalError> {
        if self.starts_over || (self.done.is_empty() && self.pending.is_empty()) {
            return Ok(());
        }
        let mut differences = Vec::new();
        let work = self.run_file.as_ref().map(|file| &file.work).or(self.work.as_ref());
        if let Some(work) = work
            && *work != planned.work
        {
            differences.push(format!("the work was {work}, is {} now", planned.work));
        } else if let Some(file) = &self.run_file {
            differences
                .extend(file.settings.iter().filter_map(|was| difference(was, &planned.settings)));
            if file.key.is_by_item() && self.go_on.key == Match::Place {
                differences.push(format!("--key was {}, is not given now", file.key));
            } else if !self.pending.is_empty()
                && let Match::Field(then) = &file.key
                && self.go_on.key != file.key
            {
                // What was started is noted by what it was known by then.
                let items = match self.pending.len() {
                    1 => "an item".to_owned(),
                    items => format!("{items} items"),
                };
                differences.push(format!(
                    "--key was {then}, is {} now, and of {items} that may have been processed only the former is known",
                    self.go_on.key
                ));
            }
        }
        if differences.is_empty() {
            return Ok(());
        }
        Err(JournalError::Plan { results: self.name.clone(), differences })
    }
}

/// How a setting differs that changes what records mean. One that only one of two versions of gaits knows does not count.
fn difference(was: &WrittenSetting, now: &[Setting]) -> Option<String> {
    let now = now.iter().find(|setting| setting.name == was.name)?;
    let counts = was.changes_meaning || now.changes_meaning;
    (counts && was.value != now.value)
        .then(|| format!("--{} was {}, is {} now", was.name, shown(&was.value), shown(&now.value)))
}

/// A value as somebody would write it.
fn shown(value: &Value) -> String {
    match value {
        Value::Bool(true) => "given".to_owned(),
        Value::Null | Value::Bool(false) => "not given".to_owned(),
        Value::Integer(number) => number.to_string(),
        Value::Unsigned(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::String(text) if text.is_empty() => "empty".to_owned(),
        Value::String(text) => text.to_string(),
        Value::Array(values) if values.is_empty() => "not given".to_owned(),
        Value::Array(values) => values.iter().map(shown).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => {
            let field = |(name, value): &(Box<str>, Value)| format!("{name} {}", shown(value));
            fields.iter().map(field).collect::<Vec<_>>().join(", ")
        }
    }
}
