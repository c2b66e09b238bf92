//! The two queues between the dispatcher and the workers: items go down the [`Feed`], reports come up the
//! [`Inbox`]. A worker process has a pair of its own, joined to the dispatcher's by a socket.
//!
//! Limit: what is handed out, and what a report means, is the dispatcher's business.

mod end;
mod feed;
mod inbox;

pub use end::ExecutorError;
pub(crate) use feed::Feed;
pub use inbox::Notice;
pub(crate) use inbox::{Batch, Inbox, Patience, Report, Signal};

#[cfg(test)]
mod tests {
    use super::*;
    use gaits_core::{ErrorKind, Item, ItemError, Record};
    use std::sync::Arc;
    use std::sync::mpsc::channel;
    use std::thread;
    use std::time::Duration;

    /// So many items go round; few at a time, so that everybody sleeps and is woken all the time.
    const ITEMS: u64 = 20_000;

    /// Takes items as a thread does, or as tasks do that now and then lose interest while they wait.
    fn work(feed: &Feed, inbox: &Inbox, tasks: u64) {
        let done = |item: Item| {
            let error = ItemError::new(ErrorKind::Panic, "none");
            let record = Record::unperformed(item, error, 1, None, 0);
            inbox.report(Report::Done { record, retry: None });
        };
        if tasks == 0 {
            while let Some(item) = feed.next_blocking(|| inbox.idle()) {
                done(item);
            }
            return;
        }
        let task = async |number: u64| {
            let mut turn = number;
            loop {
                turn += 1;
                let next = tokio::select! {
                    biased;
                    next = feed.next(|| inbox.idle()) => next,
                    () = leave_after(turn % 4), if turn.is_multiple_of(3) => continue,
                };
                let Some(item) = next else { break };
                done(item);
            }
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(futures_util::future::join_all((0..tasks).map(task)));
    }

    async fn leave_after(yields: u64) {
        for _ in 0..yields {
            tokio::task::yield_now().await;
        }
    }

    /// Keeps a few items out until all are done.
    fn dispatch(feed: &Feed, inbox: &Inbox, most: u64) -> u64 {
        let (mut pushed, mut finished) = (0, 0);
        let mut batch = Batch::default();
        let mut patience = Patience::Long;
        while finished < ITEMS {
            let more = (finished + most).min(ITEMS);
            let refused = feed.push((pushed..more).map(|index| Item::new(index, "x")));
            assert!(refused.is_empty());
            pushed = more;
            inbox.collect(&mut batch, patience, false);
            patience = if batch.reports.is_empty() { Patience::Long } else { Patience::Short };
            finished += batch.reports.drain(..).len() as u64;
        }
        feed.close();
        finished
    }

    #[test]
    fn no_wake_up_is_lost() {
        for (tasks, most) in [(0, 1), (0, 3), (3, 1), (3, 4), (1, 2)] {
            let (done, ended) = channel();
            let round = thread::Builder::new().name("round".into()).spawn(move || {
                let (feed, inbox) = (Arc::new(Feed::new()), Arc::new(Inbox::new()));
                thread::scope(|scope| {
                    for _ in 0..3 {
                        scope.spawn(|| work(&feed, &inbox, tasks));
                    }
                    let finished = dispatch(&feed, &inbox, most);
                    assert_eq!(finished, ITEMS);
                });
                done.send(()).unwrap();
            });
            let hung = ended.recv_timeout(Duration::from_mins(5)).is_err();
            assert!(
                !hung && round.is_ok(),
                "somebody sleeps for ever: {tasks} tasks a thread, {most} items at most"
            );
        }
    }
}
