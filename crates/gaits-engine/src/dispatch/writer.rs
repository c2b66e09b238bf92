//! Writes records to the sinks, on a thread of its own.
//!
//! Limit: what is written, and when it ends, is the dispatcher's to say.

use super::RunError;
use crate::flow::{EventQueue, RecordQueue, Signal};
use gaits_core::{Record, Sink};
use std::io;

/// Until nothing more comes, or a sink has failed.
pub(crate) fn write<'b>(
    sinks: &mut [&'b mut (dyn Sink + 'b)],
    queue: &RecordQueue,
    events: &EventQueue,
) -> Result<(), RunError> {
    // Whoever waits for this thread must learn of its end, should a sink panic.
    let _release = Release { queue, events };
    let mut batch = Vec::new();
    while queue.take(&mut batch) {
        if let Err(failed) = write_batch(sinks, &mut batch) {
            queue.break_off();
            events.signal(Signal::SinkFailed);
            let number = Some(failed.number);
            let _ = finish(sinks, number);
            return Err(failed.into());
        }
    }
    finish(sinks, None).map_err(RunError::from)
}

/// Which sink has failed, and how.
struct Failed {
    number: usize,
    source: io::Error,
}

impl From<Failed> for RunError {
    fn from(Failed { number, source }: Failed) -> Self {
        RunError::Sink { number, source }
    }
}

fn write_batch<'b>(
    sinks: &mut [&'b mut (dyn Sink + 'b)],
    batch: &mut Vec<Record>,
) -> Result<(), Failed> {
    for record in batch.drain(..) {
        each(sinks, |sink| sink.write(&record))?;
    }
    each(sinks, Sink::flush)
}

fn each<'b>(
    sinks: &mut [&'b mut (dyn Sink + 'b)],
    mut what: impl FnMut(&mut (dyn Sink + 'b)) -> io::Result<()>,
) -> Result<(), Failed> {
    for (number, sink) in sinks.iter_mut().enumerate() {
        what(*sink).map_err(|source| Failed { number, source })?;
    }
    Ok(())
}

/// Finishes every sink but the one that has failed; gives the first error.
fn finish<'b>(sinks: &mut [&'b mut (dyn Sink + 'b)], failed: Option<usize>) -> Result<(), Failed> {
    let mut result = Ok(());
    for (number, sink) in sinks.iter_mut().enumerate() {
        if Some(number) != failed {
            result = result.and(sink.finish().map_err(|source| Failed { number, source }));
        }
    }
    result
}

/// Lets go whoever waits for this thread.
struct Release<'a> {
    queue: &'a RecordQueue,
    events: &'a EventQueue,
}

impl Drop for Release<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.queue.break_off();
            self.events.signal(Signal::SinkFailed);
        }
    }
}
