//! The columns of a table: what their names are, and where in a record their cells stand.

use std::fmt;

/// The fields that a record can have beside its detail.
const FIELDS: [&str; 15] = [
    "index",
    "item",
    "input",
    "outcome",
    "error",
    "attempts",
    "tries",
    "worker",
    "due_us",
    "queued_us",
    "started_us",
    "finished_us",
    "cpu_us",
    "extract",
    "payload",
];

/// Names of their own for places that nearly everybody wants.
const SHORT: [(&str, &str, &str); 3] = [
    ("status", "http", "status"),
    ("error_kind", "error", "kind"),
    ("error_message", "error", "message"),
];

/// The columns that are there when none are asked for; those of the extracted fields stand behind them.
const USUAL: [&str; 10] = [
    "index",
    "item",
    "outcome",
    "status",
    "error_kind",
    "error_message",
    "attempts",
    "queued_us",
    "started_us",
    "finished_us",
];

/// Where in a record a cell stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// A field of the record itself.
    Field(Box<str>),
    /// A field of one of its objects.
    Under(Box<str>, Box<str>),
}

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// Whole numbers of 64 bits with a sign.
    Int,
    /// Numbers with 53 bits of precision.
    Double,
    /// True or false.
    Bool,
    /// Text: a string without its quotes, and all else as it is in JSON.
    #[default]
    Text,
    /// The JSON of the cell, with the quotes of a string.
    Json,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    head: Box<str>,
    pub(super) place: Place,
    /// The type that its cells have in a table with types.
    pub(super) kind: Kind,
}

/// Why columns can't be those of a table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ColumnError {
    /// A name is empty.
    #[error("a column has no name: give names with commas between them, such as item,status,price")]
    NoName,
    /// Two columns of one name.
    #[error("the column {0:?} is asked for twice")]
    Twice(String),
}

impl Column {
    /// The column that a user calls `name`: a field of the record (`item`), a field of one of its objects (`worker.pid`,
    /// `http.bytes`, `extract.price`), `status`, `error_kind` or `error_message`; any other name is that of an extracted
    /// field.
    ///
    /// ```
    /// # use gaits_report::export::Column;
    /// assert_eq!(Column::named("price")?.to_string(), "price");
    /// assert!(Column::named("").is_err());
    /// # Ok::<(), gaits_report::export::ColumnError>(())
    /// ```
    ///
    /// # Errors
    /// The name is empty.
    pub fn named(name: &str) -> Result<Self, ColumnError> {
        if name.is_empty() {
            return Err(ColumnError::NoName);
        }
        let under = |object: &str, field: &str| Place::Under(object.into(), field.into());
        let short = SHORT.iter().find(|(short, ..)| *short == name);
        let place = match (short, name.split_once('.')) {
            (Some((_, object, field)), _) => under(object, field),
            _ if FIELDS.contains(&name) => Place::Field(name.into()),
            (_, Some((object, field))) => under(object, field),
            (_, None) => under("extract", name),
        };
        Ok(Self { head: name.into(), place, kind: Kind::default() })
    }

    /// The column of an extracted field. It has the field's name, unless another place of a record goes by that.
    fn extracted(field: &str) -> Self {
        let place = Place::Under("extract".into(), field.into());
        let is_plain = Self::named(field).is_ok_and(|column| column.place == place);
        let head = if is_plain { field.into() } else { format!("extract.{field}").into() };
        Self { head, place, kind: Kind::default() }
    }

    /// What it is called.
    #[must_use]
    pub fn head(&self) -> &str {
        &self.head
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.head)
    }
}

/// The columns of a table, in their order; no two have one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns(Vec<Column>);

impl Columns {
    /// Those that a user asks for.
    ///
    /// # Errors
    /// A name is empty, or is there twice.
    pub fn named<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, ColumnError> {
        let mut columns: Vec<Column> = Vec::new();
        for name in names {
            let column = Column::named(name)?;
            if columns.iter().any(|other| other.head == column.head) {
                return Err(ColumnError::Twice(name.to_owned()));
            }
            columns.push(column);
        }
        Ok(Self(columns))
    }

    /// The usual ones, and behind them one for each of these extracted fields.
    pub fn usual<'a>(extracted: impl IntoIterator<Item = &'a str>) -> Self {
        let usual = USUAL.iter().filter_map(|name| Column::named(name).ok());
        Self(usual.chain(extracted.into_iter().map(Column::extracted)).collect())
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[Column] {
        &self.0
    }

    pub(super) fn all_mut(&mut self) -> &mut [Column] {
        &mut self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(name: &str) -> Place {
        Column::named(name).unwrap().place
    }

    #[test]
    fn a_name_leads_to_a_place_of_the_record_or_to_an_extracted_field() {
        let under = |object: &str, field: &str| Place::Under(object.into(), field.into());
        assert_eq!(place("item"), Place::Field("item".into()));
        assert_eq!(place("worker.pid"), under("worker", "pid"));
        assert_eq!(place("status"), under("http", "status"));
        assert_eq!(place("price"), under("extract", "price"));
        assert_eq!(place("extract.a.b"), under("extract", "a.b"));
    }

    #[test]
    fn an_extracted_field_can_be_asked_for_by_the_head_that_it_gets() {
        let heads = Columns::usual(["price", "item", "a.b", "status", ""]);
        let heads: Vec<&Column> = heads.all()[USUAL.len()..].iter().collect();
        let names = ["price", "extract.item", "extract.a.b", "extract.status", "extract."];
        assert_eq!(heads.iter().map(|column| column.head()).collect::<Vec<_>>(), names);
        for column in heads {
            assert_eq!(&Column::named(column.head()).unwrap(), column);
        }
    }

    #[test]
    fn bad_columns_are_refused() {
        let error = |names: &str| Columns::named(names.split(',')).unwrap_err().to_string();
        assert!(error("a,,b").starts_with("a column has no name"), "{}", error("a,,b"));
        assert_eq!(error("a,item,a"), "the column \"a\" is asked for twice");
    }
}
