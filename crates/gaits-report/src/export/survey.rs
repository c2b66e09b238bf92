//! Which extracted fields the records of a file have.
//!
//! A table's head stands in front of its rows, so this takes a look at all lines first. It is a quick one: the records of
//! this program end with `"extract":{…}}`, and what is in front of that is not read. Limit: what is no record is passed over,
//! and refused when its row is made.

use super::each;
use super::line::Key;
use super::scan::Cursor;
use memchr::memmem::FinderRev;
use memchr::{memchr_iter, memrchr};
use serde::de::{Deserialize, Deserializer as _, IgnoredAny, MapAccess, Visitor};
use serde_json::Deserializer;
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::fmt;

/// What stands in front of the extracted fields. A string can't hold it: its quotes would be escaped there.
const MARK: &[u8] = b"\"extract\":";

/// As many fields are told apart. They come from options, so more are a sign that names are data.
const MOST: usize = 4096;

/// The extracted fields that were seen, in the order in which they came.
#[derive(Debug)]
pub struct Survey {
    names: Vec<Box<str>>,
    numbers: HashMap<Box<str>, usize>,
    mark: FinderRev<'static>,
}

impl Default for Survey {
    fn default() -> Self {
        Self { names: Vec::new(), numbers: HashMap::new(), mark: FinderRev::new(MARK) }
    }
}

impl Survey {
    /// Takes in one line.
    ///
    /// # Errors
    /// There are more fields than a table has columns for.
    pub fn add(&mut self, line: &[u8]) -> Result<(), String> {
        each::rows(line, |line| self.add_row(line))
    }

    /// Takes in lines, each of which has its end.
    ///
    /// # Errors
    /// There are more fields than a table has columns for.
    pub fn add_lines(&mut self, lines: &[u8]) -> Result<(), String> {
        let mut begin = 0;
        for end in memchr_iter(b'\n', lines) {
            self.add(&lines[begin..end])?;
            begin = end + 1;
        }
        Ok(())
    }

    /// Takes in what was seen in lines that follow.
    ///
    /// # Errors
    /// There are more fields than a table has columns for.
    pub fn merge(&mut self, later: &Self) -> Result<(), String> {
        // As if they stood where none is known.
        later.names.iter().for_each(|name| self.take(usize::MAX, name));
        self.check()
    }

    fn check(&self) -> Result<(), String> {
        if self.names.len() > MOST {
            return Err(format!(
                "there are more than {MOST} extracted fields; name those that you want with --columns"
            ));
        }
        Ok(())
    }

    fn add_row(&mut self, line: &[u8]) -> Result<(), String> {
        let Some(at) = self.place(line) else { return Ok(()) };
        if self.quickly(&line[at..]).is_none() {
            self.thoroughly(line, at);
        }
        self.check()
    }

    /// Takes the names of an object as this program writes it, if a record ends behind it.
    fn quickly(&mut self, end: &[u8]) -> Option<()> {
        let end = std::str::from_utf8(end).ok()?;
        let mut cursor = Cursor::new(end);
        let fields = cursor.object(|_, cursor| cursor.skip())?;
        if cursor.rest() != "}" {
            return None;
        }
        let mut place = 0;
        Cursor::new(fields).object(|name, cursor| {
            self.take(place, name);
            place += 1;
            (self.names.len() <= MOST).then(|| cursor.skip())?
        });
        Some(())
    }

    /// Takes the names of the object that begins at a place of a line, or of the one that is the record's.
    fn thoroughly(&mut self, line: &[u8], at: usize) {
        if let Some(fields) = fields(line, at) {
            let mut json = Deserializer::from_str(fields.get());
            // What can't be read is told where the line is read as a whole.
            let _ = json.deserialize_map(Names(self));
        }
    }

    /// Takes the name of the field that stands at this place of its object.
    fn take(&mut self, place: usize, name: &str) {
        // Nearly all records have the same fields in the same order.
        if self.names.get(place).is_none_or(|known| **known != *name)
            && !self.numbers.contains_key(name)
        {
            self.numbers.insert(name.into(), self.names.len());
            self.names.push(name.into());
        }
    }

    /// The names of the fields.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(AsRef::as_ref)
    }

    /// Where the extracted fields begin in a line, if it has some.
    fn place(&self, line: &[u8]) -> Option<usize> {
        // Where no field holds an object, theirs is the last that begins. To find that is quick.
        match memrchr(b'{', line) {
            Some(at) if line[..at].ends_with(MARK) => Some(at),
            _ => self.mark.rfind(line).map(|at| at + MARK.len()),
        }
    }
}

