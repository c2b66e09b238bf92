//! Which faults there are, how often each happens, and how that is written. What a fault does to a response is the
//! service's and the body's affair.

use std::fmt;
use std::str::FromStr;

/// How often a response is broken, and in which way. Each field is a probability from 0 to 1; together they are at
/// most 1, since a request meets one fault at most.
///
/// Written and parsed as `reset:0.01,truncate:0.01,stall:0.01`; `none` stands for no faults.
///
/// ```
/// use gaits_origin::Faults;
///
/// let faults: Faults = "reset:0.5,stall:0.25".parse().unwrap();
/// assert_eq!(faults, Faults { reset: 0.5, truncate: 0.0, stall: 0.25 });
/// assert_eq!(faults.to_string(), "reset:0.5,stall:0.25");
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
}

/// What happens to one response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Reset,
    Truncate,
    Stall,
}

/// Why a description of faults was not understood.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FaultsError {
    /// The name of a fault that does not exist.
    #[error("no fault is called {0:?}: use reset, truncate or stall, as in reset:0.01,stall:0.01")]
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
    /// Probabilities that are impossible together.
    #[error("the probabilities of all faults together are {0}: they must not be more than 1")]
    MoreThanOne(f64),
}

impl Faults {
    /// The fault that a draw, evenly distributed over 0..1, falls upon.
    pub(crate) fn pick(&self, draw: f64) -> Option<Fault> {
        if draw < self.reset {
            Some(Fault::Reset)
        } else if draw < self.reset + self.truncate {
            Some(Fault::Truncate)
        } else if draw < self.reset + self.truncate + self.stall {
            Some(Fault::Stall)
        } else {
            None
        }
    }

    /// Checks what the fields may hold, for values that were not parsed.
    pub(crate) fn check(&self) -> Result<(), FaultsError> {
        for (fault, value) in self.named() {
            if !(0.0..=1.0).contains(&value) {
                return Err(FaultsError::BadProbability {
                    fault: fault.to_owned(),
                    value: value.to_string(),
                });
            }
        }
        let sum = self.reset + self.truncate + self.stall;
        // 0.7 + 0.2 + 0.1 must pass whichever way its sum is rounded.
        if sum > 1.0 + 1e-9 { Err(FaultsError::MoreThanOne(sum)) } else { Ok(()) }
    }

    fn named(&self) -> [(&'static str, f64); 3] {
        [("reset", self.reset), ("truncate", self.truncate), ("stall", self.stall)]
    }
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
            let field = match name {
                "reset" => &mut faults.reset,
                "truncate" => &mut faults.truncate,
                "stall" => &mut faults.stall,
                _ => return Err(FaultsError::UnknownFault(name.to_owned())),
            };
            let Some(value) = value.filter(|value| !value.is_empty()) else {
                return Err(FaultsError::NoProbability(name.to_owned()));
            };
            *field = match value.parse::<f64>() {
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
        }
        faults.check()?;
        Ok(faults)
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (name, value) in self.named().into_iter().filter(|&(_, value)| value > 0.0) {
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
        for text in ["none", "reset:1", "truncate:0.25", "reset:0.01,truncate:0.01,stall:0.01"] {
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
    }

    #[test]
    fn a_draw_falls_upon_faults_in_proportion() {
        let faults = Faults { reset: 0.1, truncate: 0.2, stall: 0.3 };
        assert_eq!(faults.pick(0.05), Some(Fault::Reset));
        assert_eq!(faults.pick(0.25), Some(Fault::Truncate));
        assert_eq!(faults.pick(0.55), Some(Fault::Stall));
        assert_eq!(faults.pick(0.65), None);
        assert_eq!(Faults::default().pick(0.0), None);
    }
}
