//! Which addresses did not answer lately, so that a connection begins with one that did.
//!
//! Limit: knows of the addresses of hosts that have several; it only changes their order, so what it has wrong costs
//! time and nothing else.

use gaits_core::Clock;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// For how long an address counts as dead, in microseconds. After that, a connection may lose an attempt's delay once
/// more, and a host that is back has its share of the load again.
const DEAD_LIFE_US: u64 = 60_000_000;

/// How many addresses are remembered, so that memory does not grow with the list.
const MAX_DEAD: usize = 1024;

/// Which addresses did not answer lately.
#[derive(Debug)]
pub(super) struct DeadAddresses {
    clock: Arc<dyn Clock>,
    /// Whether there are none, for those who need not lock then.
    none: AtomicBool,
    until_us: Mutex<HashMap<SocketAddr, u64>>,
}

impl DeadAddresses {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, none: AtomicBool::new(true), until_us: Mutex::default() }
    }

    /// Puts the dead ones of `addresses` behind the others.
    pub(super) fn last(&self, mut addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
        if !self.none.load(Ordering::Relaxed) {
            let (now_us, dead) = (self.clock.now_us(), self.lock());
            addresses.sort_by_key(|address| dead.get(address).is_some_and(|until| now_us < *until));
        }
        addresses
    }

    /// Remembers that `alive` has answered, and that those in `dead` have not.
    pub(super) fn learn(&self, alive: SocketAddr, dead: &[SocketAddr]) {
        if dead.is_empty() && self.none.load(Ordering::Relaxed) {
            return;
        }
        let now_us = self.clock.now_us();
        let mut until_us = self.lock();
        until_us.remove(&alive);
        if until_us.len() + dead.len() > MAX_DEAD {
            until_us.retain(|_, until| now_us < *until);
        }
        let room = MAX_DEAD.saturating_sub(until_us.len());
        until_us.extend(dead.iter().take(room).map(|address| (*address, now_us + DEAD_LIFE_US)));
        self.none.store(until_us.is_empty(), Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SocketAddr, u64>> {
        self.until_us.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
impl DeadAddresses {
    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }
}
