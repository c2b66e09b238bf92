//! Where items come from. Nothing in here knows what is done with them: what an item must look like is a check that
//! a source is given.

mod lines;
mod list;

pub use lines::{LONGEST_LINE, Lines};
pub use list::List;

use gaits_core::{Data, Entry, Refused};

/// Says what is shown in place of an item that holds a secret, or what is wrong with it: what the work makes of it.
pub type Check = Box<dyn Fn(&Data) -> Result<Option<Data>, Refused> + Send>;

/// An entry of the input, checked; `place` says where it stands.
fn checked(check: &Check, data: Data, place: impl FnOnce() -> String) -> Entry {
    match check(&data) {
        Ok(shown) => Entry::Item { data, shown },
        Err(Refused { message, shown }) => Entry::Invalid {
            shown: shown.unwrap_or(data),
            message: format!("{}: {message}", place()),
        },
    }
}
