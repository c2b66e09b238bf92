//! Writes the rows of a table.

use super::cell::{Out, RowError, guarded, separated};
use super::column::Columns;
use super::each;
use super::line::{Cells, Finder};
use super::parquet::ParquetRows;
use csv::{Terminator, Writer, WriterBuilder};
use std::io::{self, Write};

/// How much is brought together before it is written out.
const BUFFER: usize = 256 * 1024;

/// What Excel takes a file for UTF-8 by.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// In which form rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableFormat {
    /// Comma-separated values, quoted as RFC 4180 has it. `excel` adds what Excel needs: a byte order mark, CRLF at the
    /// ends of lines, and an apostrophe in front of text that it would take for a formula.
    Csv {
        /// Whether it is for Excel.
        excel: bool,
    },
    /// The same with tabs.
    Tsv {
        /// Whether it is for Excel.
        excel: bool,
    },
    /// A flat JSON object on each line.
    JsonLines,
    /// Apache Parquet, in which columns have types: they are to be [settled](super::Kinds::settle).
    Parquet,
}

impl TableFormat {
    /// Whether the columns of such a table need types.
    #[must_use]
    pub fn has_types(self) -> bool {
        self == Self::Parquet
    }
}

/// Which records get a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wanted {
    /// All.
    #[default]
    All,
    /// Those of items that went well.
    Ok,
    /// Those of items that failed.
    Failed,
}

impl Wanted {
    /// Whether a record gets a row, by whether its item went well.
    pub(super) fn takes(self, is_ok: bool) -> bool {
        match self {
            Self::All => true,
            Self::Ok => is_ok,
            Self::Failed => !is_ok,
        }
    }
}

/// A table that is written row by row.
pub struct Table<'w> {
    columns: Columns,
    finder: Finder,
    wanted: Wanted,
    rows: Rows<'w>,
    /// For each column, whether it has had a value.
    filled: Vec<bool>,
    written: u64,
}

enum Rows<'w> {
    Separated { out: Box<Writer<Out<'w>>>, excel: bool },
    Json { out: io::BufWriter<Out<'w>>, names: Vec<Vec<u8>> },
    Parquet(Box<ParquetRows<'w>>),
}

impl std::fmt::Debug for Table<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table")
            .field("columns", &self.columns)
            .field("wanted", &self.wanted)
            .field("written", &self.written)
            .finish_non_exhaustive()
    }
}

impl<'w> Table<'w> {
    /// A table with these columns; writes its head.
    ///
    /// # Errors
    /// It can't be written.
    pub fn begin(
        out: impl Write + Send + 'w,
        form: TableFormat,
        columns: Columns,
        wanted: Wanted,
    ) -> io::Result<Self> {
        let mut out: Out<'w> = Box::new(out);
        if let TableFormat::Csv { excel: true } | TableFormat::Tsv { excel: true } = form {
            out.write_all(BYTE_ORDER_MARK)?;
        }
        let mut table = Self::without_head(out, form, columns, wanted)?;
        if let Rows::Separated { out, excel } = &mut table.rows {
            for column in table.columns.all() {
                out.write_field(&*guarded(column.head().as_bytes().into(), *excel))
                    .map_err(of_csv)?;
            }
            out.write_record(None::<&[u8]>).map_err(of_csv)?;
        }
        Ok(table)
    }

    /// The same, where the head is written already.
    pub(super) fn without_head(
        out: Out<'w>,
        form: TableFormat,
        columns: Columns,
        wanted: Wanted,
    ) -> io::Result<Self> {
        let rows = match form {
            TableFormat::Csv { excel } | TableFormat::Tsv { excel } => {
                let mut settings = WriterBuilder::new();
                settings.buffer_capacity(BUFFER);
                if matches!(form, TableFormat::Tsv { .. }) {
                    settings.delimiter(b'\t');
                }
                if excel {
                    settings.terminator(Terminator::CRLF);
                }
                Rows::Separated { out: Box::new(settings.from_writer(out)), excel }
            }
            TableFormat::JsonLines => {
                let mut names = Vec::new();
                for (place, column) in columns.all().iter().enumerate() {
                    let mut name = if place == 0 { b"{".to_vec() } else { b",".to_vec() };
                    serde_json::to_writer(&mut name, column.head())?;
                    name.push(b':');
                    names.push(name);
                }
                Rows::Json { out: io::BufWriter::with_capacity(BUFFER, out), names }
            }
            TableFormat::Parquet => {
                Rows::Parquet(Box::new(ParquetRows::begin(out, columns.all())?))
            }
        };
        let filled = vec![false; columns.all().len()];
        let finder = Finder::new(columns.all());
        Ok(Self { columns, finder, wanted, rows, filled, written: 0 })
    }

