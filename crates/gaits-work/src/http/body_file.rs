//! Bodies written to files, each under the number of its item and of the try, by one thread of the process: an event loop never waits for
//! a disk.
//!
//! A body that is short goes to the thread in one piece, a long one piece by piece, and each piece is waited for before more
//! of that body is read. So a body in flight holds no more than a few hundred kilobytes, however slow the disk is.
//!
//! Limit: makes no file durable and gives none its final name. The main process does that, before it writes the record.

use super::decode::Kept;
use super::fault;
use gaits_core::{ErrorKind, Item, ItemError};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// A body is handed to the thread when so much of it is here.
pub(super) const PIECE: usize = 256 * 1024;

/// How often it is looked whether there is a file descriptor again, and how many times.
const LOOK: Duration = Duration::from_millis(10);
const LOOKS: u32 = 500;

/// The thread of this process that writes bodies. It is started for the first of them.
#[derive(Debug)]
pub(super) struct BodyWriter {
    folder: PathBuf,
    /// Of the thread, once it runs. What waits there is bounded by what is in flight: a body has one job at a time.
    jobs: Mutex<Option<Sender<Job>>>,
}

/// What the thread is to do.
enum Job {
    /// Append `data` to a file, which is begun anew if this is its first piece.
    Write { path: PathBuf, first: bool, data: Arc<Kept>, done: oneshot::Sender<io::Result<()>> },
    /// Remove a file that will never be whole.
    Remove { path: PathBuf },
}

impl BodyWriter {
    /// Writes to files in `folder`, which must be there.
    pub(super) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), jobs: Mutex::default() }
    }

    /// The file for this try at an item. Another try has another file, so what is late to be done for a try that was given
    /// up, in this process or in another, never meets the file of the next one.
    pub(super) fn file(&self, item: &Item) -> BodyFile<'_> {
        let name = format!("{}.{}", item.index, item.attempt());
        let path = self.folder.join(&name);
        BodyFile { writer: self, name, path, begun: false, whole: false, failed: None }
    }

    fn send(&self, job: Job) -> io::Result<()> {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = match &*jobs {
            Some(sender) => sender,
            None => jobs.insert(start()?),
        };
        if sender.send(job).is_err() {
            return Err(io::Error::other("the thread that writes bodies has ended"));
        }
        Ok(())
    }
}

/// Starts the thread. It ends when the last of its senders is dropped.
fn start() -> io::Result<Sender<Job>> {
    let (sender, jobs) = mpsc::channel();
    std::thread::Builder::new().name("bodies".into()).spawn(move || {
        for job in jobs {
            match job {
                // The item was given up meanwhile.
                Job::Write { done, .. } if done.is_closed() => {}
                Job::Write { path, first, data, done } => {
                    let _ = done.send(write(&path, first, &data));
                }
                Job::Remove { path } => {
                    // What stays is swept away at the end of the run.
                    let _ = fs::remove_file(path);
                }
            }
        }
    })?;
    Ok(sender)
}

/// A file is open only while something is written to it: thousands of bodies in flight need one descriptor. Connections
/// leave it one; what else takes the last one, such as the look-up of a name, soon gives it back.
fn write(path: &Path, first: bool, data: &Kept) -> io::Result<()> {
    let open = || if first { begin(path) } else { OpenOptions::new().append(true).open(path) };
    let mut file = open();
    for _ in 0..LOOKS {
        if !matches!(&file, Err(error) if fault::is_exhausted(error)) {
            break;
        }
        std::thread::sleep(LOOK);
        file = open();
    }
    let mut file = file?;
    data.pieces().try_for_each(|piece| file.write_all(piece))
}

/// A new file. One that is there was left by a process that has died at the item, which does not count as a try of its own.
fn begin(path: &Path) -> io::Result<File> {
    match File::create_new(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            fs::remove_file(path)?;
            File::create_new(path)
        }
        created => created,
    }
}

/// The file of one body. Dropped before it is whole, it is removed.
#[derive(Debug)]
pub(super) struct BodyFile<'w> {
    writer: &'w BodyWriter,
    name: String,
    path: PathBuf,
    begun: bool,
    whole: bool,
    failed: Option<Box<str>>,
}

impl BodyFile<'_> {
    /// Appends to it, and waits until that is done.
    pub(super) async fn write(&mut self, data: Arc<Kept>) -> Result<(), ItemError> {
        let written = self.append(data).await;
        written.map_err(|error| {
            let message = format!("can't write the body to {}: {error}", self.path.display());
            self.failed = Some(message.as_str().into());
            ItemError::new(ErrorKind::Cancelled, message)
        })
    }

    async fn append(&mut self, data: Arc<Kept>) -> io::Result<()> {
        let (done, written) = oneshot::channel();
        let first = !std::mem::replace(&mut self.begun, true);
        self.writer.send(Job::Write { path: self.path.clone(), first, data, done })?;
        written.await.map_err(io::Error::other)?
    }

    /// Writes the last of it; gives its name.
    pub(super) async fn finish(&mut self, data: Arc<Kept>) -> Result<&str, ItemError> {
        // An empty body is a file, too.
        if !self.begun || !data.is_empty() {
            self.write(data).await?;
        }
        self.whole = true;
        Ok(&self.name)
    }

    /// Why it can't be written, if that is so.
    pub(super) fn failed(&mut self) -> Option<Box<str>> {
        self.failed.take()
    }
}

impl Drop for BodyFile<'_> {
    fn drop(&mut self) {
        if self.begun && !self.whole {
            // What stays is swept away at the end of the run.
            let _ = self.writer.send(Job::Remove { path: self.path.clone() });
        }
    }
}
