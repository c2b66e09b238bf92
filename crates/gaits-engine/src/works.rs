//! The works that a program knows: turns the name and the settings of a work into the work itself, in worker processes
//! as well.
//!
//! Limit: knows no work of its own. Whoever puts a program together fills it.

use crate::flow::{EventQueue, Notice};
use crate::plan::Limits;
use gaits_core::{Clock, Services, Value, Work};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Makes a work from its settings, with what the program lends it. The error is a sentence that says which
/// setting is wrong and how to put it right.
pub type Builder = dyn Fn(&Value, &Services) -> Result<Arc<dyn Work>, String> + Send + Sync;

/// The works that a program knows, by name.
///
/// A worker process must know the same ones as its parent, since plans name works.
#[derive(Clone, Default)]
pub struct Works {
    builders: BTreeMap<String, Arc<Builder>>,
}

impl fmt::Debug for Works {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.builders.keys()).finish()
    }
}

/// Why a work can't be set up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WorkError {
    /// No work has this name.
    #[error("no work is called `{name}`; there are {}", .known.join(", "))]
    Unknown {
        /// The name in the plan.
        name: String,
        /// The names that are known.
        known: Vec<String>,
    },
    /// Its builder refused the settings.
    #[error("{name}: {message}")]
    Settings {
        /// The name of the work.
        name: String,
        /// What the builder said.
        message: String,
    },
}

impl Works {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a work under `name`; the last one of that name counts.
    #[must_use]
    pub fn with<B>(mut self, name: impl Into<String>, builder: B) -> Self
    where
        B: Fn(&Value, &Services) -> Result<Arc<dyn Work>, String> + Send + Sync + 'static,
    {
        self.builders.insert(name.into(), Arc::new(builder));
        self
    }

    /// Sets up the work called `name` with these settings.
    ///
    /// # Errors
    /// No work has that name, or its settings can't be used.
    pub fn build(
        &self,
        name: &str,
        settings: &Value,
        services: &Services,
    ) -> Result<Arc<dyn Work>, WorkError> {
        let builder = self.builders.get(name).ok_or_else(|| WorkError::Unknown {
            name: name.to_owned(),
            known: self.builders.keys().cloned().collect(),
        })?;
        builder(settings, services)
            .map_err(|message| WorkError::Settings { name: name.to_owned(), message })
    }
}

/// What works get from the run: its clock, and a way to tell the user something.
pub(crate) fn services(clock: &Arc<dyn Clock>, out: &Arc<EventQueue>, limits: &Limits) -> Services {
    let out = Arc::clone(out);
    let tell = move |line| out.notice(Notice::WorkSaid { line });
    let heeds_pauses = limits.longest_pause.is_some();
    Services { clock: Arc::clone(clock), tell: Arc::new(tell), heeds_pauses }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gaits_core::{
        BlockingSession, BlockingWork, Data, ErrorKind, Facts, ItemError, ManualClock, Performs,
        Refused, SessionError, SessionScope, Setting,
    };

    #[derive(Debug)]
    struct Nothing;

    impl Work for Nothing {
        fn performs(&self) -> Performs<'_> {
            Performs::Blocking(self)
        }

        fn settings(&self) -> Vec<Setting> {
            Vec::new()
        }

        fn inspect<'a>(&self, _: &'a Data) -> Result<Facts<'a>, Refused> {
            Err("it takes nothing".to_owned().into())
        }
    }

    impl BlockingWork for Nothing {
        fn open(&self, _: SessionScope) -> Result<Box<dyn BlockingSession>, SessionError> {
            Err(SessionError::Failed(ItemError::new(ErrorKind::Panic, "it does nothing")))
        }
    }

    #[test]
    fn a_work_is_built_by_its_name_from_its_settings() {
        let clock = Arc::new(ManualClock::default());
        let services = Services { clock, tell: Arc::new(|_| {}), heeds_pauses: true };
        let wanted = Value::Integer(7);
        let works = Works::new().with("nothing", move |settings, _| {
            // A builder may capture what the program has set up.
            if *settings == wanted { Ok(Arc::new(Nothing)) } else { Err("seven is needed".into()) }
        });
        assert!(works.build("nothing", &Value::Integer(7), &services).is_ok());
        let refused = works.build("nothing", &Value::Null, &services).unwrap_err();
        assert_eq!(refused.to_string(), "nothing: seven is needed");
        let unknown = works.build("nothnig", &Value::Null, &services).unwrap_err();
        assert_eq!(unknown.to_string(), "no work is called `nothnig`; there are nothing");
    }
}
