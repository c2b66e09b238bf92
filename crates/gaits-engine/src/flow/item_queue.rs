//! The queue from which the workers of a process take items.
//!
//! It has no bound of its own: the dispatcher, which fills it, counts what it has handed out. The items in it belong to no worker yet, so a slow
//! item holds up nobody but its own worker, and all that has not been started can be taken back at any moment.

use gaits_core::{Item, PacingKey};
use std::collections::{HashSet, VecDeque};
use std::pin::pin;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use tokio::sync::{Notify, broadcast};
use tokio_util::sync::CancellationToken;

/// Items are taken together up to this many bytes of text, whatever their number: they travel in one frame.
const MOST_TAKEN_BYTES: usize = 1 << 20;
/// So many recalls are kept for who has not heard them; who misses one takes all back.
const RECALLS: usize = 64;

/// The queue from which the workers of a process take items, one by one.
#[derive(Debug)]
pub(crate) struct ItemQueue {
    state: Mutex<State>,
    /// Threads that wait for an item.
    threads: Condvar,
    /// Tasks that wait for an item.
    tasks: Notify,
    /// Pacing keys whose items are taken back.
    recalls: broadcast::Sender<PacingKey>,
    /// For those who have to know of the end while they take nothing.
    ended: CancellationToken,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Item>,
    closed: bool,
    /// How many threads wait.
    threads: usize,
}

impl State {
    /// The next item, or none when the item queue has ended; pending if there is nothing yet.
    fn next(&mut self) -> Poll<Option<Item>> {
        match self.queue.pop_front() {
            None if !self.closed => Poll::Pending,
            next => Poll::Ready(next),
        }
    }
}

