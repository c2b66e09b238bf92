//! Puts a run together: source, dispatcher, executor, sinks.

use crate::clock::MonotonicClock;
use crate::dispatch::{self, Dispatcher, Notes, Observer, RunEnd, RunError, State};
use crate::exec::{self, Context, WorkerCommand, WorkersLeft};
use crate::flow::{EventQueue, ItemQueue, RecordQueue, Signal, Withdrawal};
use crate::pace::{Namer, Pacer};
use crate::plan::Plan;
use crate::progress::Progress;
use crate::works::{Works, services};
use gaits_core::{Clock, Sink, Source, Work};
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use tokio_util::sync::CancellationToken;

/// A handle on one run, to watch and to stop it from any thread.
#[derive(Debug, Clone, Default)]
pub struct Control {
    events: Arc<EventQueue>,
    progress: Arc<Progress>,
    interrupted: Arc<AtomicBool>,
    used: Arc<AtomicBool>,
}

impl Control {
    /// A handle for a run that has not begun.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The first time: no further item is started, those in flight are finished. The second time: the run ends at
    /// once, with what is recorded.
    pub fn interrupt(&self) {
        let again = self.interrupted.swap(true, Ordering::SeqCst);
        self.events.signal(if again { Signal::Abandon } else { Signal::Interrupt });
    }

    /// No further item is started, and those in flight are finished, however often this is called: it counts as no
    /// [interrupt](Self::interrupt), of which the second would end the run at once.
    pub fn stop(&self) {
        self.events.signal(Signal::Interrupt);
    }

    /// Takes items out of the run that were read and that nobody has started, by their indices. `told` hears which those
    /// were, on the dispatcher's thread: they have no record, and the source is told of them at its end, as of all that was
    /// not done. The others are at work, done, not read yet, or lie in a worker process already. Many are better withdrawn at
    /// once than one by one, as all that waits is looked at. When the run has ended, `told` is dropped without a call.
    pub fn withdraw(&self, indices: Vec<u64>, told: impl FnOnce(Vec<u64>) + Send + 'static) {
        self.events.withdraw(Withdrawal { indices, told: Box::new(told) });
    }

    /// How far the run has come.
    #[must_use]
    pub fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }
}

/// The program around the engine: what it can do, and how it starts a worker process.
#[derive(Debug, Clone)]
pub struct Program {
    /// The works that its plans may name.
    pub works: Works,
    /// What starts a worker process. That process must call [`worker_main`](crate::worker_main) with the same works.
    pub worker: WorkerCommand,
}

/// Runs `plan` over the items of `source` and blocks until each has its record in every one of `sinks`.
///
/// The workers run on the calling thread and on threads and processes below it; the dispatcher has a thread of its
/// own. A `control` serves one run.
///
/// # Errors
/// The run could not begin or go on; what was recorded until then is intact.
pub fn run<'b>(
    program: &Program,
    plan: &Plan,
    source: Box<dyn Source>,
    sinks: &mut [&'b mut (dyn Sink + 'b)],
    observer: &mut (dyn Observer + 'b),
    control: &Control,
) -> Result<RunEnd, RunError> {
    if control.used.swap(true, Ordering::SeqCst) {
        return Err(RunError::UsedControl);
    }
    let clock = MonotonicClock::start();
    let executor = exec::executor(plan, &program.worker, clock);
    let clock: Arc<dyn Clock> = Arc::new(clock);
    let services = services(&clock, &control.events, &plan.limits);
    let work = program.works.build(&plan.work.name, &plan.work.settings, &services)?;
    let layout = plan.model.layout();
    let workers = usize::try_from(layout.workers()).unwrap_or(usize::MAX);
    // In a main process whose workers are processes, each process counts as one; it counts the workers in it by itself.
    let workers_left = if layout.processes > 1 || plan.model.inside_processes().is_some() {
        layout.processes as usize
    } else {
        workers
    };
    let cx = Context {
        queue: Arc::new(ItemQueue::new()),
        work,
        session: plan.session,
        heeds_pauses: services.heeds_pauses,
        out: Arc::clone(&control.events),
        cancel: CancellationToken::new(),
        clock: Arc::clone(&clock),
        workers_left: Arc::new(WorkersLeft::new(workers_left)),
        start_log: None,
    };
    let records = Arc::new(RecordQueue::default());
    let (last_written, written) = channel();
    let mut dispatcher = Dispatcher {
        events: Arc::clone(&control.events),
        queue: Arc::clone(&cx.queue),
        pacer: Pacer::new(workers, plan.limits, namer(&cx.work), clock.now_us()),
        limits: plan.limits,
        undone: source.hears_of_undone(),
        open: None,
        clock,
        cancel: cx.cancel.clone(),
        records: Arc::clone(&records),
        notes: Notes::of(sinks),
        written,
        observer,
        progress: control.progress(),
        state: State::default(),
    };
    let stopper = source.stopper();
    let open = stopper.as_ref().map(|_| Arc::<Mutex<HashSet<u64>>>::default());
    dispatcher.open.clone_from(&open);
    let source = dispatch::pump(source, Arc::clone(&cx.work), Arc::clone(&control.events))
        .map_err(|source| RunError::Thread { name: "source", source })?;
    let ended = thread::scope(|scope| {
        let (events, to_write) = (&control.events, Arc::clone(&records));
        let writer = thread::Builder::new()
            .name("writer".into())
            .spawn_scoped(scope, move || {
                let written = dispatch::write(sinks, &to_write, events);
                // The dispatcher waits for it to its end, unless it has panicked.
                let _ = last_written.send(written);
            })
            .map_err(|source| {
                control.events.close();
                RunError::Thread { name: "writer", source }
            })?;
        let dispatcher = thread::Builder::new()
            .name("dispatcher".into())
            .spawn_scoped(scope, move || dispatcher.run())
            .map_err(|source| {
                control.events.close();
                records.close();
                RunError::Thread { name: "dispatcher", source }
            })?;
        // Should an executor panic, or a work when it is opened, the dispatcher must still learn that nobody is left.
        let ended = catch_unwind(AssertUnwindSafe(|| executor.run(&cx)));
        let (ended, panic) = match ended {
            Ok(ended) => (ended, None),
            Err(panic) => (Ok(()), Some(panic)),
        };
        control.events.signal(Signal::ExecutorEnded(ended));
        let result = dispatcher.join();
        if let Err(panic) = writer.join() {
            resume_unwind(panic);
        }
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
        result.unwrap_or_else(|panic| resume_unwind(panic))
    });
    if let (Some(stop), Some(open)) = (stopper, open) {
        stop();
        give_back(source, &open, &control.events);
    }
    ended
}

/// Waits for the end of a source that was stopped, and tells it what was not done.
fn give_back(
    source: JoinHandle<Option<Box<dyn Source>>>,
    open: &Mutex<HashSet<u64>>,
    events: &EventQueue,
) {
    // What it has panicked of is told as the end of the source.
    let Ok(Some(mut source)) = source.join() else { return };
    let mut open = std::mem::take(&mut *open.lock().unwrap_or_else(PoisonError::into_inner));
    open.extend(events.unread().into_iter().map(|entry| entry.index));
    let mut indices: Vec<_> = open.into_iter().collect();
    indices.sort_unstable();
    source.given_back(&indices);
}

/// What messages call the pacing keys of `work`.
fn namer(work: &Arc<dyn Work>) -> Namer {
    let work = Arc::clone(work);
    Box::new(move |item| {
        let facts = work.inspect(item);
        facts.map_or_else(|_| Box::default(), |facts| facts.pacing_key.as_ref().into())
    })
}
