//! The queue between the dispatcher and the thread that writes records: a disk that is busy for a moment holds up nobody,
//! and one that is always too slow slows the intake.

use gaits_core::{Data, Detail, Record};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// The most records in it.
const MOST: usize = 4_096;
/// The most bytes of what records have.
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
    held: Vec<Record>,
    bytes: usize,
    reader_waits: bool,
    closed: bool,
    /// The reader takes no more.
    broken: bool,
}

impl RecordQueue {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing inside the lock can panic half-way, so a poisoned state is still whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes `records`, and leaves the list empty; waits for room. What a broken queue is given is dropped.
    pub(crate) fn push(&self, records: &mut Vec<Record>) {
        let mut state = self.lock();
        while !state.broken && (state.held.len() >= MOST || state.bytes >= MOST_BYTES) {
            state = self.room.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.broken {
            records.clear();
            return;
        }
        state.bytes += records.iter().map(bytes).sum::<usize>();
        if state.held.is_empty() {
            std::mem::swap(&mut state.held, records);
        } else {
            state.held.append(records);
        }
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

    /// Moves what is there into `batch`, which must be empty, and waits for it if there is nothing; false when nothing more
    /// comes.
    pub(crate) fn take(&self, batch: &mut Vec<Record>) -> bool {
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

    /// Nothing more is taken: whoever waits for room is let go.
    pub(crate) fn break_off(&self) {
        self.lock().broken = true;
        self.room.notify_one();
    }
}

/// The bytes of a record that may be many.
fn bytes(record: &Record) -> usize {
    let payload = record.payload.as_ref().map_or(0, Data::len);
    let detail = record.detail.as_ref().map_or(0, Detail::bytes);
    let extract: usize = record.extract.iter().map(|(_, value)| value.bytes()).sum();
    record.item.len() + payload + detail + extract
}

#[cfg(test)]
#[cfg(not(gaits_loom))]
mod tests {
    use super::*;
    use gaits_core::{ErrorKind, Item, ItemError, Value};
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
            let mut batch = Vec::new();
            let mut sizes = Vec::new();
            while queue.take(&mut batch) {
                sizes.push(batch.len());
                batch.clear();
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
        let text = || Value::String("x".repeat(MOST_BYTES).into());
        let of_detail = (0..20).map(|index| {
            let detail = Some(Detail::read("command", vec![("stdout".into(), text())]));
            vec![Record { detail, ..record(index, "x".into()) }]
        });
        assert_eq!(batches(&RecordQueue::default(), of_detail), [1; 20]);
        let of_fields = (0..20).map(|index| {
            vec![Record { extract: vec![("a".into(), text())], ..record(index, "x".into()) }]
        });
        assert_eq!(batches(&RecordQueue::default(), of_fields), [1; 20]);
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
        let mut batch = Vec::new();
        assert!(queue.take(&mut batch));
        assert_eq!(batch.len(), 1, "what came later was dropped");
    }
}
