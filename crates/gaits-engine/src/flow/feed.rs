//! The queue from which the workers of a process take items.
//!
//! It is bounded by whoever fills it, which counts what is out. The items in it belong to no worker yet, so a slow
//! item holds up nobody but its own worker, and all that has not been started can be taken back at any moment.

use gaits_core::Item;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use tokio_util::sync::CancellationToken;

/// Items are taken together up to this many bytes of text, whatever their number: they travel in one frame.
const MOST_TAKEN_BYTES: usize = 1 << 20;

/// The queue from which the workers of a process take items, one by one.
#[derive(Debug, Default)]
pub(crate) struct Feed {
    state: Mutex<State>,
    /// Threads that wait for an item without a waker.
    ready: Condvar,
    /// For those who have to know of the end while they take nothing.
    ended: CancellationToken,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Item>,
    closed: bool,
    seats: Vec<Waiting>,
    /// Seats whose tasks wait. The last to come is the first to be woken: a worker that was busy just now has a warm
    /// connection, and those that are not needed stay unconnected.
    line: Vec<usize>,
    threads: usize,
}

/// What is known of one seat's task.
#[derive(Debug, Default)]
struct Waiting {
    /// Set while the task waits.
    waker: Option<Waker>,
    /// Whether the seat stands in the line. It may do so after its task has stopped waiting; it is then passed over.
    in_line: bool,
    /// Whether the task was woken for an item and has not looked since.
    called: bool,
}

impl State {
    /// Takes up to `most` waiting tasks out of the line.
    fn call(&mut self, most: usize) -> Vec<Waker> {
        let mut called = Vec::new();
        while called.len() < most {
            let Some(seat) = self.line.pop() else { break };
            let waiting = &mut self.seats[seat];
            waiting.in_line = false;
            if let Some(waker) = waiting.waker.take() {
                waiting.called = true;
                called.push(waker);
            }
        }
        called
    }
}

/// A task's own place at a feed, from which it waits for items.
#[derive(Debug)]
pub(crate) struct Seat<'a> {
    feed: &'a Feed,
    number: usize,
}

impl Seat<'_> {
    /// The next item, or none when the feed has ended; waits as a task. `before_waiting` is called if there is
    /// nothing to take at once.
    pub(crate) async fn next(&self, before_waiting: impl Fn()) -> Option<Item> {
        poll_fn(|cx| self.poll_next(cx, &before_waiting)).await
    }

    /// Waits no more: to be called when a wait for [`Seat::next`] was given up, or an item might be announced here
    /// that nobody takes. What was announced here already is announced to another.
    pub(crate) fn leave(&self) {
        let mut state = self.feed.lock();
        let waiting = &mut state.seats[self.number];
        waiting.waker = None;
        if std::mem::take(&mut waiting.called) && !state.queue.is_empty() {
            self.feed.announce(state, 1);
        }
    }

    /// The same, for whoever polls by himself.
    pub(crate) fn poll_next(
        &self,
        cx: &mut Context<'_>,
        before_waiting: &impl Fn(),
    ) -> Poll<Option<Item>> {
        let mut guard = self.feed.lock();
        let state = &mut *guard;
        let waiting = &mut state.seats[self.number];
        waiting.called = false;
        if let Some(item) = state.queue.pop_front() {
            waiting.waker = None;
            return Poll::Ready(Some(item));
        }
        if state.closed {
            waiting.waker = None;
            return Poll::Ready(None);
        }
        waiting.waker = Some(cx.waker().clone());
        if !std::mem::replace(&mut waiting.in_line, true) {
            state.line.push(self.number);
        }
        drop(guard);
        before_waiting();
        Poll::Pending
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        self.leave();
    }
}

