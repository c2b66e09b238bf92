//! Runs the real command as a process of its own, and reads what comes of it. Nothing in here knows what is tested.
//!
//! Every child has a watchdog: what hangs is killed, and the test that waits for it fails with all that was said.

use gaits_core::{ErrorKind, Record};
use gaits_origin::{Config, Origin};
use gaits_work::http::HttpDetail;
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;
use std::ffi::{OsStr, OsString};
use std::fmt::Debug;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// After this long a child hangs. Far beyond what any test takes on a machine that does ten other things.
const HANGS: Duration = Duration::from_mins(4);

/// The variables of the environment that say something of proxies, to gaits or to curl.
pub(crate) const PROXY_VARIABLES: [&str; 8] = [
    "http_proxy",
    "HTTP_PROXY",
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
    "no_proxy",
    "NO_PROXY",
];

/// A server that speaks TLS, and a file with the certificate that it is to be trusted by.
pub(crate) fn secure() -> (Origin, Dir, PathBuf) {
    let origin = Origin::start(Config { tls: true, ..Config::default() }).unwrap();
    let dir = Dir::new();
    let pem = dir.file("ca.pem", origin.ca_pem().unwrap());
    (origin, dir, pem)
}

/// The command under test, with its arguments as they would be typed; a word ends at white space.
pub(crate) fn gaits(words: &str) -> Gaits {
    Gaits {
        words: words.split_whitespace().map(OsString::from).collect(),
        before: None,
        starter: Vec::new(),
        envs: Vec::new(),
        dir: None,
        stdin: Input::Nothing,
        stdout: None,
        stderr: None,
    }
}

/// A command that has not been started.
#[must_use]
pub(crate) struct Gaits {
    words: Vec<OsString>,
    /// What the shell that starts it does first.
    before: Option<String>,
    /// The program that starts it, with its own arguments.
    starter: Vec<OsString>,
    envs: Vec<(&'static str, OsString)>,
    dir: Option<PathBuf>,
    stdin: Input,
    stdout: Option<Stdio>,
    stderr: Option<Stdio>,
}

enum Input {
    Nothing,
    Bytes(Vec<u8>),
    Open,
    Stream(Stdio),
}

impl Gaits {
    /// One more argument, white space and all.
    pub(crate) fn arg(mut self, word: impl AsRef<OsStr>) -> Self {
        self.words.push(word.as_ref().to_owned());
        self
    }

    /// More arguments.
    pub(crate) fn args<S: AsRef<OsStr>>(self, words: impl IntoIterator<Item = S>) -> Self {
        words.into_iter().fold(self, Gaits::arg)
    }

    /// It is started by another program, which is given these arguments and then the command.
    pub(crate) fn started_by(mut self, words: &[&OsStr]) -> Self {
        self.starter = words.iter().map(|&word| word.to_owned()).collect();
        self
    }

    /// An environment variable.
    pub(crate) fn env(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.envs.push((name, value.into()));
        self
    }

    /// Where it is started.
    pub(crate) fn dir(mut self, dir: &Path) -> Self {
        self.dir = Some(dir.to_owned());
        self
    }

    /// What it reads on standard input; without it, nothing.
    pub(crate) fn stdin(mut self, text: impl AsRef<[u8]>) -> Self {
        self.stdin = Input::Bytes(text.as_ref().to_vec());
        self
    }

    /// Standard input stays open, for [`Running::say`].
    pub(crate) fn stdin_open(mut self) -> Self {
        self.stdin = Input::Open;
        self
    }

    /// Standard input is this stream.
    pub(crate) fn stdin_from(mut self, stream: impl Into<Stdio>) -> Self {
        self.stdin = Input::Stream(stream.into());
        self
    }

    /// Standard output goes there.
    pub(crate) fn stdout_to(mut self, stream: impl Into<Stdio>) -> Self {
        self.stdout = Some(stream.into());
        self
    }

    /// Standard error goes there.
    pub(crate) fn stderr_to(mut self, stream: impl Into<Stdio>) -> Self {
        self.stderr = Some(stream.into());
        self
    }

    /// Standard output goes to a pipe that nobody reads.
    pub(crate) fn stdout_closed(self) -> Self {
        self.stdout_to(closed_pipe())
    }

