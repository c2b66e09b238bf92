//! The records of a run as rows of a table, written while it goes on.
//!
//! Limit: for streams, whose readers have seen what was written. The columns must be known before the first record; a table
//! in a file is made by an [`Export`](crate::Export) from the results when these are whole.

use gaits_report::export::{Columns, RowError, Table, TableFormat, Wanted};
use memchr::memchr;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// The columns that had no value in any row of a table which is written as records come; known when its rows are written out.
/// Its clones share them.
#[derive(Debug, Clone, Default)]
pub struct EmptyColumns(Arc<Mutex<Vec<String>>>);

impl EmptyColumns {
    /// Their names; none as long as there is no row.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, names: Vec<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = names;
    }
}

/// Takes the lines of records, and writes the rows of a table.
pub(crate) struct Rows<'w, W: Write + Send + 'w> {
    state: State<'w, W>,
    empty: EmptyColumns,
}

enum State<'w, W: Write + Send + 'w> {
    /// Nothing was written yet, so that a run which never begins leaves no head of a table.
    Waiting(Option<(W, TableFormat, Columns)>),
    /// The table, and what there is of a line that is not whole yet.
    Begun(Box<Table<'w>>, Vec<u8>),
}

impl<'w, W: Write + Send + 'w> Rows<'w, W> {
    /// `empty` is told which columns have no value.
    pub(crate) fn new(out: W, form: TableFormat, columns: Columns, empty: EmptyColumns) -> Self {
        Self { state: State::Waiting(Some((out, form, columns))), empty }
    }

    fn begun(&mut self) -> io::Result<(&mut Table<'w>, &mut Vec<u8>)> {
        if let State::Waiting(waiting) = &mut self.state {
            let (out, form, columns) =
                waiting.take().ok_or_else(|| io::Error::other("the table could not be begun"))?;
            let table = Table::begin(out, form, columns, Wanted::All)?;
            self.state = State::Begun(Box::new(table), Vec::new());
        }
        match &mut self.state {
            State::Begun(table, partial) => Ok((table, partial)),
            State::Waiting(_) => Err(io::Error::other("the table could not be begun")),
        }
    }
}

impl<'w, W: Write + Send + 'w> Write for Rows<'w, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (table, partial) = self.begun()?;
        let mut rest = bytes;
        while let Some(length) = memchr(b'\n', rest) {
            let (line, behind) = rest.split_at(length);
            if partial.is_empty() {
                table.add(line).map_err(told)?;
            } else {
                partial.extend_from_slice(line);
                table.add(partial).map_err(told)?;
                partial.clear();
            }
            rest = &behind[1..];
        }
        partial.extend_from_slice(rest);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.state {
            State::Waiting(_) => Ok(()),
            State::Begun(table, _) => {
                if table.rows() > 0 {
                    self.empty.set(table.empty_columns());
                }
                table.flush()
            }
        }
    }
}

fn told(error: RowError) -> io::Error {
    match error {
        RowError::Write(error) => error,
        RowError::Line(wrong) => io::Error::other(wrong),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_out_whole_however_the_lines_come_in() {
        let line = |index| {
            format!("{{\"index\":{index},\"item\":\"a\",\"outcome\":\"ok\",\"attempts\":1}}\n")
        };
        let lines = line(0) + &line(1);
        for cut in 0..lines.len() {
            let mut out = Vec::new();
            let columns = Columns::named(["index", "item"]).unwrap();
            let empty = EmptyColumns::default();
            let form = TableFormat::Csv { excel: false };
            let mut rows = Rows::new(&mut out, form, columns, empty);
            rows.flush().unwrap();
            rows.write_all(&lines.as_bytes()[..cut]).unwrap();
            rows.flush().unwrap();
            rows.write_all(&lines.as_bytes()[cut..]).unwrap();
            rows.flush().unwrap();
            drop(rows);
            assert_eq!(out, b"index,item\n0,a\n1,a\n", "{cut}");
        }
    }

    #[test]
    fn nothing_is_written_before_the_first_record() {
        let mut out = Vec::new();
        let columns = Columns::named(["index"]).unwrap();
        let empty = EmptyColumns::default();
        let mut rows =
            Rows::new(&mut out, TableFormat::Csv { excel: true }, columns, empty.clone());
        rows.flush().unwrap();
        drop(rows);
        assert_eq!(out, b"");
        assert_eq!(empty.names(), [""; 0]);
    }
}
