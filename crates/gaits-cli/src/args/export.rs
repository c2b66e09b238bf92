//! Options of `gaits export`.

use crate::exit::Trouble;
use clap::{Args, ValueEnum};
use gaits::{Columns, Destination, Export, ExportFrom, TableFormat, Wanted};
use std::path::{Path, PathBuf};

/// `gaits export`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag that is given or not")]
pub(crate) struct ExportArgs {
    /// A results file; - for standard input, which needs --columns
    path: PathBuf,

    /// The form [default: what FILE ends with, or csv]
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
    /// place goes by that name).
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

/// A form of table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FormArg {
    /// Comma-separated values (RFC 4180)
    Csv,
    /// The same with tabs
    Tsv,
    /// A flat JSON object on each line
    Jsonl,
}

impl FormArg {
    /// The form that the name of a file tells.
    fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "csv" => Some(Self::Csv),
            "tsv" | "tab" => Some(Self::Tsv),
            "jsonl" | "ndjson" => Some(Self::Jsonl),
            _ => None,
        }
    }
}

impl ExportArgs {
    /// What they come to: what is read, where the table goes, and what it is like.
    pub(crate) fn resolve(self) -> Result<(ExportFrom, Destination, Export), Trouble> {
        let by_name = self.output.as_deref().and_then(FormArg::of);
        let excel = self.excel;
        let form = match self.to.or(by_name).unwrap_or(FormArg::Csv) {
            FormArg::Csv => TableFormat::Csv { excel },
            FormArg::Tsv => TableFormat::Tsv { excel },
            FormArg::Jsonl if excel => {
                return Err(Trouble::wrong("--excel is for --to csv and --to tsv"));
            }
            FormArg::Jsonl => TableFormat::JsonLines,
        };
        let names = self.columns.iter().map(String::as_str);
        let columns = (!self.columns.is_empty()).then(|| Columns::named(names)).transpose();
        let columns = columns.map_err(|error| Trouble::wrong(format!("--columns: {error}")))?;
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