    /// So many file descriptors are all it may have: the soft limit and the hard one.
    pub(crate) fn descriptors(mut self, most: u32) -> Self {
        self.before = Some(format!("ulimit -Sn {most} && ulimit -Hn {most}"));
        self
    }

    /// It may map so many kilobytes (2^10 bytes) of memory, which bounds how many threads it can start.
    pub(crate) fn address_space(mut self, kilobytes: u32) -> Self {
        self.before = Some(format!("ulimit -v {kilobytes}"));
        self
    }

    /// No file may grow beyond so many blocks of 512 bytes: as on a disk that is full, but for the error.
    pub(crate) fn file_blocks(mut self, most: u32) -> Self {
        self.before = Some(format!("trap '' XFSZ; ulimit -f {most}"));
        self
    }

    /// It begins with so many file descriptors, and may raise that number.
    pub(crate) fn descriptors_at_first(mut self, soft: u32) -> Self {
        self.before = Some(format!("ulimit -Sn {soft}"));
        self
    }

    fn command(&self) -> Command {
        let program = env!("CARGO_BIN_EXE_gaits");
        let mut command = match (&self.before, &self.starter[..]) {
            (None, []) => Command::new(program),
            (None, [starter, words @ ..]) => {
                let mut command = Command::new(starter);
                command.args(words).arg(program);
                command
            }
            (Some(before), _) => {
                let mut shell = Command::new("/bin/sh");
                shell.arg("-c").arg(format!("{before}; exec \"$0\" \"$@\"")).arg(program);
                shell
            }
        };
        // The tests' servers are on this machine, whatever proxy leads away from it.
        for name in PROXY_VARIABLES {
            command.env_remove(name);
        }
        command.args(&self.words).envs(self.envs.iter().map(|(name, value)| (name, value)));
        if let Some(dir) = &self.dir {
            command.current_dir(dir);
        }
        command
    }

    /// Starts it.
    pub(crate) fn start(self) -> Running {
        let mut command = self.command();
        // A group of its own, as a shell gives it: signals from a terminal go to all of it.
        command.process_group(0).env_remove("NO_COLOR");
        command.envs(self.envs.iter().map(|(name, value)| (name, value)));
        let (stdin, to_write, keep) = match self.stdin {
            Input::Nothing => (Stdio::null(), None, false),
            Input::Bytes(bytes) => (Stdio::piped(), Some(bytes), false),
            Input::Open => (Stdio::piped(), None, true),
            Input::Stream(stream) => (stream, None, false),
        };
        command.stdin(stdin);
        command.stdout(self.stdout.unwrap_or_else(Stdio::piped));
        command.stderr(self.stderr.unwrap_or_else(Stdio::piped));
        let mut child = command.spawn().unwrap();
        // The command holds the streams it was given; a reader would wait for it.
        drop(command);
        let mut stdin = child.stdin.take();
        if let (Some(mut stdin), Some(bytes)) = (stdin.take_if(|_| !keep), to_write) {
            // On a thread, since it may be more than a pipe holds; a child that has read enough is no error.
            spawn("feeder", move || drop(stdin.write_all(&bytes)));
        }
        let stdout = child.stdout.take().map(Tap::on);
        let stderr = child.stderr.take().map(Tap::on);
        let watchdog = Watchdog::over(&child);
        let words = self.words.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>();
        let words: String = words.join(" ").chars().take(300).collect();
        Running { child, stdin, stdout, stderr, watchdog, words, ended: false }
    }

    /// Runs it to its end.
    pub(crate) fn run(self) -> Finished {
        self.start().finish()
    }
}

/// The writing end of a pipe whose reader is gone.
pub(crate) fn closed_pipe() -> OwnedFd {
    let (_reader, writer) = std::io::pipe().unwrap();
    writer.into()
}

/// A command at work.
pub(crate) struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Option<Tap>,
    stderr: Option<Tap>,
    watchdog: Watchdog,
    words: String,
    ended: bool,
}

impl Running {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    fn group(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }

    /// Ctrl-C: every process of the group gets it.
    pub(crate) fn interrupt(&self) {
        killpg(self.group(), Signal::SIGINT).unwrap();
    }

