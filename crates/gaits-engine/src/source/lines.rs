//! An item a line, from a file or a pipe.

use super::{Check, TextEncoding, unless_done};
use gaits_core::{Content, Data, Entry, IsDone, More, Source};
use std::io::{self, BufRead};

/// The longest line taken as an item, in bytes.
pub const LONGEST_LINE: usize = 64 * 1024;
/// A batch is complete with so many bytes of lines, however few they are.
const BATCH_BYTES: usize = 1024 * 1024;
/// How much of an invalid line is kept for its record, in bytes.
const SHOWN: usize = 256;

/// An item a line. Blank lines and lines that begin with `#` are passed over, a byte order mark and, unless it is to be kept, the
/// white space around an item are dropped, and a line that can't be an item becomes an invalid entry, the rest goes on.
pub struct Lines<R> {
    reader: R,
    name: String,
    line: u64,
    /// How many entries it has given.
    index: u64,
    check: Check,
    /// The encoding that the lines are said to be in; they come in UTF-8.
    encoding: Option<TextEncoding>,
    keeps_white_space: bool,
    /// Makes an item of a line, where a line is none itself.
    make: Option<MakeFromLine>,
    /// Which items need no check.
    done: Option<IsDone>,
    buffer: Vec<u8>,
}

/// Makes an item of a line, or says what is wrong with it.
pub type MakeFromLine = Box<dyn Fn(&str) -> Result<Data, String> + Send>;

impl<R> std::fmt::Debug for Lines<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lines")
            .field("name", &self.name)
            .field("line", &self.line)
            .finish_non_exhaustive()
    }
}

impl<R: BufRead> Lines<R> {
    /// Reads lines of `reader`, which messages call `name`.
    pub fn new(reader: R, name: impl Into<String>, check: Check) -> Self {
        let name = name.into();
        Self {
            reader,
            name,
            line: 0,
            index: 0,
            check,
            encoding: None,
            keeps_white_space: false,
            make: None,
            done: None,
            buffer: Vec::new(),
        }
    }

    /// Names the encoding that the lines were decoded from, for what is said of those that could not be.
    #[must_use]
    pub fn decoded_from(mut self, encoding: Option<TextEncoding>) -> Self {
        self.encoding = encoding;
        self
    }

    /// Keeps the white space around items, if the work has it so.
    #[must_use]
    pub fn keeping_white_space(mut self, keeps: bool) -> Self {
        self.keeps_white_space = keeps;
        self
    }

    /// Makes an item of each line.
    #[must_use]
    pub fn made_by(mut self, make: MakeFromLine) -> Self {
        self.make = Some(make);
        self
    }

    /// Reads one line into the buffer, without its end, and at most [`LONGEST_LINE`] and one more bytes of it; none
    /// at the end of the input, else its whole length.
    fn read_line(&mut self) -> io::Result<Option<usize>> {
        self.buffer.clear();
        let mut length = 0;
        loop {
            let chunk = match self.reader.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if chunk.is_empty() {
                return Ok((length > 0).then_some(length));
            }
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let line = &chunk[..end.unwrap_or(chunk.len())];
            let room = (LONGEST_LINE + 1).saturating_sub(self.buffer.len());
            self.buffer.extend_from_slice(&line[..line.len().min(room)]);
            length += line.len();
            let used = line.len() + usize::from(end.is_some());
            self.reader.consume(used);
            if end.is_some() {
                // An empty line is a line, too.
                return Ok(Some(length));
            }
        }
    }

    /// The beginning of the line in the buffer, without the secrets that the work would find in it.
    fn shown(&self) -> Data {
        let line = Data::from(String::from_utf8_lossy(&self.buffer).trim());
        let shown = match (self.check)(&line) {
            Ok(facts) => facts.shown.map(|shown| *shown),
            Err(refused) => refused.shown,
        };
        let shown = shown.unwrap_or(line);
        let text = shown.as_text().unwrap_or_default();
        text[..text.floor_char_boundary(SHOWN)].into()
    }

