//! An item a row, from a table with a header: CSV, TSV, or with any other delimiter.
//!
//! Limit: a row is held as a whole, up to [`LONGEST_LINE`] bytes; what is longer is told and passed over.

use super::lines::{HasMore as _, LONGEST_LINE, wrong_byte};
use super::{Check, Text, TextEncoding, unless_done};
use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use gaits_core::{Content, Data, Entry, IsDone, More, Source};
use std::io::{self, BufRead as _, BufReader, Cursor, Read as _};

/// The most columns that a table may have.
const MOST_COLUMNS: usize = 10_000;
/// A batch is complete with so many bytes of rows, however few they are.
const BATCH_BYTES: usize = 1024 * 1024;
/// How much of an invalid row is kept for its record, in bytes.
const SHOWN: usize = 256;

/// Makes an item of a row.
pub type MakeItem = Box<dyn Fn(&Row<'_>) -> Result<Data, String> + Send>;

/// A row: its fields, in the order of the columns.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    text: &'a str,
    ends: &'a [usize],
}

impl<'a> Row<'a> {
    /// The field in a column, counted from 0.
    #[must_use]
    pub fn field(&self, column: usize) -> Option<&'a str> {
        let end = *self.ends.get(column)?;
        let begin = if column == 0 { 0 } else { self.ends[column - 1] };
        self.text.get(begin..end)
    }

    /// All of them.
    pub fn fields(self) -> impl Iterator<Item = &'a str> {
        (0..self.ends.len()).filter_map(move |column| self.field(column))
    }
}

/// The rows of a table, of which the header has been read.
pub struct Table {
    text: Text,
    name: String,
    encoding: Option<TextEncoding>,
    parser: Reader,
    delimiter: u8,
    header: Vec<Box<str>>,
    /// The line that is read next, counted from 1.
    line: u64,
    fields: Vec<u8>,
    ends: Vec<usize>,
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table")
            .field("name", &self.name)
            .field("header", &self.header)
            .finish_non_exhaustive()
    }
}

/// What was read of a row.
struct Read {
    /// Where it begins.
    line: u64,
    /// How many bytes its fields have, and how many there are.
    bytes: usize,
    fields: usize,
    /// A quote was opened in it that the end of the input has closed.
    open_quote: bool,
}

/// Reads the first row of `text`, or the beginning of a long one, and gives the text back as it was.
///
/// # Errors
/// It can't be read.
pub fn look_at_first_row(mut text: Text) -> io::Result<(Vec<u8>, Text)> {
    let mut first = Vec::new();
    let (mut quoted, mut is_blank) = (false, true);
    'read: while first.len() <= LONGEST_LINE {
        let chunk = text.fill_buf()?;
        if chunk.is_empty() {
            break;
        }
        for (at, byte) in chunk.iter().enumerate() {
            quoted ^= *byte == b'"';
            if *byte == b'\n' && !quoted && !is_blank {
                first.extend_from_slice(&chunk[..=at]);
                text.consume(at + 1);
                break 'read;
            }
            is_blank &= byte.is_ascii_whitespace();
        }
        first.extend_from_slice(chunk);
        let used = chunk.len();
        text.consume(used);
    }
    let again = Cursor::new(first.clone()).chain(text);
    Ok((first, BufReader::with_capacity(256 * 1024, Box::new(again))))
}

/// The delimiter that a header uses most: a tab, a comma or a semicolon.
fn delimiter_of(header: &[u8]) -> u8 {
    let mut quoted = false;
    let mut found = [(b',', 0), (b'\t', 0), (b';', 0)];
    for byte in header {
        quoted ^= *byte == b'"';
        for (delimiter, times) in &mut found {
            *times += u32::from(!quoted && byte == delimiter);
        }
    }
    // Of those that stand there as often, the one that comes first.
    found.iter().rev().max_by_key(|(_, times)| *times).map_or(b',', |(delimiter, _)| *delimiter)
}

