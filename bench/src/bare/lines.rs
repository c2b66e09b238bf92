//! A file that grows by a line for each response, as a file of records does, and is brought to the disk once a second.
//!
//! On some machines that alone slows everything down after a while: a host that gives a virtual machine its memory and disk
//! only when they are first used takes the time for it from the machine's own cores.

use anyhow::{Context, Result, bail};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// The length of a line: about that of a record of a request.
const LINE: usize = 500;

/// How often the file is brought to the disk.
const SYNC_EVERY: Duration = Duration::from_secs(1);

/// The file, and how the rate of its lines held.
pub(super) struct Lines {
    file: BufWriter<File>,
    line: Vec<u8>,
    count: u64,
    written: u64,
    began: Instant,
    /// How long the first tenth took, once it is written.
    first_tenth: Duration,
    /// When the last tenth began.
    last_tenth: Instant,
    /// Its end is the end of the thread.
    open: Sender<()>,
    syncs: JoinHandle<io::Result<()>>,
}

impl Lines {
    /// A new file, for `count` lines.
    pub(super) fn create(path: &Path, count: u64) -> Result<Self> {
        let file = File::create(path).context("failed to create the file of lines")?;
        let synced = file.try_clone().context("failed to open the file of lines again")?;
        let (open, closed) = mpsc::channel();
        let syncs = thread::spawn(move || {
            while closed.recv_timeout(SYNC_EVERY) == Err(RecvTimeoutError::Timeout) {
                synced.sync_data()?;
            }
            synced.sync_data()
        });
        let mut line = vec![b'x'; LINE];
        line[LINE - 1] = b'\n';
        let now = Instant::now();
        Ok(Self {
            file: BufWriter::with_capacity(64 * 1024, file),
            line,
            count,
            written: 0,
            began: now,
            first_tenth: Duration::ZERO,
            last_tenth: now,
            open,
            syncs,
        })
    }

    /// Writes one more.
    pub(super) fn add(&mut self) -> Result<()> {
        self.file.write_all(&self.line).context("failed to write a line")?;
        self.written += 1;
        let tenth = self.count / 10;
        if self.written == tenth {
            self.first_tenth = self.began.elapsed();
        }
        if self.written == self.count - tenth {
            self.last_tenth = Instant::now();
        }
        Ok(())
    }

    /// Brings all to the disk; tells what the rate of the last tenth was over that of the first.
    pub(super) fn finish(mut self) -> Result<f64> {
        let held = self.first_tenth.as_secs_f64() / self.last_tenth.elapsed().as_secs_f64();
        self.file.flush().context("failed to write the lines")?;
        drop(self.open);
        let Ok(synced) = self.syncs.join() else { bail!("the syncing thread broke off") };
        synced.context("failed to bring the lines to the disk")?;
        Ok(held)
    }
}
