//! The end of a run: at its user's wish, of its own accord, or because it can't go on.

use super::{Dispatcher, RunError, Stopped};
use crate::flow::{Batch, EventQueue, ExecutorError, ItemQueue, Notice, RecordQueue};
use gaits_core::Record;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

impl Dispatcher<'_> {
    /// Forgets what is not handed out, and tells how many those were.
    pub(super) fn clear(&mut self) -> usize {
        self.pacer.clear() + self.state.suspects.clear()
    }

    /// Hands nothing more out and takes back what nobody has started.
    pub(super) fn stop(&mut self) {
        if self.state.stopping {
            return;
        }
        self.state.end.interrupted = true;
        self.close_intake();
        self.observer.notice(Notice::Stopping { in_flight: self.pacer.in_flight() });
    }

    /// Hands nothing more out and takes back what nobody has started, of the run's own accord.
    pub(super) fn stop_early(&mut self, why: Stopped) {
        if self.state.stopping {
            return;
        }
        self.close_intake();
        self.observer.notice(Notice::StoppingEarly { in_flight: self.pacer.in_flight() });
        self.state.end.stopped = Some(why);
    }

    pub(super) fn close_intake(&mut self) {
        self.state.stopping = true;
        self.state.end.given_back += self.clear() as u64;
        for item in self.queue.close() {
            self.again(item);
        }
    }

    /// The executor has returned, and with it all it had to report is here. It does so of its own accord only when it
    /// can't go on; otherwise because the item queue was closed, with nothing left out.
    pub(super) fn on_executor_end(&self, ended: Result<(), ExecutorError>) -> Result<(), RunError> {
        ended.map_err(RunError::Executor)?;
        match self.pacer.outstanding() + self.waiting() {
            0 if self.state.stopping => Ok(()),
            items => Err(RunError::Lost { items }),
        }
    }

    /// Records what is here already and leaves the rest.
    pub(super) fn abandon(
        &mut self,
        batch: &mut Batch,
        records: &mut Vec<Record>,
    ) -> Result<(), RunError> {
        let now_us = self.clock.now_us();
        self.state.stopping = true;
        for report in batch.reports.drain(..) {
            self.settle(report, now_us, records);
        }
        self.write(records);
        let settled = self.notes.settle();
        self.finish_sinks().and(settled)?;
        self.cancel.cancel();
        self.queue.close();
        let left = self.clear();
        self.stop_clock(now_us);
        let end = &mut self.state.end;
        end.interrupted = true;
        end.given_back += (left + self.pacer.outstanding()) as u64;
        self.observer.abandoned(end);
        Ok(())
    }

    /// The run ends now.
    pub(super) fn stop_clock(&mut self, now_us: u64) {
        let (first, last) = self.state.at_work.unwrap_or((now_us, now_us));
        let end = &mut self.state.end;
        end.wall_us = now_us;
        end.suspended_us = self.clock.stopped_us_since(0).min(now_us);
        end.startup_us = first;
        end.closing_us = now_us.saturating_sub(last);
    }

    /// Waits until the last record is written and every sink is finished.
    pub(super) fn finish_sinks(&mut self) -> Result<(), RunError> {
        if std::mem::replace(&mut self.state.sinks_finished, true) {
            return Ok(());
        }
        self.records.close();
        // A sink that has panicked has said so itself; whoever waits for its thread hears it.
        self.written.recv().unwrap_or(Ok(()))
    }
}

/// Lets everybody go, however the dispatcher ends: should a sink or an observer panic, the workers and the source would
/// otherwise wait for it for ever.
#[derive(Debug)]
pub(super) struct Release {
    pub(super) queue: Arc<ItemQueue>,
    pub(super) records: Arc<RecordQueue>,
    pub(super) events: Arc<EventQueue>,
    pub(super) cancel: CancellationToken,
}

impl Drop for Release {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.cancel.cancel();
            self.records.close();
        }
        // From here on the workers find nothing more to do.
        self.queue.close();
        self.events.close();
    }
}
