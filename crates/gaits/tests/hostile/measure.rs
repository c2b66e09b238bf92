//! Performs items on an event loop beside a healthy neighbour, and measures what they cost the loop and the heap.
//!
//! CPU time is that of the loop's thread, so that a busy machine changes no figure. Limit: what the work hands to other
//! threads costs the loop nothing, and is counted on the heap alone.

use crate::heap::{Account, charge_nobody};
use gaits::http::{HttpSpec, HttpWork};
use gaits_core::{AsyncSession, AsyncWork, Clock, ErrorKind, Item, Performed, Reply, SessionScope};
use gaits_engine::MonotonicClock;
use std::cell::Cell;
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, LocalOptions, LocalRuntime};
use tokio::task::{JoinSet, yield_now};

/// How many requests the neighbour makes at least.
const NEIGHBOURLY: usize = 3;

/// How long after its deadline an item may be polled without notice, in microseconds: timers fire at the next
/// millisecond, and the two clocks are read one after the other.
const GRACE_US: u64 = 2_000;

/// What items did and cost.
#[derive(Debug)]
pub(crate) struct Seen {
    /// What came of each, in order.
    pub(crate) performed: Vec<Performed>,
    /// How often they were polled, in all.
    pub(crate) polls: u64,
    /// How often one was polled after its deadline.
    pub(crate) late_polls: u64,
    /// The CPU time of the longest poll.
    pub(crate) longest_poll_us: u64,
    /// The CPU time of the longest round of the loop, in which each of its tasks has one turn at most: how long a
    /// neighbour that is ready waits for its turn.
    pub(crate) longest_round_us: u64,
    /// The most bytes that lived on the heap beyond those that did before.
    pub(crate) peak: i64,
    /// What came of the neighbour's requests.
    pub(crate) neighbour: Vec<Performed>,
}

/// Costs that are added up while an item is polled.
#[derive(Debug, Default)]
struct Meter {
    polls: Cell<u64>,
    late_polls: Cell<u64>,
    longest_poll_us: Cell<u64>,
    longest_round_us: Cell<u64>,
}

/// An event loop as the engine has it, whose threads are charged to `account`.
pub(crate) fn event_loop(account: &'static Account) -> LocalRuntime {
    let mut builder = Builder::new_current_thread();
    builder.enable_all().on_thread_start(|| account.charge_this_thread());
    builder.build_local(LocalOptions::default()).unwrap()
}

/// A session of its own for what is done as `spec` says.
pub(crate) fn open(spec: &HttpSpec, clock: Arc<dyn Clock>) -> Rc<dyn AsyncSession> {
    let work = HttpWork::new(spec, clock).unwrap();
    Rc::from(work.open(SessionScope::Loop).unwrap())
}

/// Performs one item.
pub(crate) async fn perform(session: &dyn AsyncSession, url: &str) -> Performed {
    match session.perform(&Item::new(0, url)).await {
        Reply::Done(performed) => performed,
        Reply::Exhausted(error) => panic!("there are file descriptors enough: {error}"),
    }
}

/// Performs `url` so many times, one after the other in one session that does as `spec` says, while a neighbour on the
/// same loop asks for `healthy` again and again.
pub(crate) fn measure(spec: &HttpSpec, url: &str, times: usize, healthy: &str) -> Seen {
    let account = Account::open();
    account.charge_this_thread();
    let runtime = event_loop(account);
    let seen = runtime.block_on(beside_a_neighbour(spec, url, times, healthy, account));
    drop(runtime);
    charge_nobody();
    seen
}

async fn beside_a_neighbour(
    spec: &HttpSpec,
    url: &str,
    times: usize,
    healthy: &str,
    account: &'static Account,
) -> Seen {
    let clock = MonotonicClock::start();
    let neighbour = open(&HttpSpec::default(), Arc::new(clock));
    let session = open(spec, Arc::new(clock));
    // What is made once is made now, so that it is not charged to anybody.
    perform(&*neighbour, healthy).await;
    let meter = Rc::new(Meter::default());
    let ended = Rc::new(Cell::new(false));
    let mut watch = JoinSet::new();
    watch.spawn_local(rounds(meter.clone(), clock));
    let mut neighbours = JoinSet::new();
    neighbours.spawn_local({
        let (healthy, ended) = (healthy.to_owned(), ended.clone());
        async move {
            let mut all = Vec::with_capacity(1_000);
            while all.len() < NEIGHBOURLY || !ended.get() {
                let performed = perform(&*neighbour, &healthy).await;
                // A failure is remembered, and of the others their number.
                if performed.outcome.is_err() || all.len() < NEIGHBOURLY {
                    all.push(performed);
                }
            }
            all
        }
    });
    let before = account.begin();
    let mut performed = Vec::with_capacity(times);
    for _ in 0..times {
        performed.push(metered(&*session, url, spec.timeout, &meter, clock).await);
    }
    let peak = account.peak() - before;
    ended.set(true);
    let neighbour = neighbours.join_next().await.unwrap().unwrap();
    Seen {
        performed,
        polls: meter.polls.get(),
        late_polls: meter.late_polls.get(),
        longest_poll_us: meter.longest_poll_us.get(),
        longest_round_us: meter.longest_round_us.get(),
        peak,
        neighbour,
    }
}

/// Performs one item and notes what its polls cost.
async fn metered(
    session: &dyn AsyncSession,
    url: &str,
    timeout: Option<Duration>,
    meter: &Meter,
    clock: MonotonicClock,
) -> Performed {
    let item = Item::new(0, url);
    let timeout_us = timeout.and_then(|timeout| u64::try_from(timeout.as_micros()).ok());
    let deadline_us = timeout_us.map_or(u64::MAX, |us| clock.now_us() + us + GRACE_US);
    let mut performing = session.perform(&item);
    let reply = poll_fn(|cx| {
        let (now_us, cpu_us) = (clock.now_us(), clock.thread_cpu_us());
        let polled = performing.as_mut().poll(cx);
        let took_us = clock.thread_cpu_us() - cpu_us;
        meter.polls.set(meter.polls.get() + 1);
        meter.late_polls.set(meter.late_polls.get() + u64::from(now_us > deadline_us));
        meter.longest_poll_us.set(meter.longest_poll_us.get().max(took_us));
        polled
    })
    .await;
    match reply {
        Reply::Done(performed) => performed,
        Reply::Exhausted(error) => panic!("there are file descriptors enough: {error}"),
    }
}

/// Notes what the rounds of the loop cost, until it is dropped.
async fn rounds(meter: Rc<Meter>, clock: MonotonicClock) {
    loop {
        let before = clock.thread_cpu_us();
        // The loop looks for new events, and polls every other task that is ready, before this one has its turn again.
        yield_now().await;
        let took_us = clock.thread_cpu_us() - before;
        meter.longest_round_us.set(meter.longest_round_us.get().max(took_us));
    }
}

/// The kind of an error and what it says.
pub(crate) fn failure(performed: &Performed) -> Option<(ErrorKind, &str)> {
    performed.outcome.as_ref().err().map(|error| (error.kind, &*error.message))
}