impl Table {
    /// Reads the header of `text`, which messages call `name`. Without a delimiter, the one is taken that the header uses most.
    ///
    /// # Errors
    /// It can't be read, or the header is none: the message says what is wrong, and where.
    pub fn open(
        text: Text,
        name: impl Into<String>,
        delimiter: Option<u8>,
        encoding: Option<TextEncoding>,
    ) -> io::Result<Self> {
        let (first, text) = look_at_first_row(text)?;
        let delimiter = delimiter.unwrap_or_else(|| delimiter_of(&first));
        let mut table = Self {
            text,
            name: name.into(),
            encoding,
            parser: ReaderBuilder::new().delimiter(delimiter).build(),
            delimiter,
            header: Vec::new(),
            line: 1,
            fields: vec![0; LONGEST_LINE],
            ends: vec![0; MOST_COLUMNS],
        };
        table.read_header()?;
        Ok(table)
    }

    fn read_header(&mut self) -> io::Result<()> {
        let name = self.name.clone();
        let wrong = |line: u64, wrong: &str| {
            io::Error::new(io::ErrorKind::InvalidData, format!("{name}:{line}: {wrong}"))
        };
        let no_header = wrong(1, "it is empty; a table begins with a row that names its columns");
        let read = self.read()?.ok_or(no_header)?;
        let row = self.row(&read).map_err(|message| wrong(read.line, &message))?;
        let mut header: Vec<Box<str>> = Vec::new();
        for (column, name) in row.fields().enumerate() {
            // Spreadsheets and pandas leave some without a name.
            let name = match name.trim() {
                "" => format!("column {}", column + 1).into(),
                name => Box::from(name),
            };
            if header.contains(&name) {
                let twice = format!("two columns are called `{name}`; give each a name of its own");
                return Err(wrong(read.line, &twice));
            }
            header.push(name);
        }
        self.header = header;
        Ok(())
    }

    /// The names of the columns.
    #[must_use]
    pub fn header(&self) -> &[Box<str>] {
        &self.header
    }

    /// Reads a row into the buffers; none at the end.
    fn read(&mut self) -> io::Result<Option<Read>> {
        let mut read = Read { line: self.line, bytes: 0, fields: 0, open_quote: false };
        let (mut kept, mut quotes, mut begins_quoted, mut before) =
            (0, 0_usize, false, self.delimiter);
        let mut begun = false;
        loop {
            let chunk = match self.text.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if !begun {
                // Blank lines are no rows, and the line end of the row before may be left.
                let blank = chunk.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
                self.line += lines_in(&chunk[..blank]);
                read.line = self.line;
                begun = blank < chunk.len();
                if blank > 0 {
                    self.text.consume(blank);
                    continue;
                }
            }
            let at_end = chunk.is_empty();
            let room = read.fields.min(MOST_COLUMNS - 1);
            let (result, used, written, ended) =
                self.parser.read_record(chunk, &mut self.fields[kept..], &mut self.ends[room..]);
            for byte in &chunk[..used] {
                quotes += usize::from(*byte == b'"');
                begins_quoted |= *byte == b'"' && before == self.delimiter;
                before = *byte;
            }
            self.line += lines_in(&chunk[..used]);
            self.text.consume(used);
            read.bytes += written;
            read.fields += ended;
            kept += written;
            match result {
                // What is too long is read to its end, and not kept.
                ReadRecordResult::OutputFull => kept = 0,
                ReadRecordResult::InputEmpty | ReadRecordResult::OutputEndsFull => {}
                ReadRecordResult::Record => {
                    read.open_quote = at_end && begins_quoted && quotes % 2 == 1;
                    return Ok(Some(read));
                }
                ReadRecordResult::End => return Ok(None),
            }
        }
    }

