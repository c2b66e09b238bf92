//! Finds the cells of one record in its line.
//!
//! Limit: of what no column wants it checks that it is JSON, and that the fields are there by which a record is known.

use super::column::{Column, Place};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// The fields that every record has.
const NEEDED: [&str; 4] = ["index", "item", "outcome", "attempts"];

/// Cells of a line, each as its JSON text.
pub(super) type Cells<'l> = Vec<Option<&'l RawValue>>;

/// What a line has to be looked through for.
#[derive(Debug)]
pub(super) struct Finder {
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
        let mut fields: Vec<Wanted> = Vec::new();
        let mut copies = Vec::new();
        for (number, column) in columns.iter().enumerate() {
            if let Some(first) = columns[..number].iter().position(|c| c.place == column.place) {
                copies.push((first, number));
                continue;
            }
            let (Place::Field(name) | Place::Under(name, _)) = &column.place;
            let at = fields.iter().position(|field| field.name == *name).unwrap_or_else(|| {
                fields.push(Wanted { name: name.clone(), whole: None, parts: Vec::new() });
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
        let mut found = Found { cells: vec![None; self.width], is_ok: false };
        let mut json = serde_json::Deserializer::from_str(line);
        let seek = Record { finder: self, found: &mut found };
        seek.deserialize(&mut json).and_then(|()| json.end()).map_err(|error| error.to_string())?;
        for (first, copy) in &self.copies {
            found.cells[*copy] = found.cells[*first];
        }
        Ok((found.cells, found.is_ok))
    }
}

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
        let names = |name: &str| {
            let needed = NEEDED.iter().position(|needed| *needed == name);
            (needed, finder.fields.iter().find(|field| *field.name == *name))
        };
        while let Some((needed, wanted)) = map.next_key_seed(Key(names))? {
            if let Some(needed) = needed {
                seen[needed] = true;
                let value = map.next_value::<&RawValue>()?;
                if NEEDED[needed] == "outcome" {
                    found.is_ok = match value.get() {
                        r#""ok""# => true,
                        r#""failed""# => false,
                        _ => return Err(A::Error::custom("`outcome` is neither ok nor failed")),
                    };
                }
                if let Some(column) = wanted.and_then(|wanted| wanted.whole) {
                    found.cells[column] = Some(value);
                }
                continue;
            }
            match wanted {
                None => drop(map.next_value::<IgnoredAny>()?),
                Some(Wanted { whole: None, parts, .. }) => {
                    map.next_value_seed(Parts { parts, cells: &mut found.cells })?;
                }
                Some(Wanted { whole: Some(column), parts, .. }) => {
                    let value = map.next_value::<&RawValue>()?;
                    found.cells[*column] = Some(value);
                    if !parts.is_empty() {
                        let mut whole = serde_json::Deserializer::from_str(value.get());
                        let parts = Parts { parts, cells: &mut found.cells };
                        parts.deserialize(&mut whole).map_err(A::Error::custom)?;
                    }
                }
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
                Some((_, column)) => self.cells[*column] = Some(map.next_value()?),
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
