//! The text of a list, whatever it is packed in: gzip and zstd are known by their first bytes, UTF-8 and UTF-16 by their
//! mark, and any other encoding by its name.
//!
//! Limit: it never holds more than a few buffers, however much the input unpacks to (zstd: and its window, 128 MiB at most).
//! What can't be decoded becomes the byte [`BAD`], so whoever reads on finds the place and tells it.

use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE};
use flate2::bufread::MultiGzDecoder;
use std::io::{self, BufRead, BufReader, Cursor, Read};

/// Stands where a byte could not be decoded: no UTF-8 has it.
pub const BAD: u8 = 0xff;
/// How many bytes are read at a time.
const CHUNK: usize = 256 * 1024;

/// The text of an input, in UTF-8.
pub type Text = BufReader<Box<dyn Read + Send>>;

/// An encoding of text, by one of the names that the web knows it by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextEncoding(&'static Encoding);

impl TextEncoding {
    /// The encoding that goes by this name; none where nothing does.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        // Windows and Python call the Korean code page so, and the web does not.
        let name = if name.eq_ignore_ascii_case("cp949") { "euc-kr" } else { name };
        Encoding::for_label(name.as_bytes()).map(Self)
    }

    /// What messages call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name()
    }
}

/// The text of `raw`: unpacked, and decoded from `encoding`, or from UTF-8 if none is given. A mark at its beginning tells more
/// than a name does. Nothing is read yet.
pub fn text_of(raw: impl Read + Send + 'static, encoding: Option<TextEncoding>) -> Text {
    let raw: Box<dyn Read + Send> = Box::new(raw);
    let unpacked = Late::new(raw, unpack);
    let decoded = Late::new(unpacked, move |start, rest| Ok(decode(start, rest, encoding)));
    BufReader::with_capacity(CHUNK, Box::new(decoded))
}

/// A reader whose kind is known by its first bytes, which are looked at when somebody reads.
struct Late<R, F> {
    /// What has not been looked at yet, and what makes a reader of it.
    raw: Option<(R, F)>,
    reader: Box<dyn Read + Send>,
}

/// How many bytes tell what an input is.
const TELLING: usize = 4;

impl<R: Read, F: FnOnce(&[u8], R) -> io::Result<Box<dyn Read + Send>>> Late<R, F> {
    fn new(raw: R, make: F) -> Self {
        Self { raw: Some((raw, make)), reader: Box::new(io::empty()) }
    }

    fn look(&mut self) -> io::Result<()> {
        let Some((mut raw, make)) = self.raw.take() else { return Ok(()) };
        let mut start = [0; TELLING];
        let mut len = 0;
        // A pipe that has brought something which is no mark is not waited for.
        while len < TELLING
            && MARKS.iter().any(|mark| mark.len() > len && mark.starts_with(&start[..len]))
        {
            match raw.read(&mut start[len..]) {
                Ok(0) => break,
                Ok(read) => len += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.reader = make(&start[..len], raw)?;
        Ok(())
    }
}

impl<R: Read, F: FnOnce(&[u8], R) -> io::Result<Box<dyn Read + Send>>> Read for Late<R, F> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.raw.is_some() {
            self.look()?;
        }
        self.reader.read(out)
    }
}

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
const MARK_8: &[u8] = &[0xef, 0xbb, 0xbf];
const MARK_16LE: &[u8] = &[0xff, 0xfe];
const MARK_16BE: &[u8] = &[0xfe, 0xff];
/// All beginnings that tell something.
const MARKS: [&[u8]; 5] = [GZIP, ZSTD, MARK_8, MARK_16LE, MARK_16BE];

fn unpack(start: &[u8], rest: impl Read + Send + 'static) -> io::Result<Box<dyn Read + Send>> {
    let whole = Cursor::new(start.to_vec()).chain(rest);
    Ok(if start.starts_with(GZIP) {
        let packed = BufReader::with_capacity(CHUNK, whole);
        Box::new(Named { packed_with: "gzip", reader: MultiGzDecoder::new(packed) })
    } else if start.starts_with(ZSTD) {
        let packed = BufReader::with_capacity(CHUNK, whole);
        let reader = zstd::stream::read::Decoder::with_buffer(packed)?;
        Box::new(Named { packed_with: "zstd", reader })
    } else {
        Box::new(whole)
    })
}

/// Says of an error what was being unpacked.
struct Named<R> {
    packed_with: &'static str,
    reader: R,
}

impl<R: Read> Read for Named<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.reader.read(out).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => error,
            io::ErrorKind::UnexpectedEof => io::Error::new(
                error.kind(),
                format!("its {} data end too early: it is not whole", self.packed_with),
            ),
            kind => {
                io::Error::new(kind, format!("its {} data are damaged: {error}", self.packed_with))
            }
        })
    }
}

fn decode(
    start: &[u8],
    rest: impl Read + Send + 'static,
    named: Option<TextEncoding>,
) -> Box<dyn Read + Send> {
    let marked = [(MARK_8, UTF_8), (MARK_16LE, UTF_16LE), (MARK_16BE, UTF_16BE)];
    let mark = marked.iter().find(|(mark, _)| start.starts_with(mark));
    let encoding =
        mark.map(|(_, encoding)| *encoding).or(named.map(|named| named.0)).unwrap_or(UTF_8);
    let after = &start[mark.map_or(0, |(mark, _)| mark.len())..];
    let whole = Cursor::new(after.to_vec()).chain(rest);
    if encoding == UTF_8 {
        // Whoever reads lines checks them.
        return Box::new(whole);
    }
    Box::new(Decoded {
        raw: BufReader::with_capacity(CHUNK, whole),
        decoder: encoding.new_decoder_without_bom_handling(),
        ready: Vec::new(),
        given: 0,
        ended: false,
    })
}

