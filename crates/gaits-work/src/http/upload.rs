//! Bodies that files are a part of. Files are read piece by piece while they are sent, so that one of any length takes little
//! memory.
//!
//! A file is looked at when its item's turn comes, and opened for each sending of the request. Its length is said in the
//! request's head, so one that has another length by then can't be sent.
//!
//! Limit: what is read ahead of the connection is one piece. What stands around the files is for the caller to say.

use super::blocking;
use super::fault::{self, Fault};
use bytes::Bytes;
use gaits_core::{ErrorKind, ItemError};
use std::collections::VecDeque;
use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::fs::File;
use tokio::io::{AsyncRead as _, ReadBuf};

/// How many bytes are read at a time. A file of no more is read whole before it is sent.
const PIECE: usize = 64 * 1024;

/// What a file of more bytes holds is not looked at to know it again: that would take longer than a second.
const MOST_HASHED: u64 = 1 << 30;

/// What tells the content of the file at `path` from another: its length, and a hash of it or, of a very long file, when it was
/// changed last.
///
/// # Errors
/// It is no file that can be read.
pub fn content(path: &Path) -> io::Result<String> {
    // Before it is opened, since a pipe would wait for whoever writes to it.
    check(&fs::metadata(path)?)?;
    let file = fs::File::open(path)?;
    let about = file.metadata()?;
    let len = about.len();
    if len > MOST_HASHED {
        let changed = about.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
        return Ok(format!(
            "{len} bytes, changed {}.{:09}",
            changed.as_secs(),
            changed.subsec_nanos()
        ));
    }
    let hash = blake3::Hasher::new().update_reader(file)?.finalize();
    Ok(format!("{len} bytes, BLAKE3 {}", hash.to_hex()))
}

/// Refuses what may have no end, or nothing to read for ever.
fn check(about: &fs::Metadata) -> io::Result<()> {
    let is_file = about.is_file();
    let wrong = || io::Error::other("it is no file, but a folder, a pipe or a device");
    is_file.then_some(()).ok_or_else(wrong)
}

/// Whether a file is so short that it is read whole before it is sent.
pub(super) const fn is_short(len: u64) -> bool {
    len <= PIECE as u64
}

/// What was found at a path.
pub(super) enum Found {
    /// A short file: what it holds.
    Short(Bytes),
    Long(LongFile),
}

/// A file that is sent piece by piece.
#[derive(Debug)]
pub(super) struct LongFile {
    path: PathBuf,
    /// What it is to the user, such as `the body_file`.
    role: &'static str,
    len: u64,
    changed: Option<SystemTime>,
}

impl Found {
    /// Looks at the file at `path`, and reads it if it is short. `role` says what it is to the user.
    pub(super) async fn at(path: PathBuf, role: &'static str) -> Result<Self, Fault> {
        let shown = path.clone();
        // A disk holds up no event loop.
        let found = blocking::start(move || {
            let about = fs::metadata(&path)?;
            check(&about)?;
            if !is_short(about.len()) {
                // Whether it may be read is told now, before a connection is taken for it.
                fs::File::open(&path)?;
                let changed = about.modified().ok();
                return Ok(Self::Long(LongFile { path, role, len: about.len(), changed }));
            }
            Ok(Self::Short(fs::read(path)?.into()))
        });
        let found = found.await.unwrap_or_else(|error| Err(io::Error::other(error)));
        found.map_err(|error| unreadable(role, &shown, &error))
    }
}

impl LongFile {
    pub(super) const fn len(&self) -> u64 {
        self.len
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// When it was changed last, in nanoseconds; 0 if nobody knows.
    pub(super) fn changed_ns(&self) -> u128 {
        let since = self.changed.and_then(|changed| changed.duration_since(UNIX_EPOCH).ok());
        since.unwrap_or_default().as_nanos()
    }

    async fn open(&self) -> Result<OpenFile, Fault> {
        let opened = async {
            let file = File::open(&self.path).await?;
            let len = file.metadata().await?.len();
            if len != self.len {
                return Err(io::Error::other(changed(self.len, len)));
            }
            Ok(file)
        };
        let opened = opened.await;
        let mut file = opened.map_err(|error| unreadable(self.role, &self.path, &error))?;
        file.set_max_buf_size(PIECE);
        let path = self.path.as_path().into();
        Ok(OpenFile { file, path, role: self.role, unread: self.len, len: self.len })
    }
}

/// A part of a body.
#[derive(Debug)]
pub(super) enum Segment {
    Bytes(Bytes),
    File(LongFile),
}

/// A body that is bytes and long files in turn.
#[derive(Debug)]
pub(super) struct Segments {
    segments: Vec<Segment>,
    len: u64,
}

impl Segments {
    pub(super) fn new(segments: Vec<Segment>) -> Self {
        let len = |segment: &Segment| match segment {
            Segment::Bytes(bytes) => bytes.len() as u64,
            Segment::File(file) => file.len,
        };
        let len = segments.iter().map(len).fold(0, u64::saturating_add);
        Self { segments, len }
    }

