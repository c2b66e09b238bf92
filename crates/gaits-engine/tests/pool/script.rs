//! A work for tests: an item's text is a list of steps, divided by `;`, such as `touch began; wait go; kill 9`. Steps
//! that wait do so for a file in the scene's folder, so that a test says when it goes on.

use gaits_core::{
    Advice, AsyncSession, AsyncWork, BlockingSession, BlockingWork, Clock, Data, ErrorKind, Facts,
    HostItem, Item, ItemError, LoopHost, LoopWork, PerformFuture, Performed, Performs, Refused,
    Reply, Services, SessionError, SessionScope, Setting, Value, Work,
};
use nix::sys::signal::{Signal, kill};
use nix::unistd::getpid;
use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::task::Poll;
use std::time::Duration;

/// The name it is registered under.
pub(crate) const SCRIPT: &str = "script";
/// The verb of a process that lives until a file appears.
pub(crate) const LINGER_VERB: &str = "__linger";

/// What the sessions of one scene share within a process.
#[derive(Debug, Default)]
struct Shared {
    opened: AtomicI64,
    open: AtomicI64,
    in_flight: AtomicI64,
}

static SCENES: LazyLock<Mutex<HashMap<String, Arc<Shared>>>> = LazyLock::new(Mutex::default);

#[derive(Debug)]
struct Script {
    kind: Kind,
    stage: Stage,
}

/// How the script is performed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Blocking,
    Async,
    OwnLoop,
}

/// Makes the work; its settings are `blocking`, `async` or `own-loop`, and the folder.
pub(crate) fn build(settings: &Value, services: &Services) -> Result<Arc<dyn Work>, String> {
    let Value::String(config) = settings else { return Err("not a text".into()) };
    let (kind, dir) = config.split_once(' ').ok_or("no folder")?;
    let shared = Arc::clone(SCENES.lock().unwrap().entry(config.to_string()).or_default());
    let clock = Arc::clone(&services.clock);
    let stage = Stage { dir: dir.into(), shared, clock, number: 0 };
    let kind = match kind {
        "blocking" => Kind::Blocking,
        "async" => Kind::Async,
        "own-loop" => Kind::OwnLoop,
        other => return Err(format!("no kind is called {other}")),
    };
    Ok(Arc::new(Script { kind, stage }))
}

/// Any item will do, and may be done twice.
pub(crate) fn any_item() -> Facts<'static> {
    Facts { pacing_key: "".into(), public: false, repeatable: true, shown: None }
}

impl Work for Script {
    fn performs(&self) -> Performs<'_> {
        match self.kind {
            Kind::Blocking => Performs::Blocking(self),
            Kind::Async => Performs::Async(self),
            Kind::OwnLoop => Performs::OwnLoop(self),
        }
    }

    fn settings(&self) -> Vec<Setting> {
        Vec::new()
    }

    fn inspect<'a>(&self, item: &'a Data) -> Result<Facts<'a>, Refused> {
        let text = item.as_text().unwrap_or_default();
        let host = text.strip_prefix("at ").map_or("", |rest| rest.split(';').next().unwrap());
        let public = host.starts_with("public");
        let repeatable = !text.starts_with("once");
        Ok(Facts { pacing_key: host.trim().into(), public, repeatable, ..any_item() })
    }
}

impl Script {
    fn player(&self) -> Player {
        let number = self.stage.shared.opened.fetch_add(1, Ordering::SeqCst);
        self.stage.shared.open.fetch_add(1, Ordering::SeqCst);
        let stage = Stage { number, ..self.stage.clone() };
        Player { stage, blocking: self.kind == Kind::Blocking }
    }
}

impl BlockingWork for Script {
    fn open(&self, _: SessionScope) -> Result<Box<dyn BlockingSession>, SessionError> {
        Ok(Box::new(self.player()))
    }
}

impl AsyncWork for Script {
    fn open(&self, _: SessionScope) -> Result<Box<dyn AsyncSession>, SessionError> {
        // As an HTTP session may: it needs its event loop from the beginning.
        drop(tokio::time::sleep(Duration::ZERO));
        Ok(Box::new(self.player()))
    }
}