    /// The row in the buffers.
    fn row(&self, read: &Read) -> Result<Row<'_>, String> {
        if read.open_quote {
            return Err("a quote is opened in this row that never ends: close it, and write a quote within a field twice"
                .to_owned());
        }
        if read.bytes > LONGEST_LINE {
            return Err(format!(
                "{} bytes are too long for a row; at most {LONGEST_LINE} are taken; perhaps a quote is opened in it \
                 that should not be",
                read.bytes
            ));
        }
        if read.fields >= MOST_COLUMNS {
            return Err(format!(
                "the row has too many fields; at most {} are taken",
                MOST_COLUMNS - 1
            ));
        }
        let ends = &self.ends[..read.fields];
        if !self.header.is_empty() && ends.len() != self.header.len() {
            return Err(format!(
                "the row has {} fields, and the header names {} columns: it needs one for each, in quotes where it holds the separator",
                ends.len(),
                self.header.len()
            ));
        }
        let bytes = &self.fields[..read.bytes];
        let text = std::str::from_utf8(bytes).map_err(|error| error.valid_up_to());
        // The fields lie one behind the other: what begins in one and ends in the next is no character.
        let text =
            text.and_then(|text| match ends.iter().find(|end| !text.is_char_boundary(**end)) {
                Some(end) => Err(text.floor_char_boundary(*end)),
                None => Ok(text),
            });
        let text = text.map_err(|good| {
            let column = ends.iter().filter(|end| **end <= good).count();
            let begin = if column == 0 { 0 } else { ends[column - 1] };
            let name = self
                .header
                .get(column)
                .map_or_else(|| (column + 1).to_string(), |name| format!("`{name}`"));
            let wrong = wrong_byte(&bytes[begin..good], self.encoding);
            format!("column {name}: {}", wrong.replace("of the line", "of the field"))
        })?;
        Ok(Row { text, ends })
    }

    /// The beginning of the row in the buffers, for what is said of one that can't be an item: without the secrets that the work
    /// would find in its fields.
    fn shown(&self, read: &Read, check: &Check) -> Data {
        let text = String::from_utf8_lossy(&self.as_it_stood(read, check)).into_owned();
        text[..text.floor_char_boundary(SHOWN)].into()
    }

    /// The beginning of the row in the buffers, with its delimiters, and with quotes where they are needed. Of one that is too
    /// long, it is not known where its fields end.
    fn as_it_stood(&self, read: &Read, check: &Check) -> Vec<u8> {
        if read.bytes > LONGEST_LINE || read.fields >= MOST_COLUMNS {
            return shown_of(&self.fields[..read.bytes.min(SHOWN)], check);
        }
        let mut row = Vec::with_capacity(SHOWN);
        let mut begin = 0;
        for (column, end) in self.ends[..read.fields].iter().enumerate() {
            if column > 0 {
                row.push(self.delimiter);
            }
            let field = shown_of(&self.fields[begin..*end], check);
            push_field(&mut row, &field, self.delimiter);
            begin = *end;
            if row.len() > SHOWN {
                break;
            }
        }
        row
    }

    /// How many rows there are; none if it was stopped before it could tell.
    ///
    /// # Errors
    /// The table can't be read to its end.
    pub fn count(mut self, stopped: impl Fn() -> bool) -> io::Result<Option<u64>> {
        let mut rows = 0;
        while self.read()?.is_some() {
            rows += 1;
            if rows % 1024 == 0 && stopped() {
                return Ok(None);
            }
        }
        Ok(Some(rows))
    }

    /// Its rows as items.
    #[must_use]
    pub fn items(self, make: MakeItem, check: Check) -> Rows {
        Rows { table: self, make, check, index: 0, done: None }
    }
}

/// A field as it may be shown.
fn shown_of(field: &[u8], check: &Check) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(field) else { return field.to_vec() };
    let shown = match check(&text.into()) {
        Ok(facts) => facts.shown.map(|shown| *shown),
        Err(refused) => refused.shown,
    };
    shown.map_or_else(|| field.to_vec(), |shown| shown.as_bytes().to_vec())
}

/// Appends a field, in quotes if it would be read as something else without them.
fn push_field(row: &mut Vec<u8>, field: &[u8], delimiter: u8) {
    if !field.iter().any(|byte| matches!(byte, b'"' | b'\r' | b'\n') || *byte == delimiter) {
        return row.extend_from_slice(field);
    }
    row.push(b'"');
    for byte in field {
        row.push(*byte);
        if *byte == b'"' {
            row.push(b'"');
        }
    }
    row.push(b'"');
}

fn lines_in(bytes: &[u8]) -> u64 {
    bytes.iter().map(|byte| u64::from(*byte == b'\n')).sum()
}

