//! The access log: a line of JSON for each request. Lines are put together and written by a thread of their own; the
//! threads that serve only hand over what is to be written, and never wait for it.

use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::mem;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use serde::Serialize;
use tokio::time::Instant;

use crate::clock;

/// Lines that may wait to be written. At a hundred thousand requests a second, which is more than an origin serves, it
/// takes a writer that is held up for more than half a second to lose any.
const QUEUE: usize = 64 * 1024;

/// How much of a path or a method is written down. hyper takes up to 400 kB of them; so cut, all that can wait in the
/// queue is about 512 MiB.
const LONGEST_TEXT: usize = 8 * 1024;

/// Lines that are written at once.
const BATCH: usize = 1024;

/// How long a stopping origin waits for its last lines to be written, say into a pipe that nobody reads.
const LAST_LINES: Duration = Duration::from_secs(5);

/// Where an origin writes down each request: a line of JSON when its response has been handed to the system, or has been broken.
///
/// ```json
/// {"time":1772366400.123456,"sequence":0,"peer":"127.0.0.1:53412","method":"GET","path":"/get?a=1","status":200,
///  "bytes":231,"duration_us":812,"outcome":"sent"}
/// ```
///
/// - `time`: when the request's head had been read, in seconds since 1970;
/// - `sequence`: the request's number, from 0, in the order in which heads were read; lines are in the order of ends;
/// - `path`: with the query, as it was sent; the first 8 KiB of it;
/// - `status`: `null` if no head was sent, and for scripted replies;
/// - `bytes`: of the body that were handed to the connection, of which 410 KiB may have come no further; of a scripted
///   reply all that was written;
/// - `duration_us`: from `time` to the end, in microseconds;
/// - `outcome`: `sent` if all of the response was handed to the system (over HTTP/2, the end of it may still wait in a
///   queue: for the bandwidth, for other streams, or for the client's window), `broken` if a fault broke it, `scripted` for a scripted reply, `gone` if the client left
///   (or the origin was stopped) before.
///
/// Should lines come faster than they can be written for so long that 65,536 of them wait, or should writing fail, then
/// lines are left out, and `{"lost":N}` says how many as soon as there is room again. Clones share what they write to.
#[derive(Clone)]
pub struct AccessLog(Arc<Mutex<dyn Write + Send>>);

impl AccessLog {
    /// Appends to a file, which is created if there is none.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened for writing.
    pub fn file(path: &Path) -> io::Result<Self> {
        Ok(Self::writer(File::options().append(true).create(true).open(path)?))
    }

    /// Writes to anything: standard output, say, or a buffer in a test. It gets whole lines, and is flushed whenever no
    /// more of them wait.
    pub fn writer(writer: impl Write + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(writer)))
    }

    /// Starts the thread that writes.
    pub(crate) fn start(self) -> io::Result<(Log, LogWriter)> {
        let (lines, written) = sync_channel(QUEUE);
        let (alive, ended) = sync_channel(0);
        let log = Log(Arc::new(Queue { lines, lost: Arc::default() }));
        let lost = Arc::clone(&log.0.lost);
        let thread =
            std::thread::Builder::new().name("gaits-origin-log".to_owned()).spawn(move || {
                let _alive: SyncSender<()> = alive;
                write_lines(&written, &lost, &self)
            })?;
        Ok((log, LogWriter { thread, ended: Mutex::new(ended) }))
    }
}

impl fmt::Debug for AccessLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessLog")
    }
}

/// Why an access log is not whole.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccessLogError {
    /// Writing failed.
    #[error("lines of the access log could not be written, {lost} of them")]
    Failed {
        /// How many lines are missing because of this error and those after it.
        lost: u64,
        /// The first error.
        source: io::Error,
    },
    /// Nobody took its last lines in time.
    #[error("the last lines of the access log were not taken within {} s", LAST_LINES.as_secs())]
    HeldUp,
}

/// The thread that writes, for whoever has to wait for its end.
#[derive(Debug)]
pub(crate) struct LogWriter {
    thread: JoinHandle<Result<(), AccessLogError>>,
    /// Disconnected when the thread ends. The mutex is there for threads to share what holds this; nobody waits for it.
    ended: Mutex<Receiver<()>>,
}

impl LogWriter {
    /// Waits until the last line has been written, though not for ever. All that serve must have ended before.
    pub(crate) fn finish(self) -> Result<(), AccessLogError> {
        let ended = self.ended.into_inner().unwrap_or_else(PoisonError::into_inner);
        if ended.recv_timeout(LAST_LINES) == Err(RecvTimeoutError::Timeout) {
            return Err(AccessLogError::HeldUp);
        }
        // A panic of that thread has been reported by its hook; there is nothing more to write either way.
        self.thread.join().unwrap_or(Ok(()))
    }
}

/// The queue of an origin's log.
#[derive(Debug, Clone)]
pub(crate) struct Log(Arc<Queue>);

