//! Where items come from. Nothing in here knows what is done with them: what an item must look like is a check that
//! a source is given.

mod chain;
mod decode;
mod lines;
mod list;
mod numbered;
mod part;
mod pushed;
mod rows;
mod spans;

pub use chain::{Chain, Opens};
pub use decode::{BAD, Text, TextEncoding, text_of};
pub use lines::{LONGEST_LINE, Lines, MakeFromLine};
pub use list::List;
pub use numbered::{MakeNumbered, Numbered};
pub use part::{Draw, Drawn, Dropped, Identity, MOST_BYTES, Select, Shard};
pub use pushed::{Ended, Pushed, Pusher, pushed};
pub use rows::{MakeItem, Row, Rows, Table, look_at_first_row};
pub use spans::Spans;

use gaits_core::{Content, Data, Entry, Facts, IsDone, ItemFacts, Refused, Work};
use std::sync::Arc;

/// How many items are read at a time where all are read.
const BATCH: usize = 4096;

/// Says what the work makes of an item, or what is wrong with it.
pub type Check = Box<dyn Fn(&Data) -> Result<ItemFacts, Refused> + Send>;

/// The check that a work makes.
#[must_use]
pub fn check_of(work: Arc<dyn Work>) -> Check {
    Box::new(move |item| work.inspect(item).map(Facts::brief))
}

/// What stands at a place of the input, checked; `place` says where that is.
fn checked(check: &Check, data: Data, place: impl FnOnce() -> String) -> Content {
    match check(&data) {
        Ok(facts) => Content::Item { data, facts: Some(facts) },
        Err(Refused { message, shown }) => Content::Invalid {
            shown: shown.unwrap_or(data),
            message: format!("{}: {message}", place()),
        },
    }
}

/// The same, but for an item that is done already: what it is need not be looked at.
fn unless_done(
    done: Option<&IsDone>,
    index: u64,
    check: &Check,
    data: Data,
    place: impl FnOnce() -> String,
) -> Content {
    match done {
        Some(done) if done(index) => Content::Item { data, facts: None },
        _ => checked(check, data, place),
    }
}

/// Asks the work about an entry, where the source has not.
pub fn ask(work: &dyn Work, entry: &mut Entry) {
    let Content::Item { data, facts: facts @ None } = &mut entry.content else { return };
    match work.inspect(data).map(Facts::brief) {
        Ok(told) => *facts = Some(told),
        Err(Refused { message, shown }) => {
            let shown = shown.unwrap_or_else(|| data.clone());
            let message = format!("item {}: {message}", entry.index);
            entry.content = Content::Invalid { shown, message };
        }
    }
}