impl Feed {
    /// An empty, open feed.
    #[must_use]
    pub(crate) fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing inside the lock can panic half-way, so a poisoned state is still whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts `items` in, in the order of the input, so that one that came back goes before those that were handed out
    /// after it; wakes as many workers as there are items.
    pub(crate) fn push(&self, items: impl IntoIterator<Item = Item>) {
        let mut state = self.lock();
        let before = state.queue.len();
        for item in items {
            if state.queue.back().is_none_or(|last| last.index < item.index) {
                state.queue.push_back(item);
            } else {
                let place = state.queue.partition_point(|other| other.index < item.index);
                state.queue.insert(place, item);
            }
        }
        let added = state.queue.len() - before;
        self.announce(state, added);
    }

    /// Wakes as many workers as there are `items` to take.
    fn announce(&self, mut state: MutexGuard<'_, State>, items: usize) {
        let tasks = state.call(items);
        let threads = (items - tasks.len()).min(state.threads);
        drop(state);
        tasks.into_iter().for_each(Waker::wake);
        for _ in 0..threads {
            self.ready.notify_one();
        }
    }

    /// Ends the feed and gives back what no worker has taken. Waiting workers are told that there is nothing more.
    pub(crate) fn close(&self) -> Vec<Item> {
        let mut state = self.lock();
        state.closed = true;
        let left = state.queue.drain(..).collect();
        let tasks = state.call(usize::MAX);
        drop(state);
        tasks.into_iter().for_each(Waker::wake);
        self.ready.notify_all();
        self.ended.cancel();
        left
    }

