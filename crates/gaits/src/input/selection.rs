//! A part of a list: what is left out of it, and in which order the rest comes.
//!
//! Limit: what two items must have in common to be the same is for the work to say.

use gaits_core::{Setting, Source, Value, Work};
use gaits_engine::source::{Draw, Drawn, Dropped, Identity, Select, Shard};
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_128;

/// What is taken of a list, in the order in which it is looked at: first what is there twice goes, then all shares but one, then a
/// sample is drawn, then the rest is shuffled, and a limit comes last.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    /// Items that ask for the same as one before them are left out.
    pub dedupe: bool,
    /// Only this share is taken.
    pub shard: Option<Shard>,
    /// So many are drawn.
    pub sample: Option<usize>,
    /// They come in another order, and are numbered in it.
    pub shuffle: bool,
    /// What the draw and the order follow from.
    pub seed: u64,
    /// No more than so many are taken.
    pub limit: Option<u64>,
    /// What was left out since it was there before.
    pub dropped: Dropped,
}

impl Selection {
    /// Whether it takes all, as it comes.
    #[must_use]
    pub fn is_all(&self) -> bool {
        *self == Self { seed: self.seed, ..Self::default() }
    }

    /// The part of `source`.
    pub(super) fn open(
        &self,
        mut source: Box<dyn Source>,
        work: &Arc<dyn Work>,
    ) -> Box<dyn Source> {
        if self.dedupe || self.shard.is_some() {
            let mut select = Select::new(source).shard(self.shard);
            if self.dedupe {
                select = select.without_same(identity_of(work), self.dropped.clone());
            }
            source = Box::new(select);
        }
        if self.sample.is_some() || self.shuffle {
            let Self { sample, shuffle: shuffled, seed, .. } = *self;
            source = Box::new(Drawn::new(source, Draw { sample, shuffled, seed }));
        }
        if self.limit.is_some() {
            source = Box::new(Select::new(source).limit(self.limit));
        }
        source
    }

    /// How many of `total` it takes, where that follows.
    pub(super) fn count(&self, total: Option<u64>) -> Option<u64> {
        let total = if self.dedupe || self.shard.is_some() { None } else { total };
        let drawn = match (total, self.sample) {
            (Some(total), Some(sample)) => Some(total.min(sample as u64)),
            (total, _) => total,
        };
        drawn.map(|drawn| self.limit.map_or(drawn, |limit| limit.min(drawn)))
    }

    /// What another part would differ in. A limit is not among it: with a higher one, a run goes on.
    pub(super) fn settings(&self) -> Vec<Setting> {
        let means = |name, value| Setting { name, value, changes_meaning: true };
        let shard = self.shard.map_or(Value::Null, |Shard { number, of }| {
            Value::String(format!("{number}/{of}").into())
        });
        let draws = self.shuffle || self.sample.is_some();
        vec![
            means("dedupe", Value::Bool(self.dedupe)),
            means("shard", shard),
            means("sample", self.sample.map_or(Value::Null, |sample| (sample as u64).into())),
            means("shuffle", Value::Bool(self.shuffle)),
            means("sample-seed", if draws { self.seed.into() } else { Value::Null }),
        ]
    }
}

/// How items are known that ask for the same.
fn identity_of(work: &Arc<dyn Work>) -> Identity {
    let work = Arc::clone(work);
    Box::new(move |data| {
        work.identity(data).map_or_else(|| xxh3_128(data.as_bytes()), u128::from_le_bytes)
    })
}
