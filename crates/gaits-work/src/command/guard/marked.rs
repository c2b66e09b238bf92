//! Finds the process groups of the commands of a process that is gone, by its mark: proc(5).

use super::mark;
use crate::processes::Process;
use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::collections::{HashMap, HashSet};
use std::fs;

/// Of whom commands are to be found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Client {
    /// Its process id. It may be there still: its files are closed a moment before its children get another parent.
    pub(super) pid: i32,
    pub(super) mark: u64,
    /// Its session: a process in another one has left its process group.
    pub(super) session: i32,
    /// Its own process group, which others may be in as well.
    pub(super) group: i32,
}

/// The process groups that are found to be no command's.
#[derive(Debug, Default)]
pub(super) struct Left(HashSet<i32>);

/// Ends the process groups of all commands of `client`, which is gone. Tells whether there were any: then others may turn up,
/// that began while it was looked.
pub(super) fn end(client: Client, left: &mut Left) -> bool {
    let groups = groups(&all(client), client, left);
    for group in &groups {
        // One that has ended meanwhile needs no signal; what may not be ended will not be the next time either.
        if killpg(Pid::from_raw(*group), Signal::SIGKILL) == Err(Errno::EPERM) {
            left.0.insert(*group);
        }
    }
    !groups.is_empty()
}

/// All processes that live, bear the mark, and are in the session; not the client itself.
fn all(client: Client) -> HashMap<i32, Process> {
    let bears_mark = |pid: i32| {
        let limits = fs::read_to_string(format!("/proc/{pid}/limits"));
        limits.is_ok_and(|limits| mark::parse(&limits) == Some(client.mark))
    };
    let found = Process::all().filter(|(pid, process)| {
        let lives = process.lives() && *pid != client.pid;
        lives && process.session == client.session && bears_mark(*pid)
    });
    found.collect()
}

/// Those groups of `marked` processes that are commands' own. The first process of such a group was started by the client, so
/// its parent is another one now, or it is gone itself. The first of any other group was started by a command: such a group
/// has been left its command's, and is noted in `left`, since it looks the same as the others as soon as that command is gone.
fn groups(marked: &HashMap<i32, Process>, client: Client, left: &mut Left) -> HashSet<i32> {
    let all: HashSet<i32> = marked.values().map(|process| process.group).collect();
    let mut of_commands = HashSet::new();
    for group in all.into_iter().filter(|group| *group != client.group) {
        let has_left = match marked.get(&group) {
            Some(first) => first.group == group && marked.contains_key(&first.parent),
            // It may be there without the mark: then nobody whom the client has started has begun this group.
            None => lives_in_its_group(group),
        };
        if has_left {
            left.0.insert(group);
        }
        if !left.0.contains(&group) {
            of_commands.insert(group);
        }
    }
    of_commands
}

/// Whether the process that a group has its number from lives.
fn lives_in_its_group(group: i32) -> bool {
    Process::of(group).is_some_and(|process| process.group == group && process.lives())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT: Client = Client { pid: A - 1, mark: 1 << 41, session: 2, group: A - 1 };

    fn of(parent: i32, group: i32) -> Process {
        Process { state: 'S', parent, group, session: 2 }
    }

    fn found(marked: &[(i32, Process)], left: &mut Left) -> Vec<i32> {
        let marked = marked.iter().copied().collect();
        let mut groups: Vec<_> = groups(&marked, CLIENT, left).into_iter().collect();
        groups.sort_unstable();
        groups
    }

    // Numbers that no process can have, so that what runs on this machine plays no part.
    const A: i32 = 1_900_000_000;
    const B: i32 = A + 1;
    const C: i32 = A + 2;

    #[test]
    fn groups_of_commands_are_found_by_any_process_in_them() {
        let mut left = Left::default();
        assert_eq!(found(&[(A, of(1, A)), (B, of(A, A)), (C, of(1, C))], &mut left), [A, C]);
        // Its first process is gone.
        assert_eq!(found(&[(B, of(1, A))], &mut left), [A]);
        assert_eq!(found(&[], &mut left), [0; 0]);
    }

    #[test]
    fn a_group_that_a_command_has_begun_is_left_alone_then_and_later() {
        let mut left = Left::default();
        assert_eq!(found(&[(A, of(1, A)), (B, of(A, B)), (C, of(B, B))], &mut left), [A]);
        // The command is gone, and its child has another parent.
        assert_eq!(found(&[(B, of(1, B)), (C, of(B, B))], &mut left), [0; 0]);
    }

    #[test]
    fn the_group_of_the_client_is_left_alone() {
        let mut left = Left::default();
        assert_eq!(found(&[(A, of(1, CLIENT.group))], &mut left), [0; 0]);
    }
}
