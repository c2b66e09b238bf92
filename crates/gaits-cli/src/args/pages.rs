//! Options for answers that are pages of a listing.

use super::{help, values};
use clap::Args;
use gaits::http::NextPage;
use std::num::NonZeroU64;

/// How many pages a listing may have, if nothing is said.
const PAGES: u64 = 10_000;

// {N} for {n}, which is the same: where clap shows these texts, it puts a line break for the latter.
/// How pages lead to one another, and what is on them.
#[derive(Debug, Args)]
pub(super) struct PagesArgs {
    /// Fetch the next page, too, and so on to the last one: link, /links/next, 'page={N}', …
    ///
    /// `link` takes the URL that the header field `link` calls next, /json/pointer the one that stands there in JSON. With
    /// 'page={N}' the parameter `page` counts up until an answer is empty; 'offset={N+100}' counts in steps, from 0 if the URL
    /// says nothing. With 'cursor={/meta/next}' the parameter gets what stands at that pointer. Quote them, or the shell
    /// reads them. Each page is an item with a record of its own, and is asked for as the first one was.
    #[arg(long, value_name = "HOW", help_heading = help::INPUT, hide_short_help = true)]
    pub(super) next: Option<NextPage>,

    /// Follow a listing for at most this many pages [default: 10000]
    ///
    /// A run that leaves pages out by the default ends with exit code 4, and the same command with a larger number goes on.
    #[arg(long, value_name = "N", value_parser = values::items, requires = "next", help_heading = help::INPUT, hide_short_help = true)]
    max_pages: Option<NonZeroU64>,

    /// Take the fields of --extract from each element of the list at this JSON Pointer
    ///
    /// The record's `extract` has them as a list called `each`, which `gaits export` turns into a row for each element. Without
    /// --extract, the elements themselves are taken. With 'page={N}', a page without elements is the last one.
    #[arg(long, value_name = "POINTER", help_heading = help::OUTPUT, hide_short_help = true)]
    pub(super) each: Option<Box<str>>,
}

/// How far listings are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pages {
    /// So many pages of each.
    pub(crate) most: u64,
    /// The user has said so.
    pub(crate) is_given: bool,
}

impl PagesArgs {
    /// How far listings are followed.
    pub(super) fn pages(&self) -> Pages {
        let is_given = self.max_pages.is_some();
        Pages { most: self.max_pages.map_or(PAGES, NonZeroU64::get), is_given }
    }
}

impl Default for Pages {
    fn default() -> Self {
        Self { most: PAGES, is_given: false }
    }
}
