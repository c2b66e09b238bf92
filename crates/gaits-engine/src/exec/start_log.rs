//! Where a worker process notes which items it has started, so that its parent can tell after its death.
//!
//! It is an anonymous file in memory that both hold open: a note is one `pwrite` that wakes nobody, and it outlives
//! the process that wrote it, however that one ends.
//!
//! Each worker has a place for the item that it is at. When it goes on to the next one, the report of the last may not have reached
//! the parent yet, and would be lost with the process. So an item that may not be done twice is noted in a ring when it is
//! finished. Reports reach the parent in their order: while that of one item has not, none has of those that were finished later, and
//! these are fewer than the parent gives out at a time. A ring with room for that many loses no such note.

use gaits_core::Item;
use nix::sys::memfd::{MFdFlags, memfd_create};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of one worker's note: the index of its item, plus one; 0 says that there is none.
const NOTE: usize = 8;

/// A file of notes.
#[derive(Debug)]
pub(crate) struct StartLog {
    file: File,
    /// How many places of the ring there are; they stand before those of the workers.
    ring: u64,
    /// How many items were noted in the ring.
    finished: AtomicU64,
    /// How many workers have a place.
    claimed: AtomicU64,
}

impl StartLog {
    /// An empty one.
    pub(crate) fn create() -> io::Result<Self> {
        let file = memfd_create("gaits-start-log", MFdFlags::MFD_CLOEXEC)?;
        Ok(Self::of_worker(file, 1))
    }

    /// The worker's, which is given `most` items at a time at most.
    pub(crate) fn of_worker(file: OwnedFd, most: u64) -> Self {
        let (finished, claimed) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { file: file.into(), ring: most.max(1), finished, claimed }
    }

    /// A handle for the worker process.
    pub(crate) fn share(&self) -> io::Result<OwnedFd> {
        Ok(self.file.try_clone()?.into())
    }

    /// The items noted last: the one that each worker is at or was at last, and those of the ring.
    pub(crate) fn started(&self) -> io::Result<Vec<u64>> {
        let length = usize::try_from(self.file.metadata()?.len()).map_err(io::Error::other)?;
        let mut notes = vec![0; length];
        self.file.read_exact_at(&mut notes, 0)?;
        let notes = notes.chunks_exact(NOTE).filter_map(|note| note.try_into().ok());
        Ok(notes.map(u64::from_le_bytes).filter_map(|note| note.checked_sub(1)).collect())
    }
}

/// One worker's place in a start log.
#[derive(Debug)]
pub(crate) struct Slot {
    start_log: Arc<StartLog>,
    place: u64,
}

impl Slot {
    /// The next free slot.
    pub(crate) fn claim(start_log: &Arc<StartLog>) -> Self {
        let number = start_log.claimed.fetch_add(1, Ordering::Relaxed);
        let place = start_log.ring + number;
        Self { start_log: Arc::clone(start_log), place }
    }

    /// Notes that an item is about to be started.
    pub(crate) fn note(&self, item: &Item) {
        // Without the note a crash would be laid to nobody and the item simply tried again, which is no reason to stop.
        self.write(self.place, item.index + 1);
    }

    /// Notes that an item is finished, and that its report is about to go to the parent.
    pub(crate) fn finished(&self, item: &Item) {
        if !item.repeatable {
            let number = self.start_log.finished.fetch_add(1, Ordering::Relaxed);
            self.write(number % self.start_log.ring, item.index + 1);
        }
    }

    /// Takes the note back: what this worker was at was not begun, or may be done again all the same.
    pub(crate) fn clear(&self) {
        self.write(self.place, 0);
    }

    fn write(&self, place: u64, note: u64) {
        let _ = self.start_log.file.write_all_at(&note.to_le_bytes(), place * NOTE as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn item(index: u64, repeatable: bool) -> Item {
        Item { repeatable, ..Item::new(index, "x") }
    }

    fn noted(start_log: &StartLog) -> BTreeSet<u64> {
        start_log.started().unwrap().into_iter().collect()
    }

    #[test]
    fn the_last_note_of_each_place_is_seen_through_a_shared_handle() {
        let start_log = StartLog::create().unwrap();
        assert!(start_log.started().unwrap().is_empty());
        let shared = Arc::new(StartLog::of_worker(start_log.share().unwrap(), 4));
        let places = [Slot::claim(&shared), Slot::claim(&shared), Slot::claim(&shared)];
        places[2].note(&item(0, true));
        places[0].note(&item(7, true));
        places[0].note(&item(9, true));
        assert_eq!(start_log.started().unwrap(), [9, 0]);
    }

    #[test]
    fn what_may_not_be_done_twice_stays_noted_when_its_worker_has_gone_on() {
        let start_log = StartLog::create().unwrap();
        let shared = Arc::new(StartLog::of_worker(start_log.share().unwrap(), 3));
        let [one, slow] = [Slot::claim(&shared), Slot::claim(&shared)];
        slow.note(&item(9, false));
        for index in 1..=5 {
            let item = item(index, index == 2);
            one.note(&item);
            one.finished(&item);
        }
        // The oldest one has been heard of by now; what is still at work is noted, however many have come and gone.
        assert_eq!(noted(&start_log), BTreeSet::from([3, 4, 5, 9]));
        // It was refused, and may come again.
        slow.clear();
        one.note(&item(6, false));
        assert_eq!(noted(&start_log), BTreeSet::from([3, 4, 5, 6]));
    }
}