    /// Ctrl-Z: every process of the group gets it.
    pub(crate) fn ctrl_z(&self) {
        killpg(self.group(), Signal::SIGTSTP).unwrap();
    }

    /// What a shell does at `fg`.
    pub(crate) fn fg(&self) {
        killpg(self.group(), Signal::SIGCONT).unwrap();
    }

    /// A signal to the process alone, as `kill` sends it.
    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.group(), signal).unwrap();
    }

    /// Writes to its standard input.
    pub(crate) fn say(&mut self, text: &str) {
        let stdin = self.stdin.as_mut().expect("started with stdin_open");
        stdin.write_all(text.as_bytes()).unwrap();
        stdin.flush().unwrap();
    }

    /// Ends its standard input.
    pub(crate) fn end_input(&mut self) {
        drop(self.stdin.take());
    }

    /// Waits until so many lines stand on its standard output.
    pub(crate) fn wait_for_lines(&self, lines: usize) -> Vec<String> {
        let tap = self.stdout.as_ref().expect("standard output goes to the test");
        let text = self.wait(tap, &format!("{lines} lines on standard output"), |text| {
            text.matches('\n').count() >= lines
        });
        text.lines().map(str::to_owned).collect()
    }

    /// Waits until its standard error holds `wanted`.
    pub(crate) fn wait_for_stderr(&self, wanted: &str) -> String {
        let tap = self.stderr.as_ref().expect("standard error goes to the test");
        self.wait(tap, &format!("{wanted:?} on standard error"), |text| text.contains(wanted))
    }

    fn wait(&self, tap: &Tap, what: &str, enough: impl Fn(&str) -> bool) -> String {
        tap.wait(enough).unwrap_or_else(|text| {
            let said = self.stderr.as_ref().map(Tap::text).unwrap_or_default();
            panic!(
                "waiting for {what}, `gaits {}` {}; all there is:\n{text}\nstandard error:\n{said}",
                self.words,
                if self.watchdog.has_bitten() { "hung and was killed" } else { "ended" },
            )
        })
    }

    /// Ends its input and waits for its end.
    pub(crate) fn finish(mut self) -> Finished {
        self.end_input();
        self.finish_with_input_open()
    }

    /// Waits for its end, which must not wait for that of its input.
    pub(crate) fn finish_with_input_open(mut self) -> Finished {
        let status = self.reap();
        let text = |tap: Option<&Tap>| tap.map(Tap::rest).unwrap_or_default();
        let finished = Finished {
            status,
            stdout: text(self.stdout.as_ref()),
            stderr: text(self.stderr.as_ref()),
            words: std::mem::take(&mut self.words),
        };
        assert!(!self.watchdog.has_bitten(), "hung and was killed: {finished:?}");
        finished
    }

    fn reap(&mut self) -> ExitStatus {
        // The watchdog must be called off before the process is reaped and its number is free for others.
        let _ = waitid(Id::Pid(self.group()), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT);
        self.watchdog.call_off();
        self.ended = true;
        self.child.wait().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.ended {
            let _ = killpg(self.group(), Signal::SIGKILL);
            self.reap();
        }
    }
}

/// Kills a child, with its group, that takes too long.
struct Watchdog {
    call_off: Option<Sender<()>>,
    bitten: Arc<AtomicBool>,
}

impl Watchdog {
    fn over(child: &Child) -> Self {
        let (call_off, called_off) = channel::<()>();
        let bitten = Arc::new(AtomicBool::new(false));
        let (bites, group) = (Arc::clone(&bitten), Pid::from_raw(child.id().cast_signed()));
        spawn("watchdog", move || {
            if called_off.recv_timeout(HANGS) == Err(RecvTimeoutError::Timeout) {
                bites.store(true, Ordering::SeqCst);
                let _ = killpg(group, Signal::SIGKILL);
            }
        });
        Self { call_off: Some(call_off), bitten }
    }

    fn call_off(&mut self) {
        drop(self.call_off.take());
    }

    fn has_bitten(&self) -> bool {
        self.bitten.load(Ordering::SeqCst)
    }
}

/// What comes out of a stream, read as it comes.
struct Tap(Arc<(Mutex<Read_>, Condvar)>);

