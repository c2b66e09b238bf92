//! What waits for a connection's bytes to be on their way: hyper takes a response into a buffer of its own, and flushes the
//! stream when that buffer is empty. Over HTTP/2 it also does so while the rest of a
//! body waits in a queue: for the bandwidth, for other streams, or for the client's window.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::access_log::Outcome;
use crate::in_progress::InProgress;

/// What waits for a connection's next flush. Responses leave it here; the stream that is lent to hyper tells of flushes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Unsent(Arc<Mutex<Vec<Waiting>>>);

#[derive(Debug)]
enum Waiting {
    /// A request, of whose response hyper has taken everything.
    Response(InProgress),
    /// A response that is to be cut off. Dropping this tells it.
    Cut(#[expect(dead_code, reason = "it is there to be dropped")] oneshot::Sender<()>),
}

impl Unsent {
    /// Keeps a request in progress until the next flush, which makes it a sent one.
    pub(crate) fn keep(&self, request: InProgress) {
        self.lock().push(Waiting::Response(request));
    }

    /// What resolves, with an error or without, at the next flush.
    pub(crate) fn next_flush(&self) -> oneshot::Receiver<()> {
        let (cut, flushed) = oneshot::channel();
        self.lock().push(Waiting::Cut(cut));
        flushed
    }

    /// All that hyper has written has been flushed.
    pub(crate) fn flushed(&self) {
        for waiting in self.lock().drain(..) {
            if let Waiting::Response(mut request) = waiting {
                request.log(|entry| entry.outcome(Outcome::Sent));
            }
        }
    }

    /// There will be no more flush.
    pub(crate) fn give_up(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
