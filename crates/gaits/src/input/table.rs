//! Lists with named fields: tables with a header, and JSON Lines whose objects are data. Their items are descriptions of requests,
//! with the fields as `input`.
//!
//! Limit: what is sent besides the URL is for the work to fill in.

use super::InputError;
use super::of_list::unreadable;
use gaits_core::{Data, Source, Work};
use gaits_engine::journal::Match;
use gaits_engine::source::{
    Lines, Row, Table as Rows, Text, TextEncoding, check_of, look_at_first_row,
};
use gaits_work::http::{Describer, UrlTemplate, described, fields_of, scalar, wrong_at};
use serde::de::IgnoredAny;
use std::borrow::Cow;
use std::io;
use std::sync::Arc;

/// How items are made of lists with named fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// What separates the fields of a row; what the header uses most if nothing is given.
    pub delimiter: Option<u8>,
    /// What the URL is made of.
    pub url: UrlFrom,
    /// Fields that the work fills in, so that each item must have them.
    pub needs: Vec<String>,
}

/// What a URL is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UrlFrom {
    /// A column holds it.
    Column(String),
    /// A template is filled.
    Template(UrlTemplate),
}

impl Table {
    /// Opens a list as a source. Its items are known by `key`.
    pub(super) fn open(
        &self,
        text: Text,
        name: String,
        encoding: Option<TextEncoding>,
        work: &Arc<dyn Work>,
        key: &Match,
    ) -> Result<Box<dyn Source>, InputError> {
        let check = check_of(Arc::clone(work));
        let read = |error| {
            let (input, source) = unreadable(name.clone(), error);
            InputError::Read { input, source }
        };
        let (first, text) = look_at_first_row(text).map_err(read)?;
        if is_json(&first) {
            let table = self.clone();
            let lines = Lines::new(text, name, check).decoded_from(encoding);
            return Ok(Box::new(lines.made_by(Box::new(move |line| table.of_object(line)))));
        }
        let rows = self.rows(text, &name, encoding)?;
        let columns = Columns::of(self, key, rows.header(), &name)?;
        Ok(Box::new(rows.items(Box::new(move |row| columns.item(row)), check)))
    }

    fn rows(
        &self,
        text: Text,
        name: &str,
        encoding: Option<TextEncoding>,
    ) -> Result<Rows, InputError> {
        Rows::open(text, name, self.delimiter, encoding).map_err(|error| {
            if error.kind() == io::ErrorKind::InvalidData {
                InputError::Item { message: error.to_string() }
            } else {
                let (input, source) = unreadable(name.to_owned(), error);
                InputError::Read { input, source }
            }
        })
    }

    /// How many items a list holds, where it is a table; a list of objects is given back.
    pub(super) fn count(&self, text: Text, stopped: impl Fn() -> bool) -> io::Result<Counted> {
        let (first, text) = look_at_first_row(text)?;
        if is_json(&first) {
            return Ok(Counted::Lines(text));
        }
        Ok(Counted::Rows(Rows::open(text, "", self.delimiter, None)?.count(stopped)?))
    }

    /// The item of a line that is a JSON object.
    fn of_object(&self, line: &str) -> Result<Data, String> {
        let mut fields = fields_of(line).map_err(|error| {
            if !is_json(line.as_bytes()) && serde_json::from_str::<IgnoredAny>(line).is_ok() {
                "not a JSON object, and the first line is one".to_owned()
            } else {
                format!("not a JSON object: {}", wrong_at(&error))
            }
        })?;
        if let Some(name) = self.needs.iter().find(|name| !fields.contains_key(*name)) {
            return Err(format!("it has no field `{name}`, which the request needs"));
        }
        let url = match &self.url {
            UrlFrom::Column(name) => {
                let value = if self.needs.contains(name) {
                    fields.get(name).cloned()
                } else {
                    fields.remove(name)
                };
                match value {
                    Some(url) if url.get().starts_with('"') => {
                        scalar(&url).unwrap_or_default().into_owned()
                    }
                    Some(_) => return Err(format!("its field `{name}` is no text")),
                    None => return Err(format!("it has no field `{name}`")),
                }
            }
            UrlFrom::Template(template) => {
                let mut texts = Vec::new();
                for name in template.names() {
                    let text = fields.get(name).and_then(|value| scalar(value));
                    let text = text.ok_or_else(|| {
                        format!("it has no field `{name}` that is a text or a number")
                    })?;
                    texts.push((name, text));
                }
                let of = |name: &str| texts.iter().find(|(other, _)| *other == name);
                template.fill(|name| of(name).map(|(_, text)| &**text))?
            }
        };
        Ok(described(&url, &fields).into())
    }
}

