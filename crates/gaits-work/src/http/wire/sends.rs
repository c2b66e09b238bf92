//! Requests that go out together: those that the event loop composes in one turn are handed to the system in one call
//! (`io_uring`), since a call for each of them takes longer than what is done in it.
//!
//! The first request of a turn leads: its task has its next turn when the others that are ready have had theirs, and then sends
//! for all. Where the system has no `io_uring`, or does not allow it, and where one request at a time is composed, each is sent by itself.
//!
//! Limit: only what fits into the buffer of its socket, as a short request does on a connection that waits for nothing. What
//! can't be sent whole at once is not sent later: then the socket is shut down, and whoever reads from it sees it closed.

use io_uring::squeue::{Entry, Flags};
use io_uring::{IoUring, opcode, types};
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, Shutdown, send, shutdown};
use std::cell::RefCell;
use std::ops::Range;
use std::os::fd::RawFd;

/// The longest request that is sent so.
const LONGEST: usize = 16 * 1024;

/// So many go out together at most: the first one should not wait long.
const MOST: u32 = 32;

/// After one that went out alone, so many are sent by themselves before it is tried again whether there are others.
const ALONE: u32 = 16;

/// The buffer is given up when one turn has made it larger than this.
const LARGEST_BUFFER: usize = 64 * 1024;

thread_local! {
    static OF_THREAD: RefCell<Sends> = RefCell::default();
}

/// The turn in which a request goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) struct Turn(u64);

/// What is to become of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Placed {
    /// It goes out when [`flush`] is called for this turn.
    Leads(Turn),
    /// Another request leads.
    Follows(Turn),
    /// It is to be sent by itself.
    Alone,
}

/// Puts a request with those of this turn, to be sent on `socket`. Until [`flush`] was called for its turn, the socket must stay open.
pub(super) fn put(socket: RawFd, request: &[u8]) -> Placed {
    OF_THREAD.with_borrow_mut(|sends| sends.put(socket, request))
}

/// Sends the requests of this turn, if they are not sent yet.
pub(super) fn flush(turn: Turn) {
    // When a thread ends, nothing is left that waits.
    let _ = OF_THREAD.try_with(|sends| {
        let mut sends = sends.borrow_mut();
        if sends.turn == turn.0 {
            sends.flush();
        }
    });
}

/// The requests of one event loop that wait for the end of its turn.
#[derive(Default)]
struct Sends {
    ring: Ring,
    turn: u64,
    bytes: Vec<u8>,
    /// The sockets, each with its request's place in `bytes`.
    waiting: Vec<(RawFd, Range<usize>)>,
    /// So many requests are sent by themselves before the next one is put.
    alone: u32,
}

#[derive(Default)]
enum Ring {
    #[default]
    Untried,
    Open(Box<IoUring>),
    Unavailable,
}

impl Ring {
    fn open() -> Self {
        match IoUring::new(MOST) {
            // Otherwise each request would have to be asked what became of it.
            Ok(ring) if ring.params().is_feature_skip_cqe_on_success() => {
                Self::Open(Box::new(ring))
            }
            _ => Self::Unavailable,
        }
    }
}

impl Sends {
    fn put(&mut self, socket: RawFd, request: &[u8]) -> Placed {
        if self.alone > 0 || request.len() > LONGEST || matches!(self.ring, Ring::Unavailable) {
            self.alone = self.alone.saturating_sub(1);
            return Placed::Alone;
        }
        if self.waiting.len() == MOST as usize {
            self.flush();
        }
        let start = self.bytes.len();
        self.bytes.extend_from_slice(request);
        self.waiting.push((socket, start..self.bytes.len()));
        let turn = Turn(self.turn);
        if self.waiting.len() == 1 { Placed::Leads(turn) } else { Placed::Follows(turn) }
    }

    fn flush(&mut self) {
        let sent = match self.waiting.len() {
            0 | 1 => {
                self.alone = ALONE;
                0
            }
            _ => self.send_together(),
        };
        for (socket, place) in &self.waiting[sent..] {
            send_alone(*socket, &self.bytes[place.clone()]);
        }
        self.turn += 1;
        self.waiting.clear();
        self.bytes.clear();
        if self.bytes.capacity() > LARGEST_BUFFER {
            self.bytes = Vec::new();
        }
    }

    /// How many the system has taken.
    fn send_together(&mut self) -> usize {
        if let Ring::Untried = self.ring {
            self.ring = Ring::open();
        }
        let Ring::Open(ring) = &mut self.ring else { return 0 };
        for (number, (socket, place)) in self.waiting.iter().enumerate() {
            let entry = entry(*socket, &self.bytes[place.clone()], number);
            // SAFETY: the bytes stay where they are until the system is done with them. It is when `submit` has come back, since it may
            // not wait (MSG_DONTWAIT), or the ring is closed.
            #[expect(unsafe_code, reason = "the system reads the bytes by their address")]
            let pushed = unsafe { ring.submission().push(&entry) };
            debug_assert!(pushed.is_ok(), "the ring has room for as many as there are");
        }
        let mut taken = 0;
        while taken < self.waiting.len() {
            match ring.submit() {
                Ok(more @ 1..) => taken += more,
                Err(error) if error.raw_os_error() == Some(Errno::EINTR as i32) => {}
                Ok(0) | Err(_) => break,
            }
        }
        for failed in ring.completion() {
            let number = usize::try_from(failed.user_data()).unwrap_or(usize::MAX);
            if let Some((socket, _)) = self.waiting.get(number) {
                let _ = shutdown(*socket, Shutdown::Both);
            }
        }
        if taken < self.waiting.len() {
            // What it has not taken is still in it.
            self.ring = Ring::Unavailable;
        }
        taken
    }
}

