//! Options that take a part of a list.

use super::within::seed;
use super::{help, values};
use clap::{ArgGroup, Args};
use gaits::{Input, Selection, Shard};
use std::num::NonZeroU64;

/// What is taken of a list.
#[derive(Debug, Args)]
#[command(next_help_heading = help::INPUT)]
#[command(group = ArgGroup::new("draws").args(["sample", "shuffle"]).multiple(true))]
pub(super) struct SelectionArgs {
    /// Take the first N items only; the same command with a higher N goes on
    #[arg(long, value_name = "N", value_parser = values::items, conflicts_with = "count", hide_short_help = true)]
    limit: Option<NonZeroU64>,

    /// Draw N items, which keep their order and their numbers; they are held in memory
    #[arg(long, value_name = "N", value_parser = values::items, conflicts_with = "count", hide_short_help = true)]
    sample: Option<NonZeroU64>,

    /// Take the items in another order, in which they are numbered; they are held in memory, 1 GiB at most
    #[arg(long, conflicts_with = "count", hide_short_help = true)]
    shuffle: bool,

    /// Draw (--sample) and shuffle (--shuffle) by this seed [default: 0, so that the same command goes on]
    #[arg(long, value_name = "N", hide_short_help = true)]
    #[arg(value_parser = seed, requires = "draws")]
    sample_seed: Option<u64>,

    /// Take one share of several: 1/8 on one machine, 2/8 on another, and so on to 8/8
    ///
    /// Which share an item falls to follows from a hash of it, so machines that have the same list share it without talking to
    /// each other. Items keep the numbers that they have in the whole list, so the results can be put together.
    #[arg(long, value_name = "K/N", value_parser = shard, conflicts_with = "count", hide_short_help = true)]
    shard: Option<Shard>,

    /// Leave out items that ask for the same as one before: method, URL, own header fields, and what is sent
    ///
    /// How many there were is said at the end. Each item takes about 30 bytes of memory.
    #[arg(long, conflicts_with = "count", hide_short_help = true)]
    dedupe: bool,
}

fn shard(text: &str) -> Result<Shard, String> {
    let parts = text.split_once('/').and_then(|(number, of)| {
        Some(Shard { number: number.trim().parse().ok()?, of: of.trim().parse().ok()? })
    });
    parts.filter(|shard| (1..=shard.of).contains(&shard.number)).ok_or_else(|| {
        format!("`{text}` is no share such as 3/8: the third of eight, counted from 1")
    })
}

impl SelectionArgs {
    /// The part of `input` that is asked for.
    pub(super) fn part_of(&self, input: Input) -> Input {
        let selection = Selection {
            dedupe: self.dedupe,
            shard: self.shard,
            sample: self.sample.map(|sample| usize::try_from(sample.get()).unwrap_or(usize::MAX)),
            shuffle: self.shuffle,
            seed: self.sample_seed.unwrap_or_default(),
            limit: self.limit.map(NonZeroU64::get),
            ..Selection::default()
        };
        if selection.is_all() { input } else { Input::Part { of: Box::new(input), selection } }
    }
}