/// What [`Table::count`] has found.
pub(super) enum Counted {
    Rows(Option<u64>),
    /// It is no table; its lines are to be counted.
    Lines(Text),
}

/// Whether a list begins with a JSON object.
fn is_json(first: &[u8]) -> bool {
    first.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{')
}

/// The column that items are known by, if they are known by one: a field of theirs that is not `url` stands in `input`.
fn column_of(key: &Match) -> Option<String> {
    let Match::Field(field) = key else { return None };
    let Some(pointer) = field.strip_prefix('/') else {
        return Some(field.to_string()).filter(|field| !matches!(&**field, "url" | "input"));
    };
    let mut steps = pointer.split('/').map(|step| step.replace("~1", "/").replace("~0", "~"));
    match steps.next()?.as_str() {
        "url" => None,
        "input" => steps.next(),
        column => Some(column.to_owned()),
    }
}

/// How items are made of the rows of a table.
struct Columns {
    header: Vec<Box<str>>,
    url: FromColumns,
    /// Puts the other columns beside it, if there are others.
    describer: Option<Describer>,
}

enum FromColumns {
    Column(usize),
    Template(UrlTemplate),
}

impl Columns {
    fn of(table: &Table, key: &Match, header: &[Box<str>], name: &str) -> Result<Self, InputError> {
        let find = |wanted: &str| {
            header.iter().position(|column| **column == *wanted).ok_or_else(|| {
                let columns: Vec<_> = header.iter().map(|column| format!("`{column}`")).collect();
                let columns = columns.join(", ");
                let message =
                    format!("{name}: there is no column `{wanted}`; the header names {columns}");
                InputError::Item { message }
            })
        };
        for name in &table.needs {
            find(name)?;
        }
        let (url, left_out) = match &table.url {
            UrlFrom::Column(name) => {
                let column = find(name)?;
                (FromColumns::Column(column), (!table.needs.contains(name)).then_some(column))
            }
            UrlFrom::Template(template) => {
                for name in template.names() {
                    find(name)?;
                }
                (FromColumns::Template(template.clone()), None)
            }
        };
        if let Some(column) = column_of(key)
            && left_out == Some(find(&column)?)
        {
            let message = format!(
                "{name}: column `{column}` holds the URLs, which items have as their `url`: write --key url"
            );
            return Err(InputError::Item { message });
        }
        let columns = header.iter().enumerate().filter(|(number, _)| left_out != Some(*number));
        let fields = columns.map(|(number, name)| (&**name, number));
        let describer = (header.len() > left_out.iter().len()).then(|| Describer::new(fields));
        Ok(Self { header: header.to_vec(), url, describer })
    }

    fn item(&self, row: &Row<'_>) -> Result<Data, String> {
        let url = match &self.url {
            FromColumns::Column(column) => match row.field(*column).map(str::trim) {
                None | Some("") => {
                    return Err(format!("column `{}` is empty", self.header[*column]));
                }
                Some(url) => Cow::Borrowed(url),
            },
            FromColumns::Template(template) => Cow::Owned(template.fill(|name| {
                row.field(self.header.iter().position(|column| **column == *name)?)
            })?),
        };
        Ok(match &self.describer {
            Some(describer) => describer.describe(&url, |column| row.field(column)).into(),
            None => url.into_owned().into(),
        })
    }
}
