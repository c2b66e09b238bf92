//! Why a run ended early of its own accord, in a sentence. Limit: what is left undone, and how to go on, is told by
//! whoever shows it.

use crate::hosts::host_name;
use crate::style::one_line;
use crate::units;
use gaits_core::ErrorKind;
use std::fmt;
use std::time::{Duration, UNIX_EPOCH};

/// As many characters of an item and of a message are shown.
const WIDTH: usize = 100;

/// Later times than this, in seconds since 1970, are not shown as a date: the end of the year 9999.
const LAST_DATE_S: u64 = 253_402_300_799;

/// Why a run ended early of its own accord.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EarlyEnd {
    /// An item failed as all others would have.
    Advised {
        /// The item.
        item: String,
        /// How it failed.
        kind: ErrorKind,
        /// What it said.
        message: String,
    },
    /// As many items failed as were tolerated.
    Failures {
        /// The last of them.
        item: String,
        /// How it failed.
        kind: ErrorKind,
        /// What it said.
        message: String,
    },
    /// All is done but the items of hosts that want to be left alone for longer than is waited for.
    Paused {
        /// How many hosts there are.
        hosts: u64,
        /// The pacing key of the one whose time comes first.
        key: String,
        /// How long it wants to be left alone, in microseconds.
        for_us: u64,
        /// When that time is over, in seconds since 1970, where that is known.
        until_unix_s: Option<u64>,
    },
    /// Something else.
    Other {
        /// In words.
        why: String,
    },
}

impl fmt::Display for EarlyEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EarlyEnd::Other { why } => f.write_str(&one_line(why, WIDTH)),
            EarlyEnd::Advised { item, kind, message } => {
                let [item, message] = [item, message].map(|text| one_line(text, WIDTH));
                write!(f, "at {item}, since all others would fail like it: {kind}: {message}")
            }
            EarlyEnd::Failures { item, kind, message } => {
                let [item, message] = [item, message].map(|text| one_line(text, WIDTH));
                write!(f, "at {item}, the last failure that was tolerated: {kind}: {message}")
            }
            EarlyEnd::Paused { hosts, key, for_us, until_unix_s } => {
                let name = one_line(&host_name(key), WIDTH);
                match (hosts, name.as_str()) {
                    (_, "") => write!(f, "the work wants to be left alone")?,
                    (0 | 1, name) => write!(f, "{name} wants to be left alone")?,
                    (2, name) => write!(f, "{name} and another host want to be left alone")?,
                    (hosts, name) => {
                        let others = units::count(hosts - 1);
                        write!(f, "{name} and {others} other hosts want to be left alone")?;
                    }
                }
                if *hosts > 1 {
                    write!(f, ", the first of them")?;
                }
                let left = units::time_left(*for_us);
                match until_unix_s.and_then(date) {
                    None => write!(f, " for {left}: run it again then"),
                    Some(date) => write!(f, " until {date} (in {left}): run it again then"),
                }
            }
        }
    }
}

/// A point in time as HTTP writes it, which names the day and the time zone, too.
fn date(unix_s: u64) -> Option<String> {
    let time = UNIX_EPOCH.checked_add(Duration::from_secs(unix_s))?;
    // Later ones can't be written so.
    (unix_s <= LAST_DATE_S).then(|| httpdate::fmt_http_date(time))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paused(hosts: u64, for_us: u64, until_unix_s: Option<u64>) -> String {
        EarlyEnd::Paused { hosts, key: "http://api.example:80".into(), for_us, until_unix_s }
            .to_string()
    }

    #[test]
    fn a_pause_names_the_time_to_run_it_again() {
        assert_eq!(
            paused(1, 4_320_000_000, Some(1_795_876_330)),
            "api.example wants to be left alone until Sat, 28 Nov 2026 14:32:10 GMT (in 1 h 12 min): run it again then"
        );
        assert_eq!(
            paused(3, 4_320_000_000, None),
            "api.example and 2 other hosts want to be left alone, the first of them for 1 h 12 min: run it again then"
        );
        assert_eq!(
            paused(2, 4_320_000_000, None),
            "api.example and another host want to be left alone, the first of them for 1 h 12 min: run it again then"
        );
        let never = paused(1, u64::MAX, Some(u64::MAX));
        assert!(never.ends_with("left alone for 213,503,982 d 08 h: run it again then"), "{never}");
    }

    #[test]
    fn a_failure_can_neither_break_the_line_nor_command_the_terminal() {
        let item = "http://x/\n\u{1b}[2J".to_owned();
        let (kind, message) = (ErrorKind::HttpStatus, "401 Unauthorized".to_owned());
        assert_eq!(
            EarlyEnd::Advised { item: item.clone(), kind, message: message.clone() }.to_string(),
            "at http://x/ [2J, since all others would fail like it: http_status: 401 Unauthorized"
        );
        assert_eq!(
            EarlyEnd::Failures { item, kind, message }.to_string(),
            "at http://x/ [2J, the last failure that was tolerated: http_status: 401 Unauthorized"
        );
    }
}
