//! Which types the columns of a typed table have.
//!
//! Some columns have one type always. The type of the others depends on their cells, and a table's types stand in front of its
//! rows, so this takes a look at all records first. Limit: a column has one type, so that cells of several types become the
//! text that they are in a table without types.

use super::column::{Column, Columns, Kind, Place};
use super::each;
use super::line::Finder;
use super::table::Wanted;

/// What was seen in the cells of one column; each has one bit.
mod seen {
    pub(super) const INT: u8 = 1;
    /// A whole number that a double does not hold exactly.
    pub(super) const LONG: u8 = 2;
    pub(super) const DOUBLE: u8 = 4;
    /// A number that no type holds.
    pub(super) const HUGE: u8 = 8;
    pub(super) const BOOL: u8 = 16;
    pub(super) const TEXT: u8 = 32;
    pub(super) const NESTED: u8 = 64;
}

/// Whole numbers up to this have a double of their own.
const EXACT: u64 = 1 << 53;

/// Finds the types of columns.
#[derive(Debug)]
pub struct Kinds {
    finder: Finder,
    wanted: Wanted,
    /// The numbers of the columns whose type depends on their cells, and what was seen there.
    open: Vec<(usize, u8)>,
}

impl Kinds {
    /// Will find the types of these columns, for the records that are wanted.
    #[must_use]
    pub fn of(columns: &Columns, wanted: Wanted) -> Self {
        let all = columns.all().iter();
        let open: Vec<usize> = all
            .enumerate()
            .filter(|(_, column)| always(column).is_none())
            .map(|(at, _)| at)
            .collect();
        let finder = Finder::new(open.iter().map(|at| &columns.all()[*at]));
        Self { finder, wanted, open: open.into_iter().map(|at| (at, 0)).collect() }
    }

    /// Whether all types are known, so that no record has to be looked at.
    #[must_use]
    pub fn are_known(&self) -> bool {
        self.open.is_empty()
    }

    /// Takes in one line.
    ///
    /// # Errors
    /// It is no record, and why.
    pub fn add(&mut self, line: &[u8]) -> Result<(), String> {
        each::rows(line, |line| {
            let (cells, is_ok) = self.finder.find(line)?;
            if self.wanted.takes(is_ok) {
                for ((_, seen), cell) in self.open.iter_mut().zip(cells) {
                    *seen |= cell.map_or(0, sort_of);
                }
            }
            Ok(())
        })
    }

    /// The columns, each with its type.
    #[must_use]
    pub fn settle(&self, mut columns: Columns) -> Columns {
        for column in columns.all_mut() {
            column.kind = always(column).unwrap_or_default();
        }
        for (at, seen) in &self.open {
            columns.all_mut()[*at].kind = kind_of(*seen);
        }
        columns
    }
}

/// The type that a column has, whatever its cells are.
fn always(column: &Column) -> Option<Kind> {
    Some(match &column.place {
        Place::Field(name) => match &**name {
            "index" | "attempts" | "due_us" | "queued_us" | "started_us" | "finished_us"
            | "cpu_us" => Kind::Int,
            "item" | "outcome" => Kind::Text,
            "error" | "worker" | "extract" | "tries" | "input" => Kind::Json,
            _ => return None,
        },
        Place::Under(object, field) => match (&**object, &**field) {
            ("http", "status") => Kind::Int,
            ("error", "kind" | "message") => Kind::Text,
            _ => return None,
        },
    })
}

/// What the JSON of a cell is.
fn sort_of(json: &str) -> u8 {
    match json.as_bytes() {
        [b'n', ..] => 0,
        [b't' | b'f', ..] => seen::BOOL,
        [b'"', ..] => seen::TEXT,
        [b'{' | b'[', ..] => seen::NESTED,
        digits if digits.iter().all(|byte| matches!(byte, b'-' | b'0'..=b'9')) => {
            match json.parse::<i64>() {
                Ok(number) if number.unsigned_abs() <= EXACT => seen::INT,
                Ok(_) => seen::LONG,
                Err(_) => seen::HUGE,
            }
        }
        _ => match json.parse::<f64>() {
            Ok(number) if number.is_finite() => seen::DOUBLE,
            _ => seen::HUGE,
        },
    }
}

/// The type that holds all that was seen.
fn kind_of(sorts: u8) -> Kind {
    let only = |these: u8| sorts & !these == 0;
    if sorts & seen::NESTED != 0 {
        Kind::Json
    } else if sorts == 0 {
        Kind::Text
    } else if only(seen::INT | seen::LONG) {
        Kind::Int
    } else if only(seen::INT | seen::DOUBLE) {
        Kind::Double
    } else if only(seen::BOOL) {
        Kind::Bool
    } else {
        Kind::Text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_has_the_type_that_holds_its_cells() {
        for (cells, wanted) in [
            (&[][..], Kind::Text),
            (&["null"], Kind::Text),
            (&["1", "null", "-9007199254740993"], Kind::Int),
            (&["9223372036854775807"], Kind::Int),
            (&["9223372036854775808"], Kind::Text),
            (&["1", "1.5"], Kind::Double),
            (&["1e3"], Kind::Double),
            (&["1e999"], Kind::Text),
            // As a double it would be another number.
            (&["9007199254740993", "1.5"], Kind::Text),
            (&["true", "false"], Kind::Bool),
            (&["true", "1"], Kind::Text),
            (&["\"1\"", "1"], Kind::Text),
            (&["\"a\"", "[\"a\"]"], Kind::Json),
            (&["{}", "1"], Kind::Json),
        ] {
            let columns = Columns::named(["index", "x"]).unwrap();
            let mut kinds = Kinds::of(&columns, Wanted::Ok);
            for cell in cells {
                let line = format!(
                    r#"{{"index":0,"item":"i","outcome":"ok","attempts":1,"extract":{{"x":{cell}}}}}"#
                );
                kinds.add(line.as_bytes()).unwrap();
            }
            // What gets no row has no say.
            let failed =
                r#"{"index":0,"item":"i","outcome":"failed","attempts":1,"extract":{"x":{}}}"#;
            kinds.add(failed.as_bytes()).unwrap();
            let columns = kinds.settle(columns);
            assert_eq!(columns.all()[0].kind, Kind::Int);
            assert_eq!(columns.all()[1].kind, wanted, "{cells:?}");
        }
    }

    #[test]
    fn the_types_of_most_columns_are_known() {
        let usual = Columns::usual([]);
        assert!(Kinds::of(&usual, Wanted::All).are_known());
        let kinds = Kinds::of(&Columns::usual(["price"]), Wanted::All);
        assert!(!kinds.are_known());
    }
}
