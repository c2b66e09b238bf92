//! Content that is made up while it is sent. Each part of it is made without what stands before it, so a range in the
//! middle of a terabyte costs no more than its own bytes.

use std::sync::LazyLock;

use bytes::Bytes;
use fastrand::Rng;

/// How much is generated at once. Random content is drawn anew for each block of this size, so another size would mean
/// other bytes.
const BLOCK: usize = 64 * 1024;

/// The letters from a to z over and over, long enough to take a block from any place in the alphabet.
static LETTERS: LazyLock<Bytes> =
    LazyLock::new(|| (b'a'..=b'z').cycle().take(BLOCK + 26).collect());

/// What the content is made of.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// Random bytes that follow from a seed.
    Random { seed: u64 },
    /// The letters from a to z, over and over.
    Letters,
}

/// A part of generated content, from the next byte to send up to its end.
#[derive(Debug)]
pub(crate) struct Generated {
    kind: Kind,
    at: u64,
    end: u64,
}

impl Generated {
    /// `total` random bytes; two contents with the same seed begin alike.
    pub(crate) fn random(seed: u64, total: u64) -> Self {
        Self { kind: Kind::Random { seed }, at: 0, end: total }
    }

    /// `total` letters.
    pub(crate) fn letters(total: u64) -> Self {
        Self { kind: Kind::Letters, at: 0, end: total }
    }

    /// The part of the content from `start` up to `end`, which is not in it.
    pub(crate) fn part(self, start: u64, end: u64) -> Self {
        Self { at: start, end, ..self }
    }

    /// The bytes that are still to come.
    pub(crate) fn left(&self) -> u64 {
        self.end - self.at
    }

    /// The next bytes: at most `limit`, and at most to the end of a block.
    pub(crate) fn take(&mut self, limit: u64) -> Bytes {
        let (block, start) = (self.at / BLOCK as u64, self.at % BLOCK as u64);
        let size = self.left().min(limit).min(BLOCK as u64 - start);
        self.at += size;
        let [start, size] = [start, size].map(within_block);
        match self.kind {
            Kind::Letters => {
                let first = within_block((block % 26 * (BLOCK as u64 % 26) + start as u64) % 26);
                LETTERS.slice(first..first + size)
            }
            Kind::Random { seed } => {
                // An odd factor maps different blocks to different states; see `Draws::new`.
                let mut rng = Rng::with_seed(seed ^ block.wrapping_mul(0x9e37_79b9_7f4a_7c15));
                let mut bytes = vec![0; start + size];
                rng.fill(&mut bytes);
                Bytes::from(bytes).slice(start..)
            }
        }
    }
}

/// A number that is known to be at most the size of a block.
fn within_block(number: u64) -> usize {
    usize::try_from(number).unwrap_or(BLOCK)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(mut content: Generated, limit: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        while content.left() > 0 {
            bytes.extend(content.take(limit));
        }
        bytes
    }

    #[test]
    fn each_part_is_what_stands_there_in_the_whole() {
        let total = 3 * BLOCK as u64 + 5;
        for content in [|n| Generated::random(7, n), Generated::letters] {
            let whole = all(content(total), u64::MAX);
            assert_eq!(whole.len() as u64, total);
            assert_eq!(all(content(total), 1000), whole);
            for (start, end) in
                [(0, 1), (3, 11), (65_535, 65_537), (65_536, total), (70_001, 190_000)]
            {
                let [from, to] = [start, end].map(|at| usize::try_from(at).unwrap());
                assert_eq!(all(content(total).part(start, end), 999), whole[from..to]);
            }
        }
    }

    #[test]
    fn random_blocks_differ_from_each_other() {
        let whole = all(Generated::random(0, 2 * BLOCK as u64), u64::MAX);
        assert_ne!(whole[..BLOCK], whole[BLOCK..]);
    }

    #[test]
    fn letters_go_on_from_z_to_a_at_every_place() {
        let whole = all(Generated::letters(BLOCK as u64 * 2), 60_000);
        for (index, letter) in whole.iter().enumerate() {
            assert_eq!(usize::from(letter - b'a'), index % 26, "at {index}");
        }
        let far = all(Generated::letters(u64::MAX).part(u64::MAX - 3, u64::MAX), 2);
        // 2^64 - 4 is 12 more than a multiple of 26.
        assert_eq!(far, b"mno");
    }
}
