//! `results.jsonl.started`: the items that may not be done twice and were handed out.
//!
//! A line is an index and the [`item_hash`](super::item_hash) of the item in hexadecimal digits; a line of `-` and an index
//! takes it back. Lines are on the disk before the items go out, so an item that is missing here was not sent, whatever has
//! happened to the process or the machine. Behind the lines stand zeros, which they are written over: to bring bytes to the disk
//! takes a file system longer where the file grows by them.
//!
//! Limit: it says nothing of how an item ended. One that has a record is done, whatever stands here.

use super::aside::{commit, sync_folder, write_aside};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

/// By so many zeros the file grows, if not by more.
const ROOM: u64 = 64 * 1024;

/// Notes which items are handed out.
#[derive(Debug)]
pub struct Started {
    path: PathBuf,
    file: Option<Open>,
    /// Something was noted since it was opened.
    used: bool,
    /// Its last line may be torn, so nothing may come behind it.
    torn: bool,
}

#[derive(Debug)]
struct Open {
    file: File,
    /// Where the lines end.
    end: u64,
    /// Where the zeros behind them end.
    room: u64,
}

impl Open {
    fn write(&mut self, text: &[u8]) -> io::Result<()> {
        let end = self.end + text.len() as u64;
        if end > self.room {
            let zeros = vec![0; usize::try_from((end - self.room).max(ROOM)).unwrap_or(usize::MAX)];
            match self.file.write_all_at(&zeros, self.room) {
                Ok(()) => self.room += zeros.len() as u64,
                Err(error) if self.cut().is_err() => return Err(error),
                // On a disk that is almost full there may be room for the lines.
                Err(_) => {}
            }
        }
        self.file.write_all_at(text, self.end)?;
        self.end = end;
        self.room = self.room.max(end);
        Ok(())
    }

    /// Takes away what stands behind the lines, such as the beginning of others.
    fn cut(&mut self) -> io::Result<()> {
        self.file.set_len(self.end)?;
        self.room = self.end;
        Ok(())
    }
}

impl Started {
    /// The items noted at `path`, with their hashes. A file that is not there has none, and a last line that was torn was
    /// written for items that did not go out.
    ///
    /// # Errors
    /// The file can't be read, or something else stands in it; the error names the line.
    pub fn read(path: &Path) -> io::Result<BTreeMap<u64, u64>> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
            Err(error) => return Err(error),
        };
        let text = text.split('\0').next().unwrap_or_default();
        let mut items = BTreeMap::new();
        for (number, line) in text.split_inclusive('\n').enumerate() {
            let Some(line) = line.strip_suffix('\n') else { break };
            let read = match line.split_once(' ') {
                None => line.strip_prefix('-').and_then(|index| index.parse().ok()).map(|index| {
                    items.remove(&index);
                }),
                Some((index, hash)) => match (index.parse(), u64::from_str_radix(hash, 16)) {
                    (Ok(index), Ok(hash)) => {
                        items.insert(index, hash);
                        Some(())
                    }
                    _ => None,
                },
            };
            if read.is_none() {
                let wrong = format!("line {} is not an index and a hash", number + 1);
                return Err(io::Error::new(io::ErrorKind::InvalidData, wrong));
            }
        }
        Ok(items)
    }

    /// Begins anew at `path` with the items of earlier runs that have no record yet.
    ///
    /// # Errors
    /// The file can't be written.
    pub fn begin(path: &Path, earlier: &BTreeMap<u64, u64>) -> io::Result<Self> {
        if earlier.is_empty() {
            remove(path)?;
        } else {
            write_aside(path, &lines(earlier.iter().map(|(i, h)| (*i, *h))), true)?;
        }
        Ok(Self { path: path.to_owned(), file: None, used: !earlier.is_empty(), torn: false })
    }

    /// Notes items that are about to go out. When this returns, the notes survive the death of this process, and a loss of power.
    ///
    /// # Errors
    /// They can't be written.
    pub fn add(&mut self, items: impl Iterator<Item = (u64, u64)>) -> io::Result<()> {
        let text = lines(items);
        if text.is_empty() {
            return Ok(());
        }
        let is_new = self.file.is_none();
        self.append(&text)?;
        let Some(open) = &self.file else { return Ok(()) };
        commit(&open.file).map_err(|error| self.named(&error))?;
        // Its name must last as well.
        if is_new { sync_folder(&self.path) } else { Ok(()) }
    }

    /// Takes back items that did not go out after all. A loss of power may take that back.
    ///
    /// # Errors
    /// That can't be written.
    pub fn take_back(&mut self, indices: &[u64]) -> io::Result<()> {
        let mut text = String::new();
        for index in indices {
            let _ = writeln!(text, "-{index}");
        }
        self.append(text.as_bytes())
    }

    fn append(&mut self, text: &[u8]) -> io::Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        self.used = true;
        if self.torn {
            return Err(io::Error::other("what was noted last could not be written whole"));
        }
        let open = match &mut self.file {
            Some(open) => open,
            none => {
                // It is new, or `begin` has written it whole.
                let mut options = OpenOptions::new();
                let file = options.write(true).create(true).truncate(false).open(&self.path)?;
                let end = file.metadata()?.len();
                none.insert(Open { file, end, room: end })
            }
        };
        let written = open.write(text);
        // These items do not go out.
        self.torn = written.is_err() && open.cut().is_err();
        written.map_err(|error| self.named(&error))
    }

    fn named(&self, error: &io::Error) -> io::Error {
        io::Error::new(error.kind(), format!("can't write to {}: {error}", self.path.display()))
    }

    /// Removes the file: each item in it has a record by now.
    ///
    /// # Errors
    /// It can't be removed.
    pub fn clear(&mut self) -> io::Result<()> {
        self.file = None;
        if std::mem::take(&mut self.used) { remove(&self.path) } else { Ok(()) }
    }
}

