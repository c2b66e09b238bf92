//! A trial of another program, in the process of the trial: the program is the only child that is waited for before its account
//! is made, so what the kernel adds up for children is the program's. (The guard is another child, which goes on.)

use super::account::{Account, Tree};
use super::{INTERRUPT, Over, ProgramJob};
use gaits_core::{Clock as _, ErrorKind, ItemError, Outcome, Record, Timing, WorkerId};
use gaits_engine::MonotonicClock;
use gaits_report::{OutcomesOf, Tally};
use gaits_work::command::guard::{Guard, GuardCommand};
use gaits_work::processes;
use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;
use std::io::{BufRead, Read};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// So much of the end of its standard error is kept, to tell why it failed.
const KEPT: usize = 4096;
/// So many characters of its last line are shown.
const MOST_SHOWN: usize = 300;
/// How long the rest of its standard error is waited for, once it has ended: a process that it left behind may hold it open.
const REST: Duration = Duration::from_millis(200);
/// Its processes are looked at first after this time, and then less and less often...
const FIRST_LOOK: Duration = Duration::from_millis(1);
/// ...down to once in this time.
const LAST_LOOK: Duration = Duration::from_millis(20);

/// The process group of a program that runs; none once it has been waited for, since its number may then be another's.
#[derive(Clone, Default)]
struct Group {
    leader: Arc<Mutex<Option<Pid>>>,
    abandoned: Arc<AtomicBool>,
}

impl Group {
    fn signal(&self, signal: Signal) {
        if let Some(group) = *self.lock() {
            // One that has ended needs no signal.
            let _ = killpg(group, signal);
        }
    }

    /// Ends what is left of it, and forgets it.
    fn end(&self) {
        if let Some(group) = self.lock().take() {
            // One that has ended needs no signal.
            let _ = killpg(group, Signal::SIGKILL);
        }
    }