/// An event loop that the engine knows nothing of.
impl LoopWork for Script {
    fn run(
        &self,
        slots: u32,
        _: SessionScope,
        host: &mut dyn LoopHost,
    ) -> Result<(), SessionError> {
        use futures_util::stream::{FuturesUnordered, StreamExt as _};
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let player = self.player();
        runtime.block_on(async {
            let mut in_flight = FuturesUnordered::new();
            let mut ended = false;
            loop {
                let next = std::future::poll_fn(|cx| {
                    if !ended
                        && in_flight.len() < slots as usize
                        && let Poll::Ready(next) = host.poll_next(cx)
                    {
                        return Poll::Ready(Some(Ok(next)));
                    }
                    match in_flight.poll_next_unpin(cx) {
                        Poll::Ready(Some(done)) => Poll::Ready(Some(Err(done))),
                        Poll::Ready(None) if ended => Poll::Ready(None),
                        _ => Poll::Pending,
                    }
                });
                match next.await {
                    Some(Err((slot, reply))) => host.done(slot, reply, 0),
                    None | Some(Ok(HostItem::Abandoned)) => return Ok(()),
                    Some(Ok(HostItem::End)) => ended = true,
                    Some(Ok(HostItem::Item { slot, item })) => {
                        if item.text() == Some("break the loop") {
                            let error = ItemError::new(ErrorKind::Command, "the loop broke");
                            return Err(SessionError::Failed(error));
                        }
                        if item.text() == Some("leave the loop") {
                            return Ok(());
                        }
                        let player = &player;
                        in_flight
                            .push(async move { (slot, player.stage.play(&item, false).await) });
                    }
                }
            }
        })
    }
}

/// It did not go well, and this is advised.
fn failed(advice: Advice) -> Reply {
    let error = ItemError::new(ErrorKind::Command, "it was told to fail");
    Reply::Done(Performed { advice, ..Performed::failed(error, None) })
}

struct Player {
    stage: Stage,
    blocking: bool,
}

impl Drop for Player {
    fn drop(&mut self) {
        self.stage.shared.open.fetch_sub(1, Ordering::SeqCst);
    }
}

impl AsyncSession for Player {
    fn perform<'a>(&'a self, item: &'a Item) -> PerformFuture<'a> {
        assert!(!item.text().unwrap().starts_with("panic at call"), "panic at call");
        Box::pin(self.stage.play(item, self.blocking))
    }
}

impl BlockingSession for Player {
    fn perform(&mut self, item: &Item) -> Reply {
        use futures_util::FutureExt as _;
        self.stage.play(item, self.blocking).now_or_never().expect("blocking steps never wait")
    }
}

#[derive(Debug, Clone)]
struct Stage {
    dir: PathBuf,
    shared: Arc<Shared>,
    clock: Arc<dyn Clock>,
    number: i64,
}