#[derive(Default)]
struct Read_ {
    bytes: Vec<u8>,
    ended: bool,
}

impl Tap {
    fn on(mut stream: impl Read + Send + 'static) -> Self {
        let shared = Arc::new((Mutex::new(Read_::default()), Condvar::new()));
        let theirs = Arc::clone(&shared);
        spawn("tap", move || {
            let mut chunk = vec![0; 64 * 1024];
            loop {
                let read = stream.read(&mut chunk).unwrap_or(0);
                let mut state = theirs.0.lock().unwrap();
                state.bytes.extend_from_slice(&chunk[..read]);
                state.ended = read == 0;
                theirs.1.notify_all();
                if state.ended {
                    return;
                }
            }
        });
        Self(shared)
    }

    /// The text as soon as it is enough, or all of it when it ends before.
    fn wait(&self, enough: impl Fn(&str) -> bool) -> Result<String, String> {
        let mut state = self.0.0.lock().unwrap();
        loop {
            let text = String::from_utf8_lossy(&state.bytes).into_owned();
            match (enough(&text), state.ended) {
                (true, _) => return Ok(text),
                (_, true) => return Err(text),
                _ => state = self.0.1.wait(state).unwrap(),
            }
        }
    }

    /// All of it, up to its end.
    fn rest(&self) -> String {
        let (Ok(text) | Err(text)) = self.wait(|_| false);
        text
    }

    fn text(&self) -> String {
        let state = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&state.bytes).into_owned()
    }
}

/// A command that has ended.
pub(crate) struct Finished {
    status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    words: String,
}

impl Debug for Finished {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown: String = self.stdout.chars().take(4_000).collect();
        let Self { words, status, stderr, .. } = self;
        write!(f, "`gaits {words}`: {status}\nstandard output:\n{shown}\nstandard error:\n{stderr}")
    }
}

impl Finished {
    #[track_caller]
    pub(crate) fn expect_exit(self, code: i32) -> Self {
        assert_eq!(self.status.code(), Some(code), "{self:?}");
        self
    }

    #[track_caller]
    pub(crate) fn expect_exit_one_of(self, codes: &[i32]) -> Self {
        assert!(self.status.code().is_some_and(|code| codes.contains(&code)), "{self:?}");
        self
    }

    /// Whether a signal has ended it.
    pub(crate) fn was_killed(&self) -> bool {
        self.status.signal().is_some()
    }

    #[track_caller]
    pub(crate) fn expect_killed_by(self, signal: Signal) -> Self {
        assert_eq!(self.status.signal(), Some(signal as i32), "{self:?}");
        self
    }

    #[track_caller]
    pub(crate) fn expect_stderr_contains(self, wanted: &str) -> Self {
        assert!(self.stderr.contains(wanted), "{wanted:?} is missing: {self:?}");
        self
    }

    #[track_caller]
    pub(crate) fn expect_stderr_lacks(self, unwanted: &str) -> Self {
        assert!(!self.stderr.contains(unwanted), "{unwanted:?} is said: {self:?}");
        self
    }

    #[track_caller]
    pub(crate) fn expect_stderr(self, wanted: &str) -> Self {
        assert_eq!(self.stderr, wanted, "{self:?}");
        self
    }

    #[track_caller]
    pub(crate) fn expect_stdout_contains(self, wanted: &str) -> Self {
        assert!(self.stdout.contains(wanted), "{wanted:?} is missing: {self:?}");
        self
    }

    #[track_caller]
    pub(crate) fn expect_no_stdout(self) -> Self {
        assert_eq!(self.stdout, "", "{self:?}");
        self
    }

    /// It was refused before anything was started: exit 2, no record, no panic, and a message that holds `wanted`.
    #[track_caller]
    pub(crate) fn expect_refused(self, wanted: &str) -> Self {
        self.expect_exit(2)
            .expect_no_stdout()
            .expect_stderr_contains(wanted)
            .expect_stderr_lacks("panicked")
    }

    /// The records on its standard output.
    #[track_caller]
    pub(crate) fn records(&self) -> Records {
        parse(&self.stdout)
    }

