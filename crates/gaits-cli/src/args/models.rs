//! Models as values of options: any that can be read, with the forms without numbers for completions.

use clap::builder::{PossibleValue, TypedValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command, Error};
use gaits::Model;
use std::ffi::OsStr;

/// The forms of models, without numbers.
const FORMS: [&str; 8] = [
    "sequential",
    "threads",
    "processes",
    "async",
    "threads/async",
    "processes/async",
    "processes/threads",
    "async/threads",
];

/// Stands for all models that make sense.
const ALL: &str = "all";

/// Reads one model.
#[derive(Debug, Clone)]
pub(super) struct ModelParser;

impl TypedValueParser for ModelParser {
    type Value = Model;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<Model, Error> {
        let read = |text: &str| text.parse::<Model>();
        read.parse_ref(command, arg, value).map_err(|error| advised(error, value))
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(FORMS.into_iter().map(PossibleValue::new)))
    }
}

/// One of the models to race, or all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Models {
    /// All that make sense for the work.
    All,
    /// This one.
    One(Model),
}

/// Reads one of the models to race.
#[derive(Debug, Clone)]
pub(super) struct ModelsParser;

impl TypedValueParser for ModelsParser {
    type Value = Models;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<Models, Error> {
        if value == ALL {
            return Ok(Models::All);
        }
        ModelParser.parse_ref(command, arg, value).map(Models::One)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(FORMS.into_iter().chain([ALL]).map(PossibleValue::new)))
    }
}

/// With other programs, -m is a time limit.
fn advised(mut error: Error, value: &OsStr) -> Error {
    let number = value.to_str().and_then(|value| value.parse::<u32>().ok());
    if let (ErrorKind::ValueValidation, Some(number)) = (error.kind(), number) {
        let tip = format!(
            "-m is for a model; -c {number} has {number} items in flight, --timeout {number} gives up after {number} s"
        );
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_offered_without_its_numbers_and_can_be_read() {
        let name = |part: &'static str| part.split_once(':').map_or(part, |(name, _)| name);
        let plain = |form: &&'static str| form.split('/').map(name).collect::<Vec<_>>().join("/");
        assert_eq!(Model::FORMS.iter().map(plain).collect::<Vec<_>>(), FORMS);
        for form in FORMS {
            assert!(form.parse::<Model>().is_ok(), "{form}");
        }
    }
}