/// Counts an item in flight, however it ends.
struct InFlight<'a>(&'a Shared);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Stage {
    async fn play(&self, item: &Item, blocking: bool) -> Reply {
        let in_flight = self.shared.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
        let _in_flight = InFlight(&self.shared);
        for step in item.text().unwrap().split(';') {
            let (verb, rest) = step.trim().split_once(' ').unwrap_or((step.trim(), ""));
            match verb {
                // Said of the item: it may not be done twice, or what it is paced with.
                "ok" | "once" | "at" => {}
                "fail" => return failed(Advice::Final),
                "fail-until" => {
                    if item.tries < rest.parse().unwrap() {
                        return failed(Advice::Retry);
                    }
                }
                "stop" => return failed(Advice::Stop),
                "refuse" => return failed(Advice::Pause { until_us: None, of: None }),
                "refuse-once" => {
                    let (file, ms) = rest.split_once(' ').unwrap();
                    if !self.dir.join(file).exists() {
                        let now_us = self.clock.now_us();
                        let until_us = now_us + 1_000 * ms.parse::<u64>().unwrap();
                        self.note(file, &format!("{now_us} {until_us}"));
                        return failed(Advice::Pause { until_us: Some(until_us), of: None });
                    }
                }
                "apart" => {
                    let apart_us = 1_000 * rest.parse::<u64>().unwrap();
                    if item.apart_us < apart_us {
                        return failed(Advice::Space { apart_us });
                    }
                }
                "first" => {
                    if item.put_back_by != std::process::id() {
                        return failed(Advice::Again);
                    }
                }
                "again" => {
                    let (times, ms) = rest.split_once(' ').unwrap();
                    let until_us = self.clock.now_us() + 1_000 * ms.parse::<u64>().unwrap();
                    until(blocking, || self.clock.now_us() >= until_us).await;
                    if self.count(item) < times.parse().unwrap() {
                        return failed(Advice::Again);
                    }
                }
                "touch" => self.touch(rest),
                "new" => drop(fs::File::create_new(self.dir.join(rest)).unwrap()),
                "find" => assert!(self.dir.join(rest).exists(), "{rest} is not there"),
                "wait" => until(blocking, || self.dir.join(rest).exists()).await,
                "meet" => {
                    self.touch(&format!("here-{}", item.index));
                    let number: usize = rest.parse().unwrap();
                    until(blocking, || self.here() >= number).await;
                }
                "panic" => panic!("{rest}"),
                "kill" => die(rest),
                "kill-unless" => {
                    let (file, signal) = rest.split_once(' ').unwrap();
                    if !self.dir.join(file).exists() {
                        self.touch(file);
                        die(signal);
                    }
                }
                "exit" => std::process::exit(rest.parse().unwrap()),
                "say" => say(format!("{rest}\n").as_bytes()),
                "spew" => say(&[vec![b'x'; rest.parse().unwrap()], b"\n".to_vec()].concat()),
                "blurt" => say(b"a \xff b\n"),
                "spin" => loop {
                    std::hint::spin_loop();
                },
                "hold" => {
                    let file = OpenOptions::new().write(true).open(self.dir.join(rest)).unwrap();
                    std::mem::forget(file);
                }
                "linger" => {
                    let mut child = std::process::Command::new("/proc/self/exe");
                    let child = child.arg(LINGER_VERB).arg(self.dir.join(rest)).spawn().unwrap();
                    self.note(&format!("lingers {}", child.id()), &child.id().to_string());
                }
                "exhausted" => {
                    if self.shared.open.load(Ordering::SeqCst) > rest.parse().unwrap() {
                        let error = ItemError::new(ErrorKind::Connect, "too many open files");
                        return Reply::Exhausted(error);
                    }
                }
                other => panic!("no step is called {other}"),
            }
        }
        let mut performed = Performed::ok(None);
        performed.extract = vec![
            ("session".into(), Value::Integer(self.number)),
            ("in_flight".into(), Value::Integer(in_flight)),
        ];
        Reply::Done(performed)
    }

    /// Makes a file that holds this process's id; it is whole as soon as it is there.
    fn touch(&self, name: &str) {
        self.note(name, &std::process::id().to_string());
    }

    /// How often this was asked for the item, this time included.
    fn count(&self, item: &Item) -> u64 {
        let name = self.dir.join(format!("starts-{}", item.index));
        let mut file = OpenOptions::new().create(true).append(true).open(name).unwrap();
        file.write_all(b"x").unwrap();
        file.metadata().unwrap().len()
    }

    fn note(&self, name: &str, what: &str) {
        let aside = self.dir.join(format!(".{name} {} {}", std::process::id(), self.number));
        fs::write(&aside, what).unwrap();
        fs::rename(aside, self.dir.join(name)).unwrap();
    }

    fn here(&self) -> usize {
        let names = fs::read_dir(&self.dir).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_string_lossy().starts_with("here-")).count()
    }
}

