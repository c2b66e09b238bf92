//! Addresses that the user gives in place of a look-up.
//!
//! Limit: knows them by host and port; whether they may be connected to is not decided here.

use super::super::dns::Addresses;
use super::super::route::Endpoint;
use super::super::ways::Fixed;
use std::collections::HashMap;
use std::sync::Arc;

/// Addresses by host and port.
#[derive(Debug, Default)]
pub(super) struct FixedAddresses {
    of_hosts: HashMap<(Box<str>, u16), Arc<Addresses>>,
    /// Those of every host, by port.
    of_all: HashMap<u16, Arc<Addresses>>,
}

impl FixedAddresses {
    /// Of two for the same host and port, the last one counts.
    pub(super) fn new(given: &[Fixed]) -> Self {
        let mut all = Self::default();
        for fixed in given {
            let Some(addresses) = Addresses::new(fixed.addresses().iter().copied()) else {
                continue;
            };
            let addresses = Arc::new(addresses);
            match fixed.host() {
                Some(host) => all.of_hosts.insert((host.into(), fixed.port()), addresses),
                None => all.of_all.insert(fixed.port(), addresses),
            };
        }
        all
    }

    /// Those of `endpoint`. A host that is named goes before all hosts.
    pub(super) fn of(&self, endpoint: &Endpoint) -> Option<Arc<Addresses>> {
        if self.of_hosts.is_empty() && self.of_all.is_empty() {
            return None;
        }
        let found = self.of_hosts.get(&(endpoint.host.clone(), endpoint.port));
        found.or_else(|| self.of_all.get(&endpoint.port)).cloned()
    }
}
