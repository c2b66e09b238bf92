//! Brings bodies to the disk and gives them their names, and only then hands their records on.
//!
//! It has a thread of its own, on which the sink behind it is used as well. Records are taken in groups: a group's bodies
//! are synced together, renamed, and the renames are synced, then its records are written, in the order in which they came.
//! When records come faster than the disk takes their bodies, groups grow; beyond [`MOST_WAITING`] records, whoever brings
//! more waits.
//!
//! Limit: what is flushed may not have reached the operating system before the next group is done, a tenth of a second
//! later on a disk that is not slow. A failure is told with the next record, or at the end: nobody is woken for it.

use super::BodyFolder;
use super::unrecorded::Unrecorded;
use crate::sys;
use gaits_core::{Blake3, Detail, Record, Sink, StartNotes};
use gaits_work::http::{self, HttpDetail};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, Scope, ScopedJoinHandle};
use std::time::Duration;

/// How many records may wait to be taken into a group.
const MOST_WAITING: usize = 1024;

/// How many records are in a group at most.
const MOST_IN_GROUP: usize = 2048;

/// How long a group waits for more, so that a slow stream of records does not sync one body at a time.
const GATHER: Duration = Duration::from_millis(100);

/// Up to so many bodies are synced one by one. More of them are synced with all else that the file system has to write:
/// to sync each file costs a disk write or two, and to sync the file system costs one for all of them.
const FEW: usize = 8;

/// A body could not be kept.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Fault {
    message: String,
    #[source]
    source: Option<io::Error>,
}

impl Fault {
    fn at(path: &Path, source: io::Error) -> io::Error {
        let kind = source.kind();
        let message = format!("can't keep the body in {}", path.display());
        io::Error::new(kind, Self { message, source: Some(source) })
    }
}

/// Takes records in front of another sink, to which they go once their bodies are durable.
pub(crate) struct Keeper<'scope> {
    given: Option<SyncSender<Box<Record>>>,
    thread: Option<ScopedJoinHandle<'scope, io::Result<()>>>,
    /// Those of the sink behind: which items are out has nothing to do with their bodies.
    notes: Option<Box<dyn StartNotes>>,
}

impl<'scope> Keeper<'scope> {
    /// Starts the thread. Records go to `sink`, if there is one.
    pub(crate) fn start<'env>(
        scope: &'scope Scope<'scope, 'env>,
        folder: BodyFolder,
        mut sink: Option<&'env mut dyn Sink>,
    ) -> io::Result<Self> {
        let notes = sink.as_mut().and_then(|sink| sink.start_notes());
        let (ours, given) = sync_channel(MOST_WAITING);
        let thread = thread::Builder::new()
            .name("keeper".into())
            .spawn_scoped(scope, move || Group::new(folder, sink).keep_all(&given))?;
        Ok(Self { given: Some(ours), thread: Some(thread), notes })
    }

    /// What went wrong on the thread, which ends now if it has not.
    fn end(&mut self) -> io::Result<()> {
        drop(self.given.take());
        match self.thread.take().map(ScopedJoinHandle::join) {
            None => Ok(()),
            Some(Ok(ended)) => ended,
            Some(Err(panic)) => std::panic::resume_unwind(panic),
        }
    }
}

impl Sink for Keeper<'_> {
    fn write(&mut self, record: &Record) -> io::Result<()> {
        let record = Box::new(record.clone());
        if self.given.as_ref().is_some_and(|given| given.send(record).is_ok()) {
            return Ok(());
        }
        // The thread has ended, which it does of its own accord only when it has failed.
        self.end().and(Err(io::Error::other("the thread that keeps bodies has ended")))
    }

    fn start_notes(&mut self) -> Option<Box<dyn StartNotes>> {
        self.notes.take()
    }

    /// Nothing waits here: the thread takes what comes, and flushes the sink after each group. Tells if it has failed.
    fn flush(&mut self) -> io::Result<()> {
        if self.thread.as_ref().is_some_and(ScopedJoinHandle::is_finished) {
            return self.end();
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.end()
    }
}

/// Records on their way, and the place of their bodies.
struct Group<'a> {
    folder: BodyFolder,
    sink: Option<&'a mut dyn Sink>,
    records: Vec<Record>,
    /// The sub-folders that are known to be there.
    made: [bool; 256],
}

/// A body that waits in the folder of what is half-written.
struct Waiting {
    /// The number of its record in the group.
    record: usize,
    http: HttpDetail,
    from: PathBuf,
}

impl<'a> Group<'a> {
    fn new(folder: BodyFolder, sink: Option<&'a mut dyn Sink>) -> Self {
        Self { folder, sink, records: Vec::new(), made: [false; 256] }
    }

    /// Takes records until there are no more.
    fn keep_all(mut self, given: &Receiver<Box<Record>>) -> io::Result<()> {
        while let Ok(first) = given.recv() {
            self.records.push(*first);
            self.gather(given);
            self.keep()?;
        }
        self.sink.as_mut().map_or(Ok(()), |sink| sink.finish())
    }

    /// Takes what comes within a moment.
    #[expect(clippy::disallowed_methods, reason = "how long to wait is nothing that is measured")]
    fn gather(&mut self, given: &Receiver<Box<Record>>) {
        let until = std::time::Instant::now() + GATHER;
        while self.records.len() < MOST_IN_GROUP {
            let left = until.saturating_duration_since(std::time::Instant::now());
            match given.recv_timeout(left) {
                Ok(record) => self.records.push(*record),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
            }
        }
    }

