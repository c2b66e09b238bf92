//! Finds the heads of HTTP/2 frames in a stream of bytes that comes in pieces of any size.
//!
//! Limit: knows where frames begin and what their heads say, of GOAWAY what it says, and of the server's last HEADERS of a stream
//! with what kind of field they begin; the rest of their contents, and whether they are allowed, is the h2 crate's to judge.

/// How long the head of a frame is.
const HEAD: usize = 9;

/// How long the part of GOAWAY's payload is that always has the same form: the last stream and the error code.
const GO_AWAY: usize = 8;

/// How much is looked at of fields: the length of padding, a priority, how large the table is, and the beginning of a field.
const FIELDS: usize = 12;

/// The kinds of frames that are told apart.
pub(super) mod kind {
    pub(crate) const DATA: u8 = 0;
    pub(crate) const HEADERS: u8 = 1;
    pub(crate) const SETTINGS: u8 = 4;
    pub(crate) const GO_AWAY: u8 = 7;
    pub(crate) const CONTINUATION: u8 = 9;
}

/// On DATA and HEADERS: the last frame of its stream. On SETTINGS: an acknowledgement.
pub(super) const END_STREAM_OR_ACK: u8 = 1;

/// On HEADERS: the length of padding stands in front, and a priority does.
const PADDED: u8 = 8;
const PRIORITY: u8 = 0x20;

/// What the head of a frame says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) flags: u8,
    /// The length of the payload.
    pub(super) len: u32,
    pub(super) stream: u32,
    /// The last stream that the server has processed or will process, and why it goes; none but in GOAWAY.
    pub(super) go_away: Option<GoAway>,
    /// Whether a field about the message itself, such as `:status`, comes first. It is looked for only where it decides something: in HEADERS
    /// that end a stream.
    pub(super) has_pseudo: bool,
}

/// What a GOAWAY says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct GoAway {
    pub(super) last_stream: u32,
    pub(super) code: u32,
}

/// Where in the stream of frames the bytes seen so far end.
#[derive(Debug)]
pub(super) struct Scanner {
    /// How many bytes come before the next frame.
    skip: u64,
    /// The bytes of a head that came in pieces.
    head: [u8; HEAD + FIELDS],
    have: usize,
    /// Whether fields are looked at.
    looks: bool,
}

impl Scanner {
    /// A scanner of a stream that begins with `skip` bytes that are no frames.
    pub(super) const fn new(skip: u64) -> Self {
        Self { skip, head: [0; HEAD + FIELDS], have: 0, looks: false }
    }

    /// A scanner of what a server sends.
    pub(super) const fn of_server() -> Self {
        Self { looks: true, ..Self::new(0) }
    }

    /// Whether a frame begins with the next byte.
    pub(super) const fn is_between_frames(&self) -> bool {
        self.skip == 0 && self.have == 0
    }

    /// Passes over what is left of the frame before, as far as it is in `bytes`; tells how many bytes that was.
    pub(super) fn skip(&mut self, bytes: &[u8]) -> usize {
        let skipped = usize::try_from(self.skip).unwrap_or(usize::MAX).min(bytes.len());
        self.skip -= skipped as u64;
        skipped
    }

    /// Reads the head of a frame from the beginning of `bytes`; tells how many bytes it took. No frame if its head is
    /// not complete yet, in which case all of `bytes` was taken.
    pub(super) fn head(&mut self, bytes: &[u8]) -> (usize, Option<Frame>) {
        let mut taken = 0;
        loop {
            let need = self.need();
            let n = (need - self.have).min(bytes.len() - taken);
            self.head[self.have..self.have + n].copy_from_slice(&bytes[taken..taken + n]);
            self.have += n;
            taken += n;
            if self.have < need {
                return (taken, None);
            }
            // A head that turned out to be GOAWAY's needs more.
            if need == self.need() {
                return (taken, Some(self.finish()));
            }
        }
    }

    fn need(&self) -> usize {
        let len = self.len() as usize;
        match self.head[3] {
            _ if self.have < HEAD => HEAD,
            kind::GO_AWAY if len >= GO_AWAY => HEAD + GO_AWAY,
            kind::HEADERS if self.looks && self.head[4] & END_STREAM_OR_ACK != 0 => {
                HEAD + len.min(FIELDS)
            }
            _ => HEAD,
        }
    }

    const fn len(&self) -> u32 {
        u32::from_be_bytes([0, self.head[0], self.head[1], self.head[2]])
    }

    fn finish(&mut self) -> Frame {
        let number = |at: usize| {
            let head = &self.head;
            u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]])
        };
        // The highest bit of a stream's number is reserved, and has no meaning.
        let stream = |at| number(at) & 0x7fff_ffff;
        let is = |kind| self.have > HEAD && self.head[3] == kind;
        let has_pseudo =
            is(kind::HEADERS) && begins_with_pseudo(self.head[4], &self.head[HEAD..self.have]);
        let go_away =
            is(kind::GO_AWAY).then(|| GoAway { last_stream: stream(HEAD), code: number(HEAD + 4) });
        let frame = Frame {
            kind: self.head[3],
            flags: self.head[4],
            len: self.len(),
            stream: stream(5),
            go_away,
            has_pseudo,
        };
        self.skip = u64::from(frame.len) - (self.have - HEAD) as u64;
        self.have = 0;
        frame
    }
}

