//! Sets a run up, starts it, and waits for what it does.

use crate::script;
use gaits_core::{Data, Entry, More, Record, SessionScope, Sink, Source, Value};
use gaits_engine::plan::{Limits, Model, Plan, WorkSpec};
use gaits_engine::{
    Control, Notice, Observer, Program, RunEnd, RunError, WORKER_VERB, WorkerCommand, Works, run,
    worker_main,
};
use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use tempfile::TempDir;

/// The works that the tests and their worker processes know.
pub(crate) fn works() -> Works {
    Works::new()
        .with(script::SCRIPT, script::build)
        .with(script::STILLBORN, script::build_stillborn)
        .with(script::BRITTLE, script::build_brittle)
}

/// What the engine has to know of the tests.
pub(crate) fn program() -> Program {
    Program { works: works(), worker: WorkerCommand::this_binary() }
}

/// If this process is one that a test has started, does what it is for.
pub(crate) fn play_another_part() -> Option<std::process::ExitCode> {
    let args: Vec<String> = std::env::args().collect();
    match args.get(1).map(String::as_str) {
        Some(WORKER_VERB) => Some(worker_main(&works())),
        Some(script::LINGER_VERB) => {
            script::linger(args[2].as_ref());
            Some(std::process::ExitCode::SUCCESS)
        }
        Some(PARENT_VERB) => {
            let scene = Scene {
                model: args[2].clone(),
                kind: BLOCKING,
                session: SessionScope::Worker,
                dir: Dir::Shared(args[3].clone().into()),
            };
            scene.run(args[4..].iter().cloned());
            Some(std::process::ExitCode::SUCCESS)
        }
        _ => None,
    }
}

/// The verb of a process that runs a scene: its model, its folder, its items.
pub(crate) const PARENT_VERB: &str = "__parent";

/// Work that holds its thread.
pub(crate) const BLOCKING: &str = "blocking";
/// Work that waits without holding its thread.
pub(crate) const ASYNC: &str = "async";
/// Work that brings an event loop of its own.
pub(crate) const OWN_LOOP: &str = "own-loop";

#[derive(Debug)]
enum Dir {
    Own(TempDir),
    Shared(PathBuf),
}

/// A folder, a kind of work and a model.
#[derive(Debug)]
pub(crate) struct Scene {
    model: String,
    kind: &'static str,
    session: SessionScope,
    dir: Dir,
}

impl Scene {
    pub(crate) fn new(model: &str, kind: &'static str) -> Self {
        Self {
            model: model.into(),
            kind,
            session: SessionScope::Worker,
            dir: Dir::Own(tempfile::tempdir().unwrap()),
        }
    }

    /// The same, with sessions that are shared like this.
    pub(crate) fn sharing(self, session: SessionScope) -> Self {
        Self { session, ..self }
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        match &self.dir {
            Dir::Own(dir) => dir.path().join(name),
            Dir::Shared(dir) => dir.join(name),
        }
    }

    /// Makes a file that items may wait for.
    pub(crate) fn touch(&self, name: &str) {
        std::fs::write(self.file(name), "").unwrap();
    }

    /// Waits for a file that an item makes, and tells the id of the process that made it.
    pub(crate) fn await_file(&self, name: &str) -> u32 {
        let file = self.file(name);
        while !file.exists() {
            thread::sleep(std::time::Duration::from_millis(1));
        }
        std::fs::read_to_string(file).unwrap().parse().unwrap_or(0)
    }

    /// Waits for a file that an item makes in another process than `old`.
    pub(crate) fn await_file_of_another(&self, name: &str, old: u32) {
        while self.await_file(name) == old {
            thread::sleep(std::time::Duration::from_millis(1));
        }
    }

    pub(crate) fn plan(&self, name: &str) -> Plan {
        let settings = format!("{} {}", self.kind, self.file("").display());
        let work = WorkSpec::new(name, Value::String(settings.into()));
        Plan {
            work,
            model: self.model.parse::<Model>().unwrap(),
            session: self.session,
            limits: Limits::default(),
        }
    }

    /// Runs `items` to the end, with limits.
    pub(crate) fn run_with<T: Into<String>>(
        &self,
        limits: Limits,
        items: impl IntoIterator<Item = T>,
    ) -> Ended {
        self.start_with(limits, items).end()
    }

    /// Starts a run of `items` with limits.
    pub(crate) fn start_with<T: Into<String>>(
        &self,
        limits: Limits,
        items: impl IntoIterator<Item = T>,
    ) -> Live {
        let plan = Plan { limits, ..self.plan(script::SCRIPT) };
        Live::start_plan(plan, list(items))
    }

    /// Runs `items` to the end.
    pub(crate) fn run<T: Into<String>>(&self, items: impl IntoIterator<Item = T>) -> Ended {
        self.start(items).end()
    }

    /// Starts a run of `items`.
    pub(crate) fn start<T: Into<String>>(&self, items: impl IntoIterator<Item = T>) -> Live {
        Live::start_plan(self.plan(script::SCRIPT), list(items))
    }
}

/// Items that are not checked.
pub(crate) fn list<T: Into<String>>(items: impl IntoIterator<Item = T>) -> Box<dyn Source> {
    let items: Vec<Data> = items.into_iter().map(|item| Data::from(item.into())).collect();
    Box::new(Unasked(items.into_iter().enumerate()))
}

/// What a run has shown until now.
#[derive(Debug, Default)]
pub(crate) struct Sights {
    pub(crate) records: Vec<Record>,
    pub(crate) notices: Vec<Notice>,
}

/// What a run has shown until now, and a bell that rings for more.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    sights: Mutex<Sights>,
    more: Condvar,
}

