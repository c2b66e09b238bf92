//! The mark: what a process and all that it starts can be told by, whatever these do.
//!
//! It is the soft limit of file locks (`RLIMIT_LOCKS`). Linux has not looked at that limit since 2.4.25, and still hands it on: a
//! child has it from the moment when it is there, and keeps it when it executes another program, also with an empty environment
//! and other files open. `docs/design/command.md` has what else was thought of.

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::io;
use std::sync::OnceLock;

/// Marks are larger than any limit that means something.
const LEAST: u64 = 1 << 40;
/// They must be below infinity, which is the largest number.
const MOST: u64 = 1 << 62;

/// A limit belongs to a process, and so does its mark: whoever runs commands in it has the same one.
static MARK: OnceLock<u64> = OnceLock::new();

/// The mark of this process, which it bears from the first call on.
///
/// # Errors
/// It can't be set.
pub(super) fn of_this_process() -> io::Result<u64> {
    let mark = *MARK.get_or_init(|| fastrand::u64(LEAST..MOST));
    let (soft, hard) = getrlimit(Resource::RLIMIT_LOCKS)?;
    if soft != mark {
        if hard < mark {
            return Err(io::Error::other(
                "the hard limit of file locks is too low for a mark; `ulimit -Hx unlimited` lifts it",
            ));
        }
        setrlimit(Resource::RLIMIT_LOCKS, mark, hard)?;
    }
    Ok(mark)
}

/// The mark in a file `/proc/PID/limits`, if it is one.
pub(super) fn parse(limits: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max file locks"))?;
    let mark = line.split_ascii_whitespace().next()?.parse().ok()?;
    (LEAST..MOST).contains(&mark).then_some(mark)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn what_is_started_bears_the_mark_without_an_environment_too() {
        let mark = of_this_process().unwrap();
        assert_eq!(of_this_process().unwrap(), mark);
        let own = std::fs::read_to_string("/proc/self/limits").unwrap();
        assert_eq!(parse(&own), Some(mark));
        let words = ["-i", "/bin/sh", "-c", "exec /bin/cat /proc/self/limits"];
        let child = Command::new("/usr/bin/env").args(words).output().unwrap();
        assert_eq!(parse(&String::from_utf8(child.stdout).unwrap()), Some(mark));
    }

    #[test]
    fn a_limit_that_is_no_mark_is_none() {
        assert_eq!(parse("Max file locks            unlimited            unlimited   locks"), None);
        assert_eq!(parse("Max file locks            100                  100         locks"), None);
        assert_eq!(parse(""), None);
    }
}
