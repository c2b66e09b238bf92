//! Writes rows as Apache Parquet.
//!
//! Rows are brought together column by column, and go out as a row group when they are many or large, so that memory does not
//! grow with the table. Limit: a file of this kind can be read only when it is whole, since its directory stands at the end.

use super::cell::{Out, RowError, separated};
use super::column::{Column, Kind};
use ::parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use ::parquet::column::writer::ColumnWriterImpl;
use ::parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int64Type};
use ::parquet::errors::ParquetError;
use ::parquet::file::properties::{WriterProperties, WriterPropertiesPtr};
use ::parquet::file::writer::{
    SerializedFileWriter, SerializedPageWriter, SerializedRowGroupWriter, TrackedWrite,
};
use ::parquet::schema::types::{ColumnDescPtr, Type};
use bytes::Bytes;
use std::io;
use std::str::FromStr;
use std::sync::Arc;

/// A row group has at most so many rows. Readers take a row group as the unit of parallel work.
const MOST_ROWS: usize = 256 * 1024;

/// Nor does more than this lie in memory for one, unless a single row is larger.
const MOST_BYTES: usize = 32 * 1024 * 1024;

/// No cell is longer: the format counts the bytes of a page with 32 bits.
const LONGEST_CELL: usize = 1 << 30;

/// As many texts are handed over at once.
const TEXTS: usize = 1024;

/// The rows of a Parquet file.
pub(super) struct ParquetRows<'w> {
    out: SerializedFileWriter<Out<'w>>,
    columns: Vec<Pending>,
    rows: usize,
    bytes: usize,
}

/// The cells of a column that wait for their row group.
struct Pending {
    description: ColumnDescPtr,
    is_json: bool,
    /// For each row, 1 if there is a value and 0 for null.
    present: Vec<i16>,
    values: Values,
}

enum Values {
    Int(Vec<i64>),
    Double(Vec<f64>),
    Bool(Vec<bool>),
    /// All texts one behind the other, and where each ends.
    Text(Vec<u8>, Vec<usize>),
}

impl<'w> ParquetRows<'w> {
    pub(super) fn begin(out: Out<'w>, columns: &[Column]) -> io::Result<Self> {
        let fields = columns.iter().map(field).collect::<Result<_, _>>().map_err(told)?;
        let schema = Type::group_type_builder("records").with_fields(fields).build();
        let settings = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by(concat!("gaits version ", env!("CARGO_PKG_VERSION")).into());
        let schema = Arc::new(schema.map_err(told)?);
        let out = SerializedFileWriter::new(out, schema, Arc::new(settings.build()));
        let out = out.map_err(told)?;
        let described = out.schema_descr().columns().iter().cloned();
        let columns = columns.iter().zip(described).map(|(c, d)| Pending::new(c.kind, d)).collect();
        Ok(Self { out, columns, rows: 0, bytes: 0 })
    }

    /// Adds a row of cells, each as its JSON.
    pub(super) fn add<'j>(&mut self, row: impl Iterator<Item = &'j str>) -> Result<(), RowError> {
        for (column, json) in self.columns.iter_mut().zip(row) {
            self.bytes += column.add(json)?;
        }
        self.rows += 1;
        if self.rows >= MOST_ROWS || self.bytes >= MOST_BYTES {
            self.row_group()?;
        }
        Ok(())
    }

    /// Writes the rows that wait.
    fn row_group(&mut self) -> io::Result<()> {
        let settings = Arc::clone(self.out.properties());
        let mut group = self.out.next_row_group().map_err(told)?;
        for column in &mut self.columns {
            column.write(&mut group, &settings).map_err(told)?;
        }
        group.close().map_err(told)?;
        (self.rows, self.bytes) = (0, 0);
        Ok(())
    }

    /// Writes what is left, and the directory.
    pub(super) fn finish(mut self) -> io::Result<()> {
        if self.rows > 0 {
            self.row_group()?;
        }
        self.out.finish().map(drop).map_err(told)
    }
}

/// How a column is described.
fn field(column: &Column) -> Result<Arc<Type>, ParquetError> {
    let (physical, logical) = match column.kind {
        Kind::Int => (Physical::INT64, None),
        Kind::Double => (Physical::DOUBLE, None),
        Kind::Bool => (Physical::BOOLEAN, None),
        // JSON has a type of its own, which some readers take for bytes.
        Kind::Text | Kind::Json => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
    };
    let field = Type::primitive_type_builder(column.head(), physical)
        .with_repetition(Repetition::OPTIONAL)
        .with_logical_type(logical);
    field.build().map(Arc::new)
}