/// Waits for an event, which here always is a file.
async fn until(blocking: bool, event: impl Fn() -> bool) {
    const LOOK_EVERY: Duration = Duration::from_millis(1);
    while !event() {
        if blocking {
            std::thread::sleep(LOOK_EVERY);
        } else {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

fn die(signal: &str) {
    let number: i32 = signal.parse().unwrap();
    // Until it arrives. The handler that Rust installs against stack overflows takes the first SIGSEGV for itself.
    loop {
        kill(getpid(), Signal::try_from(number).unwrap()).unwrap();
        std::thread::park_timeout(Duration::from_millis(1));
    }
}

fn say(bytes: &[u8]) {
    std::io::stderr().write_all(bytes).unwrap();
}

/// The whole life of a process that `linger` has started.
pub(crate) fn linger(file: &Path) {
    // The folder goes with its scene, perhaps before anybody has looked for the file.
    while !file.exists() && file.parent().is_some_and(Path::exists) {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The name of a work that can't be set up in a worker process, which dies of it.
pub(crate) const STILLBORN: &str = "stillborn";

pub(crate) fn build_stillborn(
    settings: &Value,
    services: &Services,
) -> Result<Arc<dyn Work>, String> {
    if std::env::args().nth(1).as_deref() == Some(gaits_engine::WORKER_VERB) {
        std::process::exit(7);
    }
    build(settings, services)
}

/// The name of a work whose sessions break. Its settings are a kind, and which of [`BREAKS`] it is.
pub(crate) const BRITTLE: &str = "brittle";

/// Ways to break.
pub(crate) const BREAKS: &[&str] =
    &["open panics", "open fails", "reopen panics", "reopen fails", "close panics"];

#[derive(Debug)]
struct Brittle {
    blocking: bool,
    breaks: String,
    opened: AtomicI64,
}

impl Brittle {
    fn open_one(&self) -> Result<BrittleSession, SessionError> {
        let again = self.opened.fetch_add(1, Ordering::SeqCst) > 0;
        match &*self.breaks {
            "open panics" => panic!("brittle"),
            "reopen panics" if again => panic!("brittle"),
            "open fails" => {}
            "reopen fails" if again => {}
            breaks => return Ok(BrittleSession { panics_at_end: breaks == "close panics" }),
        }
        Err(SessionError::Failed(ItemError::new(ErrorKind::Connect, "brittle")))
    }
}

impl Work for Brittle {
    fn performs(&self) -> Performs<'_> {
        if self.blocking { Performs::Blocking(self) } else { Performs::Async(self) }
    }

    fn settings(&self) -> Vec<Setting> {
        Vec::new()
    }

    fn inspect<'a>(&self, _: &'a Data) -> Result<Facts<'a>, Refused> {
        Ok(any_item())
    }
}

impl AsyncWork for Brittle {
    fn open(&self, _: SessionScope) -> Result<Box<dyn AsyncSession>, SessionError> {
        Ok(Box::new(self.open_one()?))
    }
}

impl BlockingWork for Brittle {
    fn open(&self, _: SessionScope) -> Result<Box<dyn BlockingSession>, SessionError> {
        Ok(Box::new(self.open_one()?))
    }
}

/// Does `ok`, and panics at `panic`.
struct BrittleSession {
    panics_at_end: bool,
}

impl AsyncSession for BrittleSession {
    fn perform<'a>(&'a self, item: &'a Item) -> PerformFuture<'a> {
        Box::pin(async move { brittle_reply(item) })
    }
}

impl BlockingSession for BrittleSession {
    fn perform(&mut self, item: &Item) -> Reply {
        brittle_reply(item)
    }
}

fn brittle_reply(item: &Item) -> Reply {
    assert_eq!(item.text(), Some("ok"), "as it was told");
    Reply::Done(Performed::ok(None))
}

impl Drop for BrittleSession {
    fn drop(&mut self) {
        assert!(!self.panics_at_end || std::thread::panicking(), "brittle");
    }
}

pub(crate) fn build_brittle(settings: &Value, _: &Services) -> Result<Arc<dyn Work>, String> {
    let Value::String(config) = settings else { return Err("not a text".into()) };
    let (kind, breaks) = config.split_once(' ').ok_or("no way to break")?;
    Ok(Arc::new(Brittle {
        blocking: kind == "blocking",
        breaks: breaks.into(),
        opened: AtomicI64::new(0),
    }))
}
