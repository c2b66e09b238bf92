//! Where items come from. Nothing in here knows what is done with them: what an item must look like is a check that
//! a source is given.

mod lines;
mod list;

pub use lines::{LONGEST_LINE, Lines};
pub use list::List;

use gaits_core::Entry;

/// Says what is wrong with an item's text.
pub type Check = Box<dyn Fn(&str) -> Result<(), String> + Send>;

/// An entry of the input, checked; `place` says where it stands.
fn checked(check: &Check, text: &str, place: impl FnOnce() -> String) -> Entry {
    match check(text) {
        Ok(()) => Entry::Item(text.into()),
        Err(wrong) => {
            Entry::Invalid { text: text.into(), message: format!("{}: {wrong}", place()) }
        }
    }
}
