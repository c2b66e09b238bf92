//! From the engine's words for an early end to the report's.

use gaits_engine::Stopped;
use gaits_report::EarlyEnd;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Why a run that has just ended did so early, in the words of the report.
pub(crate) fn early_end(stopped: &Stopped) -> EarlyEnd {
    match stopped {
        Stopped::Failures { item, error } => EarlyEnd::Failures {
            item: item.clone(),
            kind: error.kind,
            message: error.message.clone(),
        },
        Stopped::Paused { keys, key, for_us } => EarlyEnd::Paused {
            hosts: *keys,
            key: key.clone(),
            for_us: *for_us,
            until_unix_s: seconds_since_1970(Duration::from_micros(*for_us)),
        },
        Stopped::Advised { item, error } => EarlyEnd::Advised {
            item: item.clone(),
            kind: error.kind,
            message: error.message.clone(),
        },
        // The engine may come to know reasons that are not known here.
        other => EarlyEnd::Other { why: format!("{other:?}") },
    }
}

/// What a calendar will show when so much time has passed, in seconds since 1970.
#[expect(clippy::disallowed_methods, reason = "a date is a point of the calendar, not of the run")]
fn seconds_since_1970(from_now: Duration) -> Option<u64> {
    let time = SystemTime::now().checked_add(from_now)?;
    time.duration_since(UNIX_EPOCH).ok().map(|since| since.as_secs())
}