    /// Keeps the bodies of the group, and hands its records on.
    fn keep(&mut self) -> io::Result<()> {
        let waiting = self.waiting()?;
        let few = waiting.len() <= FEW;
        if few {
            for Waiting { from, .. } in &waiting {
                let file = File::open(from).and_then(|file| file.sync_data());
                file.map_err(|error| Fault::at(from, error))?;
            }
        } else {
            self.sync_all()?;
        }
        let names: Vec<_> = waiting.iter().map(|body| self.name(body)).collect();
        self.note(&waiting, &names)?;
        let mut folders = Vec::new();
        for (Waiting { record, mut http, from }, name) in waiting.into_iter().zip(names) {
            self.rename(&from, &name, &mut folders)?;
            http.body_file = Some(name.into());
            self.records[record].detail = Some(Detail::new(http::NAME, http));
        }
        if few {
            folders.sort_unstable();
            folders.dedup();
            for folder in &folders {
                let synced = File::open(folder).and_then(|folder| folder.sync_all());
                synced.map_err(|error| Fault::at(folder, error))?;
            }
        } else {
            self.sync_all()?;
        }
        let records = std::mem::take(&mut self.records);
        let Some(sink) = &mut self.sink else { return Ok(()) };
        records.iter().try_for_each(|record| sink.write(record))?;
        sink.flush()?;
        let BodyFolder { unrecorded, path, .. } = &self.folder;
        let cleared = unrecorded.as_ref().map_or(Ok(()), Unrecorded::clear);
        cleared.map_err(|error| Fault::at(path, error))
    }

    /// Notes which names are about to be given. A body that is there by its content already has its record or is noted.
    fn note(&self, waiting: &[Waiting], names: &[String]) -> io::Result<()> {
        let BodyFolder { unrecorded: Some(list), path, names: kind, .. } = &self.folder else {
            return Ok(());
        };
        let is_new = |name: &str| !kind.tells_content() || !path.join(name).exists();
        let both = waiting.iter().zip(names).filter(|(_, name)| is_new(name));
        let noted = both.map(|(body, name)| (self.records[body.record].index, &**name));
        list.note(noted).map_err(|error| Fault::at(path, error))
    }

    /// The bodies of the group that were written.
    fn waiting(&mut self) -> io::Result<Vec<Waiting>> {
        let mut waiting = Vec::new();
        for (number, record) in self.records.iter().enumerate() {
            self.sweep_tries(record);
            let http = HttpDetail::of(record);
            if http.as_ref().is_none_or(|http| http.body_file.is_none()) {
                self.remove_old(record);
            }
            match http {
                Some(HttpDetail { body_error: Some(message), .. }) => {
                    // What the workers could not write is not the fault of the item: all others would fail, too.
                    return Err(io::Error::other(Fault { message: message.into(), source: None }));
                }
                Some(http) => {
                    let from =
                        http.body_file.as_ref().map(|name| self.folder.partial.join(&**name));
                    waiting.extend(from.map(|from| Waiting { record: number, http, from }));
                }
                None => {}
            }
        }
        Ok(waiting)
    }

    /// Removes the body of an item that has none now. It can have had one if it is done again.
    fn remove_old(&self, record: &Record) {
        let BodyFolder { path, names, is_ours, .. } = &self.folder;
        if *is_ours && !names.tells_content() {
            let item = String::from_utf8_lossy(record.item.as_bytes());
            // It is rarely there, and one that stays harms no record.
            let _ = fs::remove_file(path.join(names.path(record.index, &item, &Blake3([0; 32]))));
        }
    }

    /// Removes the bodies of earlier tries at an item, as far as they had some.
    fn sweep_tries(&self, record: &Record) {
        for attempt in 1..record.attempts {
            let file = format!("{}.{attempt}", record.index);
            // It is rarely there, and what stays goes with the folder.
            let _ = fs::remove_file(self.folder.partial.join(file));
        }
    }

    /// The final name of a body, from the folder of bodies on.
    fn name(&self, body: &Waiting) -> String {
        let record = &self.records[body.record];
        let BodyFolder { path, names, is_ours, .. } = &self.folder;
        let item = String::from_utf8_lossy(record.item.as_bytes());
        // A body that has arrived whole has one.
        let hash = body.http.blake3.unwrap_or(Blake3([0; 32]));
        let plain = names.path(record.index, &item, &hash);
        let mut name = plain.clone();
        // Somebody else's body is not replaced. No other run writes to the folder, so nothing comes in between.
        let is_replaced = *is_ours || names.tells_content();
        for number in 2_u64.. {
            if is_replaced || !path.join(&name).exists() {
                break;
            }
            name = format!("{plain}~{number}");
        }
        name
    }

    /// Gives a body its final name. Notes which folders have changed.
    fn rename(&mut self, from: &Path, name: &str, folders: &mut Vec<PathBuf>) -> io::Result<()> {
        let path = &self.folder.path;
        let (sub, _) = name.split_once('/').unwrap_or(("", name));
        let folder = path.join(sub);
        let made =
            u8::from_str_radix(sub, 16).ok().map(|number| &mut self.made[usize::from(number)]);
        if made.is_none_or(|made| !std::mem::replace(made, true)) {
            fs::create_dir_all(&folder).map_err(|error| Fault::at(&folder, error))?;
            folders.push(path.clone());
        }
        let to = path.join(name);
        fs::rename(from, &to).map_err(|error| Fault::at(&to, error))?;
        folders.push(folder);
        Ok(())
    }

    /// Syncs the file system that the folder is on.
    fn sync_all(&self) -> io::Result<()> {
        sys::sync_file_system(&self.folder.owner)
            .map_err(|error| Fault::at(&self.folder.path, error))
    }
}

#[cfg(test)]
mod tests;
