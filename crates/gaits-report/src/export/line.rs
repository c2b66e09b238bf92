//! Finds the cells of one record in its line.
//!
//! Most lines are gone through by a [`Cursor`], and those that it gives up by serde. Limit: of what no column wants it
//! checks that it is JSON, and that the fields are there by which a record is known.

use super::column::{Column, Place};
use super::scan::Cursor;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// The fields that every record has.
const NEEDED: [&str; 4] = ["index", "item", OUTCOME, "attempts"];

/// The one that says whether the item went well.
const OUTCOME: &str = "outcome";

/// Cells of a line, each as its JSON text.
pub(super) type Cells<'l> = Vec<Option<&'l str>>;

/// What a line has to be looked through for.
#[derive(Debug)]
pub(super) struct Finder {
    /// Those that every record has come first.
    fields: Vec<Wanted>,
    width: usize,
    /// Columns that show what another one shows, which is the first of each pair.
    copies: Vec<(usize, usize)>,
}

/// A field of the record, and the columns that want it or a field of it.
#[derive(Debug)]
struct Wanted {
    name: Box<str>,
    whole: Option<usize>,
    parts: Vec<(Box<str>, usize)>,
}

impl Finder {
    pub(super) fn new<'c>(columns: impl IntoIterator<Item = &'c Column>) -> Self {
        let columns: Vec<&Column> = columns.into_iter().collect();
        let wanted = |name: &str| Wanted { name: name.into(), whole: None, parts: Vec::new() };
        let mut fields: Vec<Wanted> = NEEDED.map(wanted).into();
        let mut copies = Vec::new();
        for (number, column) in columns.iter().enumerate() {
            if let Some(first) = columns[..number].iter().position(|c| c.place == column.place) {
                copies.push((first, number));
                continue;
            }
            let (Place::Field(name) | Place::Under(name, _)) = &column.place;
            let at = fields.iter().position(|field| field.name == *name).unwrap_or_else(|| {
                fields.push(wanted(name));
                fields.len() - 1
            });
            match &column.place {
                Place::Field(_) => fields[at].whole = Some(number),
                Place::Under(_, part) => fields[at].parts.push((part.clone(), number)),
            }
        }
        Self { fields, width: columns.len(), copies }
    }

    /// The cells of a line, in the order of the columns, and whether its item went well.
    ///
    /// # Errors
    /// It is no record, and why.
    pub(super) fn find<'l>(&self, line: &'l [u8]) -> Result<(Cells<'l>, bool), String> {
        if !line.starts_with(b"{") {
            return Err("this is no JSON object".into());
        }
        let line = std::str::from_utf8(line).map_err(|error| error.to_string())?;
        let mut found = match self.quickly(line) {
            Some(found) => found,
            None => self.thoroughly(line).map_err(|error| error.to_string())?,
        };
        for (first, copy) in &self.copies {
            found.cells[*copy] = found.cells[*first];
        }
        Ok((found.cells, found.is_ok))
    }

    /// What is found in a line that is a record as this program writes them.
    fn quickly<'l>(&self, line: &'l str) -> Option<Found<'l>> {
        let mut found = Found { cells: vec![None; self.width], is_ok: false };
        let mut seen = [false; NEEDED.len()];
        let mut cursor = Cursor::new(line);
        cursor.object(|name, cursor| {
            let Some(at) = self.fields.iter().position(|field| *field.name == *name) else {
                return cursor.skip();
            };
            let Wanted { whole, parts, .. } = &self.fields[at];
            let value = if at < NEEDED.len() {
                seen[at] = true;
                let value = cursor.value()?;
                if NEEDED[at] == OUTCOME {
                    found.is_ok = is_ok(value)?;
                }
                value
            } else if parts.is_empty() || cursor.peek() == Some(b'n') {
                cursor.value()?
            } else {
                cursor.object(|name, cursor| {
                    match parts.iter().find(|(part, _)| **part == *name) {
                        Some((_, column)) => {
                            cursor.value().map(|value| found.cells[*column] = Some(value))
                        }
                        None => cursor.skip(),
                    }
                })?
            };
            if let Some(column) = whole {
                found.cells[*column] = Some(value);
            }
            Some(())
        })?;
        (cursor.rest().is_empty() && seen == [true; NEEDED.len()]).then_some(found)
    }

    /// What is found in a line that is any JSON.
    fn thoroughly<'l>(&self, line: &'l str) -> Result<Found<'l>, serde_json::Error> {
        let mut found = Found { cells: vec![None; self.width], is_ok: false };
        let mut json = serde_json::Deserializer::from_str(line);
        let seek = Record { finder: self, found: &mut found };
        seek.deserialize(&mut json).and_then(|()| json.end())?;
        Ok(found)
    }
}

