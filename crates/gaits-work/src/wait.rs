//! The work `wait`: nothing but time passes.

use crate::settings::{self, SettingsError};
use gaits_core::{
    AsyncSession, AsyncWork, BlockingSession, BlockingWork, Data, Detail, ErrorKind, Facts, Field,
    Item, ItemError, Measured, PerformFuture, Performed, Performs, Record, Refused, Reply,
    Services, SessionError, SessionScope, Setting, Value, Work,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// The longest wait an item may ask for: a day.
const LONGEST_S: f64 = 86_400.0;

/// What may follow a number, and how many seconds it is. A unit that ends like another stands before it.
const UNITS: [(&str, f64); 7] = [
    ("min", 60.0),
    ("ms", 1e-3),
    ("us", 1e-6),
    ("µs", 1e-6),
    ("s", 1.0),
    ("m", 60.0),
    ("h", 3600.0),
];

/// How to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum WaitSpec {
    /// By a timer: holds no thread.
    Timer,
    /// By a sleep that holds its thread.
    Blocking,
}

/// What an item of `wait` must be: a time such as `100ms`, `0.1s` or `2m`, or seconds, such as `3` or `0.25`.
///
/// # Errors
/// Says what is wrong with `text`.
pub fn check(text: &str) -> Result<(), String> {
    parse(text).map(drop)
}

fn asked(item: &Data) -> Result<Duration, String> {
    parse(item.as_text().ok_or("bytes are no time")?)
}

fn parse(text: &str) -> Result<Duration, String> {
    let trimmed = text.trim();
    let has_unit =
        UNITS.iter().find_map(|(unit, seconds)| Some((trimmed.strip_suffix(unit)?, seconds)));
    let (number, seconds) = has_unit.unwrap_or((trimmed, &1.0));
    match number.trim_end().parse::<f64>().map(|number| number * seconds) {
        Ok(s) if (0.0..=LONGEST_S).contains(&s) => Ok(Duration::from_secs_f64(s)),
        Ok(_) => Err(format!("`{text}` is not between 0 and {LONGEST_S} seconds")),
        Err(_) => Err(format!("`{text}` is not a time, such as 3, 0.25s or 100ms")),
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
pub fn build(settings: &Value, _: &Services) -> Result<Arc<dyn Work>, String> {
    let spec: WaitSpec = settings::from_value(settings).map_err(|e| e.to_string())?;
    Ok(Arc::new(spec))
}

/// What `wait` measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaitDetail {
    /// How long it was asked to wait, in microseconds.
    pub asked_us: u64,
}

impl Measured for WaitDetail {
    fn fields(&self, each: &mut dyn FnMut(&str, Field<'_>)) {
        each("asked_us", Field::Unsigned(self.asked_us));
    }

    fn boxed(&self) -> Box<dyn Measured> {
        Box::new(*self)
    }
}

impl WaitDetail {
    /// What `wait` has measured of the item of `record`, wherever the record comes from; none if it was another work.
    #[must_use]
    pub fn of(record: &Record) -> Option<Self> {
        let detail = record.detail.as_ref().filter(|detail| detail.work() == NAME)?;
        let mut read = None;
        detail.fields(|name, field| {
            if name == "asked_us" {
                read = field.as_unsigned().map(|asked_us| Self { asked_us });
            }
        });
        read
    }
}

impl Work for WaitSpec {
    fn performs(&self) -> Performs<'_> {
        match self {
            WaitSpec::Timer => Performs::Async(&Timer),
            WaitSpec::Blocking => Performs::Blocking(&Sleep),
        }
    }

    fn settings(&self) -> Vec<Setting> {
        let value = Value::Bool(*self == WaitSpec::Blocking);
        vec![Setting { name: "blocking", value, changes_meaning: false }]
    }

    fn inspect<'a>(&self, item: &'a Data) -> Result<Facts<'a>, Refused> {
        asked(item)?;
        Ok(Facts { pacing_key: "".into(), public: false, repeatable: true, shown: None })
    }
}

impl AsyncWork for Timer {
    fn open(&self, _: SessionScope) -> Result<Box<dyn AsyncSession>, SessionError> {
        Ok(Box::new(Timer))
    }
}

impl BlockingWork for Sleep {
    fn open(&self, _: SessionScope) -> Result<Box<dyn BlockingSession>, SessionError> {
        Ok(Box::new(Sleep))
    }
}

struct Timer;

impl AsyncSession for Timer {
    fn perform<'a>(&'a self, item: &'a Item) -> PerformFuture<'a> {
        Box::pin(async move {
            let asked = asked(&item.data);
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
        let asked = asked(&item.data);
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
            Performed::ok(Some(Detail::new(NAME, WaitDetail { asked_us })))
        }
        Err(message) => Performed::failed(ItemError::new(ErrorKind::InvalidItem, message), None),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_seconds_or_have_a_unit() {
        assert_eq!(parse("3").unwrap(), Duration::from_secs(3));
        assert_eq!(parse(" 0.25 ").unwrap(), Duration::from_millis(250));
        for (text, ms) in
            [("0.1s", 100), ("30ms", 30), ("2m", 120_000), ("1 min", 60_000), ("5000µs", 5)]
        {
            assert_eq!(parse(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for text in ["", "x", "-1", "NaN", "inf", "1e9", "s", "1x", "-1s", "25h", "1ss", "NaNs"] {
            assert!(check(text).is_err(), "{text}");
        }
    }
}