/// Whether the payload of HEADERS begins with a field whose name begins with a colon (RFC 7541, sections 6 and 5.2, and appendices A and B).
/// One that the server has had remembered before is not known here.
fn begins_with_pseudo(flags: u8, payload: &[u8]) -> bool {
    let before = usize::from(flags & PADDED != 0) + if flags & PRIORITY == 0 { 0 } else { 5 };
    let mut block = payload.get(before..).unwrap_or_default();
    // How large the table may be from now on.
    while let [0x20..=0x3f, ..] = block {
        let is_long = block[0] == 0x3f;
        let more = block[1..].iter().take_while(|byte| is_long && **byte >= 0x80).count();
        block = block.get(1 + more + usize::from(is_long)..).unwrap_or_default();
    }
    let [first, rest @ ..] = block else { return false };
    let (is_whole, name) = match first {
        0x80.. => (true, first & 0x7f),
        0x40.. => (false, first & 0x3f),
        _ => (false, first & 0x0f),
    };
    match (name, rest) {
        (1..=14, _) => true,
        // The name itself follows. A colon has seven bits in Huffman's code.
        (0, [len, letter, ..]) if !is_whole && *len >= 0x80 => letter & 0xfe == 0xb8,
        (0, [_, letter, ..]) if !is_whole => *letter == b':',
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_about_the_message_itself_are_known_however_they_are_written() {
        for (flags, payload, wanted) in [
            (0, &[0x88][..], true),
            // A literal with a name of the table, remembered, not remembered, and never to be.
            (0, &[0x48, 3, b'2', b'9', b'9'], true),
            (0, &[0x08, 3, b'2', b'9', b'9'], true),
            (0, &[0x18, 3, b'2', b'9', b'9'], true),
            (0, b"\x00\x07:status\x03200", true),
            (0, &[0x40, 0x85, 0xb8, 0x84, 0x8d, 0x36, 0xa3], true),
            (PADDED, &[2, 0x88, 0, 0], true),
            (PADDED | PRIORITY, &[1, 0, 0, 0, 0, 9, 0x88, 0], true),
            (0, &[0x20, 0x3f, 0xe1, 0x1f, 0x88], true),
            (0, b"\x00\x01x\x011", false),
            (0, &[0x40, 0x85, 0xf2, 0xb5, 0x84, 0x8d, 0x36], false),
            (0, &[0x8f], false),
            (0, &[0x0f, 0x12, 1, b'x'], false),
            (0, &[0xbe], false),
            (0, &[0x80, 1, b':'], false),
            (0, &[0x3f, 0xe1], false),
            (PRIORITY, &[0x88], false),
            (0, &[], false),
        ] {
            assert_eq!(begins_with_pseudo(flags, payload), wanted, "{payload:x?}");
        }
    }

    fn scan(pieces: &[&[u8]], skip: u64) -> Vec<Frame> {
        let mut scanner = Scanner { skip, ..Scanner::of_server() };
        let mut frames = Vec::new();
        for piece in pieces {
            let mut at = 0;
            while at < piece.len() {
                at += scanner.skip(&piece[at..]);
                let (taken, frame) = scanner.head(&piece[at..]);
                at += taken;
                frames.extend(frame);
            }
        }
        assert!(scanner.is_between_frames());
        frames
    }

    fn plain(kind: u8, flags: u8, len: u32, stream: u32) -> Frame {
        Frame { kind, flags, len, stream, go_away: None, has_pseudo: false }
    }

    #[test]
    fn frames_are_found_however_their_bytes_come() {
        let bytes = [
            b"PREFACE".as_slice(),
            &[0, 0, 0, kind::SETTINGS, 1, 0, 0, 0, 0],
            &[0, 0, 3, kind::DATA, 1, 0x80, 0, 1, 2, b'a', b'b', b'c'],
            // GOAWAY with debug data, without, and too short to be one.
            &[0, 0, 9, kind::GO_AWAY, 0, 0, 0, 0, 0, 0x80, 0, 0, 7, 0, 0, 0, 13, b'x'],
            &[0, 0, 8, kind::GO_AWAY, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0],
            &[0, 0, 1, kind::GO_AWAY, 0, 0, 0, 0, 0, 9],
            &[0, 0, 0, kind::HEADERS, 5, 0, 0, 0, 9],
            &[0, 0, 1, kind::HEADERS, 5, 0, 0, 0, 9, 0x88],
            &[0, 0, 1, kind::HEADERS, 4, 0, 0, 0, 9, 0x88],
            b"\0\0\x0f\x01\x05\0\0\0\x09\x00\x07:status\x03200..",
        ]
        .concat();
        let go_away = |len, last_stream, code| Frame {
            go_away: Some(GoAway { last_stream, code }),
            ..plain(kind::GO_AWAY, 0, len, 0)
        };
        let expected = [
            plain(kind::SETTINGS, 1, 0, 0),
            plain(kind::DATA, 1, 3, 258),
            go_away(9, 7, 13),
            go_away(8, 5, 0),
            plain(kind::GO_AWAY, 0, 1, 0),
            plain(kind::HEADERS, 5, 0, 9),
            Frame { has_pseudo: true, ..plain(kind::HEADERS, 5, 1, 9) },
            plain(kind::HEADERS, 4, 1, 9),
            Frame { has_pseudo: true, ..plain(kind::HEADERS, 5, 15, 9) },
        ];
        assert_eq!(scan(&[&bytes], 7), expected);
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(scan(&single, 7), expected);
        for cut in 0..bytes.len() {
            let (a, b) = bytes.split_at(cut);
            assert_eq!(scan(&[a, b], 7), expected, "cut at {cut}");
        }
    }
}
