//! Which items are drawn, where there are too many for a page: all that failed, the slowest, and an even share of the others.
//!
//! Limit: memory is bounded by the number of items that may be kept and the bytes of their texts. Which items of the others
//! are kept depends on their index alone, so that the same records give the same picture.

use super::phases::Phases;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};

/// How many of the slowest items are always kept.
const SLOWEST: usize = 500;
/// The most bytes of an item's text.
const TEXT: usize = 200;
/// The most bytes of all texts, of which some items have twice the room: a place among them is a `u32`.
const MOST_TEXT: usize = 1 << 30;

/// One item that is drawn.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) index: u64,
    pub(super) lane: u32,
    pub(super) started_us: u64,
    pub(super) queue_us: u64,
    /// From when it was to be started until it was, where it was due at a time.
    pub(super) late_us: Option<u64>,
    pub(super) phases: Phases,
    pub(super) cpu_us: u64,
    /// 0 if it went well, else the number of its kind of failure, counted from 1.
    pub(super) kind: u32,
    /// 0 without one, else the number of its message, counted from 1.
    pub(super) message: u32,
    pub(super) status: u64,
    pub(super) bytes: u64,
    pub(super) attempts: u32,
    pub(super) reused: bool,
    pub(super) text: Text,
}

/// Where an item's text is among those of all, which is a fraction of the memory of a text of its own for each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Text {
    at: u32,
    bytes: u8,
}

impl Text {
    /// There was no room for it.
    const LEFT_OUT: Self = Self { at: u32::MAX, bytes: 0 };

    /// How long it is.
    pub(super) const fn bytes(self) -> u8 {
        self.bytes
    }
}

/// The items that are drawn.
#[derive(Debug)]
pub(super) struct Drawn {
    pub(super) items: Vec<Kept>,
    most: usize,
    most_text: usize,
    /// One behind the other. Those of items that were let go are taken out by [`Drawn::settle`].
    texts: String,
    /// Of items that went well, one of so many is drawn; a power of two.
    pub(super) every: u64,
    /// Of those that failed.
    pub(super) every_failure: u64,
    failures: usize,
    slowest: BinaryHeap<Reverse<(u64, u64)>>,
}

impl Drawn {
    /// At most about `most` items, with at most about `most_text` bytes of texts.
    pub(super) fn new(most: usize, most_text: usize) -> Self {
        Self {
            items: Vec::new(),
            most: most.max(4 * SLOWEST),
            most_text: most_text.min(MOST_TEXT),
            texts: String::new(),
            every: 1,
            every_failure: 1,
            failures: 0,
            slowest: BinaryHeap::new(),
        }
    }

    /// Takes an item, whose text is `text`, if it is one of those that are drawn.
    pub(super) fn offer(&mut self, mut item: Kept, latency_us: u64, text: &str) {
        let failed = item.kind > 0;
        let slow = self.is_slow(latency_us, item.index);
        let every = if failed { self.every_failure } else { self.every };
        if !slow && !is_chosen(item.index, every) {
            return;
        }
        let text = &text[..text.floor_char_boundary(TEXT)];
        // Items that somebody will look for have the room of as much text again.
        let room = if failed || slow { 2 * self.most_text } else { self.most_text };
        match (u32::try_from(self.texts.len()), u8::try_from(text.len())) {
            (Ok(at), Ok(bytes)) if self.texts.len() + text.len() <= room => {
                self.texts.push_str(text);
                item.text = Text { at, bytes };
            }
            _ => item.text = Text::LEFT_OUT,
        }
        self.failures += usize::from(failed);
        self.items.push(item);
        while self.items.len() > self.most {
            self.thin();
        }
    }

    /// The text of an item that is drawn.
    pub(super) fn text_of(&self, item: &Kept) -> &str {
        text_in(&self.texts, item.text)
    }

    /// How many items are drawn without their text.
    pub(super) fn without_text(&self) -> usize {
        self.items.iter().filter(|item| item.text == Text::LEFT_OUT).count()
    }

    fn is_slow(&mut self, latency_us: u64, index: u64) -> bool {
        self.slowest.push(Reverse((latency_us, index)));
        if self.slowest.len() <= SLOWEST {
            return true;
        }
        let out = self.slowest.pop();
        out.is_none_or(|Reverse((_, out))| out != index)
    }