/// An item a row. A row that can't be one becomes an invalid entry, the rest goes on.
pub struct Rows {
    table: Table,
    make: MakeItem,
    check: Check,
    /// How many entries it has given.
    index: u64,
    done: Option<IsDone>,
}

impl std::fmt::Debug for Rows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rows").field("table", &self.table).finish_non_exhaustive()
    }
}

impl Rows {
    fn content(&self, read: &Read) -> Content {
        let place = || format!("{}:{}", self.table.name, read.line);
        let made = self.table.row(read).and_then(|row| (self.make)(&row));
        match made {
            Err(wrong) => Content::Invalid {
                shown: self.table.shown(read, &self.check),
                message: format!("{}: {wrong}", place()),
            },
            Ok(data) => unless_done(self.done.as_ref(), self.index, &self.check, data, place),
        }
    }
}

impl Source for Rows {
    fn next_batch(&mut self, limit: usize, batch: &mut Vec<Entry>) -> io::Result<More> {
        let most = batch.len() + limit;
        let mut bytes = 0;
        loop {
            let Some(read) = self.table.read()? else { return Ok(More::No) };
            bytes += read.bytes;
            batch.push(Entry { index: self.index, content: self.content(&read) });
            self.index += 1;
            if batch.len() == most || bytes >= BATCH_BYTES || !self.table.text.has_line() {
                return Ok(More::Maybe);
            }
        }
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
    use proptest::prelude::*;

    fn open(bytes: &[u8]) -> io::Result<Table> {
        Table::open(text_of(Cursor::new(bytes.to_vec()), None), "t.csv", None, None)
    }

    fn all(bytes: &[u8]) -> Vec<String> {
        let make: MakeItem = Box::new(|row| Ok(row.fields().collect::<Vec<_>>().join("|").into()));
        let mut rows = open(bytes).unwrap().items(make, Box::new(|_| Ok(ItemFacts::default())));
        let mut batch = Vec::new();
        while rows.next_batch(2, &mut batch).unwrap() == More::Maybe {}
        assert!(batch.iter().enumerate().all(|(at, entry)| entry.index == at as u64));
        let text = |content| match content {
            Content::Item { data, .. } => data.to_string(),
            Content::Invalid { message, .. } | Content::Cancelled { message, .. } => message,
        };
        batch.into_iter().map(|entry| text(entry.content)).collect()
    }

    #[test]
    fn rows_are_read_as_spreadsheets_write_them() {
        assert_eq!(
            all(b"\xef\xbb\xbfid,name\r\n1,\"a, \"\"b\"\"\"\r\n\r\n2,\"c\nd\"\n3,"),
            ["1|a, \"b\"", "2|c\nd", "3|"]
        );
        assert_eq!(all(b"id\tname\n1\ta,b;c\n"), ["1|a,b;c"]);
        assert_eq!(all(b"id;\"a,b,c\"\n1;2,5\n"), ["1|2,5"]);
        assert_eq!(all(b"url\nx\n"), ["x"]);
        assert!(all(b"id,name\n").is_empty());
        assert_eq!(
            open(b"id,,\" x \"\n").unwrap().header(),
            ["id".into(), "column 2".into(), Box::<str>::from("x")]
        );
    }

    #[test]
    fn bad_rows_say_where_they_are_and_the_rest_goes_on() {
        let mut text = b"id,name\n1,a\n\n2\n3,\"b\nc\"\n4,x,y\n5,\xff\n6,\"".to_vec();
        text.extend(vec![b'x'; 3 * LONGEST_LINE]);
        text.extend(b"\"\n7,5\" disk\n8,\"open\n9,z");
        let told = all(&text);
        assert_eq!(told[0], "1|a");
        assert_eq!(
            told[1],
            "t.csv:4: the row has 1 fields, and the header names 2 columns: it needs one for each, in quotes where it holds the separator"
        );
        assert_eq!(told[2], "3|b\nc");
        assert_eq!(
            told[3],
            "t.csv:7: the row has 3 fields, and the header names 2 columns: it needs one for each, in quotes where it holds the separator"
        );
        assert!(
            told[4].starts_with("t.csv:8: column `name`: byte 1 of the field is not valid UTF-8"),
            "{}",
            told[4]
        );
        assert!(told[5].starts_with("t.csv:9: 196609 bytes are too long for a row"), "{}", told[5]);
        assert_eq!(told[6], "7|5\" disk");
        assert_eq!(
            told[7],
            "t.csv:11: a quote is opened in this row that never ends: close it, and write a quote within a field twice"
        );
        assert_eq!(told.len(), 8);
    }

    #[test]
    fn a_row_that_can_not_be_an_item_is_shown_as_it_stood() {
        let shown = |text: &[u8]| {
            let make: MakeItem = Box::new(|_| Err("it is none".to_owned()));
            let mut rows = open(text).unwrap().items(make, Box::new(|_| Ok(ItemFacts::default())));
            let mut batch = Vec::new();
            while rows.next_batch(2, &mut batch).unwrap() == More::Maybe {}
            batch.iter().map(|entry| entry.content.shown().to_string()).collect::<Vec<_>>()
        };
        let text = b"id,name\n1,2,3\n12,3,\n\"a, b\",\"say \"\"x\"\"\"\n\"c\nd\"\n,\n";
        let wanted = ["1,2,3", "12,3,", "\"a, b\",\"say \"\"x\"\"\"", "\"c\nd\"", ","];
        assert_eq!(shown(text), wanted);
        assert_eq!(shown(b"id\tname\n1\ta,b\t\n"), ["1\ta,b\t"]);
        let hides: Check = Box::new(|data| {
            let shown = data.to_string().replace("pw", "***");
            Ok(ItemFacts { shown: Some(Box::new(shown.into())), ..ItemFacts::default() })
        });
        let make: MakeItem = Box::new(|_| Err("it is none".to_owned()));
        let mut batch = Vec::new();
        let text = b"id,name\n1,http://u:pw@h/\n";
        open(text).unwrap().items(make, hides).next_batch(1, &mut batch).unwrap();
        assert_eq!(batch[0].content.shown().to_string(), "1,http://u:***@h/");
        let long = format!("id,name\n{}\nx{}\n", "ab,".repeat(5_000), ",".repeat(20_000));
        let shown = shown(long.as_bytes());
        assert_eq!(shown[0].len(), SHOWN);
        assert!(shown[0].starts_with("ab,ab,") && shown[1].starts_with('x'), "{shown:?}");
    }

    #[test]
    fn a_character_does_not_begin_in_one_field_and_end_in_the_next() {
        let told = all(b"id,name\n1x\xc3,\xa9y\n2,b\n");
        let wrong = "t.csv:2: column `id`: byte 3 of the field is not valid UTF-8";
        assert!(told[0].starts_with(wrong), "{}", told[0]);
        assert_eq!(told[1], "2|b");
    }

    #[test]
    fn a_header_that_is_none_is_refused() {
        for (text, why) in [
            (&b""[..], "t.csv:1: it is empty"),
            (b"\n\n", "t.csv:1: it is empty"),
            (b"\nid,a,id\n", "t.csv:2: two columns are called `id`"),
            (b"\"id,a\n1,2\n", "t.csv:1: a quote is opened"),
        ] {
            let error = open(text).unwrap_err().to_string();
            assert!(error.starts_with(why), "{error}");
        }
    }

    proptest! {
        #[test]
        fn what_was_quoted_comes_back(rows in proptest::collection::vec(("[a-z\",;\t\n\r é]{1,9}", "[a-z\",;\t\n\r]{0,9}"), 0..9)) {
            let quote = |field: &str| format!("\"{}\"", field.replace('"', "\"\""));
            let lines = rows.iter().map(|(a, b)| format!("{},{}\r\n", quote(a), quote(b)));
            let text = format!("a,b\r\n{}", lines.collect::<String>());
            let wanted: Vec<_> = rows.iter().map(|(a, b)| format!("{a}|{b}")).collect();
            prop_assert_eq!(all(text.as_bytes()), wanted);
        }

        #[test]
        fn nothing_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(table) = open(&bytes) {
                let _ = table.count(|| false);
            }
        }
    }
}