/// Whether an item went well, by the JSON of its outcome.
fn is_ok(outcome: &str) -> Option<bool> {
    match outcome {
        r#""ok""# => Some(true),
        r#""failed""# => Some(false),
        _ => None,
    }
}

#[derive(Debug, PartialEq)]
struct Found<'l> {
    cells: Cells<'l>,
    is_ok: bool,
}

/// Goes through a record.
struct Record<'f, 'l> {
    finder: &'f Finder,
    found: &'f mut Found<'l>,
}

impl<'l> DeserializeSeed<'l> for Record<'_, 'l> {
    type Value = ();

    fn deserialize<D: Deserializer<'l>>(self, value: D) -> Result<(), D::Error> {
        value.deserialize_map(self)
    }
}

impl<'l> Visitor<'l> for Record<'_, 'l> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a record")
    }

    fn visit_map<A: MapAccess<'l>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { finder, found } = self;
        let mut seen = [false; NEEDED.len()];
        let names = |name: &str| finder.fields.iter().position(|field| *field.name == *name);
        while let Some(at) = map.next_key_seed(Key(names))? {
            let Some(at) = at else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let Wanted { whole, parts, .. } = &finder.fields[at];
            if at >= NEEDED.len() && whole.is_none() {
                map.next_value_seed(Parts { parts, cells: &mut found.cells })?;
                continue;
            }
            let value = map.next_value::<&RawValue>()?.get();
            if let Some(column) = whole {
                found.cells[*column] = Some(value);
            }
            if at < NEEDED.len() {
                seen[at] = true;
                if NEEDED[at] == OUTCOME {
                    found.is_ok = is_ok(value)
                        .ok_or_else(|| A::Error::custom("`outcome` is neither ok nor failed"))?;
                }
            } else if !parts.is_empty() {
                let mut whole = serde_json::Deserializer::from_str(value);
                let parts = Parts { parts, cells: &mut found.cells };
                parts.deserialize(&mut whole).map_err(A::Error::custom)?;
            }
        }
        match seen.iter().position(|seen| !seen) {
            Some(missing) => Err(A::Error::missing_field(NEEDED[missing])),
            None => Ok(()),
        }
    }
}

/// Goes through one of a record's objects. What is no object has no parts.
struct Parts<'f, 'l> {
    parts: &'f [(Box<str>, usize)],
    cells: &'f mut Cells<'l>,
}

impl<'l> DeserializeSeed<'l> for Parts<'_, 'l> {
    type Value = ();

    fn deserialize<D: Deserializer<'l>>(self, value: D) -> Result<(), D::Error> {
        value.deserialize_any(self)
    }
}

impl<'l> Visitor<'l> for Parts<'_, 'l> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'l>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'l>>(self, mut map: A) -> Result<(), A::Error> {
        let column = |name: &str| self.parts.iter().find(|(part, _)| **part == *name);
        while let Some(wanted) = map.next_key_seed(Key(column))? {
            match wanted {
                Some((_, column)) => {
                    self.cells[*column] = Some(map.next_value::<&RawValue>()?.get());
                }
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

/// Looks a name up, without a copy of it.
pub(super) struct Key<F>(pub(super) F);

impl<'l, T, F: FnOnce(&str) -> T> DeserializeSeed<'l> for Key<F> {
    type Value = T;

    fn deserialize<D: Deserializer<'l>>(self, name: D) -> Result<T, D::Error> {
        name.deserialize_str(self)
    }
}

impl<T, F: FnOnce(&str) -> T> Visitor<'_> for Key<F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<T, E> {
        Ok((self.0)(name))
    }
}

#[cfg(test)]
mod tests {
    use super::super::column::Columns;
    use super::*;
    use proptest::prelude::*;