    /// Lets go of half of what went well, or of half of what failed if that is more.
    fn thin(&mut self) {
        if self.failures > self.most / 2 {
            self.every_failure *= 2;
        } else {
            self.every *= 2;
        }
        self.settle();
    }

    /// Lets go of what is not chosen and is no longer among the slowest.
    pub(super) fn settle(&mut self) {
        let slowest: HashSet<u64> = self.slowest.iter().map(|Reverse((_, index))| *index).collect();
        let (every, every_failure) = (self.every, self.every_failure);
        let before = self.items.len();
        self.items.retain(|item| {
            let every = if item.kind > 0 { every_failure } else { every };
            is_chosen(item.index, every) || slowest.contains(&item.index)
        });
        self.failures = self.items.iter().filter(|item| item.kind > 0).count();
        if self.items.len() == before {
            return;
        }
        let mut texts = String::with_capacity(self.texts.len());
        for item in self.items.iter_mut().filter(|item| item.text != Text::LEFT_OUT) {
            let at = u32::try_from(texts.len()).unwrap_or(u32::MAX);
            texts.push_str(text_in(&self.texts, item.text));
            item.text.at = at;
        }
        self.texts = texts;
    }
}

fn text_in(texts: &str, Text { at, bytes }: Text) -> &str {
    let at = at as usize;
    texts.get(at..at + usize::from(bytes)).unwrap_or_default()
}

/// Whether the item is the one of `every` that is drawn. Neighbours in the input often have something in common, and so
/// have every other one: the bits of the index are mixed first.
fn is_chosen(index: u64, every: u64) -> bool {
    let mixed = (index ^ index >> 31).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 32) & (every - 1) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(index: u64, kind: u32) -> Kept {
        Kept {
            index,
            lane: 0,
            started_us: index,
            queue_us: 0,
            late_us: None,
            phases: Phases::default(),
            cpu_us: 0,
            kind,
            message: 0,
            status: 0,
            bytes: 0,
            attempts: 1,
            reused: false,
            text: Text::default(),
        }
    }

    #[test]
    fn what_failed_and_the_slowest_stay_and_of_the_others_an_even_share() {
        let mut drawn = Drawn::new(5_000, 1_000);
        for index in 0..100_000 {
            let failed = index % 1_000 == 7;
            let latency = if index % 997 == 0 { 1_000_000 } else { index % 50 };
            drawn.offer(item(index, u32::from(failed)), latency, &format!("é{index}"));
        }
        drawn.settle();
        let own = |item: &&Kept| drawn.text_of(item) == format!("é{}", item.index);
        let without = drawn.items.iter().filter(|item| !own(item));
        assert!(without.clone().count() < drawn.items.len(), "some have room");
        assert_eq!(without.clone().count(), drawn.without_text());
        assert!(without.clone().all(|item| drawn.text_of(item).is_empty()));
        assert!(drawn.items.len() <= 5_000 && drawn.items.len() > 2_000, "{}", drawn.items.len());
        let indices: HashSet<u64> = drawn.items.iter().map(|item| item.index).collect();
        assert_eq!(indices.len(), drawn.items.len());
        assert!((0..100).all(|n| indices.contains(&(n * 1_000 + 7))));
        assert!((0..100_000).step_by(997).all(|index| indices.contains(&index)));
        assert!(drawn.every >= 16 && drawn.every_failure == 1);
        let expected = 100_000 / usize::try_from(drawn.every).unwrap();
        // 500 of the slowest and 100 that failed come to them.
        let more = drawn.items.len() - expected;
        assert!((450..750).contains(&more), "{more}");
        let text: usize = drawn.items.iter().map(|item| drawn.text_of(item).len()).sum();
        assert!(text <= 2_000, "{text}");
    }

    #[test]
    fn failures_are_thinned_where_they_alone_are_too_many() {
        let mut drawn = Drawn::new(5_000, 0);
        for index in 0..100_000 {
            drawn.offer(item(index, 1), 5, "");
        }
        assert!(drawn.items.len() <= 5_000);
        assert!(drawn.every_failure >= 16 && drawn.every == 1, "{}", drawn.every_failure);
    }
}
