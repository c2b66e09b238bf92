//! The rows of a record whose answer has a list: one for each element.
//!
//! Such a record has `"extract":{"each":[…]}`, and no other extracted field. Its rows are records as well, each with an element in
//! the place of the extracted fields. Limit: a line is rewritten, not understood; what is no record is passed on as it is.

use memchr::memmem::{self, Finder};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::sync::LazyLock;

/// How the extracted fields of such a record begin. A string can't hold it: its quotes would be escaped there.
const MARK: &[u8] = b"\"extract\":{\"each\":";

/// Finds the mark.
static FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(MARK));

/// What is in front of the fields themselves.
const NAME: usize = b"\"extract\":".len();

/// The extracted fields of such a record; null where the answer has no such list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Each<'l> {
    #[serde(borrow)]
    each: Option<Vec<&'l RawValue>>,
}

/// What is wanted of a record.
#[derive(Deserialize)]
struct Record<'l> {
    #[serde(borrow)]
    extract: Option<&'l RawValue>,
}

/// Hands the rows of the record in `line` to `row`: most have one, which is the line itself.
///
/// # Errors
/// What `row` says.
pub(super) fn rows<E>(line: &[u8], mut row: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
    // Few lines have it, and all are searched: so forwards, which is many times faster.
    let Some((at, elements)) = FINDER.find(line).and_then(|_| elements(line)) else {
        return row(line);
    };
    let Some(elements) = elements else { return row(line) };
    let (before, after) = (&line[..at.start], &line[at.end..]);
    let mut text = Vec::new();
    for element in elements {
        text.clear();
        text.extend_from_slice(before);
        let element = element.get();
        if element.starts_with('{') {
            text.extend_from_slice(element.as_bytes());
        } else {
            text.extend_from_slice(b"{\"value\":");
            text.extend_from_slice(element.as_bytes());
            text.push(b'}');
        }
        text.extend_from_slice(after);
        row(&text)?;
    }
    Ok(())
}

/// Where the extracted fields stand in a line, and the elements in them.
fn elements(line: &[u8]) -> Option<(std::ops::Range<usize>, Option<Vec<&RawValue>>)> {
    let fields = fields(line)?;
    let start = fields.get().as_ptr().addr() - line.as_ptr().addr();
    let Each { each } = serde_json::from_str(fields.get()).ok()?;
    Some((start..start + fields.get().len(), each))
}

/// The extracted fields of the record in a line.
fn fields(line: &[u8]) -> Option<&RawValue> {
    let at = memmem::rfind(line, MARK)? + NAME;
    let mut json = serde_json::Deserializer::from_slice(&line[at..]);
    let fields = <&RawValue>::deserialize(&mut json).ok()?;
    // Only what the record itself ends with is sure to be its own, and not that of one of its objects.
    if line[at + fields.get().len()..].trim_ascii() == b"}" {
        return Some(fields);
    }
    let record: Record<'_> = serde_json::from_slice(line).ok()?;
    record.extract
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Vec<String> {
        let mut all = Vec::new();
        let taken = rows(line.as_bytes(), |row| {
            all.push(String::from_utf8(row.to_vec()).unwrap());
            Ok::<_, ()>(())
        });
        assert_eq!(taken, Ok(()));
        all
    }

    #[test]
    fn each_element_is_a_row_of_its_own() {
        assert_eq!(
            of(r#"{"index":7,"extract":{"each":[{"id":1},{"id":2,"t":"]}"}]}}"#),
            [r#"{"index":7,"extract":{"id":1}}"#, r#"{"index":7,"extract":{"id":2,"t":"]}"}}"#]
        );
        assert_eq!(
            of(r#"{"index":7,"extract":{"each":["a",[1]]},"input":{"extract":{"each":[3]}}}"#),
            [
                r#"{"index":7,"extract":{"value":"a"},"input":{"extract":{"each":[3]}}}"#,
                r#"{"index":7,"extract":{"value":[1]},"input":{"extract":{"each":[3]}}}"#,
            ]
        );
        assert_eq!(of(r#"{"index":7,"extract":{"each":[]}}"#), [""; 0]);
    }

    #[test]
    fn all_other_records_have_one_row() {
        for line in [
            r#"{"index":7}"#,
            r#"{"index":7,"extract":{"each":null}}"#,
            r#"{"index":7,"extract":{"each":7}}"#,
            r#"{"index":7,"extract":{"each":[1],"other":2}}"#,
            r#"{"index":7,"http":{"body":{"extract":{"each":[1]}}},"extract":{"id":1}}"#,
            r#"{"index":7,"http":{"body":{"extract":{"each":[1]}}}}"#,
            r#"{"index":7,"extract":{"each":[1"#,
            "",
        ] {
            assert_eq!(of(line), [line]);
        }
    }
}