/// To be sent whole at once. The system answers only if that fails.
fn entry(socket: RawFd, request: &[u8], number: usize) -> Entry {
    let len = u32::try_from(request.len()).unwrap_or(u32::MAX);
    let flags = MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_WAITALL;
    let send = opcode::Send::new(types::Fd(socket), request.as_ptr(), len).flags(flags.bits());
    send.build().flags(Flags::SKIP_SUCCESS).user_data(number as u64)
}

fn send_alone(socket: RawFd, request: &[u8]) {
    let sent = loop {
        match send(socket, request, MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT) {
            Err(Errno::EINTR) => {}
            sent => break sent,
        }
    };
    if sent != Ok(request.len()) {
        let _ = shutdown(socket, Shutdown::Both);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::AsRawFd as _;

    /// Connected sockets that do not block, with their servers' ends.
    fn connected(count: usize) -> Vec<(TcpStream, TcpStream)> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let connect = || {
            let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            near.set_nonblocking(true).unwrap();
            (near, listener.accept().unwrap().0)
        };
        std::iter::repeat_with(connect).take(count).collect()
    }

    fn read(far: &mut TcpStream, len: usize) -> String {
        let mut bytes = vec![0; len];
        far.read_exact(&mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    /// What comes before the socket is shut down.
    fn read_all(far: &mut TcpStream) -> String {
        let mut text = String::new();
        far.read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn what_is_put_goes_out_when_its_turn_ends_and_not_before() {
        let mut sends = Sends::default();
        for round in 0..3 {
            let mut pairs = connected(5);
            for (number, (near, _)) in pairs.iter().enumerate() {
                let placed = sends.put(near.as_raw_fd(), format!("request {number}").as_bytes());
                let turn = Turn(round);
                let first = number == 0;
                assert_eq!(placed, if first { Placed::Leads(turn) } else { Placed::Follows(turn) });
            }
            for (_, far) in &pairs {
                far.set_nonblocking(true).unwrap();
                let nothing = (&mut &*far).read(&mut [0]).unwrap_err();
                assert_eq!(nothing.kind(), std::io::ErrorKind::WouldBlock);
                far.set_nonblocking(false).unwrap();
            }
            sends.flush();
            for (number, (_, far)) in pairs.iter_mut().enumerate() {
                assert_eq!(read(far, 9), format!("request {number}"));
            }
            assert_eq!(matches!(sends.ring, Ring::Open(_)), IoUring::new(1).is_ok());
        }
    }

    #[test]
    fn as_many_as_the_ring_has_room_for_go_out_together() {
        let mut sends = Sends::default();
        let mut pairs = connected(MOST as usize + 1);
        for (near, _) in &pairs {
            sends.put(near.as_raw_fd(), b"ask");
        }
        let (last, others) = pairs.split_last_mut().unwrap();
        for (_, far) in others {
            assert_eq!(read(far, 3), "ask");
        }
        assert_eq!((sends.turn, sends.waiting.len()), (1, 1));
        sends.flush();
        assert_eq!(read(&mut last.1, 3), "ask");
    }

    #[test]
    fn a_request_that_went_out_alone_is_followed_by_some_that_wait_for_nobody() {
        let mut sends = Sends::default();
        let mut pairs = connected(1);
        let (near, far) = &mut pairs[0];
        assert_eq!(sends.put(near.as_raw_fd(), b"ask"), Placed::Leads(Turn(0)));
        sends.flush();
        assert_eq!(read(far, 3), "ask");
        for _ in 0..ALONE {
            assert_eq!(sends.put(near.as_raw_fd(), b"ask"), Placed::Alone);
        }
        assert_eq!(sends.put(near.as_raw_fd(), b"ask"), Placed::Leads(Turn(1)));
        assert_eq!(sends.put(near.as_raw_fd(), &vec![0; LONGEST + 1]), Placed::Alone);
        assert!(matches!(sends.ring, Ring::Untried), "one alone needs no ring");
    }

    #[test]
    fn without_a_ring_each_is_sent_by_itself() {
        let mut sends = Sends::default();
        let mut pairs = connected(2);
        for (near, _) in &pairs {
            sends.put(near.as_raw_fd(), b"ask");
        }
        sends.ring = Ring::Unavailable;
        sends.flush();
        for (_, far) in &mut pairs {
            assert_eq!(read(far, 3), "ask");
        }
        assert_eq!(sends.put(pairs[0].0.as_raw_fd(), b"ask"), Placed::Alone);
    }

    #[test]
    fn a_socket_that_does_not_take_all_is_shut_down_and_its_neighbours_are_not() {
        for alone in [false, true] {
            let mut sends = Sends::default();
            let mut pairs = connected(3);
            let full = &pairs[1].0;
            while send(full.as_raw_fd(), &[b'a'; 4096], MsgFlags::MSG_DONTWAIT).is_ok() {}
            for (near, _) in &pairs {
                sends.put(near.as_raw_fd(), &[b'b'; 4096]);
            }
            if alone {
                sends.ring = Ring::Unavailable;
            }
            sends.flush();
            for place in [0, 2] {
                assert_eq!(read(&mut pairs[place].1, 4096), "b".repeat(4096));
            }
            assert!(!read_all(&mut pairs[1].1).contains(&"b".repeat(4096)));
            assert_eq!((&pairs[1].0).read(&mut [0]).unwrap(), 0, "its reader sees it closed");
        }
    }
}
