//! Rows that are made apart from their table, so that several threads can make them.
//!
//! Limit: rows of text only, which can be put one behind the other. Nothing here starts a thread.

use super::cell::RowError;
use super::column::Columns;
use super::table::{Table, TableFormat, Wanted};
use memchr::memchr_iter;
use std::io::{self, Write};

/// Makes rows of lines.
#[derive(Debug, Clone)]
pub struct PartMaker {
    form: TableFormat,
    columns: Columns,
    wanted: Wanted,
}

/// What the rows of some lines are.
#[derive(Debug, PartialEq, Eq)]
pub struct Part {
    /// How many lines these were.
    pub lines: u64,
    /// How many rows they have.
    pub written: u64,
    /// For each column, whether it has a value in one of them.
    pub filled: Vec<bool>,
}

/// A line that gets no row.
#[derive(Debug)]
pub struct PartError {
    /// How many lines are in front of it.
    pub before: u64,
    /// Why it gets none.
    pub error: RowError,
}

impl PartMaker {
    /// Makes rows of a table like this; none if it has to be made as a whole.
    #[must_use]
    pub fn of(form: TableFormat, columns: &Columns, wanted: Wanted) -> Option<Self> {
        let is_text = form != TableFormat::Parquet;
        is_text.then(|| Self { form, columns: columns.clone(), wanted })
    }

    /// How many columns there are.
    #[must_use]
    pub fn width(&self) -> usize {
        self.columns.all().len()
    }

    /// Writes the rows of these lines, each of which has its end, to `rows`, without the head of a table: in pieces of at
    /// most some 100 kB, since a line with a long list may have any number of rows.
    ///
    /// # Errors
    /// One of them gets no row, or it can't be written.
    pub fn make(&self, lines: &[u8], rows: impl Write + Send) -> Result<Part, PartError> {
        let at = |before| move |error: io::Error| PartError { before, error: error.into() };
        let columns = self.columns.clone();
        let table = Table::without_head(Box::new(rows), self.form, columns, self.wanted);
        let mut table = table.map_err(at(0))?;
        let (mut begin, mut before) = (0, 0);
        for end in memchr_iter(b'\n', lines) {
            table.add(&lines[begin..end]).map_err(|error| PartError { before, error })?;
            (begin, before) = (end + 1, before + 1);
        }
        let (written, filled) = table.end().map_err(at(before))?;
        Ok(Part { lines: before, written, filled })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn line(index: usize, text: &str) -> String {
        let item = serde_json::Value::from(text);
        let outcome = if index.is_multiple_of(3) { "failed" } else { "ok" };
        format!("{{\"index\":{index},\"item\":{item},\"outcome\":\"{outcome}\",\"attempts\":1}}\n")
    }

    proptest! {
        #[test]
        fn parts_are_the_rows_of_the_whole_table(
            texts in proptest::collection::vec("[a\"\\\\,;\t\n=é]{0,4}", 0..12),
            cut in any::<proptest::sample::Index>(),
            form in proptest::sample::select(vec![
                TableFormat::Csv { excel: false },
                TableFormat::Csv { excel: true },
                TableFormat::Tsv { excel: false },
                TableFormat::JsonLines,
            ]),
            wanted in proptest::sample::select(vec![Wanted::All, Wanted::Ok, Wanted::Failed]),
        ) {
            let lines: Vec<String> =
                texts.iter().enumerate().map(|(index, text)| line(index, text)).collect();
            let columns = Columns::named(["item", "index", "none"]).unwrap();
            let mut whole = Vec::new();
            let mut table = Table::begin(&mut whole, form, columns.clone(), wanted).unwrap();
            for line in &lines {
                table.add(line.trim_end_matches('\n').as_bytes()).unwrap();
            }
            let (written, empty) = table.finish().unwrap();
            let mut parts = Vec::new();
            Table::begin(&mut parts, form, columns.clone(), wanted).unwrap().finish().unwrap();
            let maker = PartMaker::of(form, &columns, wanted).unwrap();
            let cut = cut.index(lines.len() + 1);
            let made = [&lines[..cut], &lines[cut..]]
                .map(|lines| maker.make(lines.concat().as_bytes(), &mut parts).unwrap());
            prop_assert_eq!(parts, whole);
            prop_assert_eq!(made[0].written + made[1].written, written);
            let has = |at: usize| made.iter().any(|part| part.filled[at]);
            prop_assert_eq!(!has(0), empty.iter().any(|name| name == "item"));
            prop_assert!(!has(2));
        }
    }

    /// Notes how long the longest piece is.
    struct Longest(usize);

    impl Write for &mut Longest {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = self.0.max(bytes.len());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn rows_of_a_long_list_come_in_pieces() {
        let columns = Columns::named(["item"]).unwrap();
        let item = "x".repeat(2_000);
        let each = vec!["1"; 10_000].join(",");
        let line = format!(
            "{{\"index\":0,\"item\":\"{item}\",\"outcome\":\"ok\",\"attempts\":1,\
             \"extract\":{{\"each\":[{each}]}}}}\n"
        );
        for form in [TableFormat::Csv { excel: false }, TableFormat::JsonLines] {
            let maker = PartMaker::of(form, &columns, Wanted::All).unwrap();
            let mut longest = Longest(0);
            let part = maker.make(line.as_bytes(), &mut longest).unwrap();
            assert_eq!(part.written, 10_000);
            assert!(longest.0 <= 512 * 1024, "{} bytes in one piece", longest.0);
        }
    }

    #[test]
    fn a_line_that_gets_no_row_is_told_with_its_place() {
        let columns = Columns::named(["item"]).unwrap();
        let maker = PartMaker::of(TableFormat::JsonLines, &columns, Wanted::All).unwrap();
        let lines = line(0, "a") + &line(1, "b") + "{}\n" + &line(3, "c");
        let wrong = maker.make(lines.as_bytes(), io::sink()).unwrap_err();
        assert_eq!(wrong.before, 2);
        assert!(matches!(wrong.error, RowError::Line(_)));
        assert!(PartMaker::of(TableFormat::Parquet, &columns, Wanted::All).is_none());
    }
}
