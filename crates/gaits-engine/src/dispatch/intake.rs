//! Reads the source on a thread of its own, since a pipe may keep its reader waiting for ever.

use crate::flow::EventQueue;
use crate::source;
use gaits_core::{More, Source, Work};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

/// Entries read at a time.
const BATCH: usize = 512;

/// Starts reading `source` into `events`. The thread gives a source that can be stopped back at its end. For another it
/// is not waited: when the run ends first, it may sit in a read that nobody can end.
pub(crate) fn pump(
    mut source: Box<dyn Source>,
    work: Arc<dyn Work>,
    events: Arc<EventQueue>,
) -> io::Result<JoinHandle<Option<Box<dyn Source>>>> {
    thread::Builder::new().name("source".into()).spawn(move || {
        // The run would wait for ever for a source that is gone without a word.
        let read = AssertUnwindSafe(|| read(source.as_mut(), work.as_ref(), &events));
        let end =
            catch_unwind(read).unwrap_or_else(|_| Err(io::Error::other("its reader panicked")));
        events.source_end(end);
        source.stopper().is_some().then_some(source)
    })
}

fn read(source: &mut dyn Source, work: &dyn Work, events: &EventQueue) -> io::Result<()> {
    let mut batch = Vec::new();
    loop {
        let more = source.next_batch(BATCH, &mut batch);
        for entry in &mut batch {
            source::ask(work, entry);
        }
        if !batch.is_empty() && !events.entries(&mut batch) {
            return Ok(());
        }
        if more? == More::No {
            return Ok(());
        }
    }
}
