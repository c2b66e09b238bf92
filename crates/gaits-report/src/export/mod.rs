//! Records as rows of a table: one row for each record, or for each element of a list that was taken from its answer, in CSV, TSV, flat JSON Lines or Parquet.
//!
//! Duty: which columns there are, and how their cells are written. Each line is looked at where it lies; of a record only the
//! cells that are wanted are found, and nothing is copied. Limit: it sees lines, one at a time. Reading files, and where the
//! rows go, is for whoever calls.

mod cell;
mod column;
mod each;
mod kind;
mod line;
mod parquet;
mod parts;
mod scan;
mod survey;
mod table;

pub use cell::RowError;
pub use column::{Column, ColumnError, Columns, Kind};
pub use kind::Kinds;
pub use parts::{Part, PartError, PartMaker};
pub use survey::Survey;
pub use table::{Table, TableFormat, Wanted};
