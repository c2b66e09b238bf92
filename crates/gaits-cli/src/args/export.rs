//! Options of `gaits export`.

use super::table::{FormArg, columns};
use crate::exit::Trouble;
use clap::Args;
use gaits::{Destination, Export, ExportFrom, TableFormat, Wanted};
use std::ffi::OsStr;
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};

/// `gaits export`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag that is given or not")]
pub(crate) struct ExportArgs {
    /// A results file; - for standard input, which needs --columns
    path: PathBuf,

    /// The form [default: what FILE ends with, or csv]
    ///
    /// Columns of a Parquet file have types: 64-bit whole numbers, doubles, true and false, text, and JSON for lists and
    /// objects. Times are microseconds. Where the records themselves have to tell the type of a column, as for extracted fields,
    /// all are looked at before the first row is written, so that a pipe will not do. A column of several types is text.
    #[arg(long, value_enum, value_name = "FORM")]
    to: Option<FormArg>,

    /// Write to this file instead of stdout
    ///
    /// It gets its name when it is whole. A file of this name is replaced.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// The columns, in their order, such as item,status,price
    ///
    /// A name is a field of the record (`item`, `cpu_us`), a field of one of its objects (`worker.pid`, `http.bytes`,
    /// `command.exit`), `status`, `error_kind`, `error_message`, or an extracted field (`price`, or `extract.price` if another
    /// place goes by that name). The columns of the list that a run has read are `input.NAME`. With --each, a row is an element:
    /// each of its fields is a column of that name, and an element that is no object is in the column `value`.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    columns: Vec<String>,

    /// Leave failed items out
    #[arg(long, conflicts_with = "failed")]
    ok: bool,

    /// Write failed items only
    #[arg(long)]
    failed: bool,

    /// Write CSV or TSV that Excel can open without harm
    ///
    /// It then begins with a byte order mark, without which Excel takes UTF-8 for something else; lines end with CRLF;
    /// and text that begins with =, +, -, @, a tab or a carriage return gets an apostrophe in front, since Excel would
    /// take it for a formula, and a server may have put it there. Without this option texts are written as they are, for
    /// programs that read data.
    #[arg(long)]
    excel: bool,

    /// Say nothing but what went wrong
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

impl ExportArgs {
    /// What they come to: what is read, where the table goes, and what it is like.
    pub(crate) fn resolve(self) -> Result<(ExportFrom, Destination, Export), Trouble> {
        let by_name = self.output.as_deref().and_then(FormArg::of);
        if let (None, None, Some(path)) = (self.to, by_name, &self.output) {
            refuse_other_form(path)?;
        }
        let form = self.to.or(by_name).unwrap_or(FormArg::Csv).format("--to", self.excel)?;
        if form == TableFormat::Parquet && self.output.is_none() && io::stdout().is_terminal() {
            return Err(Trouble::wrong(
                "Parquet is nothing to read on a terminal; give a file with -o FILE",
            ));
        }
        let columns = columns(&self.columns)?;
        let wanted = match (self.ok, self.failed) {
            (true, _) => Wanted::Ok,
            (_, true) => Wanted::Failed,
            _ => Wanted::All,
        };
        let is_stdin = self.path == Path::new("-");
        let from = if is_stdin { ExportFrom::Stdin } else { ExportFrom::File(self.path) };
        let to = self.output.map_or(Destination::Stdout, Destination::File);
        Ok((from, to, Export { form, columns, wanted }))
    }
}

/// Refuses a file whose name tells a form that is not written: CSV under such a name would be taken for a broken file.
fn refuse_other_form(path: &Path) -> Result<(), Trouble> {
    let extension = path.extension().and_then(OsStr::to_str).unwrap_or_default();
    let instead = match extension.to_ascii_lowercase().as_str() {
        "xlsx" | "xls" | "ods" => "write a .csv with --excel, which Excel opens",
        "json" => "write a .jsonl, with an object on each line",
        "feather" | "arrow" | "avro" | "orc" | "sqlite" | "db" => "write a .parquet",
        "gz" | "zst" | "zip" | "bz2" | "xz" => "write the table, and pack it then",
        _ => return Ok(()),
    };
    Err(Trouble::wrong(format!(
        "{} tells a form that is not written: {instead}, or say with --to what it is to hold",
        path.display()
    )))
}
