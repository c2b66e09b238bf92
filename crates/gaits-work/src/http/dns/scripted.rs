//! Look-ups on the test's own thread, which a script answers, so that tests can run on tokio's paused clock.

use super::*;
use crate::http::dns::source::{Found, Source};
use gaits_core::ManualClock;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::time::Instant;

/// Answers each name with 127.0.0.2, after a time that depends on how often it has been asked for; or never.
pub(in crate::http) struct Script {
    after: Box<After>,
    log: Arc<Log>,
}

/// How long a name takes that has been asked for so many times before.
type After = dyn Fn(&str, usize) -> Option<Duration> + Send;

/// What a script was asked.
#[derive(Debug, Default)]
pub(in crate::http) struct Log {
    asked: Mutex<Vec<(Arc<str>, Instant)>>,
    under_way: AtomicUsize,
    most: AtomicUsize,
}

impl Log {
    /// When each time `host` was asked for.
    pub(in crate::http) fn times(&self, host: &str) -> Vec<Instant> {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|(name, _)| **name == *host).map(|(_, at)| *at).collect()
    }

    /// How many look-ups there were at a time, at most.
    pub(in crate::http) fn most(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }
}

impl Script {
    pub(in crate::http) fn new(
        after: impl Fn(&str, usize) -> Option<Duration> + Send + 'static,
    ) -> (Self, Arc<Log>) {
        let log = Arc::<Log>::default();
        (Self { after: Box::new(after), log: log.clone() }, log)
    }
}

/// Counts a look-up until it is dropped.
struct UnderWay(Arc<Log>);

impl UnderWay {
    fn count(log: Arc<Log>) -> Self {
        let now = log.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        log.most.fetch_max(now, Ordering::SeqCst);
        Self(log)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Source for Script {
    fn look_up(
        &mut self,
        host: Arc<str>,
    ) -> impl Future<Output = Result<Found, LookupError>> + Send + 'static {
        let after = (self.after)(&host, self.log.times(&host).len());
        self.log.asked.lock().unwrap().push((host, Instant::now()));
        let log = self.log.clone();
        async move {
            let _under_way = UnderWay::count(log);
            let Some(after) = after else { return std::future::pending().await };
            tokio::time::sleep(after).await;
            let addresses = Addresses::new(["127.0.0.2".parse().unwrap()]).unwrap();
            Ok(Found { addresses, life: Duration::from_mins(1) })
        }
    }
}

/// Runs `test` with look-ups that `script` answers, on a clock that goes on as soon as nothing else is to be done.
/// `patience` is that of [`Dns::new`].
pub(in crate::http) fn run<T>(
    script: Script,
    patience: Duration,
    test: impl AsyncFnOnce(Dns) -> T,
) -> T {
    let servers = NameServers::Only(([127, 0, 0, 1], 9).into(), upstream::Families::V4);
    let dns = Dns::new(servers, Some(patience), Arc::<ManualClock>::default());
    let (questions, asked) = mpsc::unbounded_channel();
    let (stop, stopped) = oneshot::channel();
    let handle = std::thread::Builder::new().name("no-resolver".into()).spawn(|| ()).unwrap();
    *dns.thread.lock().unwrap() = Some(Thread { questions, stop, handle });
    let deadline = dns.deadline;
    let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let resolver = Resolver::new(script, deadline).serve(asked, stopped);
        tokio::select! {
            result = test(dns) => result,
            () = resolver => panic!("the resolver ended before the test"),
        }
    })
}

/// The results of `futures`, run at a time.
pub(in crate::http) async fn join_all<T>(
    futures: impl Iterator<Item = impl Future<Output = T>>,
) -> Vec<T> {
    let mut futures: Vec<_> = futures.map(|f| (Box::pin(f), None)).collect();
    std::future::poll_fn(|cx| {
        let mut pending = false;
        for (future, result) in &mut futures {
            if result.is_none() {
                match future.as_mut().poll(cx) {
                    std::task::Poll::Ready(ready) => *result = Some(ready),
                    std::task::Poll::Pending => pending = true,
                }
            }
        }
        if pending { std::task::Poll::Pending } else { std::task::Poll::Ready(()) }
    })
    .await;
    futures.into_iter().filter_map(|(_, result)| result).collect()
}
