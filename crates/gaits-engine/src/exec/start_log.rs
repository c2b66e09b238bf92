//! Where a worker process notes which items it has started, so that its parent can tell after its death.
//!
//! It is an anonymous file in memory that both hold open: a note is one `pwrite` that wakes nobody, and it outlives
//! the process that wrote it, however that one ends.

use nix::sys::memfd::{MFdFlags, memfd_create};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of one worker's note: the index of its item, plus one; 0 says that there is none.
const NOTE: usize = 8;

/// A file of notes, one a worker.
#[derive(Debug)]
pub(crate) struct StartLog {
    file: File,
    claimed: AtomicU64,
}

impl StartLog {
    /// An empty one.
    pub(crate) fn create() -> io::Result<Self> {
        let file = memfd_create("gaits-start-log", MFdFlags::MFD_CLOEXEC)?;
        Ok(Self::from(file))
    }

    /// A handle for the worker process.
    pub(crate) fn share(&self) -> io::Result<OwnedFd> {
        Ok(self.file.try_clone()?.into())
    }

    /// The items noted last, at most one a worker.
    pub(crate) fn started(&self) -> io::Result<Vec<u64>> {
        let length = usize::try_from(self.file.metadata()?.len()).map_err(io::Error::other)?;
        let mut notes = vec![0; length];
        self.file.read_exact_at(&mut notes, 0)?;
        let notes = notes.chunks_exact(NOTE).filter_map(|note| note.try_into().ok());
        Ok(notes.map(u64::from_le_bytes).filter_map(|note| note.checked_sub(1)).collect())
    }
}

impl From<OwnedFd> for StartLog {
    fn from(file: OwnedFd) -> Self {
        Self { file: file.into(), claimed: AtomicU64::new(0) }
    }
}

/// One worker's slot in a start log.
#[derive(Debug)]
pub(crate) struct Slot {
    start_log: Arc<StartLog>,
    offset: u64,
}

impl Slot {
    /// The next free slot.
    pub(crate) fn claim(start_log: &Arc<StartLog>) -> Self {
        let number = start_log.claimed.fetch_add(1, Ordering::Relaxed);
        Self { start_log: Arc::clone(start_log), offset: number * NOTE as u64 }
    }

    /// Takes the note back: this worker starts nothing more.
    pub(crate) fn clear(&self) {
        let _ = self.start_log.file.write_all_at(&[0; NOTE], self.offset);
    }

    /// Notes that the item at `index` is about to be started.
    pub(crate) fn note(&self, index: u64) {
        // Without the note a crash would be laid to nobody and the item simply tried again, which is no reason to stop.
        let _ = self.start_log.file.write_all_at(&(index + 1).to_le_bytes(), self.offset);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_note_of_each_place_is_seen_through_a_shared_handle() {
        let start_log = StartLog::create().unwrap();
        assert!(start_log.started().unwrap().is_empty());
        let shared = Arc::new(StartLog::from(start_log.share().unwrap()));
        let places = [Slot::claim(&shared), Slot::claim(&shared), Slot::claim(&shared)];
        places[2].note(0);
        places[0].note(7);
        places[0].note(9);
        assert_eq!(start_log.started().unwrap(), [9, 0]);
    }
}
