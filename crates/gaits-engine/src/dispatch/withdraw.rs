//! Items that the program does not want done any more.

use super::Dispatcher;
use crate::flow::Withdrawal;
use std::collections::HashSet;

impl Dispatcher<'_> {
    /// Takes out the named items that nobody has started, and tells which those were. They have no record, and are among
    /// what is given back. Items that lie in worker processes count as started.
    pub(super) fn withdraw_items(&mut self, withdrawal: Withdrawal) {
        let Withdrawal { indices, told } = withdrawal;
        let mut gone = Vec::new();
        // What is left in a run that is being stopped is given back anyway.
        if !self.state.stopping {
            let wanted: HashSet<_> = indices.into_iter().collect();
            gone = self.pacer.withdraw(&wanted);
            for item in self.queue.withdraw(&wanted) {
                self.take_back_start(&item);
                self.pacer.finished(item.key, 0);
                gone.push(item.index);
            }
            self.state.end.given_back += gone.len() as u64;
        }
        gone.sort_unstable();
        if let Some(tell) = self.undone.as_ref().filter(|_| !gone.is_empty()) {
            tell(&gone);
        }
        told(gone);
    }
}