    /// How many bytes it has.
    pub(super) const fn len(&self) -> u64 {
        self.len
    }

    /// Opens its files, to send it once.
    pub(super) async fn open(&self) -> Result<Unsent, Fault> {
        let mut left = VecDeque::with_capacity(self.segments.len());
        for segment in &self.segments {
            match segment {
                // What is left is never empty.
                Segment::Bytes(bytes) if bytes.is_empty() => {}
                Segment::Bytes(bytes) => left.push_back(Left::Bytes(bytes.clone())),
                Segment::File(file) => left.push_back(Left::File(file.open().await?)),
            }
        }
        let buffer = vec![0; PIECE].into();
        Ok(Unsent::Segments(Box::new(Upload { left, buffer, read: 0..0 })))
    }
}

/// What is still to be sent of a body.
pub(super) enum Unsent {
    Bytes(Bytes),
    Segments(Box<Upload>),
}

impl Unsent {
    /// Whether nothing is left.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Bytes(bytes) => bytes.is_empty(),
            Self::Segments(upload) => upload.read.is_empty() && upload.left.is_empty(),
        }
    }

    /// The bytes that are to be sent next; none at the end. They stay until they are [taken](Self::advance).
    pub(super) fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<&[u8], ItemError>> {
        match self {
            Self::Bytes(bytes) => Poll::Ready(Ok(bytes)),
            Self::Segments(upload) => upload.poll_piece(cx),
        }
    }

    /// The first `count` bytes of the piece have been sent.
    pub(super) fn advance(&mut self, count: usize) {
        match self {
            Self::Bytes(bytes) => drop(bytes.split_to(count)),
            Self::Segments(upload) if upload.read.is_empty() => drop(upload.take_bytes(count)),
            Self::Segments(upload) => upload.read.start += count,
        }
    }

    /// Takes the first `count` bytes of the piece.
    pub(super) fn take(&mut self, count: usize) -> Bytes {
        match self {
            Self::Bytes(bytes) => bytes.split_to(count),
            Self::Segments(upload) if upload.read.is_empty() => upload.take_bytes(count),
            Self::Segments(upload) => {
                let taken = upload.read.start..upload.read.start + count;
                upload.read.start = taken.end;
                Bytes::copy_from_slice(&upload.buffer[taken])
            }
        }
    }
}

/// Bytes and files that are being sent.
pub(super) struct Upload {
    /// What was not taken or read. None of it is empty: a file is dropped, and so closed, as soon as all of it was read.
    left: VecDeque<Left>,
    buffer: Box<[u8]>,
    /// What of the buffer was read and not sent. It comes before all that is left.
    read: Range<usize>,
}

/// A segment, or what is left of it.
enum Left {
    Bytes(Bytes),
    File(OpenFile),
}

/// A file that is being read.
struct OpenFile {
    file: File,
    path: Box<Path>,
    role: &'static str,
    /// How much of the file was not read.
    unread: u64,
    len: u64,
}

impl Upload {
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<&[u8], ItemError>> {
        if self.read.is_empty()
            && let Some(Left::File(open)) = self.left.front_mut()
        {
            let count = ready!(open.poll_read(cx, &mut self.buffer))?;
            if open.unread == 0 {
                self.left.pop_front();
            }
            self.read = 0..count;
        }
        let piece = match self.left.front() {
            Some(Left::Bytes(bytes)) if self.read.is_empty() => bytes,
            _ => &self.buffer[self.read.clone()],
        };
        Poll::Ready(Ok(piece))
    }

    /// Takes the first `count` bytes of the segment that is next, which is no file.
    fn take_bytes(&mut self, count: usize) -> Bytes {
        let Some(Left::Bytes(bytes)) = self.left.front_mut() else { return Bytes::new() };
        let taken = bytes.split_to(count);
        if bytes.is_empty() {
            self.left.pop_front();
        }
        taken
    }
}

impl OpenFile {
    /// Reads the next bytes; tells how many.
    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<Result<usize, ItemError>> {
        let most = usize::try_from(self.unread).unwrap_or(PIECE).min(PIECE);
        let mut buffer = ReadBuf::new(&mut buffer[..most]);
        let read = ready!(Pin::new(&mut self.file).poll_read(cx, &mut buffer));
        let count = buffer.filled().len();
        let read = match read {
            Ok(()) if count == 0 => {
                Err(io::Error::other(changed(self.len, self.len - self.unread)))
            }
            read => read,
        };
        read.map_err(|error| unreadable(self.role, &self.path, &error).into_error())?;
        self.unread -= count as u64;
        Poll::Ready(Ok(count))
    }
}

/// A file can't be sent.
fn unreadable(role: &str, path: &Path, error: &io::Error) -> Fault {
    let doing = format!("can't read {role} {}", path.display());
    if fault::is_exhausted(error) {
        return Fault::exhausted(&doing, &error.to_string());
    }
    Fault::new(ErrorKind::InvalidItem, format!("{doing}: {error}"))
}