    /// Ends it and this process, which then has nothing to tell.
    fn abandon(&self) -> ! {
        self.abandoned.store(true, Ordering::SeqCst);
        self.end();
        std::process::exit(1)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Pid>> {
        self.leader.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends a program that still runs.
struct EndsWith(Group);

impl Drop for EndsWith {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// Runs the program once. `from` brings what the race says.
pub(super) fn run(
    job: &ProgramJob,
    guard: Option<GuardCommand>,
    from: impl BufRead + Send + 'static,
) -> Result<Over, String> {
    // It ends the program should this process be killed, and is there before the clock runs.
    let guard = guard.map(|start| Guard::new(start, String::new()));
    if let Some(guard) = &guard {
        guard.watch().map_err(|error| format!("its guard can't be started: {error}"))?;
    }
    let mut command = job.program.start().ok_or("its command can't be understood")?;
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).process_group(0);
    let group = Group::default();
    let (over, is_over) = channel::<()>();
    let to_stop = group.clone();
    spawn("commands", move || obey(from, &to_stop))?;
    let clock = MonotonicClock::start();
    // Whoever wants to end it waits until it can be named.
    let mut child = {
        let mut leader = group.lock();
        let child = processes::start(|| command.spawn())
            .map_err(|error| format!("can't be started: {error}"))?;
        *leader = Some(Pid::from_raw(child.id().cast_signed()));
        child
    };
    let pid = child.id();
    // Should something go wrong from here on, it does not outlast this.
    let _ends = EndsWith(group.clone());
    let said = keep_errors(&mut child)?;
    let tree = Arc::new(Mutex::new(Tree::default()));
    let (seen, to_end) = (Arc::clone(&tree), group.clone());
    let abandon = job.abandon_us.map(Duration::from_micros);
    spawn("watch", move || watch(pid, &seen, &to_end, abandon, &is_over))?;
    until_ended(pid)?;
    if group.abandoned.load(Ordering::SeqCst) {
        group.abandon();
    }
    let wall_us = clock.now_us();
    drop(over);
    // Its processes end with it, as long as its number is its own.
    group.end();
    let status = child.wait().map_err(|error| format!("can't be waited for: {error}"))?;
    let said = said.recv_timeout(REST).unwrap_or_default();
    let tree = std::mem::take(&mut *tree.lock().unwrap_or_else(PoisonError::into_inner));
    let (mut tally, mut outcomes) = (Tally::new(), OutcomesOf::new());
    let record = record(pid, wall_us, status, &said);
    tally.add(&record);
    outcomes.add(&record);
    Ok(Over {
        wall_us,
        startup_us: 0,
        closing_us: 0,
        looked_us: 0,
        missing_workers: 0,
        workers_died: 0,
        tally,
        outcomes: outcomes.finish(1),
        usage: Account::of_children(&tree),
        steady: None,
        stopped: false,
        suspended: clock.stopped_us_since(0) > 0,
        refused: None,
    })
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> Result<(), String> {
    let thread = thread::Builder::new().name(name.to_owned()).spawn(body);
    thread.map(drop).map_err(|error| format!("can't start a thread: {error}"))
}

/// The first interrupt asks the program to end, the second ends it. It ends with the race.
fn obey(from: impl BufRead, group: &Group) {
    let mut signal = Signal::SIGINT;
    for line in from.lines() {
        match line {
            Ok(line) if line == INTERRUPT => {
                group.signal(signal);
                signal = Signal::SIGKILL;
            }
            Ok(_) => {}
            Err(_) => break,
        }
    }
    group.abandon();
}

/// Looks at its processes while it runs, and ends it when its time is up.
fn watch(
    pid: u32,
    tree: &Mutex<Tree>,
    group: &Group,
    abandon: Option<Duration>,
    is_over: &Receiver<()>,
) {
    let clock = MonotonicClock::start();
    let (mut each, mut last_us) = (FIRST_LOOK, 0);
    while matches!(is_over.recv_timeout(each), Err(RecvTimeoutError::Timeout)) {
        let now_us = clock.now_us();
        if abandon.is_some_and(|abandon| Duration::from_micros(now_us) >= abandon) {
            group.abandon();
        }
        let mut tree = tree.lock().unwrap_or_else(PoisonError::into_inner);
        let took_us = tree.look(pid, now_us.saturating_sub(last_us));
        last_us = now_us;
        // To look is to take at most one part in a hundred of a core away.
        each = (each * 2).min(LAST_LOOK).max(Duration::from_micros(took_us) * 100);
    }
}

/// Reads its standard error to the end, and tells the last part of it.
fn keep_errors(child: &mut Child) -> Result<Receiver<String>, String> {
    let (said, hears) = channel();
    let Some(mut errors) = child.stderr.take() else { return Ok(hears) };
    spawn("errors", move || {
        let (mut kept, mut buffer) = (Vec::new(), [0; KEPT]);
        while let Ok(read @ 1..) = errors.read(&mut buffer) {
            kept.extend_from_slice(&buffer[..read]);
            kept.drain(..kept.len().saturating_sub(KEPT));
        }
        let _ = said.send(String::from_utf8_lossy(&kept).into_owned());
    })?;
    Ok(hears)
}

/// Waits for its end, and leaves it to be waited for once more.
fn until_ended(pid: u32) -> Result<(), String> {
    loop {
        let id = Id::Pid(Pid::from_raw(pid.cast_signed()));
        match waitid(id, WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT) {
            Err(Errno::EINTR) => {}
            Ok(_) => return Ok(()),
            Err(error) => return Err(format!("can't be waited for: {error}")),
        }
    }
}

/// The record of a run as a whole.
fn record(pid: u32, wall_us: u64, status: ExitStatus, said: &str) -> Record {
    let last = said.lines().rev().map(str::trim).find(|line| !line.is_empty());
    let outcome = if status.success() {
        Outcome::Ok
    } else {
        let mut message = super::describe(status);
        if let Some(last) = last {
            // A terminal would obey what a program has said.
            let shown = last.chars().filter(|c| !c.is_control()).take(MOST_SHOWN);
            message = format!("{message}: {}", shown.collect::<String>());
        }
        Outcome::Failed(ItemError::new(ErrorKind::Command, message))
    };
    Record {
        index: 0,
        item: "".into(),
        outcome,
        attempts: 1,
        tries: Vec::new(),
        worker: Some(WorkerId { pid, tid: pid, slot: 0 }),
        timing: Timing { finished_us: wall_us, ..Timing::default() },
        detail: None,
        extract: Vec::new(),
        payload: None,
    }
}
