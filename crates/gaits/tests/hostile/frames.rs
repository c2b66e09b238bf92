//! Frames of HTTP/2, made by hand.

use crate::server::Peer;
use std::collections::VecDeque;

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GO_AWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const END_STREAM: u8 = 1;
pub(crate) const ACK: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

/// `:status: 200`, as HPACK has it.
pub(crate) const OK: &[u8] = &[0x88];

/// Error codes.
pub(crate) const NO_ERROR: u32 = 0;
pub(crate) const INTERNAL_ERROR: u32 = 2;
pub(crate) const REFUSED_STREAM: u32 = 7;
pub(crate) const CANCEL: u32 = 8;
pub(crate) const HTTP_1_1_REQUIRED: u32 = 13;

/// How many bytes of all bodies a client takes before it says more.
const CONNECTION_WINDOW: i64 = 65_535;

/// A frame's bytes.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let len = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let head = [len[1], len[2], len[3], kind, flags];
    [&head, stream.to_be_bytes().as_slice(), payload].concat()
}

/// A GOAWAY frame's bytes: `last` is the last stream that is answered.
pub(crate) fn go_away(last: u32, code: u32) -> Vec<u8> {
    frame(GO_AWAY, 0, 0, &[last.to_be_bytes(), code.to_be_bytes()].concat())
}

/// A field that HPACK neither compresses nor remembers.
pub(crate) fn field(name: &str, value: &str) -> Vec<u8> {
    let short = |text: &str| u8::try_from(text.len()).ok().filter(|len| *len < 127).unwrap();
    [&[0, short(name)], name.as_bytes(), &[short(value)], value.as_bytes()].concat()
}

/// A frame that came.
pub(crate) struct Received {
    kind: u8,
    pub(crate) stream: u32,
    payload: Vec<u8>,
}

/// One connection that speaks HTTP/2. The settings have been exchanged.
pub(crate) struct Frames {
    peer: Peer,
    /// Frames that came while another was waited for.
    others: VecDeque<Received>,
    /// The client's window for the body of one stream.
    stream_window: i64,
}

impl Frames {
    /// Exchanges settings with the client; none if it leaves before.
    pub(crate) fn begin(mut peer: Peer) -> Option<Self> {
        let mut preface = [0; 24];
        peer.read_exact(&mut preface)?;
        let mut frames = Self { peer, others: VecDeque::new(), stream_window: CONNECTION_WINDOW };
        frames.say(&frame(SETTINGS, 0, 0, b""));
        let settings = frames.next(SETTINGS)?;
        for setting in settings.payload.chunks_exact(6) {
            // SETTINGS_INITIAL_WINDOW_SIZE
            if setting[..2] == [0, 4] {
                frames.stream_window = u32::from_be_bytes(setting[2..].try_into().unwrap()).into();
            }
        }
        frames.say(&frame(SETTINGS, ACK, 0, b""));
        Some(frames)
    }

    /// The connection underneath.
    pub(crate) fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Sends `bytes`. A client that is gone is no matter; the result says so.
    pub(crate) fn say(&mut self, bytes: &[u8]) -> bool {
        self.peer.say(bytes)
    }

    /// Sends `bytes` over and over, until the client is gone.
    pub(crate) fn say_for_ever(&mut self, bytes: &[u8]) {
        self.peer.say_for_ever(bytes);
    }

    fn read(&mut self) -> Option<Received> {
        let mut head = [0; 9];
        self.peer.read_exact(&mut head)?;
        let len = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let stream = u32::from_be_bytes(head[5..].try_into().unwrap());
        let mut payload = vec![0; len as usize];
        self.peer.read_exact(&mut payload)?;
        Some(Received { kind: head[3], stream, payload })
    }

    /// The next frame of `kind`; none at the end. Those of other kinds are kept.
    fn next(&mut self, kind: u8) -> Option<Received> {
        if let Some(at) = self.others.iter().position(|frame| frame.kind == kind) {
            return self.others.remove(at);
        }
        loop {
            let frame = self.read()?;
            if frame.kind == kind {
                return Some(frame);
            }
            self.others.push_back(frame);
        }
    }

    /// The stream of the next request; none at the end.
    pub(crate) fn request(&mut self) -> Option<u32> {
        let head = self.next(HEADERS)?;
        self.peer.count_request(head.payload.len());
        Some(head.stream)
    }

    /// Sends the head of a response, with a body to come.
    pub(crate) fn head(&mut self, stream: u32) {
        self.say(&frame(HEADERS, END_HEADERS, stream, OK));
    }

    /// Sends a piece of a body.
    pub(crate) fn data(&mut self, stream: u32, data: &[u8]) -> bool {
        self.say(&frame(DATA, 0, stream, data))
    }

    /// Sends a whole response.
    pub(crate) fn answer(&mut self, stream: u32) {
        let head = frame(HEADERS, END_HEADERS, stream, OK);
        self.say(&[head, frame(DATA, END_STREAM, stream, b"hello")].concat());
    }

    /// Sends a body without end, as much of it as the client's windows allow, in frames of `piece`.
    pub(crate) fn endless_body(&mut self, stream: u32, piece: &[u8]) {
        self.head(stream);
        // Several frames at a time, or else the system would be what takes most of the time.
        let at_once = 1 + 1_000 / piece.len();
        let frames = frame(DATA, 0, stream, piece).repeat(at_once);
        let len = i64::try_from(piece.len() * at_once).unwrap();
        let (mut all, mut own) = (CONNECTION_WINDOW, self.stream_window);
        loop {
            while all.min(own) >= len {
                if !self.say(&frames) {
                    return;
                }
                all -= len;
                own -= len;
            }
            let Some(update) = self.next(WINDOW_UPDATE) else { return };
            let more = i64::from(u32::from_be_bytes(update.payload[..4].try_into().unwrap()));
            if update.stream == 0 { all += more } else { own += more }
        }
    }

    /// Resets a stream.
    pub(crate) fn reset_stream(&mut self, stream: u32, code: u32) {
        self.say(&frame(RST_STREAM, 0, stream, &code.to_be_bytes()));
    }

    /// Waits until the client has closed the connection.
    pub(crate) fn wait_for_end(&mut self) {
        while self.read().is_some() {}
    }

    /// Treats each request with `treat`, until the client leaves.
    pub(crate) fn each(&mut self, mut treat: impl FnMut(&mut Self, u32)) {
        while let Some(stream) = self.request() {
            treat(self, stream);
        }
    }
}