/// What went wrong in writing, as the system said it.
fn told(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(source) => match source.downcast::<io::Error>() {
            Ok(source) => *source,
            Err(source) => io::Error::other(source),
        },
        error => io::Error::other(error),
    }
}

impl Pending {
    fn new(kind: Kind, description: ColumnDescPtr) -> Self {
        let values = match kind {
            Kind::Int => Values::Int(Vec::new()),
            Kind::Double => Values::Double(Vec::new()),
            Kind::Bool => Values::Bool(Vec::new()),
            Kind::Text | Kind::Json => Values::Text(Vec::new(), Vec::new()),
        };
        Self { description, is_json: kind == Kind::Json, present: Vec::new(), values }
    }

    /// Takes in the JSON of a cell; gives how many bytes of memory it takes.
    fn add(&mut self, json: &str) -> Result<usize, RowError> {
        let is_null = json == "null";
        self.present.push(i16::from(!is_null));
        if is_null {
            return Ok(size_of::<i16>());
        }
        let size = match &mut self.values {
            Values::Int(values) => parsed(values, json),
            Values::Double(values) => parsed(values, json),
            Values::Bool(values) => parsed(values, json),
            Values::Text(texts, ends) => {
                let text =
                    if self.is_json { json.as_bytes().into() } else { separated(json, false)? };
                if text.len() <= LONGEST_CELL {
                    texts.extend_from_slice(&text);
                    ends.push(texts.len());
                    Some(text.len() + size_of::<usize>())
                } else {
                    None
                }
            }
        };
        Ok(size.ok_or_else(|| self.misfit(json))? + size_of::<i16>())
    }

    /// Says why a cell can't be one of this column.
    fn misfit(&self, json: &str) -> RowError {
        let wanted = match self.values {
            Values::Int(_) => "a whole number",
            Values::Double(_) => "a number",
            Values::Bool(_) => "true or false",
            Values::Text(..) => "a text of at most 1 GiB",
        };
        let shown: String = json.chars().take(60).collect();
        let head = self.description.name();
        RowError::Line(format!("the column {head} has {shown} where {wanted} should be"))
    }

    /// Writes the cells as a part of a row group, and forgets them.
    fn write(
        &mut self,
        group: &mut SerializedRowGroupWriter<'_, Out<'_>>,
        settings: &WriterPropertiesPtr,
    ) -> Result<(), ParquetError> {
        let present = &*std::mem::take(&mut self.present);
        let mut encoded = TrackedWrite::new(Vec::new());
        let pages = Box::new(SerializedPageWriter::new(&mut encoded));
        let (column, settings) = (Arc::clone(&self.description), Arc::clone(settings));
        // The crate's own way to a column's writer makes one for each type that there is, which is half as much code again.
        let closed = match &mut self.values {
            Values::Int(values) => {
                let mut out = ColumnWriterImpl::<Int64Type>::new(column, settings, pages);
                out.write_batch(&std::mem::take(values), Some(present), None)?;
                out.close()
            }
            Values::Double(values) => {
                let mut out = ColumnWriterImpl::<DoubleType>::new(column, settings, pages);
                out.write_batch(&std::mem::take(values), Some(present), None)?;
                out.close()
            }
            Values::Bool(values) => {
                let mut out = ColumnWriterImpl::<BoolType>::new(column, settings, pages);
                out.write_batch(&std::mem::take(values), Some(present), None)?;
                out.close()
            }
            Values::Text(texts, ends) => {
                let mut out = ColumnWriterImpl::<ByteArrayType>::new(column, settings, pages);
                let (texts, ends) = (Bytes::from(std::mem::take(texts)), std::mem::take(ends));
                let (mut begin, mut ends) = (0, ends.into_iter());
                let mut batch = Vec::with_capacity(TEXTS);
                for present in present.chunks(TEXTS) {
                    let some = present.iter().filter(|present| **present == 1).count();
                    batch.clear();
                    batch.extend(ends.by_ref().take(some).map(|end| {
                        ByteArray::from(texts.slice(std::mem::replace(&mut begin, end)..end))
                    }));
                    out.write_batch(&batch, Some(present), None)?;
                }
                out.close()
            }
        }?;
        group.append_column(&Bytes::from(encoded.into_inner()?), closed)
    }
}

