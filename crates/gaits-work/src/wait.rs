//! The work `wait`: nothing but time passes.

use crate::settings::{self, SettingsError};
use gaits_core::{
    AsyncSession, BlockingSession, Clock, Detail, ErrorKind, Item, ItemError, PerformFuture,
    Performed, Reply, Session, Value, WaitDetail, Work,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// The longest wait an item may ask for: a day.
const LONGEST_S: f64 = 86_400.0;

/// How to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum WaitSpec {
    /// By a timer: holds no thread.
    Timer,
    /// By a sleep that holds its thread.
    Blocking,
}

/// What an item of `wait` must be: seconds, such as `3` or `0.25`.
///
/// # Errors
/// Says what is wrong with `text`.
pub fn check(text: &str) -> Result<(), String> {
    seconds(text).map(drop)
}

fn seconds(text: &str) -> Result<Duration, String> {
    match text.trim().parse::<f64>() {
        Ok(s) if (0.0..=LONGEST_S).contains(&s) => Ok(Duration::from_secs_f64(s)),
        Ok(_) => Err(format!("`{text}` is not between 0 and {LONGEST_S} seconds")),
        Err(_) => Err(format!("`{text}` is not a number of seconds, such as 3 or 0.25")),
    }
}

/// The name under which plans know this work.
pub const NAME: &str = "wait";

impl WaitSpec {
    /// The settings as a plan carries them.
    pub fn settings(&self) -> Result<Value, SettingsError> {
        settings::to_value(self)
    }
}

/// Makes the work from its settings.
///
/// # Errors
/// Says what is wrong with the settings.
pub fn build(settings: &Value, _: &Arc<dyn Clock>) -> Result<Arc<dyn Work>, String> {
    let spec: WaitSpec = settings::from_value(settings).map_err(|e| e.to_string())?;
    Ok(Arc::new(spec))
}

impl Work for WaitSpec {
    fn open(&self) -> Session {
        match self {
            WaitSpec::Timer => Session::Async(Box::new(Timer)),
            WaitSpec::Blocking => Session::Blocking(Box::new(Sleep)),
        }
    }
}

struct Timer;

impl AsyncSession for Timer {
    fn perform<'a>(&'a mut self, item: &'a Item) -> PerformFuture<'a> {
        Box::pin(async move {
            let asked = seconds(&item.text);
            if let Ok(asked) = asked
                && !asked.is_zero()
            {
                tokio::time::sleep(asked).await;
            }
            done(asked)
        })
    }
}

struct Sleep;

impl BlockingSession for Sleep {
    fn perform(&mut self, item: &Item) -> Reply {
        let asked = seconds(&item.text);
        if let Ok(asked) = asked
            && !asked.is_zero()
        {
            std::thread::sleep(asked);
        }
        done(asked)
    }
}

fn done(asked: Result<Duration, String>) -> Reply {
    Reply::Done(match asked {
        Ok(asked) => {
            let asked_us = u64::try_from(asked.as_micros()).unwrap_or(u64::MAX);
            Performed::ok(Detail::Wait(WaitDetail { asked_us }))
        }
        Err(message) => {
            Performed::failed(ItemError::new(ErrorKind::InvalidItem, message), Detail::None)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_seconds() {
        assert_eq!(seconds("3").unwrap(), Duration::from_secs(3));
        assert_eq!(seconds(" 0.25 ").unwrap(), Duration::from_millis(250));
        for text in ["", "x", "-1", "NaN", "inf", "1e9"] {
            assert!(check(text).is_err(), "{text}");
        }
    }
}