    /// Writes the rows of the record in `line`, if it is to have any: one, or one for each element of a list.
    ///
    /// # Errors
    /// The line is no record that fits, or the row can't be written.
    pub fn add(&mut self, line: &[u8]) -> Result<(), RowError> {
        each::rows(line, |line| {
            let (cells, is_ok) = self.finder.find(line).map_err(RowError::Line)?;
            if self.wanted.takes(is_ok) { self.row(&cells) } else { Ok(()) }
        })
    }

    fn row(&mut self, cells: &Cells<'_>) -> Result<(), RowError> {
        self.written += 1;
        for (filled, cell) in self.filled.iter_mut().zip(cells) {
            *filled |= cell.is_some_and(|cell| cell != "null");
        }
        let json = cells.iter().map(|cell| cell.unwrap_or("null"));
        match &mut self.rows {
            Rows::Separated { out, excel } => {
                for json in json {
                    out.write_field(&*separated(json, *excel)?).map_err(of_csv)?;
                }
                out.write_record(None::<&[u8]>).map_err(of_csv)?;
            }
            Rows::Json { out, names } => {
                for (name, json) in names.iter().zip(json) {
                    out.write_all(name)?;
                    out.write_all(json.as_bytes())?;
                }
                out.write_all(b"}\n")?;
            }
            Rows::Parquet(rows) => rows.add(json)?,
        }
        Ok(())
    }

    /// Writes the rows that are buffered, so that a reader of the pipe sees them now. A Parquet file can only be read when it is whole.
    ///
    /// # Errors
    /// It can't be written.
    pub fn flush(&mut self) -> io::Result<()> {
        match &mut self.rows {
            Rows::Separated { out, .. } => out.flush(),
            Rows::Json { out, .. } => out.flush(),
            Rows::Parquet(_) => Ok(()),
        }
    }

    /// Writes the rows that are buffered; gives how many rows there are, and the columns that had no value in any of them.
    ///
    /// # Errors
    /// It can't be written.
    pub fn finish(self) -> io::Result<(u64, Vec<String>)> {
        let empty = self.empty_columns();
        let (written, _) = self.end()?;
        Ok((written, empty))
    }

    /// How many rows there are so far.
    #[must_use]
    pub const fn rows(&self) -> u64 {
        self.written
    }

    /// The columns that had no value in any row so far.
    #[must_use]
    pub fn empty_columns(&self) -> Vec<String> {
        let columns = self.columns.all().iter().zip(&self.filled);
        let empty = columns.filter(|(_, filled)| !**filled);
        empty.map(|(column, _)| column.head().to_owned()).collect()
    }

    /// The same, with each column's answer.
    pub(super) fn end(self) -> io::Result<(u64, Vec<bool>)> {
        match self.rows {
            Rows::Separated { mut out, .. } => out.flush()?,
            Rows::Json { mut out, .. } => out.flush()?,
            Rows::Parquet(rows) => rows.finish()?,
        }
        Ok((self.written, self.filled))
    }
}