fn lines(items: impl Iterator<Item = (u64, u64)>) -> Vec<u8> {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut text = Vec::new();
    for (index, hash) in items {
        text.extend_from_slice(itoa::Buffer::new().format(index).as_bytes());
        text.push(b' ');
        let mut digits = [0; 16];
        for (pair, byte) in digits.as_chunks_mut().0.iter_mut().zip(hash.to_be_bytes()) {
            *pair = [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]];
        }
        text.extend_from_slice(&digits);
        text.push(b'\n');
    }
    text
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_noted_taken_back_and_read_again_without_a_torn_line() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("r.started");
        assert!(Started::read(&path).unwrap().is_empty());
        let mut started = Started::begin(&path, &BTreeMap::from([(7, 70)])).unwrap();
        started.add([(1, 10), (2, 20), (3, 30)].into_iter()).unwrap();
        started.take_back(&[2]).unwrap();
        let expected = BTreeMap::from([(1, 10), (3, 30), (7, 70)]);
        assert_eq!(Started::read(&path).unwrap(), expected);

        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.len() as u64 % ROOM, "7 0000000000000046\n".len() as u64, "zeros behind");
        let text = text.trim_end_matches('\0');
        fs::write(&path, format!("{text}12 00")).unwrap();
        assert_eq!(Started::read(&path).unwrap(), expected);
        fs::write(&path, format!("{text}12 00\0\0\0")).unwrap();
        assert_eq!(Started::read(&path).unwrap(), expected);
        fs::write(&path, format!("{text}what\n")).unwrap();
        assert!(Started::read(&path).unwrap_err().to_string().starts_with("line 6 "));

        started.clear().unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn nothing_comes_behind_a_note_that_may_be_torn() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("r.started");
        let mut started = Started::begin(&path, &BTreeMap::new()).unwrap();
        // It can neither be written to nor cut.
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        started.file = Some(Open { file: full, end: 0, room: 0 });
        let error = started.add([(1, 10)].into_iter()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert!(error.to_string().contains("r.started"), "{error}");
        started.file = None;
        assert!(started.take_back(&[1]).unwrap_err().to_string().contains("written whole"));
    }
}
