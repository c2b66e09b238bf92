//! An item of one or more lines, such as a command that goes on in the next line.
//!
//! Limit: an item has no more than [`LONGEST_LINE`] bytes. Where a longer one ends can't be told, so the next begins with the next line.

use super::lines::{HasMore as _, LONGEST_LINE, wrong_byte};
use super::{Check, MakeFromLine, Text, TextEncoding, unless_done};
use gaits_core::{Content, Data, Entry, IsDone, More, Source};
use std::io::{self, BufRead as _, Read as _};
use xxhash_rust::xxh3::xxh3_64;

/// Items of one or more lines. Between them, blank lines and lines that begin with `#` are passed over.
pub struct Spans {
    text: Text,
    name: String,
    encoding: Option<TextEncoding>,
    /// Whether what was read so far is a whole item.
    is_whole: fn(&str) -> bool,
    make: MakeFromLine,
    check: Check,
    /// How many lines were read.
    line: u64,
    index: u64,
    done: Option<IsDone>,
}

impl std::fmt::Debug for Spans {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Spans")
            .field("name", &self.name)
            .field("line", &self.line)
            .finish_non_exhaustive()
    }
}

/// Some lines: where they begin, what they are, and what is wrong with them.
struct Span {
    line: u64,
    bytes: Vec<u8>,
    wrong: Option<String>,
}

impl Spans {
    /// Reads `text`, which messages call `name`. `is_whole` says of some lines whether they are a whole item, and `make` makes
    /// it.
    pub fn new(
        text: Text,
        name: impl Into<String>,
        encoding: Option<TextEncoding>,
        is_whole: fn(&str) -> bool,
        make: MakeFromLine,
        check: Check,
    ) -> Self {
        Self {
            text,
            name: name.into(),
            encoding,
            is_whole,
            make,
            check,
            line: 0,
            index: 0,
            done: None,
        }
    }

    /// Reads the next item's lines; none at the end.
    fn read(&mut self) -> io::Result<Option<Span>> {
        let mut span = Span { line: self.line + 1, bytes: Vec::new(), wrong: None };
        loop {
            let before = span.bytes.len();
            let room = (LONGEST_LINE + 1 - before) as u64;
            if self.text.by_ref().take(room).read_until(b'\n', &mut span.bytes)? == 0 {
                return Ok((before > 0).then_some(span));
            }
            self.line += 1;
            if span.bytes.len() > LONGEST_LINE {
                if !span.bytes.ends_with(b"\n") {
                    self.skip_line()?;
                }
                span.wrong = Some(format!(
                    "more than {LONGEST_LINE} bytes are too long for an item; perhaps a quote is opened in it that should not be"
                ));
                return Ok(Some(span));
            }
            let start = span.bytes.trim_ascii_start();
            if before == 0 && (start.is_empty() || start.starts_with(b"#")) {
                span.bytes.clear();
                span.line = self.line + 1;
                continue;
            }
            match std::str::from_utf8(&span.bytes) {
                Ok(text) if !(self.is_whole)(text) => {}
                Ok(_) => return Ok(Some(span)),
                Err(error) => {
                    let good = &span.bytes[..error.valid_up_to()];
                    span.wrong =
                        Some(wrong_byte(good, self.encoding).replace("of the line", "of the item"));
                    return Ok(Some(span));
                }
            }
        }
    }

    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let chunk = self.text.fill_buf()?;
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let used = end.map_or(chunk.len(), |end| end + 1);
            let ended = end.is_some() || chunk.is_empty();
            self.text.consume(used);
            if ended {
                return Ok(());
            }
        }
    }

    fn content(&self, span: Span) -> Content {
        let Span { line, bytes, wrong } = span;
        let place = || format!("{}:{line}", self.name);
        let made = match wrong {
            Some(wrong) => Err(wrong),
            None => (self.make)(&String::from_utf8_lossy(&bytes)),
        };
        match made {
            Ok(data) => unless_done(self.done.as_ref(), self.index, &self.check, data, place),
            // Nobody knows where in it a secret stands.
            Err(wrong) => Content::Invalid {
                shown: Data::from(format!(
                    "({} bytes, XXH3 {:016x})",
                    bytes.len(),
                    xxh3_64(&bytes)
                )),
                message: format!("{}: {wrong}", place()),
            },
        }
    }

    /// How many items there are; none if it was stopped before it could tell.
    ///
    /// # Errors
    /// It can't be read to its end.
    pub fn count(mut self, stopped: impl Fn() -> bool) -> io::Result<Option<u64>> {
        let mut items = 0;
        while self.read()?.is_some() {
            items += 1;
            if items % 1024 == 0 && stopped() {
                return Ok(None);
            }
        }
        Ok(Some(items))
    }
}

impl Source for Spans {
    fn next_batch(&mut self, limit: usize, batch: &mut Vec<Entry>) -> io::Result<More> {
        for _ in 0..limit {
            let Some(span) = self.read()? else { return Ok(More::No) };
            batch.push(Entry { index: self.index, content: self.content(span) });
            self.index += 1;
            if !self.text.has_line() {
                break;
            }
        }
        Ok(More::Maybe)
    }

    fn are_done(&mut self, done: IsDone) {
        self.done = Some(done);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::text_of;
    use gaits_core::ItemFacts;

    fn all(text: Vec<u8>) -> Vec<String> {
        let make: MakeFromLine = Box::new(|text| match text {
            text if text.contains('!') => Err("no".to_owned()),
            text => Ok(text.replace("\\\n", "").trim().into()),
        });
        let is_whole = |text: &str| !text.trim_end_matches('\n').ends_with('\\');
        let text = text_of(io::Cursor::new(text), None);
        let mut spans =
            Spans::new(text, "c", None, is_whole, make, Box::new(|_| Ok(ItemFacts::default())));
        let mut batch = Vec::new();
        while spans.next_batch(2, &mut batch).unwrap() == More::Maybe {}
        let text = |content| match content {
            Content::Item { data, .. } => data.to_string(),
            Content::Invalid { message, .. } | Content::Cancelled { message, .. } => message,
        };
        batch.into_iter().map(|entry| text(entry.content)).collect()
    }

    #[test]
    fn an_item_goes_on_until_it_is_whole_and_bad_ones_say_where_they_begin() {
        let mut text = b"\n# one\na\\\nb\n\nc!\nd\xff\n".to_vec();
        text.extend(vec![b'x'; 2 * LONGEST_LINE]);
        text.extend(b"\ne\nf\\");
        let told = all(text);
        assert_eq!(told[..2], ["ab", "c:6: no"]);
        assert!(told[2].starts_with("c:7: byte 2 of the item is not valid UTF-8"), "{told:?}");
        assert!(told[3].starts_with("c:8: more than 65536 bytes are too long"), "{told:?}");
        assert_eq!(told[4..], ["e", "f\\"]);
    }
}