/// Turns another encoding into UTF-8.
struct Decoded<R> {
    raw: BufReader<R>,
    decoder: Decoder,
    /// What was decoded, and how much of it was given.
    ready: Vec<u8>,
    given: usize,
    ended: bool,
}

/// How many decoded bytes lie ready at most.
const READY: usize = 64 * 1024;

impl<R: Read> Decoded<R> {
    /// Decodes a piece of what is there.
    fn more(&mut self) -> io::Result<()> {
        self.ready.resize(READY, 0);
        self.given = 0;
        let chunk = self.raw.fill_buf()?;
        self.ended = chunk.is_empty();
        // A byte of room is kept for the stand-in.
        let (result, read, written) = self.decoder.decode_to_utf8_without_replacement(
            chunk,
            &mut self.ready[..READY - 1],
            self.ended,
        );
        self.raw.consume(read);
        self.ready.truncate(written);
        if let DecoderResult::Malformed(..) = result {
            self.ready.push(BAD);
            self.ended = false;
        }
        Ok(())
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.given == self.ready.len() && !self.ended {
            self.more()?;
        }
        let rest = &self.ready[self.given..];
        let len = rest.len().min(out.len());
        out[..len].copy_from_slice(&rest[..len]);
        self.given += len;
        Ok(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write as _;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(bytes).unwrap();
        packed.finish().unwrap()
    }

    fn read(bytes: &[u8], encoding: Option<&str>) -> Vec<u8> {
        let encoding = encoding.map(|name| TextEncoding::named(name).unwrap());
        let mut text = Vec::new();
        text_of(Cursor::new(bytes.to_vec()), encoding).read_to_end(&mut text).unwrap();
        text
    }

    fn utf_16(text: &str, mark: bool, big: bool) -> Vec<u8> {
        let units = mark.then_some(0xfeff).into_iter().chain(text.encode_utf16());
        units.flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
    }

    #[test]
    fn a_text_is_the_same_however_it_is_packed_and_encoded() {
        let text = "http://a/가나다\r\n한글\n";
        let (euc_kr, ..) = encoding_rs::EUC_KR.encode(text);
        assert_eq!(read(text.as_bytes(), None), text.as_bytes());
        assert_eq!(read(&gzip(text.as_bytes()), None), text.as_bytes());
        assert_eq!(read(&zstd::encode_all(text.as_bytes(), 1).unwrap(), None), text.as_bytes());
        assert_eq!(read(format!("\u{feff}{text}").as_bytes(), None), text.as_bytes());
        // A mark tells more than a name.
        assert_eq!(read(format!("\u{feff}{text}").as_bytes(), Some("euc-kr")), text.as_bytes());
        for big in [false, true] {
            assert_eq!(read(&utf_16(text, true, big), None), text.as_bytes());
            assert_eq!(read(&gzip(&utf_16(text, true, big)), None), text.as_bytes());
        }
        assert_eq!(read(&utf_16(text, false, false), Some("utf-16le")), text.as_bytes());
        for name in ["euc-kr", "CP949", "ks_c_5601-1987", "windows-949"] {
            assert_eq!(read(&euc_kr, Some(name)), text.as_bytes(), "{name}");
        }
        // Several gzip members one after the other are one text, as `cat` makes them.
        assert_eq!(read(&[gzip(b"a\n"), gzip(b"b\n")].concat(), None), b"a\nb\n");
    }

    #[test]
    fn a_byte_that_is_none_of_the_encoding_is_marked_and_the_rest_goes_on() {
        assert_eq!(read(b"a\xff\nb\n", Some("euc-kr")), b"a\xff\nb\n");
        // Half a unit at the end.
        assert_eq!(read(b"a\0b", Some("utf-16le")), b"a\xff");
        assert_eq!(read(b"\x1f", None), b"\x1f");
        assert_eq!(read(b"", Some("euc-kr")), b"");
        assert_eq!(TextEncoding::named("klingon"), None);
    }

    #[test]
    fn damaged_data_are_told_by_their_kind() {
        let whole = gzip(&vec![b'a'; 100_000]);
        let mut text = Vec::new();
        let torn = whole[..whole.len() - 10].to_vec();
        let error = text_of(Cursor::new(torn), None).read_to_end(&mut text).unwrap_err();
        assert!(error.to_string().contains("gzip data end too early"), "{error}");
        let mut damaged = zstd::encode_all(&[b'a'; 1000][..], 1).unwrap();
        damaged[4] ^= 0xff;
        let error = text_of(Cursor::new(damaged), None).read_to_end(&mut text).unwrap_err();
        assert!(error.to_string().contains("zstd data are damaged"), "{error}");
    }

    #[test]
    fn what_a_pipe_has_brought_is_given_before_more_comes() {
        let (mut writer, reader) = std::os::unix::net::UnixStream::pair().unwrap();
        writer.write_all(b"ht").unwrap();
        let mut text = text_of(reader, TextEncoding::named("euc-kr"));
        assert_eq!(text.fill_buf().unwrap(), b"ht");
    }

    proptest! {
        #[test]
        fn any_text_comes_through(text in "\\PC{0,300}", big: bool) {
            prop_assert_eq!(read(&utf_16(&text, true, big), None), text.as_bytes());
            prop_assert_eq!(read(&gzip(&utf_16(&text, true, big)), None), text.as_bytes());
        }

        #[test]
        fn nothing_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), name in "(utf-16be|euc-kr|gb18030|iso-2022-jp|big5|shift_jis)") {
            let mut text = Vec::new();
            let _ = text_of(Cursor::new(bytes), TextEncoding::named(&name)).read_to_end(&mut text);
        }
    }
}
