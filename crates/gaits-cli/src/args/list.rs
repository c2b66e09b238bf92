//! Options that say where a list stands and how it is read.

use super::help;
use super::selection::SelectionArgs;
use super::sitemap::SitemapArgs;
use crate::exit::Trouble;
use clap::{Args, ValueEnum};
use gaits::http::{CurlContext, CurlTemplate, UrlTemplate};
use gaits::{Files, Form, Input, Place, Table, TextEncoding, UrlFrom};
use std::path::PathBuf;

/// What stands for standard input.
const STDIN: &str = "-";

/// Where a list stands, and how it is read.
#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// Take URLs from this file; `-` is standard input
    ///
    /// One a line, or a JSON object a line that describes a request: `{"url": …, "method": …, "headers": {…}, "query": {…},
    /// "json": …}`, or `"body"` or `"body_file"` in place of `"json"`. A header field that is null is left out. Blank
    /// lines and lines that begin with # are passed over. A line that is none becomes a failed record of kind `invalid_item`
    /// that names its place, and the run goes on; `gaits compare` refuses such a file. It may be given several times, and may be
    /// a pattern such as 'lists/*.txt', whose files are taken in the order of their names. Files packed with gzip or zstd are
    /// known by their content.
    #[arg(short, long, value_name = "FILE", conflicts_with = "urls")]
    #[arg(help_heading = help::INPUT, display_order = 1)]
    input: Vec<PathBuf>,

    /// Take requests from commands of curl in this file, as browsers copy them; `-` is standard input
    ///
    /// Each command is one request; redirects are followed with and without its -L. It may go on in the next lines, in
    /// the form for bash or for cmd. Options that can't be those of one request make a failed record that names the option and
    /// the line. With a table, -i FILE, it is one command, and a template as --template: columns in braces may stand in its URL,
    /// its header fields and what it sends.
    #[arg(long, value_name = "FILE", help_heading = help::INPUT, hide_short_help = true)]
    #[arg(conflicts_with_all = ["urls", "count", "template", "url_column"])]
    from_curl: Option<PathBuf>,

    /// Take URLs of the command line as they are, with their braces
    #[arg(short = 'g', long, conflicts_with = "input", help_heading = help::INPUT)]
    #[arg(hide_short_help = true)]
    globoff: bool,

    /// The encoding of the lists, such as euc-kr, big5 or windows-1252 [default: UTF-8]
    ///
    /// A list that begins with a byte order mark of UTF-8 or UTF-16 is read as that.
    #[arg(long, value_name = "NAME", value_parser = encoding, help_heading = help::INPUT)]
    #[arg(hide_short_help = true)]
    encoding: Option<TextEncoding>,

    /// The list is a table with a header, and this column holds the URLs
    ///
    /// CSV, TSV, or with semicolons: the header tells. The other columns come back as `input` in the records. With lines that
    /// are JSON objects, it is the field that holds the URL.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["urls", "count", "template"])]
    #[arg(help_heading = help::INPUT, hide_short_help = true)]
    url_column: Option<String>,

    /// The list is a table with a header, and this makes the URL of each row
    ///
    /// In `https://api.example/{id}?q={name}`, each name in braces stands for a column, percent-encoded as its place in the URL needs it; {name!raw} is put in as it is. A
    /// brace is written twice. Columns may also stand in --data, --data-json, --form, -T and -H, and come back as `input` in the
    /// records. With lines that are JSON objects, the names are those of their fields.
    #[arg(long, value_name = "URL", conflicts_with_all = ["urls", "count"], value_parser = UrlTemplate::parse)]
    #[arg(help_heading = help::INPUT, hide_short_help = true)]
    template: Option<UrlTemplate>,

    /// What separates the fields of the table: a character, or `tab` [default: what the header uses]
    #[arg(long, value_name = "CHAR", value_parser = delimiter, help_heading = help::INPUT)]
    #[arg(hide_short_help = true)]
    delimiter: Option<u8>,

    #[command(flatten)]
    pub(super) sitemaps: SitemapArgs,

    #[command(flatten)]
    selection: SelectionArgs,

    /// Show the requests that would be sent, and how many go to each host; send nothing
    ///
    /// What may be secret is shown as ***. A results file is not looked at, so items that are done are shown as well. Only the
    /// sitemaps of --sitemap are fetched, since they name the requests; --token-command is not run unless they need it. With
    /// --next, only the first pages are shown.
    #[arg(long, help_heading = help::INPUT, hide_short_help = true)]
    dry_run: bool,

    /// Show each request as a line of curl, and send nothing; `--print-curl=secrets` shows secrets, too
    #[arg(long, value_name = "WHAT", value_enum, num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "hidden", conflicts_with = "dry_run")]
    #[arg(help_heading = help::INPUT, hide_short_help = true)]
    print_curl: Option<PrintCurl>,
}

/// What becomes of secrets in lines of curl.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum PrintCurl {
    /// They are hidden
    Hidden,
    /// They are shown
    Secrets,
}

/// What is shown in place of sending anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shows {
    /// The requests.
    Requests,
    /// Lines of curl.
    Curl {
        /// With what may be secret.
        secrets: bool,
    },
}

fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        b"tab" | b"\\t" => Ok(b'\t'),
        [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\r' | b'\n') => Ok(*byte),
        _ => Err(format!(
            "`{text}` is no delimiter; it is a character such as , or ; or |, or `tab`"
        )),
    }
}

fn encoding(name: &str) -> Result<TextEncoding, String> {
    TextEncoding::named(name).ok_or_else(|| {
        format!("`{name}` is no encoding that is known; it is a name such as euc-kr, shift_jis, gb18030, utf-16le or windows-1252")
    })
}

impl ListArgs {
    /// Whether a list is given.
    pub(super) fn is_given(&self) -> bool {
        !self.input.is_empty() || self.from_curl.is_some() || self.sitemaps.is_given()
    }

    /// The command of curl that makes the request of each row, if there is one.
    pub(super) fn take_template(
        &mut self,
        insecure: bool,
    ) -> Result<Option<CurlTemplate>, Trouble> {
        let Some(path) = self.from_curl.take_if(|_| !self.input.is_empty()) else {
            return Ok(None);
        };
        let template = super::curl::template(&path, CurlContext { insecure })?;
        self.template = Some(template.url.clone());
        Ok(Some(template))
    }

    /// Refuses a template that names no column, where none stands in what is sent either: all rows would ask for the same.
    pub(super) fn refuse_same_requests(&self) -> Result<(), Trouble> {
        match &self.template {
            Some(template) if template.names().is_empty() => Err(Trouble::wrong(
                "the template names no column, in its URL or in what is sent; a column stands in braces, as in \
                 https://api.example/{id}",
            )),
            _ => Ok(()),
        }
    }

    /// Whether commands of curl say what is asked for; before the template of a table is taken, if there is one.
    pub(super) const fn has_commands(&self) -> bool {
        self.from_curl.is_some()
    }

    /// What is to be shown in place of sending anything.
    pub(super) fn shows(&self) -> Option<Shows> {
        match self.print_curl {
            None => self.dry_run.then_some(Shows::Requests),
            Some(print) => Some(Shows::Curl { secrets: print == PrintCurl::Secrets }),
        }
    }

    /// Whether braces in URLs of the command line stand for nothing.
    pub(super) const fn takes_urls_as_they_are(&self) -> bool {
        self.globoff
    }

    /// The encoding that is named.
    pub(super) const fn encoding(&self) -> Option<TextEncoding> {
        self.encoding
    }

    /// Whether items have named fields, which can be put into what is sent.
    pub(super) fn has_fields(&self) -> bool {
        self.url_column.is_some() || self.template.is_some()
    }

    /// How items are made of a list, where they are not its lines. `needs` are the fields that the work fills in.
    fn form(&self, needs: Vec<String>) -> Result<Form, Trouble> {
        let url = match (&self.url_column, &self.template) {
            (Some(name), _) => UrlFrom::Column(name.clone()),
            (None, Some(template)) => UrlFrom::Template(template.clone()),
            (None, None) if self.delimiter.is_some() => {
                return Err(Trouble::wrong(
                    "--delimiter is for a table: name the column of its URLs with --url-column, or give a --template",
                ));
            }
            (None, None) => return Ok(Form::Lines),
        };
        Ok(Form::Table(Table { delimiter: self.delimiter, url, needs }))
    }

    /// A part of what sitemaps have.
    pub(super) fn part_of(self, sitemaps: Input) -> Input {
        self.selection.part_of(sitemaps)
    }

    /// The input, where it is a list: the one that is given, or `otherwise`.
    pub(super) fn resolve(
        self,
        otherwise: Option<Input>,
        needs: Vec<String>,
        insecure: bool,
    ) -> Result<Option<Input>, Trouble> {
        let form = match &self.from_curl {
            Some(_) => Form::Curl(CurlContext { insecure }),
            None => self.form(needs)?,
        };
        let mut places = Vec::new();
        for path in self.input.iter().chain(&self.from_curl) {
            if path.as_os_str() == STDIN {
                places.push(Place::Stdin);
            } else {
                places.extend(Place::all(path).map_err(|error| Trouble::Wrong(error.into()))?);
            }
        }
        if places.iter().filter(|place| **place == Place::Stdin).count() > 1 {
            return Err(Trouble::wrong("- is standard input, and can be read once: give it once"));
        }
        if places.is_empty() {
            match otherwise {
                Some(input) if input.reads_stdin() => places.push(Place::Stdin),
                _ if self.encoding.is_some() => {
                    return Err(Trouble::wrong("--encoding is for a list: give one with -i FILE"));
                }
                _ if form != Form::Lines => {
                    return Err(Trouble::wrong(
                        "--url-column and --template are for a list: give one with -i FILE",
                    ));
                }
                other => return Ok(other.map(|input| self.selection.part_of(input))),
            }
        }
        let input = match (&places[..], self.encoding, form) {
            ([Place::Stdin], None, Form::Lines) => Input::Stdin,
            ([Place::File(path)], None, Form::Lines) => Input::File(path.clone()),
            (_, encoding, form) => Input::Files(Files { places, encoding, form }),
        };
        Ok(Some(self.selection.part_of(input)))
    }
}
