//! Which faults there are, how often each happens, and how that is written. What a fault does to a response is decided
//! by the service and the body.

use std::fmt;
use std::str::FromStr;

use http::StatusCode;

/// How often a response is broken, and in which way. Each field is a probability from 0 to 1; together they are at
/// most 1, since a request meets one fault at most.
///
/// Written and parsed as `reset:0.01,truncate:0.01,stall:0.01,503:0.05`, where a number is a status; `none` stands for
/// no faults.
///
/// ```
/// use gaits_origin::{Faults, StatusFaults};
///
/// let faults: Faults = "reset:0.5,429:0.25".parse().unwrap();
/// let status = StatusFaults::default().with(429, 0.25).unwrap();
/// assert_eq!(faults, Faults { reset: 0.5, status, ..Faults::default() });
/// assert_eq!(faults.to_string(), "reset:0.5,429:0.25");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Faults {
    /// The connection is reset (TCP RST) in place of the response; over HTTP/2 that takes the other streams along.
    pub reset: f64,
    /// The whole response is announced by `Content-Length`, half of the body is sent, then the connection is closed;
    /// over HTTP/2 the stream is reset. A response without a body is cut before its head.
    pub truncate: f64,
    /// The head, and every other time half of the body, is sent, then nothing more until the client goes away. For a
    /// response without a body not even the head comes.
    pub stall: f64,
    /// A whole response with a status of failure comes in place of the real one. A 429 and a 503 carry the
    /// `Retry-After` of [`Config::retry_after`](crate::Config::retry_after).
    pub status: StatusFaults,
}

/// Which statuses responses are replaced by, each with its probability.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct StatusFaults {
    /// In the order in which they were given; what is not used has a probability of zero.
    all: [(u16, f64); Self::MOST],
    used: usize,
}

/// What happens to one response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Reset,
    Truncate,
    Stall,
    Status(StatusCode),
}

/// Why a description of faults was not understood.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FaultsError {
    /// The name of a fault that does not exist.
    #[error(
        "no fault is called {0:?}: use reset, truncate, stall or a status, as in reset:0.01,503:0.05"
    )]
    UnknownFault(String),
    /// A fault without a probability.
    #[error("fault {0:?} has no probability: write it as {0}:0.01")]
    NoProbability(String),
    /// A probability that is not a number from 0 to 1.
    #[error("probability {value:?} of fault {fault:?} is not a number from 0 to 1")]
    BadProbability {
        /// The fault it was given for.
        fault: String,
        /// What was given.
        value: String,
    },
    /// A fault that is given twice.
    #[error("fault {0:?} is given more than once: give each fault one probability")]
    Repeated(String),
    /// A status that does not mean failure.
    #[error("fault {0} is not a status from 400 to 599: use one of these, as in 503:0.05")]
    BadStatus(u16),
    /// More statuses than there is room for.
    #[error("more than {most} statuses are given as faults: use at most so many", most = StatusFaults::MOST)]
    TooManyStatuses,
    /// Probabilities that are impossible together.
    #[error("the probabilities of all faults together are {0}: they must not be more than 1")]
    MoreThanOne(f64),
}

impl StatusFaults {
    /// How many statuses may be given.
    pub const MOST: usize = 8;

    /// Adds a status from 400 to 599 with its probability.
    ///
    /// # Errors
    ///
    /// If the status or the probability is out of its range, the status is there already, or there is no more room.
    pub fn with(mut self, status: u16, probability: f64) -> Result<Self, FaultsError> {
        if !(400..=599).contains(&status) {
            return Err(FaultsError::BadStatus(status));
        }
        if self.all().any(|(there, _)| there == status) {
            return Err(FaultsError::Repeated(status.to_string()));
        }
        check_probability(&status.to_string(), probability)?;
        *self.all.get_mut(self.used).ok_or(FaultsError::TooManyStatuses)? = (status, probability);
        self.used += 1;
        Ok(self)
    }

    fn all(&self) -> impl Iterator<Item = (u16, f64)> {
        self.all.into_iter().take(self.used)
    }
}

impl Faults {
    /// The fault that a draw, evenly distributed over 0..1, falls upon.
    pub(crate) fn pick(&self, draw: f64) -> Option<Fault> {
        let mut below = self.reset;
        if draw < below {
            return Some(Fault::Reset);
        }
        below += self.truncate;
        if draw < below {
            return Some(Fault::Truncate);
        }
        below += self.stall;
        if draw < below {
            return Some(Fault::Stall);
        }
        for (status, probability) in self.status.all() {
            below += probability;
            if draw < below {
                return StatusCode::from_u16(status).ok().map(Fault::Status);
            }
        }
        None
    }

    /// Checks what the fields may hold, for values that were not parsed.
    pub(crate) fn check(&self) -> Result<(), FaultsError> {
        // Those of statuses have been checked when they were added.
        for (fault, value) in self.named() {
            check_probability(fault, value)?;
        }
        let statuses: f64 = self.status.all().map(|(_, probability)| probability).sum();
        let sum = self.reset + self.truncate + self.stall + statuses;
        // 0.7 + 0.2 + 0.1 must pass whichever way its sum is rounded.
        if sum > 1.0 + 1e-9 { Err(FaultsError::MoreThanOne(sum)) } else { Ok(()) }
    }

