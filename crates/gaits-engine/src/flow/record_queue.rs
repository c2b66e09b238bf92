//! The queue between the dispatcher and the thread that writes records: a disk that is busy for a moment holds up nobody,
//! and one that is always too slow slows the intake.

use gaits_core::Record;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// The most records in it.
const MOST: usize = 4_096;
/// The most bytes of what works have given back.
const MOST_BYTES: usize = 32 * 1024 * 1024;

/// Records on their way to the sinks.
#[derive(Debug, Default)]
pub(crate) struct RecordQueue {
    state: Mutex<State>,
    /// The reader waits here.
    arrived: Condvar,
    /// The dispatcher waits here.
    room: Condvar,
}

#[derive(Debug, Default)]
struct State {
    held: Outgoing,
    bytes: usize,
    /// Items whose start was asked to be noted, and not yet was.
    unnoted: usize,
    reader_waits: bool,
    closed: bool,
    /// The reader takes no more.
    broken: bool,
}

/// What is in the queue.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    /// Items that are about to be started and may not be started twice, by their indices.
    pub(crate) starts: Vec<u64>,
    /// Items that were noted as such and not started after all.
    pub(crate) withdrawn: Vec<u64>,
    pub(crate) records: Vec<Record>,
}

impl Outgoing {
    fn is_empty(&self) -> bool {
        self.records.is_empty() && self.starts.is_empty() && self.withdrawn.is_empty()
    }
}

impl RecordQueue {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing inside the lock can panic half-way, so a poisoned state is still whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes `records`, and leaves the list empty; waits for room. What a broken queue is given is dropped.
    pub(crate) fn push(&self, records: &mut Vec<Record>) {
        let mut state = self.lock();
        while !state.broken && (state.held.records.len() >= MOST || state.bytes >= MOST_BYTES) {
            state = self.room.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.broken {
            records.clear();
            return;
        }
        state.bytes += records.iter().map(bytes).sum::<usize>();
        if state.held.records.is_empty() {
            std::mem::swap(&mut state.held.records, records);
        } else {
            state.held.records.append(records);
        }
        self.wake(state);
    }

    /// Has it noted that these items are started, and waits until that is done.
    pub(crate) fn note_starts(&self, indices: Vec<u64>) {
        let mut state = self.lock();
        state.unnoted += indices.len();
        state.held.starts.extend(indices);
        self.wake(state);
        let state = self.lock();
        let noted = self.room.wait_while(state, |state| state.unnoted > 0 && !state.broken);
        drop(noted.unwrap_or_else(PoisonError::into_inner));
    }

    /// Has it noted that these items were not started after all.
    pub(crate) fn withdraw(&self, index: u64) {
        let mut state = self.lock();
        state.held.withdrawn.push(index);
        self.wake(state);
    }

    fn wake(&self, mut state: MutexGuard<'_, State>) {
        if std::mem::replace(&mut state.reader_waits, false) {
            drop(state);
            self.arrived.notify_one();
        }
    }

    /// Nothing more comes.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        self.wake(state);
    }

    /// Moves what is there into `batch`, whose lists must be empty, and waits for it if there is nothing; false when
    /// nothing more comes.
    pub(crate) fn take(&self, batch: &mut Outgoing) -> bool {
        let mut state = self.lock();
        while state.held.is_empty() {
            if state.closed {
                return false;
            }
            state.reader_waits = true;
            state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        std::mem::swap(&mut state.held, batch);
        state.bytes = 0;
        drop(state);
        self.room.notify_one();
        true
    }

    /// So many items were noted as started.
    pub(crate) fn noted(&self, items: usize) {
        self.lock().unnoted -= items;
        self.room.notify_one();
    }

    /// Nothing more is taken: whoever waits for room is let go.
    pub(crate) fn break_off(&self) {
        self.lock().broken = true;
        self.room.notify_one();
    }
}

/// The bytes of a record that may be many.
fn bytes(record: &Record) -> usize {
    record.item.len() + record.payload.as_ref().map_or(0, gaits_core::Data::len)
}

#[cfg(test)]
#[cfg(not(gaits_loom))]
mod tests {
    use super::*;
    use gaits_core::{Data, ErrorKind, Item, ItemError};
    use std::thread;

    fn record(index: u64, shown: Data) -> Record {
        let error = ItemError::new(ErrorKind::Panic, "none");
        Record::unperformed(Item::new(index, shown), error, 1, None, 0)
    }

    /// So many bytes, which take no memory, as nobody writes to them.
    fn zeros(bytes: usize) -> Data {
        Data::Bytes(vec![0; bytes].into())
    }

    /// Pushes so many lists of records, and tells how many records each batch has in which they come out.
    fn batches(queue: &RecordQueue, lists: impl Iterator<Item = Vec<Record>> + Send) -> Vec<usize> {
        thread::scope(|scope| {
            scope.spawn(|| {
                for mut list in lists {
                    queue.push(&mut list);
                    assert!(list.is_empty());
                }
                queue.close();
            });
            let mut batch = Outgoing::default();
            let mut sizes = Vec::new();
            while queue.take(&mut batch) {
                sizes.push(batch.records.len());
                batch.records.clear();
                // Who may push does so now.
                thread::yield_now();
            }
            sizes
        })
    }

    #[test]
    fn it_holds_no_more_bytes_than_it_may() {
        let of_items = |bytes| (0..500).map(move |index| vec![record(index, zeros(bytes))]);
        assert_eq!(batches(&RecordQueue::default(), of_items(MOST_BYTES)), [1; 500]);
        let sizes = batches(&RecordQueue::default(), of_items(MOST_BYTES / 2));
        assert_eq!(sizes.iter().sum::<usize>(), 500);
        assert!(sizes.iter().all(|size| *size <= 2), "{sizes:?}");
        let of_payload = (0..500).map(|index| {
            vec![Record { payload: Some(zeros(MOST_BYTES)), ..record(index, "x".into()) }]
        });
        assert_eq!(batches(&RecordQueue::default(), of_payload), [1; 500]);
    }

    #[test]
    fn it_holds_no_more_records_than_it_may() {
        let lists = (0..50).map(|_| (0..MOST as u64).map(|i| record(i, "x".into())).collect());
        assert_eq!(batches(&RecordQueue::default(), lists), [MOST; 50]);
    }

    #[test]
    fn who_waits_for_room_is_let_go_when_nobody_reads_any_more() {
        let queue = RecordQueue::default();
        queue.push(&mut vec![record(0, zeros(MOST_BYTES))]);
        thread::scope(|scope| {
            let pusher = scope.spawn(|| {
                let mut list = vec![record(1, zeros(MOST_BYTES))];
                queue.push(&mut list);
                list.len()
            });
            queue.break_off();
            assert_eq!(pusher.join().unwrap(), 0);
        });
        let mut batch = Outgoing::default();
        assert!(queue.take(&mut batch));
        assert_eq!(batch.records.len(), 1, "what came later was dropped");
    }
}
