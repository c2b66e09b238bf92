//! Items that wait and are not to be done after all.

use super::Pacer;
use std::collections::HashSet;

impl Pacer {
    /// Forgets those of the named items that wait and were never started, and tells which those were. It looks at all that
    /// waits, so many items are better named at once than one by one.
    pub(crate) fn withdraw(&mut self, wanted: &HashSet<u64>) -> Vec<u64> {
        let mut gone = Vec::new();
        let mut keys = Vec::new();
        for (id, key) in &mut self.keys {
            let before = gone.len();
            key.waiting.retain(|item| {
                let goes = item.tries == 0 && item.deaths == 0 && wanted.contains(&item.index);
                if goes {
                    gone.push(item.index);
                    self.waiting_bytes -= item.data.len();
                }
                !goes
            });
            if gone.len() > before {
                keys.push(*id);
            }
        }
        self.waiting -= gone.len();
        for id in keys {
            self.schedule(id);
        }
        gone
    }
}
