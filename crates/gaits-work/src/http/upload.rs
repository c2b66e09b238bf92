//! Files that are sent as the body of a request, piece by piece, so that a file of any length takes little memory.
//!
//! A file is looked at when its item's turn comes, and opened for each sending of the request. Its length is said in the
//! request's head, so one that has another length by then can't be sent.
//!
//! Limit: what is read ahead of the connection is one piece.

use super::fault::{self, Fault};
use bytes::Bytes;
use gaits_core::{ErrorKind, ItemError};
use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::UNIX_EPOCH;
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
    len: u64,
}

impl Found {
    /// Looks at the file at `path`, and reads it if it is short.
    pub(super) async fn at(path: PathBuf) -> Result<Self, Fault> {
        let shown = path.clone();
        // A disk holds up no event loop.
        let found = tokio::task::spawn_blocking(move || {
            let about = fs::metadata(&path)?;
            check(&about)?;
            if about.len() > PIECE as u64 {
                // Whether it may be read is told now, before a connection is taken for it.
                fs::File::open(&path)?;
                return Ok(Self::Long(LongFile { path, len: about.len() }));
            }
            Ok(Self::Short(fs::read(path)?.into()))
        });
        let found = found.await.unwrap_or_else(|error| Err(io::Error::other(error)));
        found.map_err(|error| unreadable(&shown, &error))
    }
}

impl LongFile {
    pub(super) const fn len(&self) -> u64 {
        self.len
    }

    /// Opens it, to send it once.
    pub(super) async fn open(&self) -> Result<Unsent, Fault> {
        let opened = async {
            let file = File::open(&self.path).await?;
            let len = file.metadata().await?.len();
            if len != self.len {
                return Err(io::Error::other(changed(self.len, len)));
            }
            Ok(file)
        };
        let mut file = opened.await.map_err(|error| unreadable(&self.path, &error))?;
        file.set_max_buf_size(PIECE);
        Ok(Unsent::File(Box::new(Upload {
            file,
            path: self.path.as_path().into(),
            buffer: vec![0; PIECE].into(),
            read: 0..0,
            unread: self.len,
            len: self.len,
        })))
    }
}

/// What is still to be sent of a body.
pub(super) enum Unsent {
    Bytes(Bytes),
    File(Box<Upload>),
}

impl Unsent {
    /// Whether nothing is left.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Bytes(bytes) => bytes.is_empty(),
            Self::File(upload) => upload.read.is_empty() && upload.unread == 0,
        }
    }

    /// The bytes that are to be sent next; none at the end. They stay until they are [taken](Self::advance).
    pub(super) fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<&[u8], ItemError>> {
        match self {
            Self::Bytes(bytes) => Poll::Ready(Ok(bytes)),
            Self::File(upload) => upload.poll_piece(cx),
        }
    }

    /// The first `count` bytes of the piece have been sent.
    pub(super) fn advance(&mut self, count: usize) {
        match self {
            Self::Bytes(bytes) => drop(bytes.split_to(count)),
            Self::File(upload) => upload.read.start += count,
        }
    }

    /// Takes the first `count` bytes of the piece.
    pub(super) fn take(&mut self, count: usize) -> Bytes {
        match self {
            Self::Bytes(bytes) => bytes.split_to(count),
            Self::File(upload) => {
                let taken = upload.read.start..upload.read.start + count;
                upload.read.start = taken.end;
                Bytes::copy_from_slice(&upload.buffer[taken])
            }
        }
    }
}

/// A file that is being sent.
pub(super) struct Upload {
    file: File,
    path: Box<Path>,
    buffer: Box<[u8]>,
    /// What of the buffer was read and not sent.
    read: Range<usize>,
    /// How much of the file was not read.
    unread: u64,
    len: u64,
}

impl Upload {
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<&[u8], ItemError>> {
        if self.read.is_empty() && self.unread > 0 {
            let most = usize::try_from(self.unread).unwrap_or(PIECE).min(PIECE);
            let mut buffer = ReadBuf::new(&mut self.buffer[..most]);
            let read = ready!(Pin::new(&mut self.file).poll_read(cx, &mut buffer));
            let count = buffer.filled().len();
            let read = match read {
                Ok(()) if count == 0 => {
                    Err(io::Error::other(changed(self.len, self.len - self.unread)))
                }
                read => read,
            };
            read.map_err(|error| unreadable(&self.path, &error).into_error())?;
            self.read = 0..count;
            self.unread -= count as u64;
        }
        Poll::Ready(Ok(&self.buffer[self.read.clone()]))
    }
}

/// A file can't be sent.
fn unreadable(path: &Path, error: &io::Error) -> Fault {
    let doing = format!("can't read the body_file {}", path.display());
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
        Found::at(path.to_owned()).await.unwrap_or_else(|fault| panic!("{fault:?}"))
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
                    for _ in 0..2 {
                        let unsent = file.open().await.unwrap_or_else(|fault| panic!("{fault:?}"));
                        assert!(all_of(unsent).await.unwrap() == content, "{len} bytes");
                    }
                }
            }
        }
    }

    #[tokio::test]
    async fn a_file_that_changes_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, vec![b'a'; 4 * PIECE]).unwrap();
        let Found::Long(file) = found(&path).await else { panic!("it is long") };
        let shrinking = file.open().await.unwrap_or_else(|fault| panic!("{fault:?}"));
        let growing = file.open().await.unwrap_or_else(|fault| panic!("{fault:?}"));
        fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"more").unwrap();
        // What was said of its length still holds.
        assert_eq!(all_of(growing).await.unwrap().len(), 4 * PIECE);
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
            let error = Found::at(path).await.err().map(Fault::into_error).unwrap();
            assert_eq!(error.kind, ErrorKind::InvalidItem, "{}", error.message);
        }
    }
}
