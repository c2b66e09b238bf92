//! Opens the source that the command line names, or says why it can't.

use crate::args::{Input, Job};
use crate::exit::Trouble;
use anyhow::{Context as _, anyhow};
use gaits_core::{Entry, More, Source};
use gaits_engine::source::{Check, Lines, List};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// The most items that are held in memory, for what goes over them more than once.
const MOST_HELD: usize = 1_000_000;
/// Bytes read from a file at a time.
const CHUNK: usize = 256 * 1024;

/// Opens the input of `job`; what its items must look like is the work's to say.
pub(crate) fn open(job: &Job) -> Result<Box<dyn Source>, Trouble> {
    let check: Check = Box::new(job.check);
    Ok(match &job.input {
        Input::Listed { items, count } => {
            let count = count.unwrap_or(items.len() as u64);
            Box::new(List::cycled(items.clone(), count, check))
        }
        Input::Stdin => {
            Box::new(Lines::new(BufReader::with_capacity(CHUNK, std::io::stdin()), "stdin", check))
        }
        Input::File(path) => {
            let reader = BufReader::with_capacity(CHUNK, open_file(path)?);
            Box::new(Lines::new(reader, path.display().to_string(), check))
        }
    })
}

fn open_file(path: &Path) -> Result<File, Trouble> {
    let wrong = |error: std::io::Error| {
        Trouble::Wrong(anyhow!(error).context(format!("can't read {}", path.display())))
    };
    let file = File::open(path).map_err(wrong)?;
    let meta = file.metadata().map_err(wrong)?;
    if meta.is_dir() {
        return Err(Trouble::wrong(format!(
            "can't read {}: it is a directory; give a file with an item a line",
            path.display()
        )));
    }
    Ok(file)
}

/// What messages call `input`.
pub(crate) fn name(input: &Input) -> String {
    match input {
        Input::Listed { .. } => "the command line".to_owned(),
        Input::Stdin => "standard input".to_owned(),
        Input::File(path) => path.display().to_string(),
    }
}

/// What is said of an input without items.
pub(crate) fn nothing_in(input: &Input) -> Trouble {
    let name = name(input);
    Trouble::wrong(format!("no items in {name}: it has only blank lines and comments, or nothing"))
}

/// Reads the whole input of `job`, for what goes over it more than once. Every item must be valid: models that do
/// different things can't be compared.
///
/// They are all held in memory, so there is a limit.
pub(crate) fn read_all(job: &Job) -> Result<Vec<Box<str>>, Trouble> {
    let input = &job.input;
    let mut source = open(job)?;
    let mut items = Vec::new();
    let mut batch = Vec::new();
    loop {
        let more = source
            .next_batch(4096, &mut batch)
            .with_context(|| format!("can't read {} to its end", name(input)))
            .map_err(Trouble::Wrong)?;
        for entry in batch.drain(..) {
            match entry {
                Entry::Item(text) => items.push(text),
                Entry::Invalid { message, .. } => return Err(Trouble::wrong(message)),
            }
        }
        if items.len() > MOST_HELD {
            return Err(Trouble::wrong(format!(
                "{} has more than {MOST_HELD} items, too many to go over again and again; give a part of it, such as the first thousand lines",
                name(input)
            )));
        }
        if more == More::No {
            break;
        }
    }
    if items.is_empty() { Err(nothing_in(input)) } else { Ok(items) }
}
