//! How a model's workers are laid out. Limit: it says what was configured; what was seen at work is the tally's.

use serde::{Deserialize, Serialize};
use std::fmt;

/// How a model's workers are laid out over processes, threads and event loops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Layout {
    /// Processes that work.
    pub processes: u32,
    /// Threads in each of them that work on items or run an event loop.
    pub threads: u32,
    /// Items in flight on each of these threads.
    pub in_flight: u32,
    /// Threads that each process has beside these for blocking work; 0 for none.
    pub pool_threads: u32,
}

impl Layout {
    /// `processes`, each with `threads`, each with `in_flight` items.
    #[must_use]
    pub const fn new(processes: u32, threads: u32, in_flight: u32) -> Self {
        Self { processes, threads, in_flight, pool_threads: 0 }
    }

    /// The same with `threads` beside for blocking work.
    #[must_use]
    pub const fn with_pool(mut self, threads: u32) -> Self {
        self.pool_threads = threads;
        self
    }

    /// The same in few words, for a table: what there is only one of is left out.
    #[must_use]
    pub fn brief(&self) -> String {
        let mut parts = Vec::new();
        if self.processes != 1 {
            parts.push(counted(self.processes, "process", "es"));
        }
        if self.threads != 1 {
            parts.push(counted(self.threads, "thread", "s"));
        }
        if self.in_flight != 1 {
            parts.push(format!("{} in flight", self.in_flight));
        }
        if parts.is_empty() {
            parts.push("one at a time".to_owned());
        }
        let mut text = parts.join(" × ");
        if self.pool_threads > 0 {
            text = format!("{text} + {}", counted(self.pool_threads, "pool thread", "s"));
        }
        text
    }
}

/// `1 process × 4 threads × 50 in flight`, and `+ 6 pool threads` where there are any.
impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let processes = counted(self.processes, "process", "es");
        let threads = counted(self.threads, "thread", "s");
        write!(f, "{processes} × {threads} × {} in flight", self.in_flight)?;
        if self.pool_threads > 0 {
            write!(f, " + {}", counted(self.pool_threads, "pool thread", "s"))?;
        }
        Ok(())
    }
}

fn counted(number: u32, noun: &str, plural: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { plural })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layout_reads_as_a_product() {
        assert_eq!(Layout::new(1, 1, 100).to_string(), "1 process × 1 thread × 100 in flight");
        assert_eq!(
            Layout::new(2, 1, 9).with_pool(4).to_string(),
            "2 processes × 1 thread × 9 in flight + 4 pool threads"
        );
    }

    #[test]
    fn in_brief_there_is_only_what_there_is_more_than_one_of() {
        assert_eq!(Layout::new(1, 1, 1).brief(), "one at a time");
        assert_eq!(Layout::new(1, 1, 100).brief(), "100 in flight");
        assert_eq!(Layout::new(2, 3, 1).brief(), "2 processes × 3 threads");
        assert_eq!(Layout::new(1, 1, 9).with_pool(1).brief(), "9 in flight + 1 pool thread");
    }
}