impl ItemQueue {
    /// An empty, open item queue.
    #[must_use]
    pub(crate) fn new() -> Self {
        Self {
            state: Mutex::default(),
            threads: Condvar::new(),
            tasks: Notify::new(),
            recalls: broadcast::Sender::new(RECALLS),
            ended: CancellationToken::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing inside the lock can panic half-way, so a poisoned state is still whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts `items` in, and wakes as many workers as there are items. Gives back those that it does not take, since it has
    /// ended.
    #[must_use]
    pub(crate) fn push(&self, items: impl IntoIterator<Item = Item>) -> Vec<Item> {
        let mut state = self.lock();
        if state.closed {
            return items.into_iter().collect();
        }
        let before = state.queue.len();
        state.queue.extend(items);
        let added = state.queue.len() - before;
        let threads = added.min(state.threads);
        drop(state);
        for _ in 0..threads {
            self.threads.notify_one();
        }
        for _ in 0..added {
            // The last to come first: a worker that was busy just now has a warm connection, and those that are not needed
            // stay unconnected.
            self.tasks.notify_last();
        }
        Vec::new()
    }

    /// Ends the item queue and gives back what no worker has taken. Waiting workers are told that there is nothing more.
    pub(crate) fn close(&self) -> Vec<Item> {
        let mut state = self.lock();
        state.closed = true;
        let left = state.queue.drain(..).collect();
        drop(state);
        self.threads.notify_all();
        self.tasks.notify_waiters();
        self.ended.cancel();
        left
    }

    /// Waits, as a task, until the item queue is closed.
    pub(crate) async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// Whether the item queue is closed.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended.is_cancelled()
    }

    /// Takes back what no worker has taken, of one pacing key if one is named; the item queue stays open.
    pub(crate) fn recall(&self, key: Option<PacingKey>) -> Vec<Item> {
        let mut state = self.lock();
        let queue = std::mem::take(&mut state.queue);
        let Some(key) = key else { return queue.into() };
        let (back, kept): (Vec<_>, Vec<_>) = queue.into_iter().partition(|item| item.key == key);
        state.queue = kept.into();
        back
    }

    /// Takes out those of the named items that no worker has taken and that were never started.
    pub(crate) fn withdraw(&self, wanted: &HashSet<u64>) -> Vec<Item> {
        let mut state = self.lock();
        let goes = |item: &Item| {
            item.tries == 0 && item.deaths == 0 && item.trial == 0 && wanted.contains(&item.index)
        };
        let queue = std::mem::take(&mut state.queue);
        let (out, kept): (Vec<_>, Vec<_>) = queue.into_iter().partition(goes);
        state.queue = kept.into();
        out
    }

    /// Takes back what no worker has started of a pacing key: gives what lies here, and has those told that have taken items
    /// to pass them on.
    pub(crate) fn recall_everywhere(&self, key: PacingKey) -> Vec<Item> {
        // Nobody listens where there are no worker processes.
        let _ = self.recalls.send(key);
        self.recall(Some(key))
    }

    /// The pacing keys whose items are taken back from now on.
    pub(crate) fn recalls(&self) -> broadcast::Receiver<PacingKey> {
        self.recalls.subscribe()
    }

    /// How many items wait in it.
    pub(crate) fn len(&self) -> usize {
        self.lock().queue.len()
    }

    /// The next item, or none when the item queue has ended; pending if there is nothing yet.
    pub(crate) fn try_next(&self) -> Poll<Option<Item>> {
        self.lock().next()
    }

    /// The next item, or none when the item queue has ended; waits as a task. `before_waiting` is called if there is nothing to
    /// take at once. When it is given up, what it was woken for wakes another.
    pub(crate) async fn next(&self, before_waiting: impl FnOnce()) -> Option<Item> {
        if let Poll::Ready(next) = self.try_next() {
            return next;
        }
        before_waiting();
        loop {
            let mut notified = pin!(self.tasks.notified());
            // It stands in the line before the last look, so that nothing can come unnoticed between the two.
            notified.as_mut().enable();
            if let Poll::Ready(next) = self.lock().next() {
                return next;
            }
            notified.await;
        }
    }

    /// The same; waits on this thread.
    pub(crate) fn next_blocking(&self, before_waiting: impl FnOnce()) -> Option<Item> {
        if let Poll::Ready(next) = self.lock().next() {
            return next;
        }
        before_waiting();
        let mut state = self.lock();
        loop {
            if let Poll::Ready(next) = state.next() {
                return next;
            }
            state.threads += 1;
            state = self.threads.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.threads -= 1;
        }
    }

    /// Takes up to `most` more items, without waiting; none that are on trial.
    pub(crate) fn take(&self, most: usize, batch: &mut Vec<Item>) {
        let mut state = self.lock();
        let mut bytes = 0;
        while batch.len() < most && bytes < MOST_TAKEN_BYTES {
            let Some(item) = state.queue.pop_front_if(|item| item.trial == 0) else { break };
            bytes += item.data.len();
            batch.push(item);
        }
    }

    /// Takes all that is on the same trial as `first`.
    pub(crate) fn take_trial(&self, first: Item) -> Vec<Item> {
        let mut state = self.lock();
        let queue = std::mem::take(&mut state.queue);
        let (group, others): (Vec<_>, Vec<_>) =
            queue.into_iter().partition(|item| item.trial == first.trial);
        state.queue = others.into();
        std::iter::once(first).chain(group).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::Pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Wake, Waker};

    fn items(range: std::ops::Range<u64>) -> Vec<Item> {
        range.map(|index| Item::new(index, "x")).collect()
    }

    #[test]
    fn many_threads_take_every_item_once_and_all_end() {
        let queue = ItemQueue::new();
        let taken = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    while let Some(item) = queue.next_blocking(|| {}) {
                        taken.lock().unwrap().push(item.index);
                    }
                });
            }
            for start in (0..1000).step_by(10) {
                assert!(queue.push(items(start..start + 10)).is_empty());
            }
            while queue.len() > 0 {
                std::thread::yield_now();
            }
            assert!(queue.close().is_empty());
        });
        let mut taken = taken.into_inner().unwrap();
        taken.sort_unstable();
        assert_eq!(taken, (0..1000).collect::<Vec<_>>());
    }

    #[test]
    fn one_key_is_taken_back_and_the_others_stay() {
        let queue = ItemQueue::new();
        let mut recalls = queue.recalls();
        let mut all = items(0..5);
        for at in [1, 3] {
            all[at].key = PacingKey::of("http://a");
        }
        assert!(queue.push(all).is_empty());
        let indices = |items: Vec<Item>| items.iter().map(|item| item.index).collect::<Vec<_>>();
        let key = PacingKey::of("http://a");
        assert_eq!(indices(queue.recall_everywhere(key)), [1, 3]);
        assert_eq!(recalls.try_recv(), Ok(key));
        assert_eq!(indices(queue.close()), [0, 2, 4]);
    }

    #[test]
    fn closing_gives_back_what_nobody_took() {
        let queue = ItemQueue::new();
        assert!(queue.push(items(0..3)).is_empty());
        assert_eq!(queue.next_blocking(|| panic!("there is an item")).unwrap().index, 0);
        assert_eq!(queue.close(), items(1..3));
        assert!(queue.next_blocking(|| panic!("it has ended")).is_none());
    }

    struct Count(AtomicUsize);
    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    type Waiting<'a> = Pin<Box<dyn Future<Output = Option<Item>> + 'a>>;

    /// Three tasks that wait at `item queue`, in this order, and how often each was woken.
    fn waiting(queue: &ItemQueue) -> ([Waiting<'_>; 3], [Arc<Count>; 3]) {
        let counts: [_; 3] = std::array::from_fn(|_| Arc::new(Count(AtomicUsize::new(0))));
        let mut tasks: [Waiting<'_>; 3] = std::array::from_fn(|_| Box::pin(queue.next(|| {})) as _);
        for (task, count) in tasks.iter_mut().zip(&counts) {
            assert!(poll(task, count).is_pending());
        }
        (tasks, counts)
    }

    fn poll(task: &mut Waiting<'_>, count: &Arc<Count>) -> Poll<Option<Item>> {
        let waker = Waker::from(Arc::clone(count));
        task.as_mut().poll(&mut Context::from_waker(&waker))
    }

    fn woken(counts: &[Arc<Count>; 3]) -> [usize; 3] {
        std::array::from_fn(|task| counts[task].0.load(Ordering::SeqCst))
    }

    #[test]
    fn the_task_that_came_last_is_woken_first() {
        let queue = ItemQueue::new();
        let (_tasks, counts) = waiting(&queue);
        assert!(queue.push(items(0..2)).is_empty());
        assert_eq!(woken(&counts), [0, 1, 1]);
    }

    #[test]
    fn an_item_for_which_one_is_woken_who_has_given_up_wakes_another() {
        let queue = ItemQueue::new();
        let ([mut first, second, third], counts) = waiting(&queue);
        assert!(queue.push(items(0..1)).is_empty());
        assert_eq!(woken(&counts), [0, 0, 1]);
        drop(third);
        assert_eq!(woken(&counts).iter().sum::<usize>(), 2);
        drop(second);
        assert!(poll(&mut first, &counts[0]).is_ready());
    }

    #[test]
    fn the_end_wakes_all() {
        let queue = ItemQueue::new();
        let (mut tasks, counts) = waiting(&queue);
        queue.close();
        assert_eq!(woken(&counts), [1, 1, 1]);
        for (task, count) in tasks.iter_mut().zip(&counts) {
            assert_eq!(poll(task, count), Poll::Ready(None));
        }
    }

    #[test]
    fn a_trial_is_taken_whole_and_nothing_else_with_it() {
        let queue = ItemQueue::new();
        let mut all = items(0..6);
        for at in [1, 2, 4] {
            all[at].trial = 7;
        }
        assert!(queue.push(all).is_empty());
        let indices = |items: &[Item]| items.iter().map(|item| item.index).collect::<Vec<_>>();
        let mut batch = Vec::new();
        queue.take(10, &mut batch);
        assert_eq!(indices(&batch), [0]);
        let first = queue.next_blocking(|| {}).unwrap();
        assert_eq!(indices(&queue.take_trial(first)), [1, 2, 4]);
        batch.clear();
        queue.take(10, &mut batch);
        assert_eq!(indices(&batch), [3, 5]);
    }

    #[test]
    fn one_that_has_ended_takes_nothing_and_gives_nothing() {
        let queue = ItemQueue::new();
        assert!(queue.push(items(0..2)).is_empty());
        assert_eq!(queue.close(), items(0..2));
        assert_eq!(queue.push(items(2..4)), items(2..4));
        assert!(queue.next_blocking(|| {}).is_none());
        let mut batch = Vec::new();
        queue.take(10, &mut batch);
        assert!(batch.is_empty());
    }
}