/// Adds a cell that is no text. Gives its size in bytes, or none if the cell is of another type than the column.
fn parsed<T: FromStr>(values: &mut Vec<T>, json: &str) -> Option<usize> {
    values.push(json.parse().ok()?);
    Some(size_of::<T>())
}

#[cfg(test)]
mod tests {
    use super::super::column::Columns;
    use super::super::kind::Kinds;
    use super::super::table::{Table, TableFormat, Wanted};
    use super::*;
    use ::parquet::file::reader::{FileReader as _, SerializedFileReader};
    use ::parquet::record::Field;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn line(extract: &Value) -> String {
        json!({"index": 7, "item": "i", "outcome": "ok", "attempts": 1, "extract": extract})
            .to_string()
    }

    /// What a reader finds in the table of these columns: how many row groups, and the cells of each row.
    fn read_back(names: &str, lines: &[String]) -> (usize, Vec<Vec<Field>>) {
        let columns = Columns::named(names.split(',')).unwrap();
        let mut kinds = Kinds::of(&columns, Wanted::All);
        for line in lines {
            kinds.add(line.as_bytes()).unwrap();
        }
        let columns = kinds.settle(columns);
        let mut out = Vec::new();
        let mut table = Table::begin(&mut out, TableFormat::Parquet, columns, Wanted::All).unwrap();
        for line in lines {
            table.add(line.as_bytes()).unwrap();
        }
        let (rows, _) = table.finish().unwrap();
        assert_eq!(rows, lines.len() as u64);
        let reader = SerializedFileReader::new(Bytes::from(out)).unwrap();
        let cells = reader
            .get_row_iter(None)
            .unwrap()
            .map(|row| row.unwrap().get_column_iter().map(|(_, field)| field.clone()).collect());
        (reader.num_row_groups(), cells.collect())
    }

    #[test]
    fn cells_have_types_and_nulls_are_nulls() {
        let lines = [
            line(&json!({"n": 3, "x": 1.5, "yes": true, "name": "ü \"x\"", "tags": ["a", 1]})),
            line(&json!({"n": null, "x": 2, "yes": null, "tags": "b"})),
        ];
        let (_, rows) = read_back("index,n,x,yes,name,tags,none", &lines);
        let text = |text: &str| Field::Str(text.into());
        let first = [
            Field::Long(7),
            Field::Long(3),
            Field::Double(1.5),
            Field::Bool(true),
            text("ü \"x\""),
            text(r#"["a",1]"#),
            Field::Null,
        ];
        assert_eq!(rows[0], first);
        let second = [
            Field::Long(7),
            Field::Null,
            Field::Double(2.0),
            Field::Null,
            Field::Null,
            text(r#""b""#),
            Field::Null,
        ];
        assert_eq!(rows[1], second);
        assert_eq!(read_back("index,n", &[]), (0, vec![]));
    }

    #[test]
    fn large_rows_and_many_rows_are_row_groups_of_their_own() {
        let large = line(&json!({"x": "y".repeat(MOST_BYTES / 2)}));
        let (groups, rows) = read_back("x", &[large.clone(), large.clone(), large]);
        assert_eq!((groups, rows.len()), (2, 3));
        let small = line(&json!({"x": 1}));
        let (groups, rows) = read_back("x", &vec![small; MOST_ROWS + 1]);
        assert_eq!((groups, rows.len()), (2, MOST_ROWS + 1));
    }

    #[test]
    fn a_cell_of_another_type_is_refused() {
        let line = line(&json!({})).replace("\"attempts\":1", "\"attempts\":1.5");
        let columns = Kinds::of(&Columns::usual([]), Wanted::All).settle(Columns::usual([]));
        let mut table =
            Table::begin(Vec::new(), TableFormat::Parquet, columns, Wanted::All).unwrap();
        let error = table.add(line.as_bytes()).unwrap_err();
        let RowError::Line(error) = error else { panic!("{error:?}") };
        assert_eq!(error, "the column attempts has 1.5 where a whole number should be");
    }

    proptest! {
        #[test]
        fn every_text_comes_back(texts in proptest::collection::vec(proptest::option::of(any::<String>()), 1..40)) {
            let lines: Vec<String> = texts.iter().map(|text| line(&json!({"x": text}))).collect();
            let (_, rows) = read_back("x", &lines);
            let wanted: Vec<Vec<Field>> =
                texts.into_iter().map(|text| vec![text.map_or(Field::Null, Field::Str)]).collect();
            prop_assert_eq!(rows, wanted);
        }
    }
}