/// The object of the extracted fields in a line, in which they seem to begin at `at`.
fn fields(line: &[u8], at: usize) -> Option<&RawValue> {
    let mut json = Deserializer::from_slice(&line[at..]);
    let fields = <&RawValue>::deserialize(&mut json).ok()?;
    // Only what the record itself ends with belongs to it, and not to one of its objects.
    if line[at + fields.get().len()..].trim_ascii() == b"}" {
        return fields.get().starts_with('{').then_some(fields);
    }
    let record: Record<'_> = serde_json::from_slice(line).ok()?;
    record.extract.filter(|fields| fields.get().starts_with('{'))
}

/// What is wanted of a record.
#[derive(serde::Deserialize)]
struct Record<'l> {
    #[serde(borrow)]
    extract: Option<&'l RawValue>,
}

/// Takes the names of an object.
struct Names<'s>(&'s mut Survey);

impl<'l> Visitor<'l> for Names<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'l>>(self, mut map: A) -> Result<(), A::Error> {
        let survey = self.0;
        for place in 0.. {
            let key = Key(|name: &str| survey.take(place, name));
            if map.next_key_seed(key)?.is_none() || survey.names.len() > MOST {
                break;
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names(lines: &[&str]) -> Vec<String> {
        let mut survey = Survey::default();
        for line in lines {
            survey.add(line.as_bytes()).unwrap();
        }
        survey.names().map(str::to_owned).collect()
    }

    #[test]
    fn fields_are_told_once_in_the_order_in_which_they_come() {
        let lines = [
            r#"{"index":0,"extract":{"a":1,"b":{"x":1}}}"#,
            r#"{"index":1}"#,
            r#"{"index":2,"extract":{"b":1,"\u0063":[{"extract":{"y":2}}]}}"#,
            "nonsense",
        ];
        assert_eq!(names(&lines), ["a", "b", "c"]);
    }

    #[test]
    fn what_was_seen_in_parts_is_what_is_seen_in_all() {
        let lines =
            "{\"extract\":{\"b\":1,\"a\":1}}\n{}\n{\"extract\":{\"a\":1,\"c\":2,\"b\":0}}\n";
        let (first, second) = lines.split_at(lines.find("{}").unwrap());
        let mut all = Survey::default();
        for part in [first, second] {
            let mut seen = Survey::default();
            seen.add_lines(part.as_bytes()).unwrap();
            all.merge(&seen).unwrap();
        }
        assert_eq!(all.names().collect::<Vec<_>>(), ["b", "a", "c"]);
        let many = |from: usize| {
            let fields = (from..=from + MOST / 2).map(|number| format!("\"{number}\":1"));
            let mut seen = Survey::default();
            let line =
                format!("{{}}\n{{\"extract\":{{{}}}}}\n", fields.collect::<Vec<_>>().join(","));
            seen.add_lines(line.as_bytes()).unwrap();
            seen
        };
        let mut all = many(0);
        assert!(all.merge(&many(MOST)).unwrap_err().contains("--columns"));
    }

    #[test]
    fn only_the_record_itself_is_asked() {
        for line in [
            r#"{"http":{"body":{"extract":{"x":1}}}}"#,
            r#"{"item":"\"extract\":{\"x\":1}}"}"#,
            r#"{"http":{"extract":{"x":1}},"payload":"p"}"#,
            r#"{"extract":7}"#,
            r#"{"extract":{"x":"#,
        ] {
            assert_eq!(names(&[line]), [""; 0], "{line}");
        }
        let behind = r#"{"http":{"extract":{"x":1}},"extract":{"y":1},"payload":"extract"}"#;
        assert_eq!(names(&[behind]), ["y"]);
    }

    #[test]
    fn names_that_are_data_are_refused() {
        let fields: Vec<String> = (0..=MOST).map(|number| format!("\"{number}\":1")).collect();
        let line = format!("{{\"extract\":{{{}}}}}", fields.join(","));
        let error = Survey::default().add(line.as_bytes()).unwrap_err();
        assert!(error.contains("--columns"), "{error}");
    }

    proptest! {
        #[test]
        fn what_is_taken_quickly_is_what_serde_takes(
            names in proptest::collection::vec("[ab\"\\\\]{0,2}", 0..4),
            value in proptest::sample::select(vec!["1", "\"}\"", "{\"b\":[{}]}", "[", "\"\\ud800\"", " null"]),
            behind in proptest::sample::select(vec!["}", "} ", "", "}}", ",\"payload\":1}"]),
        ) {
            let fields: Vec<String> = names.iter().map(|name| format!("\"{name}\":{value}")).collect();
            let end = format!("{{{}}}{behind}", fields.join(","));
            let line = format!("{{\"index\":0,\"extract\":{end}");
            let (mut quick, mut thorough) = (Survey::default(), Survey::default());
            if quick.quickly(end.as_bytes()).is_some() {
                thorough.thoroughly(line.as_bytes(), line.len() - end.len());
                prop_assert_eq!(quick.names, thorough.names, "{}", line);
            }
        }
    }
}
