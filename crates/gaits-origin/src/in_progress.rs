//! A request that has not ended yet.

use crate::access_log::Entry;
use crate::gate::Place;

/// What a request keeps until it ends, when this is dropped: its place in service, and its line in the access log.
#[derive(Debug, Default)]
pub(crate) struct InProgress {
    pub(crate) place: Option<Place>,
    pub(crate) entry: Option<Entry>,
}

impl InProgress {
    pub(crate) fn log(&mut self, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = &mut self.entry {
            change(entry);
        }
    }
}