    fn named(&self) -> [(&'static str, f64); 3] {
        [("reset", self.reset), ("truncate", self.truncate), ("stall", self.stall)]
    }
}

fn check_probability(fault: &str, value: f64) -> Result<(), FaultsError> {
    if (0.0..=1.0).contains(&value) {
        return Ok(());
    }
    Err(FaultsError::BadProbability { fault: fault.to_owned(), value: value.to_string() })
}

impl FromStr for Faults {
    type Err = FaultsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut faults = Self::default();
        if text.trim() == "none" {
            return Ok(faults);
        }
        let mut seen = Vec::new();
        for part in text.split(',') {
            let (name, value) = match part.split_once(':') {
                Some((name, value)) => (name.trim(), Some(value.trim())),
                None => (part.trim(), None),
            };
            let status = name.parse::<u16>().ok();
            if status.is_none() && !matches!(name, "reset" | "truncate" | "stall") {
                return Err(FaultsError::UnknownFault(name.to_owned()));
            }
            let Some(value) = value.filter(|value| !value.is_empty()) else {
                return Err(FaultsError::NoProbability(name.to_owned()));
            };
            let probability = match value.parse::<f64>() {
                Ok(number) if (0.0..=1.0).contains(&number) => number,
                _ => {
                    return Err(FaultsError::BadProbability {
                        fault: name.to_owned(),
                        value: value.to_owned(),
                    });
                }
            };
            if seen.contains(&name) {
                return Err(FaultsError::Repeated(name.to_owned()));
            }
            seen.push(name);
            match (status, name) {
                (Some(status), _) => faults.status = faults.status.with(status, probability)?,
                (None, "reset") => faults.reset = probability,
                (None, "truncate") => faults.truncate = probability,
                (None, _) => faults.stall = probability,
            }
        }
        faults.check()?;
        Ok(faults)
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = self.named().map(|(name, value)| (name.to_owned(), value));
        let statuses = self.status.all().map(|(status, value)| (status.to_string(), value));
        let mut separator = "";
        for (name, value) in named.into_iter().chain(statuses).filter(|&(_, value)| value > 0.0) {
            write!(f, "{separator}{name}:{value}")?;
            separator = ",";
        }
        if separator.is_empty() { f.write_str("none") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_is_parsed() {
        for text in [
            "none",
            "reset:1",
            "truncate:0.25",
            "reset:0.01,truncate:0.01,stall:0.01",
            "503:0.5",
            "stall:0.01,503:0.01,429:0.02",
        ] {
            assert_eq!(text.parse::<Faults>().unwrap().to_string(), text);
        }
        let spaced: Faults = " stall : 0.5 , reset:0 ".parse().unwrap();
        assert_eq!(spaced, Faults { stall: 0.5, ..Faults::default() });
        assert!("reset:0.7,truncate:0.2,stall:0.1".parse::<Faults>().is_ok());
    }

    #[test]
    fn each_mistake_is_told_apart() {
        let error = |text: &str| text.parse::<Faults>().unwrap_err();
        let bad = |fault: &str, value: &str| FaultsError::BadProbability {
            fault: fault.into(),
            value: value.into(),
        };
        assert_eq!(error(""), FaultsError::UnknownFault(String::new()));
        assert_eq!(error("explode:0.1"), FaultsError::UnknownFault("explode".into()));
        assert_eq!(error("reset"), FaultsError::NoProbability("reset".into()));
        assert_eq!(error("reset:"), FaultsError::NoProbability("reset".into()));
        assert_eq!(error("stall:often"), bad("stall", "often"));
        assert_eq!(error("stall:1.5"), bad("stall", "1.5"));
        assert_eq!(error("stall:-0.5"), bad("stall", "-0.5"));
        assert_eq!(error("stall:NaN"), bad("stall", "NaN"));
        assert_eq!(error("reset:0.1,reset:0.2"), FaultsError::Repeated("reset".into()));
        assert!(matches!(error("reset:0.75,stall:0.5"), FaultsError::MoreThanOne(_)));
        assert!(matches!(error("reset:0.75,503:0.5"), FaultsError::MoreThanOne(_)));
        assert_eq!(error("503"), FaultsError::NoProbability("503".into()));
        assert_eq!(error("503:2"), bad("503", "2"));
        assert_eq!(error("200:0.1"), FaultsError::BadStatus(200));
        assert_eq!(error("600:0.1"), FaultsError::BadStatus(600));
        assert_eq!(error("70000:0.1"), FaultsError::UnknownFault("70000".into()));
        assert_eq!(error("503:0.1,503:0.1"), FaultsError::Repeated("503".into()));
        assert_eq!(error("503:0.1,0503:0.1"), FaultsError::Repeated("503".into()));
        let many: Vec<_> = (400..409).map(|status| format!("{status}:0.01")).collect();
        assert_eq!(error(&many.join(",")), FaultsError::TooManyStatuses);
        assert!(many[1..].join(",").parse::<Faults>().is_ok());
    }

    #[test]
    fn a_draw_falls_upon_faults_in_proportion() {
        let faults: Faults = "503:0.1,reset:0.1,truncate:0.2,stall:0.3,429:0.2".parse().unwrap();
        assert_eq!(faults.pick(0.05), Some(Fault::Reset));
        assert_eq!(faults.pick(0.25), Some(Fault::Truncate));
        assert_eq!(faults.pick(0.55), Some(Fault::Stall));
        assert_eq!(faults.pick(0.65), Some(Fault::Status(StatusCode::SERVICE_UNAVAILABLE)));
        assert_eq!(faults.pick(0.85), Some(Fault::Status(StatusCode::TOO_MANY_REQUESTS)));
        assert_eq!(faults.pick(0.95), None);
        assert_eq!(Faults::default().pick(0.0), None);
    }
}
