//! Options that say what a table is like, of `gaits export` and of runs.

use super::help;
use crate::exit::Trouble;
use clap::{Args, ValueEnum};
use gaits::{Columns, Destination, EmptyColumns, Export, TableFormat, Wanted};
use std::path::{Path, PathBuf};

/// A form of table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum FormArg {
    /// Comma-separated values (RFC 4180)
    Csv,
    /// The same with tabs
    Tsv,
    /// A flat JSON object on each line
    Jsonl,
    /// Apache Parquet, with typed columns
    Parquet,
}

impl FormArg {
    /// The form that the name of a file tells.
    pub(super) fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "csv" => Some(Self::Csv),
            "tsv" | "tab" => Some(Self::Tsv),
            "jsonl" | "ndjson" => Some(Self::Jsonl),
            "parquet" | "pq" => Some(Self::Parquet),
            _ => None,
        }
    }

    /// The form that `option` asks for, if there is such a one.
    pub(super) fn format(self, option: &str, excel: bool) -> Result<TableFormat, Trouble> {
        Ok(match self {
            Self::Csv => TableFormat::Csv { excel },
            Self::Tsv => TableFormat::Tsv { excel },
            Self::Jsonl | Self::Parquet if excel => {
                let message = format!("--excel is for {option} csv and {option} tsv");
                return Err(Trouble::wrong(message));
            }
            Self::Jsonl => TableFormat::JsonLines,
            Self::Parquet => TableFormat::Parquet,
        })
    }
}

/// The columns that are asked for, if any are.
pub(super) fn columns(names: &[String]) -> Result<Option<Columns>, Trouble> {
    if names.is_empty() {
        return Ok(None);
    }
    let columns = Columns::named(names.iter().map(|name| name.trim()));
    columns.map(Some).map_err(|error| Trouble::wrong(format!("--columns: {error}")))
}

/// Whether a run gives a table in place of records.
#[derive(Debug, Args)]
#[command(next_help_heading = help::OUTPUT)]
pub(super) struct TableArgs {
    /// Give a table instead of records: a row for each item
    ///
    /// With -o FILE, the records go to FILE.jsonl, and the same command goes on with these. The table is made of them when
    /// all items are done, as `gaits export` makes it: written aside, and named FILE when it is whole. Given again with other
    /// --columns, the same command makes another table of the records that are there. Without -o, rows are written as items
    /// finish, and the columns are those of --columns, or the usual ones and the names of --extract.
    #[arg(long, value_enum, value_name = "FORM", global = true, hide_short_help = true)]
    format: Option<FormArg>,

    /// The columns of the table, in their order, such as item,status,price,input.id: see `gaits export --help`
    #[arg(long, value_name = "NAMES", value_delimiter = ',', global = true)]
    #[arg(hide_short_help = true)]
    columns: Vec<String>,

    /// Write CSV or TSV as Excel needs it: with a byte order mark, CRLF, and no text that it takes for a formula
    #[arg(long, global = true, hide_short_help = true)]
    excel: bool,
}

/// The table that a run gives.
#[derive(Debug, Clone)]
pub(crate) enum TableOf {
    /// It is made of the records when all are there, and gets this name.
    AtTheEnd(PathBuf, Export),
    /// Its rows are written as items finish.
    AsTheyCome {
        form: TableFormat,
        columns: Columns,
        /// Those without a value, when the rows are written; none are told of columns that nobody has named.
        empty: Option<EmptyColumns>,
    },
}

impl TableArgs {
    /// The form that records have anyway.
    const RECORDS: FormArg = FormArg::Jsonl;

    /// Where the records go, if the output is `to`.
    pub(super) fn records(&self, to: Destination) -> Destination {
        match to {
            Destination::File(path) if self.format.is_some() && !is_stream(&path) => {
                let mut name = path.into_os_string();
                name.push(".jsonl");
                Destination::File(name.into())
            }
            to => to,
        }
    }

    /// Refuses what is said of a table where none is asked for, and a name such as `results.csv` for the records.
    pub(super) fn check(&self, to: &Destination) -> Result<(), Trouble> {
        if self.format.is_none()
            && let Destination::File(path) = to
            && let Some(form) = FormArg::of(path).filter(|form| *form != Self::RECORDS)
        {
            let form = form.to_possible_value().map(|value| value.get_name().to_owned());
            return Err(Trouble::wrong(format!(
                "{} would hold records as JSON Lines: add --format {} for a table, or call it results.jsonl",
                path.display(),
                form.unwrap_or_default()
            )));
        }
        let option = if self.excel { "--excel" } else { "--columns" };
        if self.format.is_none() && (self.excel || !self.columns.is_empty()) {
            return Err(Trouble::wrong(format!(
                "{option} is about a table: ask for one with --format"
            )));
        }
        Ok(())
    }

    /// The table, if one is asked for; `extracted` are the names of the fields that answers give, as far as
    /// they are known.
    pub(super) fn resolve(
        &self,
        to: Destination,
        extracted: Option<&[String]>,
    ) -> Result<Option<TableOf>, Trouble> {
        let Some(form) = self.format else { return Ok(None) };
        let form = form.format("--format", self.excel)?;
        let columns = columns(&self.columns)?;
        Ok(Some(match to {
            Destination::File(path) if !is_stream(&path) => {
                if path.is_dir() {
                    return Err(Trouble::wrong(format!(
                        "can't write to {}: it is a folder; give a file",
                        path.display()
                    )));
                }
                TableOf::AtTheEnd(path, Export { form, columns, wanted: Wanted::All })
            }
            _ if form.has_types() => {
                return Err(Trouble::wrong(
                    "--format parquet needs all records before the first row; give a file with -o FILE",
                ));
            }
            _ => {
                let empty = columns.is_some().then(EmptyColumns::default);
                let usual = extracted.map(|names| Columns::usual(names.iter().map(String::as_str)));
                let columns = columns.or(usual).ok_or_else(|| {
                    Trouble::wrong(
                        "nobody knows the fields of the elements before they come; name the columns, such as \
                         --columns index,item,id, take fields with --extract, or give a file with -o FILE",
                    )
                })?;
                TableOf::AsTheyCome { form, columns, empty }
            }
        }))
    }
}

/// Whether it is a pipe or a device, in which nothing can be replaced.
fn is_stream(path: &Path) -> bool {
    path.exists() && !path.is_file() && !path.is_dir()
}
