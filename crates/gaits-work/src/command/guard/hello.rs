//! What a gaits process and its guard say to each other.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::time::Duration;

/// What the guard says once it watches over a process.
pub(super) const READY: u8 = b'r';
/// What a guard says that finds another one in its place.
pub(super) const TAKEN: u8 = b't';
/// What a process says before it goes in good order, with no command at work.
pub(super) const FAREWELL: u8 = b'.';
/// How long either has to say what the other waits for.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// The address that a guard of this name listens at. It is no file, so nothing is left of it.
pub(super) fn address(name: &str) -> io::Result<SocketAddr> {
    SocketAddr::from_abstract_name(name)
}

/// What a process says first.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Hello {
    /// What it and all that it starts can be told by.
    pub(super) mark: u64,
    /// Where the guard is to listen for others; empty for nowhere.
    pub(super) name: String,
}

impl Hello {
    /// Says it to a guard, and waits until it watches. None if it does not.
    pub(super) fn say(&self, mut stream: UnixStream) -> io::Result<Option<UnixStream>> {
        let mut bytes = self.mark.to_le_bytes().to_vec();
        bytes.push(u8::try_from(self.name.len()).map_err(io::Error::other)?);
        bytes.extend_from_slice(self.name.as_bytes());
        let mut answer = [0];
        stream.set_read_timeout(Some(PATIENCE))?;
        let heard = stream.write_all(&bytes).and_then(|()| stream.read_exact(&mut answer));
        match heard {
            Ok(()) if answer == [READY] => Ok(Some(stream)),
            Ok(()) => Ok(None),
            Err(error) => match error.kind() {
                // It has ended meanwhile.
                ErrorKind::UnexpectedEof | ErrorKind::BrokenPipe | ErrorKind::ConnectionReset => {
                    Ok(None)
                }
                _ => Err(error),
            },
        }
    }

    pub(super) fn hear(stream: &mut UnixStream) -> io::Result<Self> {
        let (mut mark, mut length) = ([0; 8], [0]);
        stream.read_exact(&mut mark)?;
        stream.read_exact(&mut length)?;
        let mut name = vec![0; length[0].into()];
        stream.read_exact(&mut name)?;
        let name = String::from_utf8(name).map_err(io::Error::other)?;
        Ok(Self { mark: u64::from_le_bytes(mark), name })
    }
}
