//! A socket that is connecting, and which descriptors are left to files.
//!
//! Limit: it only says no. Whoever asks makes room, or goes on with fewer connections.

use super::super::wire::Tcp;
use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit};
use socket2::{Domain, Socket, Type};
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsRawFd as _;
use tokio::net::TcpStream;

/// As many descriptors are left to files where bodies go to files: one for the body that is written, the others for what
/// the main process opens to bring bodies and records to the disk.
const FOR_FILES: u64 = 5;

/// Who gets the last file descriptors of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum LastDescriptors {
    /// Whoever asks first.
    ForAnything,
    /// Files. Else connections, which are kept, would take all, and no body could be written.
    ForFiles,
}

impl LastDescriptors {
    /// Connects to `address`.
    pub(super) async fn connect(self, address: SocketAddr) -> io::Result<Tcp> {
        let socket = new_socket(address)?;
        if self == LastDescriptors::ForFiles && is_one_of_the_last(&socket)? {
            return Err(Errno::EMFILE.into());
        }
        match connect(&socket, address)? {
            Connecting::Made => Ok(Tcp::connected(socket.into())),
            Connecting::UnderWay => {
                let stream = TcpStream::from_std(socket.into())?;
                stream.writable().await?;
                stream.take_error()?.map_or(Ok(stream.into()), Err)
            }
        }
    }
}

enum Connecting {
    Made,
    UnderWay,
}

/// Begins to connect.
fn connect(socket: &Socket, address: SocketAddr) -> io::Result<Connecting> {
    let connect = || match socket.connect(&address.into()) {
        Ok(()) => Ok(Connecting::Made),
        Err(e) => match e.raw_os_error().map(Errno::from_raw) {
            Some(Errno::EISCONN) => Ok(Connecting::Made),
            Some(Errno::EINPROGRESS | Errno::EALREADY) => Ok(Connecting::UnderWay),
            _ => Err(e),
        },
    };
    match connect()? {
        // Over the loopback address it is made by now, though the system says that it is under way. Asked again, it tells.
        Connecting::UnderWay if address.ip().is_loopback() => connect(),
        begun => Ok(begun),
    }
}

/// A socket that does not block.
fn new_socket(address: SocketAddr) -> io::Result<Socket> {
    let domain = Domain::for_address(address);
    #[cfg(target_os = "linux")]
    return Socket::new(domain, Type::STREAM.nonblocking(), None);
    #[cfg(not(target_os = "linux"))]
    {
        let socket = Socket::new(domain, Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        Ok(socket)
    }
}

/// A new descriptor is the lowest that is free: one near the limit shows that few are left.
fn is_one_of_the_last(socket: &Socket) -> io::Result<bool> {
    let (limit, _) = getrlimit(Resource::RLIMIT_NOFILE)?;
    let number = u64::try_from(socket.as_raw_fd()).unwrap_or_default();
    Ok(number + FOR_FILES >= limit)
}
