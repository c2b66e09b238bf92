//! Items that come out of the answers to others, such as the next page of a listing: they are done in the same run, and have
//! records as any other item.
//!
//! [`Followers`] sees each record once it is written, asks the work what it names, and hands that to the source
//! of the run. What a run that was stopped has left open is found in its results file: the last record of each listing still
//! names what comes next.
//!
//! Limit: only the work knows what a record names, and what the item that comes next looks like.

mod known;
mod source;

pub(crate) use known::{Known, known};

use gaits_core::{Content, Data, Entry, Record, Refused, Sink, Work, follower, root_and_steps};
use gaits_engine::journal::item_hash;
use gaits_engine::source::ask;
use std::collections::{HashMap, HashSet, VecDeque};
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// What became of items that answers have named, where it is worth telling.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unfollowed {
    /// How many listings ended since an answer has named an item that was done before.
    pub loops: u64,
    /// The item whose answer was the first to do so.
    pub first_loop: Option<String>,
    /// How many listings ended since the same answer came again and again where pages are counted; perhaps they go on.
    pub stuck: u64,
    /// The item that got the first of these answers.
    pub first_stuck: Option<String>,
    /// Answers came, and none of them named a further item.
    pub nothing_named: bool,
    /// How many listings go on and were not followed to their end, since no more items were to follow.
    pub cut: u64,
}

/// Hears of items before they are handed out.
pub(crate) type Before = Box<dyn Fn(&[Entry]) + Send + Sync>;

/// The items that come out of the answers of a run.
#[derive(Clone)]
pub(crate) struct Followers {
    shared: Arc<Shared>,
}

impl std::fmt::Debug for Followers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Followers").field("most", &self.shared.most).finish_non_exhaustive()
    }
}

struct Shared {
    work: Arc<dyn Work>,
    /// How many items may follow one of the input.
    most: u64,
    /// What is to know of items before they are handed out.
    before: Option<Before>,
    /// What earlier runs have done is not done again.
    has_record: HasRecord,
    state: Mutex<State>,
    changed: Condvar,
}

/// So often the same answer may come in a row where nobody but the run counts: pages may be alike.
const MOST_ALIKE: u32 = 3;

/// Says of an index whether its item has a record already.
pub(crate) type HasRecord = Box<dyn Fn(u64) -> bool + Send + Sync>;

/// What one item of the input has led to.
struct Listing {
    /// The item of the input.
    root: Data,
    /// The last record that has named a further item.
    last: Option<Record>,
    /// What was asked for in it.
    seen: HashSet<[u8; 16]>,
    /// How many answers in a row were alike, the last one included.
    alike: u32,
}

impl Listing {
    /// One of which no answer is known; `seen` was asked for in it.
    fn new(root: Data, seen: HashSet<[u8; 16]>) -> Self {
        Self { root, last: None, seen, alike: 0 }
    }

    /// Counts the answer in `record`, if it is like the one before it.
    fn count(&mut self, record: &Record, work: &dyn Work) {
        let is_alike = self.last.as_ref().is_some_and(|before| work.is_repeated(record, before));
        self.alike = if is_alike { self.alike + 1 } else { 1 };
    }
}

#[derive(Default)]
struct State {
    /// What was read of the input, and how it has ended.
    input: VecDeque<Entry>,
    input_end: Option<io::Result<()>>,
    /// What answers have named.
    followers: VecDeque<Entry>,
    /// The listings, by the item of each that has no record yet. The run does not end while there are any, so an item of the
    /// input is not among them before it is handed out: it never is if the input turns out to be another one.
    open: HashMap<u64, Listing>,
    /// What earlier runs have left open, by the item of the input, until that is read.
    known: HashMap<u64, Vec<Known>>,
    /// The same by the item that comes next, until that is handed out.
    resumed: HashMap<u64, Listing>,
    /// The source was stopped, or is gone.
    stopped: bool,
    unfollowed: Unfollowed,
    /// Whether an answer went well, and whether one, perhaps of an earlier run, has named a further item.
    has_answers: bool,
    has_followed: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing inside the lock can panic half-way but a work, and then the run is over.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What stands for an item where loops are looked for: the same for two items that ask for the same.
    fn identity(&self, shown: &Data) -> [u8; 16] {
        identity(&*self.work, shown)
    }
}

fn identity(work: &dyn Work, shown: &Data) -> [u8; 16] {
    work.identity(shown).unwrap_or_else(|| {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&item_hash(shown).to_le_bytes());
        id
    })
}

/// What comes after an item.
enum Next {
    /// This.
    Entry(Entry),
    /// Nothing.
    End,
    /// Something that was done before.
    Loop,
    /// The same answer, again and again.
    Stuck,
    /// More than is to be followed.
    Cut,
}