    /// The JSON document on its standard output.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Records, in the order of the input.
#[derive(Debug)]
pub(crate) struct Records(pub(crate) Vec<Record>);

/// The records of `text`, each in a line of its own, each item there once.
#[track_caller]
pub(crate) fn parse(text: &str) -> Records {
    assert!(text.is_empty() || text.ends_with('\n'), "the last record is torn: {text:?}");
    let parse = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    let mut records: Vec<Record> = text.lines().map(parse).collect();
    records.sort_by_key(|record| record.index);
    let twice = records.windows(2).find(|pair| pair[0].index == pair[1].index);
    assert!(twice.is_none(), "two records of one item: {twice:?}");
    Records(records)
}

/// The records in a file.
#[track_caller]
pub(crate) fn parse_file(path: &Path) -> Records {
    parse(&std::fs::read_to_string(path).unwrap())
}

impl std::ops::Deref for Records {
    type Target = [Record];

    fn deref(&self) -> &[Record] {
        &self.0
    }
}

impl Records {
    /// There are so many, one for each item of the input, and all went well.
    #[track_caller]
    pub(crate) fn expect_all_ok(self, items: usize) -> Self {
        let failed = self.iter().find(|record| !record.outcome.is_ok());
        assert!(failed.is_none(), "{failed:?}");
        self.expect_items(items)
    }

    /// There are so many, one for each item of the input.
    #[track_caller]
    pub(crate) fn expect_items(self, items: usize) -> Self {
        assert_eq!(self.len(), items, "{self:?}");
        let in_order = self.iter().zip(0..).all(|(record, index)| record.index == index);
        assert!(in_order, "an item is left out: {self:?}");
        self
    }

    /// How each failed.
    pub(crate) fn kinds(&self) -> Vec<Option<ErrorKind>> {
        self.iter().map(|record| record.error().map(|error| error.kind)).collect()
    }

    /// There is one record, of a failure of this kind; its message.
    #[track_caller]
    pub(crate) fn expect_one_failure(self, kind: ErrorKind) -> String {
        assert_eq!(self.kinds(), [Some(kind)], "{self:?}");
        self[0].error().map(|error| error.message.clone()).unwrap_or_default()
    }
}

/// A directory for one test.
pub(crate) struct Dir(tempfile::TempDir);

impl Dir {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// A path in it, where nothing is yet.
    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A file in it.
    pub(crate) fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.at(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

/// How much memory a process had at most, in bytes.
pub(crate) fn peak_of(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() * 1024
}

pub(crate) fn spawn(name: &str, what: impl FnOnce() + Send + 'static) {
    thread::Builder::new().name(name.into()).spawn(what).unwrap();
}

/// Waits for what nobody can be told of: looks until it is so, at most as long as a child may take.
#[track_caller]
pub(crate) fn eventually(what: &str, so: impl Fn() -> bool) {
    const LOOK: Duration = Duration::from_millis(5);
    let mut waited = Duration::ZERO;
    while !so() {
        assert!(waited < HANGS, "it never came to pass that {what}");
        thread::sleep(LOOK);
        waited += LOOK;
    }
}

/// The processes whose parent is `pid`.
pub(crate) fn children_of(pid: u32) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|child| stat(*child).is_some_and(|(_, parent)| parent == pid)).collect()
}

/// Whether a process is gone; one that has ended and that nobody has fetched yet is.
pub(crate) fn is_gone(pid: u32) -> bool {
    stat(pid).is_none_or(|(state, _)| matches!(state, 'Z' | 'X'))
}

/// Whether a process has ended and nobody has fetched it yet.
pub(crate) fn is_zombie(pid: u32) -> bool {
    stat(pid).is_some_and(|(state, _)| state == 'Z')
}

/// Whether a process is stopped, as by Ctrl-Z.
pub(crate) fn is_stopped(pid: u32) -> bool {
    stat(pid).is_some_and(|(state, _)| state == 'T')
}

/// A process's state and its parent.
fn stat(pid: u32) -> Option<(char, u32)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in brackets, may hold anything.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

/// What `http` has measured of an item.
pub(crate) fn http(record: &Record) -> HttpDetail {
    HttpDetail::of(record).unwrap_or_else(|| panic!("{record:?}"))
}
