//! The locks of the event queue: those of std, or those of loom, which goes through all orders in which threads can run.

#[cfg(gaits_loom)]
pub(super) use loom::sync::{Condvar, Mutex, MutexGuard};
#[cfg(not(gaits_loom))]
pub(super) use std::sync::{Condvar, Mutex, MutexGuard};