/// What the system said of a write; the crate's own conversion hides its kind.
fn of_csv(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RECORD: &str = r#"{"index":7,"item":"a, \"b\"\n","outcome":"ok","attempts":1,"worker":{"pid":4,"tid":5},"queued_us":0,"http":{"status":200,"url":"u"},"later":[{}],"extract":{"price":1.50,"name":"=1+1","none":null,"list":[1, {"a":"b"}],"yes":true}}"#;
    const FAILED: &str = r#"{"index":8,"item":"x","outcome":"failed","error":{"kind":"dns","message":"no, none"},"attempts":2}"#;

    fn table(
        form: TableFormat,
        columns: &str,
        wanted: Wanted,
        lines: &[&str],
    ) -> (String, Vec<String>) {
        let columns = Columns::named(columns.split(',')).unwrap();
        let mut out = Vec::new();
        let mut table = Table::begin(&mut out, form, columns, wanted).unwrap();
        for line in lines {
            table.add(line.as_bytes()).unwrap();
        }
        let (_, empty) = table.finish().unwrap();
        (String::from_utf8(out).unwrap(), empty)
    }

    #[test]
    fn csv_is_quoted_where_it_has_to_be() {
        let columns = "index,item,status,error_kind,error_message,price,extract.list,none,yes";
        let (text, empty) =
            table(TableFormat::Csv { excel: false }, columns, Wanted::All, &[RECORD, FAILED]);
        assert_eq!(
            text,
            format!(
                "{columns}\n7,\"a, \"\"b\"\"\n\",200,,,1.50,\"[1, {{\"\"a\"\":\"\"b\"\"}}]\",,true\n8,x,,dns,\"no, none\",,,,\n"
            )
        );
        assert_eq!(empty, ["none"]);
    }

    #[test]
    fn excel_gets_its_mark_and_no_formula() {
        let (text, _) =
            table(TableFormat::Csv { excel: true }, "price,name", Wanted::Ok, &[RECORD, FAILED]);
        assert_eq!(text, "\u{feff}price,name\r\n1.50,'=1+1\r\n");
        let (text, _) =
            table(TableFormat::Tsv { excel: false }, "price,name", Wanted::Ok, &[RECORD]);
        assert_eq!(text, "price\tname\n1.50\t=1+1\n");
    }

    #[test]
    fn json_lines_keep_their_types() {
        let columns = "price,worker,worker.pid,yes,item,nothing";
        let (text, _) = table(TableFormat::JsonLines, columns, Wanted::All, &[RECORD]);
        assert_eq!(
            text,
            "{\"price\":1.50,\"worker\":{\"pid\":4,\"tid\":5},\"worker.pid\":4,\"yes\":true,\"item\":\"a, \\\"b\\\"\\n\",\"nothing\":null}\n"
        );
    }

    #[test]
    fn only_what_is_wanted_gets_a_row() {
        for (wanted, rows) in
            [(Wanted::All, "7\n8\n"), (Wanted::Ok, "7\n"), (Wanted::Failed, "8\n")]
        {
            let (text, _) =
                table(TableFormat::Csv { excel: false }, "index", wanted, &[RECORD, FAILED]);
            assert_eq!(text, format!("index\n{rows}"));
        }
    }

    #[test]
    fn what_is_no_record_is_refused_and_leaves_no_trace() {
        for (line, why) in [
            ("x", "this is no JSON object"),
            ("{}", "missing field `index`"),
            (r#"{"index":0,"item":"a","outcome":"ok"}"#, "missing field `attempts`"),
            (r#"{"index":0,"item":"a","outcome":"so","attempts":1}"#, "neither ok nor failed"),
            (r#"{"index":0,"item":"a","outcome":"ok","attempts":1,"#, "EOF"),
            (r#"{"index":0,"item":"a","outcome":"ok","attempts":1}}"#, "trailing"),
        ] {
            let columns = Columns::usual([]);
            let mut out = Vec::new();
            let mut table =
                Table::begin(&mut out, TableFormat::JsonLines, columns, Wanted::All).unwrap();
            let RowError::Line(error) = table.add(line.as_bytes()).unwrap_err() else { panic!() };
            assert!(error.contains(why), "{line}: {error}");
            table.finish().unwrap();
            assert_eq!(out, b"");
        }
    }

    proptest! {
        #[test]
        fn a_reader_of_csv_gets_every_text_back(texts in proptest::collection::vec(any::<String>(), 1..4), tabs in any::<bool>()) {
            let fields: serde_json::Map<_, _> =
                texts.iter().enumerate().map(|(at, text)| (format!("f{at}"), text.clone().into())).collect();
            let line = serde_json::json!({"index": 0, "item": "i", "outcome": "ok", "attempts": 1, "extract": fields});
            let form = if tabs { TableFormat::Tsv { excel: false } } else { TableFormat::Csv { excel: false } };
            let names: Vec<String> = (0..texts.len()).map(|at| format!("f{at}")).collect();
            let (text, _) = table(form, &names.join(","), Wanted::All, &[&line.to_string()]);
            let delimiter = if tabs { b'\t' } else { b',' };
            let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(text.as_bytes());
            let row = reader.records().next().unwrap().unwrap();
            prop_assert_eq!(row.iter().collect::<Vec<_>>(), texts);
        }
    }
}
