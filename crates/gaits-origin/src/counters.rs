//! What has been counted since the origin started. Written by the server's threads, read from any; nothing is decided
//! by it but the sequence numbers of requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The counts. All are atomics with relaxed ordering: each is meaningful on its own.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// For each thread.
    connections: Box<[AtomicU64]>,
    requests: AtomicU64,
    in_service: AtomicU64,
    max_in_service: AtomicU64,
}

impl Counters {
    pub(crate) fn new(threads: usize) -> Self {
        Self { connections: (0..threads).map(|_| AtomicU64::new(0)).collect(), ..Self::default() }
    }

    /// Counts a connection that `thread` has got.
    pub(crate) fn connection(&self, thread: usize) {
        self.connections[thread].fetch_add(1, Relaxed);
    }

    /// Counts a request and gives it its sequence number, from 0.
    pub(crate) fn request(&self) -> u64 {
        self.requests.fetch_add(1, Relaxed)
    }

    pub(crate) fn connections(&self) -> u64 {
        self.connections.iter().map(|count| count.load(Relaxed)).sum()
    }

    pub(crate) fn connections_by_thread(&self) -> Vec<u64> {
        self.connections.iter().map(|count| count.load(Relaxed)).collect()
    }

    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Relaxed)
    }

    pub(crate) fn max_in_service(&self) -> u64 {
        self.max_in_service.load(Relaxed)
    }
}

/// A request in service, counted until it is dropped.
#[derive(Debug)]
pub(crate) struct InService(Arc<Counters>);

impl InService {
    pub(crate) fn enter(counters: &Arc<Counters>) -> Self {
        let now = counters.in_service.fetch_add(1, Relaxed) + 1;
        if now > counters.max_in_service.load(Relaxed) {
            counters.max_in_service.fetch_max(now, Relaxed);
        }
        Self(Arc::clone(counters))
    }
}

impl Drop for InService {
    fn drop(&mut self) {
        self.0.in_service.fetch_sub(1, Relaxed);
    }
}