    /// What the line in the buffer is: nothing, an item, or something invalid.
    fn content(&self, length: usize) -> Option<Content> {
        let place = || format!("{}:{}", self.name, self.line);
        let invalid = |wrong: String| {
            Some(Content::Invalid { shown: self.shown(), message: format!("{}: {wrong}", place()) })
        };
        if length > LONGEST_LINE {
            return invalid(format!(
                "{length} bytes are too long for an item; at most {LONGEST_LINE} are taken"
            ));
        }
        let mut bytes = self.buffer.as_slice();
        if self.line == 1 {
            bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        }
        match std::str::from_utf8(bytes) {
            Err(error) => {
                let at = error.valid_up_to();
                invalid(wrong_byte(&bytes[..at], self.encoding))
            }
            Ok(text) => {
                let line = text.strip_suffix('\r').unwrap_or(text);
                let text = text.trim();
                if text.is_empty() || text.starts_with('#') {
                    return None;
                }
                let text = if self.keeps_white_space { line } else { text };
                let data = match &self.make {
                    None => text.into(),
                    Some(make) => match make(text) {
                        Ok(data) => data,
                        Err(wrong) => return invalid(wrong),
                    },
                };
                Some(unless_done(self.done.as_ref(), self.index, &self.check, data, place))
            }
        }
    }
}

/// What is said of a text that can't be decoded after `good`.
pub(super) fn wrong_byte(good: &[u8], encoding: Option<TextEncoding>) -> String {
    match encoding {
        None => format!(
            "byte {} of the line is not valid UTF-8; save the file as UTF-8, or name its encoding, as in --encoding euc-kr",
            good.len() + 1
        ),
        Some(encoding) => {
            let at = String::from_utf8_lossy(good).chars().count() + 1;
            format!(
                "character {at} of the line is not valid {}, which --encoding says it is",
                encoding.name()
            )
        }
    }
}

impl<R: BufRead + Send + HasMore> Source for Lines<R> {
    fn next_batch(&mut self, limit: usize, batch: &mut Vec<Entry>) -> io::Result<More> {
        let most = batch.len() + limit;
        let mut bytes = 0;
        loop {
            let Some(length) = self.read_line()? else { return Ok(More::No) };
            self.line += 1;
            bytes += self.buffer.len();
            if let Some(content) = self.content(length) {
                batch.push(Entry { index: self.index, content });
                self.index += 1;
            }
            // What is there goes out before a reader that nobody writes to is waited for.
            if batch.len() == most
                || bytes >= BATCH_BYTES
                || (!batch.is_empty() && !self.reader.has_line())
            {
                return Ok(More::Maybe);
            }
        }
    }

    fn are_done(&mut self, done: IsDone) {
        self.done = Some(done);
    }
}

/// A reader that can tell whether a whole line lies ready in it.
pub trait HasMore {
    /// Whether a line can be read without waiting.
    fn has_line(&self) -> bool;
}

