//! The processes of this machine, as the kernel describes them in `/proc/PID/stat`: proc(5). And what must not happen while one is
//! being started.

use std::fs;
use std::sync::{PoisonError, RwLock};

/// Of this process as a whole, as its children are.
static STARTS: RwLock<()> = RwLock::new(());

/// Starts a program, unless it is just being seen to that all stop: [`while_none_starts`].
pub fn start<T>(start: impl FnOnce() -> T) -> T {
    let _starts = STARTS.read().unwrap_or_else(PoisonError::into_inner);
    start()
}

/// Does something while no program is being started. Starts wait until it is done.
///
/// Whoever stops this process and its children needs that. Until a child executes its program, the thread that starts it can't be
/// stopped, since the kernel has it wait for the child (`vfork`). A child that was stopped by then would keep the whole process from
/// being stopped, and so whoever could continue both from ever learning of it.
pub fn while_none_starts<T>(then: impl FnOnce() -> T) -> T {
    let _none = STARTS.write().unwrap_or_else(PoisonError::into_inner);
    then()
}

/// A process, as the kernel describes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Process {
    /// The letter of its state: `T` is stopped, `Z` has ended and was not waited for.
    pub state: char,
    /// Its parent.
    pub parent: i32,
    /// Its process group.
    pub group: i32,
    /// Its session.
    pub session: i32,
}

impl Process {
    /// The process with this id; none if there is none.
    #[must_use]
    pub fn of(pid: i32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    fn parse(stat: &str) -> Option<Self> {
        // The name, in brackets, may hold anything.
        let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
        let state = fields.next()?.chars().next()?;
        let mut number = || fields.next()?.parse().ok();
        Some(Self { state, parent: number()?, group: number()?, session: number()? })
    }

    /// All processes, with their ids.
    pub fn all() -> impl Iterator<Item = (i32, Self)> {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.filter_map(|pid| Some((pid, Self::of(pid)?)))
    }

    /// Whether it has not ended.
    #[must_use]
    pub const fn lives(&self) -> bool {
        !matches!(self.state, 'Z' | 'X')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_whatever_its_name() {
        let wanted = Process { state: 'T', parent: 3, group: 7, session: 2 };
        assert_eq!(Process::parse("7 (a) b) (c) T 3 7 2 0 -1"), Some(wanted));
        assert_eq!(Process::parse("7 (a) T 3"), None);
        let own = std::process::id().cast_signed();
        assert!(Process::all().any(|(pid, _)| pid == own));
    }
}
