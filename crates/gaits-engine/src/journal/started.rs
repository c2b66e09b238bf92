//! `results.jsonl.started`: the items that may not be done twice and were handed out.
//!
//! A line is an index and the [`item_hash`](super::item_hash) of the item in hexadecimal digits; a line of `-` and an index
//! takes it back. Lines are appended before the items go out, so they survive the death of the process, and an item that is missing here
//! was not sent.
//!
//! A loss of power may take such lines. So a line that begins with `?` is on the disk some time before: its item may go out soon. These
//! lines count if the machine has been started anew since then, which the first line tells, by the system's `boot_id`. Behind all lines stand
//! zeros, which they are written over: to bring bytes to the disk takes a file system longer where the file grows by them.
//!
//! Limits: a disk that goes away while the machine stays on may take lines that no sync has brought to it. Nothing is said of how an
//! item ended: one that has a record is done, whatever stands here.

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
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
            Err(error) => return Err(error),
        };
        let lines = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
        read_lines(&String::from_utf8_lossy(lines), &boot_id())
    }

    /// Begins anew at `path` with the items of earlier runs that have no record yet.
    ///
    /// # Errors
    /// The file can't be written.
    pub fn begin(path: &Path, earlier: &BTreeMap<u64, u64>) -> io::Result<Self> {
        if earlier.is_empty() {
            remove(path)?;
        } else {
            let lines = lines("", earlier.iter().map(|(i, h)| (*i, *h)));
            write_aside(path, &[first_line(), lines].concat(), true)?;
        }
        Ok(Self { path: path.to_owned(), file: None, used: !earlier.is_empty(), torn: false })
    }

    /// Notes items that may go out from now on. When this returns, that survives a loss of power.
    ///
    /// # Errors
    /// They can't be written.
    pub fn ahead(&mut self, items: impl Iterator<Item = (u64, u64)>) -> io::Result<()> {
        let text = lines("? ", items);
        if text.is_empty() {
            return Ok(());
        }
        let is_new = self.file.is_none();
        self.append(&text)?;
        let Some(open) = &mut self.file else { return Ok(()) };
        // Its name must last as well.
        let folder = || if is_new { sync_folder(&self.path) } else { Ok(()) };
        commit(&open.file).and_then(|()| folder()).map_err(|error| {
            // These items do not go out.
            open.end -= text.len() as u64;
            self.torn = open.cut().is_err();
            named(&self.path, &error)
        })
    }

    /// Notes items that are about to go out. When this returns, the notes survive the death of this process.
    ///
    /// # Errors
    /// They can't be written.
    pub fn add(&mut self, items: impl Iterator<Item = (u64, u64)>) -> io::Result<()> {
        self.append(&lines("", items))
    }

    /// Takes back items that did not go out after all.
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
        let first = if open.end == 0 { open.write(&first_line()) } else { Ok(()) };
        let written = first.and_then(|()| open.write(text));
        // These items do not go out.
        self.torn = written.is_err() && open.cut().is_err();
        written.map_err(|error| named(&self.path, &error))
    }

    /// Removes the file: each item that went out has a record by now.
    ///
    /// # Errors
    /// It can't be removed.
    pub fn clear(&mut self) -> io::Result<()> {
        self.file = None;
        if std::mem::take(&mut self.used) {
            remove(&self.path)?;
            // If it came back after a loss of power, items that have not gone out would be taken for such as have.
            sync_folder(&self.path)?;
        }
        Ok(())
    }
}

/// What stands in `text`, where `boot_id` is that of the system as it runs now.
fn read_lines(text: &str, boot_id: &str) -> io::Result<BTreeMap<u64, u64>> {
    let insert = |items: &mut BTreeMap<u64, u64>, line: &str| {
        let (index, hash) = line.split_once(' ')?;
        items.insert(index.parse().ok()?, u64::from_str_radix(hash, 16).ok()?);
        Some(())
    };
    let mut items = BTreeMap::new();
    // Then all counts that may have gone out, and nothing is taken back: it may have gone out again. Where the system does not say, it
    // may have been started anew.
    let mut started_anew = false;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let Some(line) = line.strip_suffix('\n') else { break };
        let read = if let Some(id) = line.strip_prefix("boot ") {
            started_anew = id != boot_id || id.is_empty();
            Some(())
        } else if let Some(line) = line.strip_prefix("? ") {
            if started_anew { insert(&mut items, line) } else { Some(()) }
        } else if let Some(index) = line.strip_prefix('-') {
            index.parse().ok().map(|index| {
                if !started_anew {
                    items.remove(&index);
                }
            })
        } else {
            insert(&mut items, line)
        };
        if read.is_none() {
            let wrong = format!("line {} is not an index and a hash", number + 1);
            return Err(io::Error::new(io::ErrorKind::InvalidData, wrong));
        }
    }
    Ok(items)
}

/// What tells this start of the system from all others; empty if nothing does.
fn boot_id() -> String {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    id.trim().to_owned()
}

fn first_line() -> Vec<u8> {
    format!("boot {}\n", boot_id()).into()
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("can't write to {}: {error}", path.display()))
}

/// A line for each item, with `mark` before it.
fn lines(mark: &str, items: impl Iterator<Item = (u64, u64)>) -> Vec<u8> {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut text = Vec::new();
    for (index, hash) in items {
        text.extend_from_slice(mark.as_bytes());
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
        let (text, zeros) = text.split_at(text.find('\0').unwrap());
        assert!(zeros.bytes().all(|byte| byte == 0));
        fs::write(&path, format!("{text}12 00")).unwrap();
        assert_eq!(Started::read(&path).unwrap(), expected);
        fs::write(&path, format!("{text}12 00\0\0\0")).unwrap();
        assert_eq!(Started::read(&path).unwrap(), expected);
        let garbage = [text.as_bytes(), b"\0\0\xff\xffwhat\n"].concat();
        fs::write(&path, garbage).unwrap();
        assert_eq!(Started::read(&path).unwrap(), expected);
        fs::write(&path, format!("{text}what\n")).unwrap();
        assert!(Started::read(&path).unwrap_err().to_string().starts_with("line 7 "));

        started.clear().unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn what_may_have_gone_out_counts_if_the_machine_was_started_anew() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("r.started");
        let mut started = Started::begin(&path, &BTreeMap::new()).unwrap();
        started.ahead([(1, 10), (2, 20), (3, 30)].into_iter()).unwrap();
        started.add([(1, 10), (4, 40)].into_iter()).unwrap();
        started.take_back(&[1]).unwrap();
        assert_eq!(Started::read(&path).unwrap(), BTreeMap::from([(4, 40)]));
        let text = fs::read_to_string(&path).unwrap();
        let text = text.trim_end_matches('\0');
        let all = BTreeMap::from([(1, 10), (2, 20), (3, 30), (4, 40)]);
        assert_eq!(read_lines(text, "another").unwrap(), all);
        let (_, lines) = text.split_once('\n').unwrap();
        assert_eq!(read_lines(&format!("boot \n{lines}"), "").unwrap(), all);
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