impl<R: io::Read> HasMore for io::BufReader<R> {
    fn has_line(&self) -> bool {
        self.buffer().contains(&b'\n')
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gaits_core::ItemFacts;
    use std::io::{BufReader, Read};

    fn lines<R: Read + Send>(reader: R) -> Lines<BufReader<R>> {
        let check: Check = Box::new(|data| match data.as_text() {
            Some(text) if text.starts_with("http") => Ok(ItemFacts::default()),
            _ => Err("no scheme".to_owned().into()),
        });
        Lines::new(BufReader::new(reader), "list.txt", check)
    }

    fn all(text: &[u8]) -> Vec<Entry> {
        let mut source = lines(text);
        let mut batch = Vec::new();
        while source.next_batch(3, &mut batch).unwrap() == More::Maybe {}
        batch
    }

    fn entries(texts: &[&str]) -> Vec<Entry> {
        let entry = |(index, text): (usize, &&str)| {
            let content = Content::Item { data: (*text).into(), facts: Some(ItemFacts::default()) };
            Entry { index: index as u64, content }
        };
        texts.iter().enumerate().map(entry).collect()
    }

    #[test]
    fn comments_blank_lines_marks_and_line_ends_are_no_items() {
        let text =
            b"\xef\xbb\xbfhttp://a\r\n\r\n# comment\n  \n\thttp://b  \nhttp://c#d\r\nhttp://e";
        assert_eq!(all(text), entries(&["http://a", "http://b", "http://c#d", "http://e"]));
    }

    #[test]
    fn white_space_is_a_part_of_items_where_it_is_kept() {
        let text = b"\xef\xbb\xbf a \r\n \r\n # comment\n\tb\r\r\nc".as_slice();
        let check: Check = Box::new(|_| Ok(ItemFacts::default()));
        let source = Lines::new(BufReader::new(text), "list.txt", check);
        let mut source = source.keeping_white_space(true);
        let mut batch = Vec::new();
        while source.next_batch(3, &mut batch).unwrap() == More::Maybe {}
        assert_eq!(batch, entries(&[" a ", "\tb\r", "c"]));
    }

    #[test]
    fn an_empty_input_has_no_items() {
        assert!(all(b"").is_empty());
        assert!(all(b"\n\n").is_empty());
        assert!(all(b"\xef\xbb\xbf").is_empty());
    }

    #[test]
    fn bad_lines_say_where_they_are_and_the_rest_goes_on() {
        let mut text = b"http://a\nnonsense\nhttp://\xff\n".to_vec();
        text.extend(vec![b'x'; LONGEST_LINE + 1]);
        text.extend(b"\nhttp://z\n");
        let entries = all(&text);
        let told: Vec<_> = entries
            .iter()
            .map(|entry| match &entry.content {
                Content::Item { data, .. } => data.as_text().unwrap().to_owned(),
                Content::Invalid { message, .. } | Content::Cancelled { message, .. } => {
                    message.clone()
                }
            })
            .collect();
        assert_eq!(told[0], "http://a");
        assert_eq!(told[1], "list.txt:2: no scheme");
        assert!(
            told[2].starts_with("list.txt:3: byte 8 of the line is not valid UTF-8"),
            "{}",
            told[2]
        );
        assert!(told[3].starts_with("list.txt:4: 65537 bytes are too long"), "{}", told[3]);
        assert_eq!(told[4], "http://z");
        let Content::Invalid { shown, .. } = &entries[3].content else { panic!() };
        assert!(entries.iter().map(|entry| entry.index).eq(0..5));
        assert_eq!(shown.len(), SHOWN);
    }

    #[test]
    fn bad_lines_do_not_show_what_the_work_hides() {
        let mut text = b"http://me:secret\xff@a\nhttp://me:secret@a/".to_vec();
        text.extend(vec![b'x'; LONGEST_LINE]);
        let hides: Check = Box::new(|data| {
            let secret = data.as_text().is_some_and(|text| text.contains('@'));
            let shown = secret.then(|| Box::new("http://a".into()));
            Ok(ItemFacts { shown, ..ItemFacts::default() })
        });
        let mut source = Lines::new(BufReader::new(text.as_slice()), "list.txt", hides);
        let mut batch = Vec::new();
        while source.next_batch(3, &mut batch).unwrap() == More::Maybe {}
        assert_eq!(batch.len(), 2);
        for entry in batch {
            let Content::Invalid { shown, .. } = entry.content else { panic!("{entry:?}") };
            assert_eq!(shown.as_text(), Some("http://a"));
        }
    }

    #[test]
    fn what_is_done_is_not_checked() {
        let mut source = lines(b"nonsense\nnonsense\nhttp://c".as_slice());
        source.are_done(Box::new(|index| index == 0));
        let mut batch = Vec::new();
        while source.next_batch(3, &mut batch).unwrap() == More::Maybe {}
        assert_eq!(batch[0], Entry::item(0, "nonsense"));
        assert!(
            matches!(&batch[1].content, Content::Invalid { message, .. } if message == "list.txt:2: no scheme")
        );
        assert_eq!(batch.len(), 3);
    }

    #[test]
    fn a_pipe_that_nobody_writes_to_does_not_hold_up_what_has_come() {
        let (mut writer, reader) = std::os::unix::net::UnixStream::pair().unwrap();
        std::io::Write::write_all(&mut writer, b"http://a\nhttp://b\nhttp://unfinis").unwrap();
        let mut source = lines(reader);
        let mut batch = Vec::new();
        assert_eq!(source.next_batch(100, &mut batch).unwrap(), More::Maybe);
        assert_eq!(batch, entries(&["http://a", "http://b"]));
    }
}
