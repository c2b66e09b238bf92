//! `--dry-run` and `--print-curl`: shows the requests that would be sent, and sends none.
//!
//! Limit: it does not look at the results file, so it shows items that are done as well.

mod curl;

use super::dropped;
use crate::args::{Job, Shows};
use crate::exit::{Exit, Trouble};
use crate::program::program;
use crate::talk;
use anyhow::Context as _;
use gaits::http::{Preview, PreviewBody, PreviewContent, Previews};
use gaits::{Content, More, set_up, units};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::Path;

/// How many items are looked at at a time.
const BATCH: usize = 1024;
/// Of so many hosts the requests are counted; others are counted together.
const MOST_HOSTS: usize = 1000;
/// So many hosts are named at the end.
const NAMED_HOSTS: usize = 10;

/// Shows what `job` would send.
pub(super) fn show(job: &Job, shows: Shows, quiet: bool) -> Result<Exit, Trouble> {
    let previews = Previews::of(&job.work.settings).map_err(Trouble::wrong)?;
    let work = set_up(&program().works, &job.work).map_err(|error| Trouble::Wrong(error.into()))?;
    let mut source = job.input.open(&work)?;
    if !quiet {
        job.notices.iter().for_each(|notice| talk::line(&format!("gaits: {notice}")));
    }
    let (mut hosts, mut wrong, mut batch) = (Hosts::default(), 0_u64, Vec::new());
    let mut out = io::BufWriter::new(io::stdout().lock());
    loop {
        let more = source.next_batch(BATCH, &mut batch);
        for entry in batch.drain(..) {
            let preview = match entry.content {
                Content::Item { data, .. } => {
                    let text = data.as_text().unwrap_or_default();
                    previews.preview(text, entry.index, shows == Shows::Curl { secrets: true })
                }
                Content::Invalid { message, .. } | Content::Cancelled { message, .. } => {
                    Err(message)
                }
            };
            match preview {
                Ok(preview) => {
                    let text = match shows {
                        Shows::Requests => request(&preview),
                        Shows::Curl { .. } => curl::line(&preview, &previews),
                    };
                    hosts.add(&preview.server);
                    out.write_all(text.as_bytes()).map_err(gone)?;
                }
                Err(message) => {
                    wrong += 1;
                    talk::line(&format!("gaits: {message}"));
                }
            }
        }
        let more = more
            .with_context(|| format!("can't read {} to its end", job.input.name()))
            .map_err(Trouble::CouldNotGoOn)?;
        if more == More::No {
            break;
        }
    }
    out.flush().map_err(gone)?;
    if !quiet {
        talk::line(&hosts.told(wrong, dropped::told(&job.input)));
        if previews.spec().next.is_some() {
            talk::line("gaits: further pages follow, as the answers say (--next)");
        }
    }
    Ok(if wrong == 0 { Exit::AllOk } else { Exit::SomeFailed })
}

fn gone(error: io::Error) -> Trouble {
    if error.kind() == io::ErrorKind::BrokenPipe {
        Trouble::ReaderGone
    } else {
        Trouble::CouldNotGoOn(anyhow::Error::from(error).context("can't write to standard output"))
    }
}

/// How many requests each host would get.
#[derive(Default)]
struct Hosts {
    counts: HashMap<String, u64>,
    others: u64,
}

impl Hosts {
    fn add(&mut self, server: &str) {
        if let Some(count) = self.counts.get_mut(server) {
            *count += 1;
        } else if self.counts.len() < MOST_HOSTS {
            self.counts.insert(server.to_owned(), 1);
        } else {
            self.others += 1;
        }
    }

    fn told(self, wrong: u64, dropped: Option<String>) -> String {
        let mut counts: Vec<_> = self.counts.into_iter().collect();
        counts.sort_by(|one, other| (other.1, &one.0).cmp(&(one.1, &other.0)));
        let all = counts.iter().map(|(_, count)| count).sum::<u64>() + self.others;
        let mut text = format!("gaits: {} would be sent", counted(all, "request"));
        let named = counts.iter().take(NAMED_HOSTS);
        let mut named: Vec<_> = named.map(|(host, count)| format!("{count} to {host}")).collect();
        let rest = all - counts.iter().take(NAMED_HOSTS).map(|(_, count)| count).sum::<u64>();
        if rest > 0 {
            named.push(format!("{rest} to others"));
        }
        if !named.is_empty() {
            let _ = write!(text, ": {}", named.join(", "));
        }
        if wrong > 0 {
            let _ = write!(
                text,
                "; {} no request",
                if wrong == 1 { "1 item is".to_owned() } else { format!("{wrong} items are") }
            );
        }
        if let Some(dropped) = dropped {
            let _ = write!(text, "; {dropped}");
        }
        text
    }
}

fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// A request, as one reads it.
fn request(preview: &Preview) -> String {
    let mut text = format!("{} {}\n", preview.method, preview.url);
    for (name, value) in &preview.headers {
        let _ = writeln!(text, "  {name}: {value}");
    }
    match &preview.body {
        None => {}
        Some(PreviewBody::Bytes(bytes)) => {
            let _ = writeln!(text, "  ({})", units::bytes(bytes.len() as u64));
        }
        Some(PreviewBody::File(path)) => {
            let _ = writeln!(text, "  ({}, {})", path.display(), size(path));
        }
        Some(PreviewBody::Form(parts)) => {
            for part in parts {
                let _ = match &part.content {
                    PreviewContent::Bytes(bytes) => {
                        writeln!(text, "  ({}: {})", part.name, units::bytes(bytes.len() as u64))
                    }
                    PreviewContent::File(path) => {
                        writeln!(text, "  ({}: {}, {})", part.name, path.display(), size(path))
                    }
                };
            }
        }
    }
    text
}

/// How long a file is, or why nobody knows.
fn size(path: &Path) -> String {
    match std::fs::metadata(path) {
        Ok(found) => units::bytes(found.len()),
        Err(error) => format!("can't be read: {error}"),
    }
}