#[derive(Debug)]
struct Queue {
    lines: SyncSender<Box<Line>>,
    /// Lines that found the queue full or could not be written, and have not been told of.
    lost: Arc<AtomicU64>,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome {
    Sent,
    Broken,
    Scripted,
    Gone,
}

/// What is written of a request.
#[derive(Debug, Serialize)]
struct Line {
    #[serde(serialize_with = "seconds")]
    time: SystemTime,
    sequence: u64,
    peer: SocketAddr,
    method: String,
    path: String,
    status: Option<u16>,
    bytes: u64,
    duration_us: u64,
    outcome: Outcome,
}

/// A request's line, until the request ends; dropping it hands the line over.
#[derive(Debug)]
pub(crate) struct Entry {
    log: Log,
    /// Taken only by `drop`.
    line: Option<Box<Line>>,
    started: Instant,
}

impl Log {
    /// Begins the line of a request whose head has just been read.
    pub(crate) fn entry<B>(
        &self,
        sequence: u64,
        peer: SocketAddr,
        request: &http::Request<B>,
    ) -> Entry {
        let uri = request.uri();
        let path = uri.path_and_query().map_or(uri.path(), |target| target.as_str());
        let line = Line {
            time: clock::now(),
            sequence,
            peer,
            method: first_part(request.method().as_str()),
            path: first_part(path),
            status: None,
            bytes: 0,
            duration_us: 0,
            outcome: Outcome::Gone,
        };
        Entry { log: self.clone(), line: Some(Box::new(line)), started: Instant::now() }
    }
}

impl Entry {
    pub(crate) fn status(&mut self, status: http::StatusCode) {
        self.change(|line| line.status = Some(status.as_u16()));
    }

    pub(crate) fn outcome(&mut self, outcome: Outcome) {
        self.change(|line| line.outcome = outcome);
    }

    /// Counts bytes that have been handed over.
    pub(crate) fn sent(&mut self, bytes: usize) {
        self.change(|line| line.bytes += bytes as u64);
    }