fn changed(said: u64, found: u64) -> String {
    format!("it had {said} bytes and has {found} now; it must not change while it is sent")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use std::io::Write as _;

    async fn all_of(mut unsent: Unsent) -> Result<Vec<u8>, ItemError> {
        let mut all = Vec::new();
        while !unsent.is_empty() {
            let count = poll_fn(|cx| {
                let piece = ready!(unsent.poll_piece(cx))?;
                Poll::Ready(Ok::<_, ItemError>(piece.len()))
            });
            let count = count.await?;
            // In parts, as connections take it.
            let taken = unsent.take(count.div_ceil(2));
            all.extend_from_slice(&taken);
        }
        Ok(all)
    }

    async fn found(path: &Path) -> Found {
        let found = Found::at(path.to_owned(), "the body_file").await;
        found.unwrap_or_else(|fault| panic!("{fault:?}"))
    }

    /// The file at `path` as a segment.
    async fn segment(path: &Path) -> Segment {
        match found(path).await {
            Found::Short(bytes) => Segment::Bytes(bytes),
            Found::Long(file) => Segment::File(file),
        }
    }

    async fn open(segments: &Segments) -> Unsent {
        segments.open().await.unwrap_or_else(|fault| panic!("{fault:?}"))
    }

    #[tokio::test]
    async fn a_file_is_sent_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        for len in [0, 1, PIECE, PIECE + 1, 3 * PIECE, 5 * PIECE + 7] {
            let path = folder.path().join(len.to_string());
            let content: Vec<u8> = (0..=250).cycle().take(len).collect();
            fs::write(&path, &content).unwrap();
            match found(&path).await {
                Found::Short(bytes) => {
                    assert!(len <= PIECE);
                    assert_eq!(bytes, content);
                }
                Found::Long(file) => {
                    assert!(len > PIECE);
                    assert_eq!(file.len(), len as u64);
                    // As often as the request is sent.
                    let segments = Segments::new(vec![Segment::File(file)]);
                    for _ in 0..2 {
                        let sent = all_of(open(&segments).await).await.unwrap();
                        assert!(sent == content, "{len} bytes");
                    }
                }
            }
        }
    }

    #[tokio::test]
    async fn bytes_and_files_are_sent_in_turn() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = Vec::new();
        let lens = [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE - 1, 2 * PIECE, 2 * PIECE + 1];
        for (first, len) in (0_u8..).zip(lens) {
            let content: Vec<u8> = (first..=250).cycle().take(len).collect();
            let path = folder.path().join(len.to_string());
            fs::write(&path, &content).unwrap();
            files.push((path, content));
        }
        for (one, of_one) in &files {
            for (other, of_other) in &files {
                for between in ["", "between"] {
                    let segments = Segments::new(vec![
                        Segment::Bytes(Bytes::from_static(b"before")),
                        segment(one).await,
                        Segment::Bytes(Bytes::from_static(between.as_bytes())),
                        segment(other).await,
                        Segment::Bytes(Bytes::new()),
                    ]);
                    let wanted = [b"before", &of_one[..], between.as_bytes(), of_other].concat();
                    assert_eq!(segments.len(), wanted.len() as u64);
                    for _ in 0..2 {
                        let sent = all_of(open(&segments).await).await.unwrap();
                        assert!(sent == wanted, "{one:?} {between:?} {other:?}");
                    }
                }
            }
        }
        let nothing = Segments::new(vec![Segment::Bytes(Bytes::new())]);
        assert!(nothing.len() == 0 && open(&nothing).await.is_empty());
    }

    #[tokio::test]
    async fn a_file_that_changes_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, vec![b'a'; 4 * PIECE]).unwrap();
        let Found::Long(file) = found(&path).await else { panic!("it is long") };
        let file =
            Segments::new(vec![Segment::Bytes(Bytes::from_static(b"-")), Segment::File(file)]);
        let (shrinking, growing) = (open(&file).await, open(&file).await);
        fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"more").unwrap();
        // What was said of its length still holds.
        assert_eq!(all_of(growing).await.unwrap().len(), 1 + 4 * PIECE);
        let error = file.open().await.err().map(Fault::into_error).unwrap();
        assert!(error.message.contains("had 262144 bytes and has 262148 now"), "{}", error.message);
        fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(PIECE as u64 + 1).unwrap();
        let error = all_of(shrinking).await.unwrap_err();
        assert!(error.message.contains("had 262144 bytes and has 65537 now"), "{}", error.message);
        assert_eq!(error.kind, ErrorKind::InvalidItem);
    }

    #[tokio::test]
    async fn what_is_no_file_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        for path in [folder.path().to_owned(), "/dev/zero".into(), folder.path().join("none")] {
            let error =
                Found::at(path, "the body_file").await.err().map(Fault::into_error).unwrap();
            assert_eq!(error.kind, ErrorKind::InvalidItem, "{}", error.message);
        }
    }
}
