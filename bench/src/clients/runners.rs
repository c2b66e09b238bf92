//! xargs and GNU parallel: they run a program for each line of a list, and say nothing when all went well.

use super::{entrant, words};
use crate::contender::{Contender, Entrant, Expect, Reader};
use crate::tools::Tool;
use std::path::Path;

/// xargs with `true` for each line of a list, of which there are `count`, two at a time.
pub(crate) fn xargs(tool: &Tool, list: &Path, count: u64) -> Entrant {
    row("xargs -P2 -n1", tool, ["-P2", "-n1"], list, count)
}

/// GNU parallel with the same.
pub(crate) fn parallel(tool: &Tool, list: &Path, count: u64) -> Entrant {
    row("parallel -j2", tool, ["-j2", "--will-cite"], list, count)
}

fn row(name: &str, tool: &Tool, options: [&str; 2], list: &Path, count: u64) -> Entrant {
    entrant(name.into(), tool, |name, path| {
        let mut argv = words(path, options);
        argv.extend(["-a".into(), list.as_os_str().to_owned(), "true".into()]);
        Contender::new(name, argv, Expect::Exactly(count), Reader::ExitOf(count))
    })
}