impl Seen {
    fn note(&self, note: impl FnOnce(&mut Sights)) {
        note(&mut self.sights.lock().unwrap());
        self.more.notify_all();
    }
}

pub(crate) struct Collect(pub(crate) Arc<Seen>);

impl Sink for Collect {
    fn write(&mut self, record: &Record) -> io::Result<()> {
        self.0.note(|sights| sights.records.push(record.clone()));
        Ok(())
    }
}

pub(crate) struct Watch(pub(crate) Arc<Seen>);

impl Observer for Watch {
    fn notice(&mut self, notice: Notice) {
        self.0.note(|sights| sights.notices.push(notice));
    }
}

/// A run that is on its way.
pub(crate) struct Live {
    pub(crate) control: Control,
    pub(crate) seen: Arc<Seen>,
    thread: JoinHandle<Result<RunEnd, RunError>>,
}

impl Live {
    pub(crate) fn start(
        plan: Plan,
        source: Box<dyn Source>,
        body: impl FnOnce(&Arc<Seen>, &Control, &Plan, Box<dyn Source>) -> Result<RunEnd, RunError>
        + Send
        + 'static,
    ) -> Self {
        let control = Control::new();
        let seen = Arc::new(Seen::default());
        let (theirs, control_) = (Arc::clone(&seen), control.clone());
        let thread = thread::Builder::new()
            .name("run".into())
            .spawn(move || body(&theirs, &control_, &plan, source))
            .unwrap();
        Self { control, seen, thread }
    }

    /// Starts a run of a plan of the test's own, with nothing else of it.
    pub(crate) fn start_plan(plan: Plan, source: Box<dyn Source>) -> Self {
        Self::start(plan, source, |seen, control, plan, source| {
            let mut sink = Collect(Arc::clone(seen));
            run(&program(), plan, source, &mut [&mut sink], &mut Watch(Arc::clone(seen)), control)
        })
    }

    /// Waits until what the run has shown satisfies `enough`.
    pub(crate) fn wait_until(&self, enough: impl Fn(&Sights) -> bool) {
        let sights = self.seen.sights.lock().unwrap();
        drop(self.seen.more.wait_while(sights, |sights| !enough(sights)).unwrap());
    }

    /// Waits for the end of the run; a panic in it is the test's.
    pub(crate) fn end(self) -> Ended {
        let end = self.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let sights = std::mem::take(&mut *self.seen.sights.lock().unwrap());
        let mut records = sights.records;
        records.sort_by_key(|record| record.index);
        Ended { end, records, notices: sights.notices }
    }
}

/// A run that is over; records are in the order of the input.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) end: Result<RunEnd, RunError>,
    pub(crate) records: Vec<Record>,
    pub(crate) notices: Vec<Notice>,
}

impl Ended {
    /// Each of `items` items has exactly one record.
    pub(crate) fn assert_one_record_each(&self, items: usize) -> &Self {
        let indices: Vec<_> = self.records.iter().map(|record| record.index).collect();
        assert_eq!(indices, (0..items as u64).collect::<Vec<_>>(), "{:?}", self.end);
        let end = self.end.as_ref().unwrap();
        assert_eq!((end.ok + end.failed, end.given_back), (items as u64, 0), "{end:?}");
        self
    }

    /// And all of them went well.
    pub(crate) fn assert_all_ok(&self, items: usize) -> &Self {
        self.assert_one_record_each(items);
        for record in &self.records {
            assert!(record.outcome.is_ok(), "{record:?}");
        }
        self
    }

    pub(crate) fn pids(&self) -> BTreeSet<u32> {
        self.records.iter().map(|record| record.worker.unwrap().pid).collect()
    }

    pub(crate) fn tids(&self) -> BTreeSet<(u32, u32)> {
        self.records.iter().map(|r| r.worker.unwrap()).map(|w| (w.pid, w.tid)).collect()
    }

    /// The largest number of items that were at work at once, as the workers' stamps tell.
    pub(crate) fn most_at_once(&self) -> usize {
        let times = self.records.iter().map(|record| record.timing);
        let mut steps: Vec<_> =
            times.flat_map(|t| [(t.started_us, 1_i64), (t.finished_us, -1)]).collect();
        // An end and a start in the same microsecond are one after the other.
        steps.sort_unstable();
        let mut at_work = 0;
        let most = steps.iter().map(|(_, step)| {
            at_work += step;
            at_work
        });
        usize::try_from(most.max().unwrap_or(0)).unwrap()
    }

    pub(crate) fn died(&self) -> usize {
        self.notices.iter().filter(|notice| matches!(notice, Notice::WorkerDied { .. })).count()
    }
}

/// A number that the script wrote into the record.
pub(crate) fn number(record: &Record, name: &str) -> i64 {
    match record.extract.iter().find(|(known, _)| &**known == name) {
        Some((_, Value::Integer(number))) => *number,
        other => panic!("{name}: {other:?}"),
    }
}

/// What an item's failure says.
pub(crate) fn failure(record: &Record) -> (&'static str, &str) {
    let error = record.error().unwrap_or_else(|| panic!("{record:?}"));
    (error.kind.as_str(), &error.message)
}

/// Gives items of which the work has not been asked.
struct Unasked(std::iter::Enumerate<std::vec::IntoIter<Data>>);

impl Source for Unasked {
    fn next_batch(&mut self, limit: usize, batch: &mut Vec<Entry>) -> std::io::Result<More> {
        let before = batch.len();
        batch.extend(self.0.by_ref().take(limit).map(|(at, data)| Entry::item(at as u64, data)));
        Ok(if batch.len() - before < limit { More::No } else { More::Maybe })
    }
}