    /// Waits, as a task, until the feed is closed.
    pub(crate) async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// Whether the feed is closed.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended.is_cancelled()
    }

    /// Takes back what no worker has taken; the feed stays open.
    pub(crate) fn recall(&self) -> Vec<Item> {
        self.lock().queue.drain(..).collect()
    }

    /// How many items wait in it.
    pub(crate) fn len(&self) -> usize {
        self.lock().queue.len()
    }

    /// The next item, or none when the feed has ended; waits on this thread. `before_waiting` is called if there is
    /// nothing to take at once.
    pub(crate) fn next_blocking(&self, before_waiting: impl FnOnce()) -> Option<Item> {
        let mut state = self.lock();
        if let Some(item) = state.queue.pop_front() {
            return Some(item);
        }
        if state.closed {
            return None;
        }
        drop(state);
        before_waiting();
        state = self.lock();
        loop {
            if let Some(item) = state.queue.pop_front() {
                return Some(item);
            }
            if state.closed {
                return None;
            }
            state.threads += 1;
            state = self.ready.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.threads -= 1;
        }
    }

    /// A place from which a task can wait for items.
    pub(crate) fn seat(&self) -> Seat<'_> {
        let mut state = self.lock();
        state.seats.push(Waiting::default());
        Seat { feed: self, number: state.seats.len() - 1 }
    }

    /// Takes up to `most` items that can be done side by side, without waiting. An item that has killed a worker is
    /// only ever taken alone.
    pub(crate) fn take(&self, most: usize, batch: &mut Vec<Item>) {
        let mut state = self.lock();
        let mut bytes = 0;
        while batch.len() < most && bytes < MOST_TAKEN_BYTES {
            match state.queue.front() {
                Some(item) if item.crashes == 0 || batch.is_empty() => {}
                _ => break,
            }
            let Some(item) = state.queue.pop_front() else { break };
            let alone = item.crashes > 0;
            bytes += item.data.len();
            batch.push(item);
            if alone {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    fn items(range: std::ops::Range<u64>) -> Vec<Item> {
        range.map(|index| Item::new(index, "x")).collect()
    }

    #[test]
    fn many_threads_take_every_item_once_and_all_end() {
        let feed = Feed::new();
        let taken = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    while let Some(item) = feed.next_blocking(|| {}) {
                        taken.lock().unwrap().push(item.index);
                    }
                });
            }
            for start in (0..1000).step_by(10) {
                feed.push(items(start..start + 10));
            }
            while feed.len() > 0 {
                std::thread::yield_now();
            }
            assert!(feed.close().is_empty());
        });
        let mut taken = taken.into_inner().unwrap();
        taken.sort_unstable();
        assert_eq!(taken, (0..1000).collect::<Vec<_>>());
    }

    #[test]
    fn what_came_back_goes_first() {
        let feed = Feed::new();
        feed.push(items(4..8));
        feed.push([2, 5, 1].map(|index| Item::new(index, "x")));
        let order: Vec<_> = feed.close().into_iter().map(|item| item.index).collect();
        assert_eq!(order, [1, 2, 4, 5, 5, 6, 7]);
    }

    #[test]
    fn closing_gives_back_what_nobody_took() {
        let feed = Feed::new();
        feed.push(items(0..3));
        assert_eq!(feed.next_blocking(|| panic!("there is an item")).unwrap().index, 0);
        assert_eq!(feed.close(), items(1..3));
        assert!(feed.next_blocking(|| panic!("it has ended")).is_none());
    }

    struct Count(AtomicUsize);
    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn wait(seat: &Seat<'_>, task: &Arc<Count>) -> Poll<Option<Item>> {
        let waker = Waker::from(Arc::clone(task));
        seat.poll_next(&mut Context::from_waker(&waker), &|| {})
    }

    fn tasks() -> [Arc<Count>; 3] {
        std::array::from_fn(|_| Arc::new(Count(AtomicUsize::new(0))))
    }

    fn woken(tasks: &[Arc<Count>; 3]) -> [usize; 3] {
        std::array::from_fn(|task| tasks[task].0.load(Ordering::SeqCst))
    }

    #[test]
    fn the_task_that_came_last_is_woken_first() {
        let feed = Feed::new();
        let tasks = tasks();
        let seats: [Seat<'_>; 3] = std::array::from_fn(|_| feed.seat());
        for (seat, task) in seats.iter().zip(&tasks) {
            assert!(wait(seat, task).is_pending());
        }
        feed.push(items(0..2));
        assert_eq!(woken(&tasks), [0, 1, 1]);
    }

    #[test]
    fn a_task_that_is_polled_for_nothing_takes_no_other_tasks_turn() {
        let feed = Feed::new();
        let tasks = tasks();
        let seats: [Seat<'_>; 3] = std::array::from_fn(|_| feed.seat());
        for (seat, task) in seats.iter().zip(&tasks) {
            assert!(wait(seat, task).is_pending());
            assert!(wait(seat, task).is_pending());
        }
        feed.push(items(0..1));
        assert!(wait(&seats[2], &tasks[2]).is_ready());
        feed.push(items(1..2));
        assert_eq!(woken(&tasks), [0, 1, 1], "the busy task is not woken again");
        drop(seats);
        feed.push(items(2..5));
        assert_eq!(woken(&tasks), [0, 1, 1], "nor is one that has left");
    }

    #[test]
    fn an_item_announced_to_one_who_leaves_is_announced_to_another() {
        let feed = Feed::new();
        let tasks = tasks();
        let seats: [Seat<'_>; 3] = std::array::from_fn(|_| feed.seat());
        for (seat, task) in seats.iter().zip(&tasks) {
            assert!(wait(seat, task).is_pending());
        }
        feed.push(items(0..1));
        let [first, second, third] = seats;
        third.leave();
        assert_eq!(woken(&tasks), [0, 1, 1]);
        drop(second);
        assert_eq!(woken(&tasks), [1, 1, 1]);
        assert!(wait(&first, &tasks[0]).is_ready());
        feed.push(items(1..2));
        third.leave();
        assert_eq!(woken(&tasks), [1, 1, 1], "nobody waits, and nothing was announced to it");
    }

    #[test]
    fn an_item_that_killed_a_worker_is_taken_alone() {
        let feed = Feed::new();
        let mut suspects = items(0..4);
        suspects[1].crashes = 1;
        feed.push(suspects);
        let mut sizes = Vec::new();
        loop {
            let mut batch = Vec::new();
            feed.take(10, &mut batch);
            if batch.is_empty() {
                break;
            }
            sizes.push(batch.len());
        }
        assert_eq!(sizes, [1, 1, 2]);
    }
}