    fn change(&mut self, change: impl FnOnce(&mut Line)) {
        if let Some(line) = &mut self.line {
            change(line);
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if let Some(mut line) = self.line.take() {
            line.duration_us =
                u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX);
            let queue = &self.log.0;
            // Waiting here would hold up all that this thread serves.
            if queue.lines.try_send(line).is_err() {
                queue.lost.fetch_add(1, Relaxed);
            }
        }
    }
}

fn first_part(text: &str) -> String {
    text[..text.floor_char_boundary(LONGEST_TEXT)].to_owned()
}

/// Writes lines until nobody is left to send any.
fn write_lines(
    lines: &Receiver<Box<Line>>,
    lost: &AtomicU64,
    log: &AccessLog,
) -> Result<(), AccessLogError> {
    let mut text = Vec::new();
    // The first error, and the lines that it and later ones have cost.
    let (mut failure, mut unwritten) = (None, 0);
    // Whether the last write failed, and may have left a part of a line.
    let mut torn = false;
    while let Ok(first) = lines.recv() {
        text.clear();
        if mem::take(&mut torn) {
            text.push(b'\n');
        }
        let mut count = 0;
        for line in std::iter::once(first).chain(lines.try_iter()).take(BATCH) {
            count += 1;
            push(&mut text, &line);
        }
        let untold = lost.swap(0, Relaxed);
        push_lost(&mut text, untold);
        if let Err(error) = write(log, &text) {
            torn = true;
            lost.fetch_add(count + untold, Relaxed);
            failure.get_or_insert(error);
            unwritten += count;
        }
    }
    text.clear();
    if torn {
        text.push(b'\n');
    }
    push_lost(&mut text, lost.swap(0, Relaxed));
    if let Err(error) = write(log, &text) {
        failure.get_or_insert(error);
    }
    match failure {
        None => Ok(()),
        Some(source) => Err(AccessLogError::Failed { lost: unwritten, source }),
    }
}

fn write(log: &AccessLog, text: &[u8]) -> io::Result<()> {
    let mut writer = log.0.lock().unwrap_or_else(PoisonError::into_inner);
    writer.write_all(text)?;
    writer.flush()
}

fn push_lost(text: &mut Vec<u8>, lost: u64) {
    if lost > 0 {
        push(text, &serde_json::json!({ "lost": lost }));
    }
}

fn push(text: &mut Vec<u8>, line: &impl Serialize) {
    // Writing into memory does not fail, and neither does writing numbers and strings as JSON.
    if serde_json::to_writer(&mut *text, line).is_ok() {
        text.push(b'\n');
    }
}

fn seconds<S: serde::Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    serializer.serialize_f64(since.as_micros() as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A writer that fails as often as it is told to, and keeps what it is given otherwise.
    #[derive(Clone)]
    struct Disk {
        failures: Arc<AtomicU64>,
        kept: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.failures.load(Relaxed) > 0 {
                self.failures.fetch_sub(1, Relaxed);
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.kept.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn disk(failures: u64) -> Disk {
        Disk { failures: Arc::new(AtomicU64::new(failures)), kept: Arc::default() }
    }

    fn entry(log: &Log, sequence: u64) -> Entry {
        let request = http::Request::builder().uri("/a?b=%22").body(()).unwrap();
        log.entry(sequence, ([127, 0, 0, 1], 1).into(), &request)
    }

    fn lines(disk: &Disk) -> Vec<serde_json::Value> {
        let kept = disk.kept.lock().unwrap();
        let text = std::str::from_utf8(&kept).unwrap();
        text.lines()
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    #[test]
    fn a_line_is_what_was_told_of_the_request() {
        let disk = disk(0);
        let (log, writer) = AccessLog::writer(disk.clone()).start().unwrap();
        let mut told = entry(&log, 7);
        told.status(http::StatusCode::NOT_FOUND);
        told.sent(3);
        told.sent(4);
        told.outcome(Outcome::Sent);
        drop(told);
        drop(entry(&log, 8));
        drop(log);
        writer.finish().unwrap();
        let [first, second] = lines(&disk).try_into().unwrap();
        assert!(first["time"].as_f64().unwrap() > 1.7e9);
        assert!(first["duration_us"].is_u64());
        for (key, value) in [
            ("sequence", serde_json::json!(7)),
            ("peer", "127.0.0.1:1".into()),
            ("method", "GET".into()),
            ("path", "/a?b=%22".into()),
            ("status", 404.into()),
            ("bytes", 7.into()),
            ("outcome", "sent".into()),
        ] {
            assert_eq!(first[key], value, "{key}");
        }
        assert_eq!(second["status"], serde_json::Value::Null);
        assert_eq!(second["outcome"], "gone");
    }

    #[test]
    fn of_a_long_path_the_first_part_is_written() {
        let disk = disk(0);
        let (log, writer) = AccessLog::writer(disk.clone()).start().unwrap();
        let path = format!("/{}", "a".repeat(20_000));
        let request = http::Request::builder().uri(&path).body(()).unwrap();
        drop(log.entry(0, ([127, 0, 0, 1], 1).into(), &request));
        drop(log);
        writer.finish().unwrap();
        assert_eq!(lines(&disk)[0]["path"], path[..LONGEST_TEXT]);
    }

    #[test]
    fn lines_that_could_not_be_written_are_counted_in_the_log() {
        let disk = disk(1);
        let (log, writer) = AccessLog::writer(disk.clone()).start().unwrap();
        drop(entry(&log, 0));
        // It has failed once this is used up.
        while disk.failures.load(Relaxed) > 0 {
            std::thread::yield_now();
        }
        while log.0.lost.load(Relaxed) == 0 {
            std::thread::yield_now();
        }
        drop(entry(&log, 1));
        drop(log);
        let error = writer.finish().unwrap_err();
        assert!(matches!(error, AccessLogError::Failed { lost: 1, .. }), "{error:?}");
        let [line, lost] = lines(&disk).try_into().unwrap();
        assert_eq!(line["sequence"], 1);
        assert_eq!(lost, serde_json::json!({ "lost": 1 }));
    }

    #[test]
    fn the_last_lines_that_were_lost_are_told_on_a_line_of_their_own() {
        /// Takes five bytes, then fails once.
        struct Torn(Disk);

        impl Write for Torn {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                let first = self.0.kept.lock().unwrap().is_empty();
                let written = self.0.write(if first { &bytes[..5] } else { bytes });
                self.0.failures.store(u64::from(first), Relaxed);
                written
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }

        let disk = disk(0);
        let (log, writer) = AccessLog::writer(Torn(disk.clone())).start().unwrap();
        drop(entry(&log, 0));
        drop(log);
        assert!(writer.finish().is_err());
        let kept = disk.kept.lock().unwrap();
        assert_eq!(std::str::from_utf8(&kept).unwrap(), "{\"tim\n{\"lost\":1}\n");
    }

    #[test]
    fn a_writer_that_is_held_up_loses_lines_and_holds_up_nobody() {
        let disk = disk(0);
        let (log, writer) = AccessLog::writer(disk.clone()).start().unwrap();
        let held = disk.kept.lock().unwrap();
        let sent = QUEUE as u64 + BATCH as u64 + 100;
        for sequence in 0..sent {
            drop(entry(&log, sequence));
        }
        assert!(log.0.lost.load(Relaxed) >= 100);
        drop(held);
        // The queue has room again as soon as this one gets into it.
        let mut last = sent;
        while log.0.lost.load(Relaxed) > 0 {
            drop(entry(&log, last));
            last += 1;
        }
        drop(log);
        writer.finish().unwrap();
        let lines = lines(&disk);
        let told: u64 = lines.iter().filter_map(|line| line["lost"].as_u64()).sum();
        let written = lines.iter().filter(|line| line["sequence"].is_u64()).count() as u64;
        assert_eq!(told + written, last);
    }
}