impl Followers {
    /// At most `most` items follow one of the input. `before` hears of items before they are handed out, `has_record` tells
    /// which of them earlier runs have done, and `known` is what those have left open.
    pub(crate) fn new(
        work: Arc<dyn Work>,
        most: u64,
        before: Option<Before>,
        has_record: HasRecord,
        known: HashMap<u64, Vec<Known>>,
    ) -> Self {
        let state = Mutex::new(State { known, ..State::default() });
        let changed = Condvar::new();
        Self { shared: Arc::new(Shared { work, most, before, has_record, state, changed }) }
    }

    /// What is to be told in the end.
    pub(crate) fn unfollowed(&self) -> Unfollowed {
        let state = self.shared.lock();
        let nothing_named = state.has_answers && !state.has_followed;
        Unfollowed { nothing_named, ..state.unfollowed.clone() }
    }

    /// The items that come next in the listing that began with the item `root` at `index` of the input, where earlier runs have
    /// left it open: one, or several where records were taken out.
    pub(crate) fn resume(&self, index: u64, root: &Data) -> Vec<Entry> {
        let mut state = self.shared.lock();
        let known = state.known.remove(&index).unwrap_or_default();
        state.has_followed |= !known.is_empty();
        let resume = |Known { last, before, seen, steps }| {
            let mut listing = Listing::new(root.clone(), seen);
            for record in before {
                listing.count(&record, &*self.shared.work);
                listing.last = Some(record);
            }
            let next = self.shared.next(&mut listing, &last, steps);
            let entry = state.take(next, &last)?;
            state.resumed.insert(entry.index, listing);
            Some(entry)
        };
        known.into_iter().filter_map(resume).collect()
    }
}

impl Shared {
    /// What comes after the item of `record`, which is `steps` away from the input's.
    fn next(&self, listing: &mut Listing, record: &Record, steps: u64) -> Next {
        if !record.outcome.is_ok() || !self.work.is_followed(record) {
            return Next::End;
        }
        let (root, _) = root_and_steps(record.index);
        let index = follower(root, steps + 1).filter(|_| steps < self.most);
        let Some(index) = index else { return Next::Cut };
        if (self.has_record)(index) {
            // An earlier run went on from here.
            return Next::End;
        }
        listing.count(record, &*self.work);
        if listing.alike >= MOST_ALIKE {
            return Next::Stuck;
        }
        let mut entry = match self.work.follower(&listing.root, record) {
            Ok(data) => Entry::item(index, data),
            Err(Refused { message, shown }) => {
                let shown = shown.unwrap_or_else(|| record.item.clone());
                let message = format!("after {}: {message}", record.item);
                return Next::Entry(Entry { index, content: Content::Invalid { shown, message } });
            }
        };
        ask(&*self.work, &mut entry);
        if !listing.seen.insert(self.identity(entry.content.shown())) {
            return Next::Loop;
        }
        listing.last = Some(brief(record));
        Next::Entry(entry)
    }
}

impl State {
    /// Gives the item that comes after `record`, or counts why none does.
    fn take(&mut self, next: Next, record: &Record) -> Option<Entry> {
        match next {
            Next::Entry(entry) => return Some(entry),
            Next::End => {}
            Next::Cut => self.unfollowed.cut += 1,
            Next::Stuck => {
                self.unfollowed.stuck += 1;
                self.unfollowed.first_stuck.get_or_insert_with(|| record.item.to_string());
            }
            Next::Loop => {
                self.unfollowed.loops += 1;
                self.unfollowed.first_loop.get_or_insert_with(|| record.item.to_string());
            }
        }
        None
    }
}

/// What is kept of a record to find what comes after it.
fn brief(record: &Record) -> Record {
    Record { extract: Vec::new(), payload: None, tries: Vec::new(), ..record.clone() }
}

/// Sees the records, after they are written.
impl Sink for Followers {
    fn write(&mut self, record: &Record) -> io::Result<()> {
        let (_, steps) = root_and_steps(record.index);
        let mut state = self.shared.lock();
        let Some(mut listing) = state.open.remove(&record.index) else { return Ok(()) };
        if steps == 0 {
            let id = self.shared.identity(&record.item);
            listing.seen.insert(id);
        }
        let next = self.shared.next(&mut listing, record, steps);
        state.has_answers |= record.outcome.is_ok();
        state.has_followed |= steps > 0 || !matches!(next, Next::End);
        if let Some(entry) = state.take(next, record) {
            state.open.insert(entry.index, listing);
            state.followers.push_back(entry);
        }
        drop(state);
        self.shared.changed.notify_all();
        Ok(())
    }
}