    const COLUMNS: [&str; 10] = [
        "index",
        "item",
        "item.x",
        "outcome",
        "error",
        "error_kind",
        "error.kind",
        "a",
        "a\"",
        "payload",
    ];

    /// The JSON of a value, some of it as this program would not write it.
    fn value() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            4 => any::<f64>().prop_map(|number| serde_json::json!(number).to_string()),
            4 => any::<i64>().prop_map(|number| number.to_string()),
            4 => any::<String>().prop_map(|text| serde_json::json!(text).to_string()),
            2 => proptest::sample::select(vec!["true", "false", "null", "[]", "{}"]).prop_map(str::to_owned),
            1 => proptest::sample::select(vec!["1e999", "\"\\ud800\"", "01", " 1", "nul", ""]).prop_map(str::to_owned),
        ];
        leaf.prop_recursive(3, 12, 4, |inner| {
            let name =
                proptest::sample::select(vec!["kind", "message", "a", "a\\\"", "\\u0061", "x"]);
            let fields = proptest::collection::vec((name, inner.clone()), 0..4);
            prop_oneof![
                proptest::collection::vec(inner, 0..4)
                    .prop_map(|list| format!("[{}]", list.join(","))),
                fields.prop_map(|fields| object(&fields)),
            ]
        })
    }

    fn object(fields: &[(&str, String)]) -> String {
        let fields: Vec<String> =
            fields.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        format!("{{{}}}", fields.join(","))
    }

    /// A line that is a record, or nearly one.
    fn line() -> impl Strategy<Value = String> {
        let name = proptest::sample::select(vec![
            "index",
            "item",
            "error",
            "extract",
            "payload",
            "worker",
            "extr\\u0061ct",
            "outcome",
        ]);
        let more = proptest::collection::vec((name, value()), 0..5);
        let outcome = proptest::sample::select(vec!["\"ok\"", "\"failed\"", "\"\\u006fk\"", "1"]);
        (value(), outcome, more, any::<proptest::sample::Index>()).prop_map(
            |(item, outcome, more, at)| {
                let needed =
                    [("index", "7".to_owned()), ("item", item), ("outcome", outcome.to_owned())];
                let mut fields = needed.to_vec();
                fields.push(("attempts", "1".to_owned()));
                let at = at.index(fields.len() + 1);
                fields.splice(at..at, more);
                object(&fields)
            },
        )
    }

    fn finder(names: &[&'static str]) -> Finder {
        Finder::new(Columns::named(names.iter().copied()).unwrap().all())
    }

    #[test]
    fn records_as_they_are_written_are_found_quickly() {
        let finder = finder(&COLUMNS);
        let line = r#"{"index":7,"item":"i\n","outcome":"failed","error":{"kind":"k"},"attempts":1,"extract":{"a":1.5,"a\"":[]}}"#;
        // The last name has an escape, so that this is none of them.
        assert_eq!(finder.quickly(line), None);
        let line = line.replace(",\"a\\\"\":[]", "");
        let found = finder.quickly(&line).unwrap();
        let kind = Some("\"k\"");
        let cells = [
            Some("7"),
            Some("\"i\\n\""),
            None,
            Some("\"failed\""),
            Some("{\"kind\":\"k\"}"),
            kind,
            None,
            Some("1.5"),
            None,
            None,
        ];
        assert_eq!(found, Found { cells: cells.into(), is_ok: false });
    }

    proptest! {
        #[test]
        fn what_is_found_quickly_is_what_serde_finds(
            line in line(),
            names in proptest::sample::subsequence(&COLUMNS[..], 1..COLUMNS.len()),
            cut in proptest::option::weighted(0.2, any::<proptest::sample::Index>()),
            behind in proptest::sample::select(vec!["", "", "", "", " ", "}", ",", "x"]),
        ) {
            let mut line = line + behind;
            if let Some(cut) = cut {
                line.truncate(line.floor_char_boundary(cut.index(line.len())));
            }
            let finder = finder(&names);
            if let Some(found) = finder.quickly(&line) {
                prop_assert_eq!(found, finder.thoroughly(&line).unwrap(), "{}", line);
            }
        }
    }
}
