//! `results.jsonl.done`: what a results file holds up to an offset, so that a later run reads only what comes after.
//!
//! Limit: it is worth nothing by itself. One that is missing, torn, or not of this results file is passed over, and the
//! results file is read from its beginning.

use super::aside::write_aside;
use super::done::Done;
use super::scan::last_line;
use roaring::RoaringTreemap;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io;
use std::path::Path;
use xxhash_rust::xxh3::xxh3_64;

/// How the file begins; the number is the version of its format.
const MAGIC: &[u8] = b"gaits done 1\n";

/// What a results file holds up to an offset.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Checkpoint {
    /// Of the records up to the offset.
    pub done: Done,
    /// Where the last of them ends.
    pub offset: u64,
    /// How many lines these are.
    pub lines: u64,
}

/// As it is written.
#[derive(Serialize, Deserialize)]
struct Form {
    offset: u64,
    lines: u64,
    /// Length and hash of the last line before the offset.
    last: (u64, u64),
    sums: Vec<(u64, u64)>,
    recorded: Vec<u8>,
    failed: Vec<u8>,
    unsure: Vec<u8>,
}

impl Checkpoint {
    /// Writes it for `results`. It is not brought to the disk: after a loss of power it may be torn, which its checksum
    /// tells.
    ///
    /// # Errors
    /// A file can't be read or written.
    pub fn write(
        path: &Path,
        results: &File,
        done: &Done,
        offset: u64,
        lines: u64,
    ) -> io::Result<()> {
        let Some((start, last)) = last_line(results, offset)? else { return Ok(()) };
        let bytes = |set: &RoaringTreemap| {
            let mut bytes = Vec::with_capacity(set.serialized_size());
            set.serialize_into(&mut bytes).map(|()| bytes)
        };
        let form = Form {
            offset,
            lines,
            last: (offset - start, xxh3_64(&last)),
            sums: done.sums.iter().map(|(block, sum)| (*block, *sum)).collect(),
            recorded: bytes(&done.recorded)?,
            failed: bytes(&done.failed)?,
            unsure: bytes(&done.unsure)?,
        };
        let mut file = postcard::to_extend(&form, MAGIC.to_vec()).map_err(io::Error::other)?;
        file.extend(xxh3_64(&file).to_le_bytes());
        write_aside(path, &file, false)
    }

    /// Reads it; none if it does not tell of `results`.
    #[must_use]
    pub fn read(path: &Path, results: &File) -> Option<Self> {
        let file = fs::read(path).ok()?;
        let (content, checksum) = file.split_last_chunk::<8>()?;
        if xxh3_64(content) != u64::from_le_bytes(*checksum) {
            return None;
        }
        let form: Form = postcard::from_bytes(content.strip_prefix(MAGIC)?).ok()?;
        if form.offset > results.metadata().ok()?.len() {
            return None;
        }
        let (start, last) = last_line(results, form.offset).ok()??;
        let there = start + last.len() as u64 == form.offset;
        if !there || form.last != (last.len() as u64, xxh3_64(&last)) {
            return None;
        }
        let set = |bytes: &[u8]| RoaringTreemap::deserialize_from(bytes).ok();
        let done = Done {
            recorded: set(&form.recorded)?,
            failed: set(&form.failed)?,
            unsure: set(&form.unsure)?,
            sums: form.sums.into_iter().collect(),
        };
        (done.len() == form.lines).then_some(Self { done, offset: form.offset, lines: form.lines })
    }
}

#[cfg(test)]
mod tests {
    use super::super::done::tests::record;
    use super::*;

    /// Results of `count` records, and what they are.
    fn results(count: u64) -> (String, Done) {
        let mut done = Done::default();
        let mut text = String::new();
        for index in 0..count {
            let record = record(index * 3, &format!("item {index}"), None);
            done.add(&record);
            text += &(serde_json::to_string(&record).unwrap() + "\n");
        }
        (text, done)
    }

    #[test]
    fn what_was_written_is_read_again_and_nothing_else() {
        let scratch = tempfile::tempdir().unwrap();
        let (path, at) = (scratch.path().join("r"), scratch.path().join("r.done"));
        let (text, done) = results(5000);
        let end = text.len() as u64;
        let open = |text: &str| {
            fs::write(&path, text).unwrap();
            File::open(&path).unwrap()
        };
        Checkpoint::write(&at, &open(&text), &done, end, 5000).unwrap();
        let expected = Checkpoint { done, offset: end, lines: 5000 };
        assert_eq!(Checkpoint::read(&at, &open(&text)), Some(expected.clone()));
        let longer = format!("{text}{{\"index\":");
        assert_eq!(Checkpoint::read(&at, &open(&longer)), Some(expected));

        // Not of this file: shorter, another last line, no line's end at the offset.
        assert_eq!(Checkpoint::read(&at, &open(&text[..text.len() - 1])), None);
        let other = text.replace("item 4999", "item 4998");
        assert_eq!(Checkpoint::read(&at, &open(&other)), None);
        let shifted = format!("{text} ").replacen("item 17", "item 1", 1);
        assert_eq!(Checkpoint::read(&at, &open(&shifted)), None);

        let whole = fs::read(&at).unwrap();
        let results = open(&text);
        for length in [0, 5, 8, MAGIC.len(), whole.len() / 2, whole.len() - 1] {
            fs::write(&at, &whole[..length]).unwrap();
            assert_eq!(Checkpoint::read(&at, &results), None, "{length} bytes");
        }
        for place in [0, 20, whole.len() / 3, whole.len() - 1] {
            let mut bytes = whole.clone();
            bytes[place] ^= 1;
            fs::write(&at, &bytes).unwrap();
            assert_eq!(Checkpoint::read(&at, &results), None, "byte {place}");
        }
        fs::remove_file(&at).unwrap();
        assert_eq!(Checkpoint::read(&at, &results), None);
    }
}
