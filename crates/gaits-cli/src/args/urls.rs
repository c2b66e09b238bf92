//! Where URLs come from: the command line, a file, or standard input.

use super::list::ListArgs;
use crate::exit::Trouble;
use gaits::{Input, UrlPattern};
use nix::sys::stat::{SFlag, fstat};
use std::num::NonZeroU64;
use std::path::Path;

/// What stands for standard input.
const STDIN: &str = "-";

/// What is said where standard input is read although nobody has named it.
const READS_STDIN: &str = "no URL is given, so URLs are read from standard input, one a line";

/// The input, and what is to be said about it.
pub(super) fn input(
    urls: Vec<Box<str>>,
    list: ListArgs,
    count: Option<NonZeroU64>,
    needs: Vec<String>,
    insecure: bool,
) -> Result<(Input, Option<&'static str>), Trouble> {
    let is_list = list.is_given();
    let (otherwise, said) = match &urls[..] {
        [] if is_list => (None, None),
        [only] if is_stdin(only) => (Some(Input::Stdin), None),
        [] if stdin_is_given() => (Some(Input::Stdin), Some(READS_STDIN)),
        [] => {
            return Err(Trouble::wrong(
                "nothing to fetch: give URLs, a file of them with -i FILE, or - for standard input",
            ));
        }
        _ => {
            refuse_files(&urls)?;
            let count = count.map(NonZeroU64::get);
            (Some(of_command_line(urls, list.takes_urls_as_they_are(), count)?), None)
        }
    };
    if count.is_some() && otherwise == Some(Input::Stdin) {
        return Err(Trouble::wrong(
            "--count is for URLs of the command line, not of standard input",
        ));
    }
    let nothing = || Trouble::wrong("nothing to fetch: the list that -i names has no file");
    Ok((list.resolve(otherwise, needs, insecure)?.ok_or_else(nothing)?, said))
}

/// URLs of the command line, which may stand for many.
fn of_command_line(
    urls: Vec<Box<str>>,
    as_they_are: bool,
    count: Option<u64>,
) -> Result<Input, Trouble> {
    if as_they_are || !urls.iter().any(|url| url.contains(['{', '}'])) {
        return Ok(Input::Listed { items: urls, count });
    }
    let patterns = patterns(&urls)?;
    if patterns.iter().all(UrlPattern::is_plain) {
        let items = patterns.iter().map(|pattern| pattern.url(0).into()).collect();
        return Ok(Input::Listed { items, count });
    }
    Ok(Input::Patterns { patterns, count })
}

fn patterns(urls: &[Box<str>]) -> Result<Vec<UrlPattern>, Trouble> {
    urls.iter().map(|url| UrlPattern::parse(url).map_err(Trouble::wrong)).collect()
}

/// How many URLs those of the command line stand for.
pub(super) fn how_many(urls: &[Box<str>], as_they_are: bool) -> u64 {
    let count = |url| UrlPattern::parse(url).map_or(1, |pattern| pattern.count());
    if as_they_are {
        return urls.len() as u64;
    }
    urls.iter().map(|url| count(url)).fold(0, u64::saturating_add)
}

/// Whether the input is a list of URLs, as the command line has them.
pub(super) fn is_listed(urls: &[Box<str>]) -> bool {
    !matches!(urls, []) && !urls.iter().any(|url| is_stdin(url))
}

fn is_stdin(url: &str) -> bool {
    url == STDIN
}

/// Refuses what is a file where a URL should be: its URLs are meant.
fn refuse_files(urls: &[Box<str>]) -> Result<(), Trouble> {
    if urls.iter().any(|url| is_stdin(url)) {
        return Err(Trouble::wrong("- is standard input, and goes with no other URL"));
    }
    match urls.iter().find(|url| is_file(url)) {
        None => Ok(()),
        Some(file) => Err(Trouble::wrong(format!(
            "{file} is a file, not a URL; -i {file} takes the URLs in it"
        ))),
    }
}

/// Whether a word can only be a URL.
pub(super) fn is_url(word: &str) -> bool {
    word.contains("://")
}

/// Whether a word is no URL, but the name of a file that is there.
pub(super) fn is_file(word: &str) -> bool {
    !is_url(word) && Path::new(word).is_file()
}

/// Whether somebody has put something on standard input: a pipe or a file, but no terminal and not `/dev/null`.
pub(super) fn stdin_is_given() -> bool {
    let Ok(stat) = fstat(std::io::stdin()) else { return false };
    let kind = SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT;
    kind == SFlag::S_IFIFO || kind == SFlag::S_IFREG
}
