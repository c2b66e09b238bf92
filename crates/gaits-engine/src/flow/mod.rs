//! The queues around the dispatcher: items go down to the workers through the [`ItemQueue`], reports come up through the
//! [`EventQueue`], records go on to the sinks through the [`RecordQueue`]. A worker process has the first two of its own,
//! joined to the dispatcher's by a socket.
//!
//! Limit: what is handed out, and what a report means, is the dispatcher's business.

mod end;
mod event_queue;
mod item_queue;
#[cfg(all(test, gaits_loom))]
mod orders;
mod record_queue;
mod sync;

pub use end::ExecutorError;
pub use event_queue::Notice;
pub(crate) use event_queue::{Batch, EventQueue, Patience, Report, Signal, Withdrawal};
pub(crate) use item_queue::ItemQueue;
pub(crate) use record_queue::RecordQueue;

#[cfg(test)]
#[cfg(not(gaits_loom))]
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
    fn work(queue: &ItemQueue, events: &EventQueue, tasks: u64) {
        let done = |item: Item| {
            let error = ItemError::new(ErrorKind::Panic, "none");
            let record = Record::unperformed(item, error, 1, None, 0);
            events.report(Report::Done { record, key: gaits_core::PacingKey::default() });
        };
        if tasks == 0 {
            while let Some(item) = queue.next_blocking(|| events.idle()) {
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
                    next = queue.next(|| events.idle()) => next,
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
    fn dispatch(queue: &ItemQueue, events: &EventQueue, most: u64) -> u64 {
        let (mut pushed, mut finished) = (0, 0);
        let mut batch = Batch::default();
        let mut patience = Patience::Long;
        while finished < ITEMS {
            let more = (finished + most).min(ITEMS);
            let refused = queue.push((pushed..more).map(|index| Item::new(index, "x")));
            assert!(refused.is_empty());
            pushed = more;
            events.collect(&mut batch, patience, false);
            patience = if batch.reports.is_empty() { Patience::Long } else { Patience::Short };
            finished += batch.reports.drain(..).len() as u64;
        }
        queue.close();
        finished
    }

    #[test]
    fn no_wake_up_is_lost() {
        for (tasks, most) in [(0, 1), (0, 3), (3, 1), (3, 4), (1, 2)] {
            let (done, ended) = channel();
            let round = thread::Builder::new().name("round".into()).spawn(move || {
                let (queue, events) = (Arc::new(ItemQueue::new()), Arc::new(EventQueue::new()));
                thread::scope(|scope| {
                    for _ in 0..3 {
                        scope.spawn(|| work(&queue, &events, tasks));
                    }
                    let finished = dispatch(&queue, &events, most);
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
