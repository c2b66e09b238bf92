//! Fields taken from a JSON answer into the record: `NAME=/json/pointer`.
//!
//! Limit: knows nothing about where the JSON came from.

mod pick;

use super::decode::Kept;
use gaits_core::{ErrorKind, ItemError, Value};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// One field to take from a JSON answer: the name it gets in the record and the place it has in the answer, as a
/// JSON pointer (RFC 6901).
///
/// ```
/// # use gaits_work::http::Extract;
/// let extract: Extract = "id=/user/id".parse()?;
/// assert_eq!(extract.name(), "id");
/// assert_eq!(extract.to_string(), "id=/user/id");
/// # Ok::<(), gaits_work::http::ExtractError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Extract {
    name: Box<str>,
    pointer: Box<str>,
}

/// Why a text is not a field to extract.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExtractError {
    /// There is no `=` in it.
    #[error("{0:?} has no `=`: write NAME=/json/pointer, such as id=/user/id")]
    NoPointer(String),
    /// There is nothing before the `=`.
    #[error("{0:?} has no name before the `=`: write NAME=/json/pointer, such as id=/user/id")]
    NoName(String),
    /// The pointer does not begin with a slash.
    #[error("the pointer {0:?} does not begin with `/`: did you mean \"/{0}\"?")]
    NoSlash(String),
    /// A `~` stands for neither `~` nor `/`.
    #[error(
        "in the pointer {0:?} a `~` is followed by neither 0 nor 1: write ~0 for `~` and ~1 for `/`"
    )]
    Escape(String),
}

impl Extract {
    /// The name that the field gets in the record.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl FromStr for Extract {
    type Err = ExtractError;

    fn from_str(text: &str) -> Result<Self, ExtractError> {
        let (name, pointer) =
            text.split_once('=').ok_or_else(|| ExtractError::NoPointer(text.to_owned()))?;
        if name.is_empty() {
            return Err(ExtractError::NoName(text.to_owned()));
        }
        if !pointer.is_empty() && !pointer.starts_with('/') {
            return Err(ExtractError::NoSlash(pointer.to_owned()));
        }
        let mut rest = pointer;
        while let Some(at) = rest.find('~') {
            rest = &rest[at + 1..];
            if !rest.starts_with(['0', '1']) {
                return Err(ExtractError::Escape(pointer.to_owned()));
            }
        }
        Ok(Self { name: name.into(), pointer: pointer.into() })
    }
}

impl fmt::Display for Extract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.pointer)
    }
}

impl TryFrom<String> for Extract {
    type Error = ExtractError;

    fn try_from(text: String) -> Result<Self, ExtractError> {
        text.parse()
    }
}

impl From<Extract> for String {
    fn from(extract: Extract) -> Self {
        extract.to_string()
    }
}

/// How many bytes of JSON are taken from one body, all fields together. A value takes up to fifty times its text in memory.
const MOST_TAKEN: usize = 1024 * 1024;

/// Takes all of `extracts` from `body`. A large body is parsed on another thread, since it would hold its event loop: 32 MB
/// take 0.2 s.
///
/// # Errors
///
/// The body is no JSON, or a field is not in it.
pub(super) async fn extract(
    extracts: &[Extract],
    body: Arc<Kept>,
) -> Result<Vec<(Box<str>, Value)>, ItemError> {
    if body.is_small() {
        return take_all(extracts, &body.join());
    }
    let extracts = extracts.to_vec();
    let parsed = tokio::task::spawn_blocking(move || take_all(&extracts, &body.join()));
    match parsed.await.map_err(tokio::task::JoinError::try_into_panic) {
        Ok(taken) => taken,
        Err(Ok(panic)) => std::panic::resume_unwind(panic),
        // The event loop is being shut down.
        Err(Err(e)) => Err(ItemError::new(ErrorKind::Cancelled, e.to_string())),
    }
}

/// The whole of `body`, as the value that its JSON is.
///
/// # Errors
///
/// As for [`extract`].
pub(super) async fn whole(body: Arc<Kept>) -> Result<Value, ItemError> {
    let all = Extract { name: "body".into(), pointer: "".into() };
    let mut taken = extract(&[all], body).await?;
    Ok(taken.pop().map_or(Value::Null, |(_, value)| value))
}

fn take_all(extracts: &[Extract], body: &[u8]) -> Result<Vec<(Box<str>, Value)>, ItemError> {
    let not_json = |e: serde_json::Error| {
        ItemError::new(
            ErrorKind::Decode,
            format!("cannot extract from the body: it cannot be read as JSON ({e})"),
        )
    };
    let pointers: Vec<&str> = extracts.iter().map(|extract| &*extract.pointer).collect();
    let found = pick::pick(body, &pointers).map_err(not_json)?;
    let mut room = MOST_TAKEN;
    let take = |(extract, found): (&Extract, Option<&RawValue>)| {
        let Extract { name, pointer } = extract;
        let cannot = |kind, why: &str| {
            ItemError::new(kind, format!("cannot extract {name}: the body has {why}"))
        };
        let text =
            found.ok_or_else(|| cannot(ErrorKind::Decode, &format!("nothing at {pointer}")))?.get();
        room = room.checked_sub(text.len()).ok_or_else(|| {
            let why = format!("more at {pointer} than the {MOST_TAKEN} bytes that are taken");
            cannot(ErrorKind::TooLarge, &why)
        })?;
        // The parser refuses what is nested more than 127 deep, so that no value overflows the stack.
        Ok((name.clone(), serde_json::from_str(text).map_err(not_json)?))
    };
    extracts.iter().zip(found).map(take).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(pointer: &str, json: &str) -> Option<Value> {
        let extract: Extract = format!("x={pointer}").parse().unwrap();
        take_all(&[extract], json.as_bytes()).ok().map(|mut fields| fields.remove(0).1)
    }

    #[test]
    fn pointers_lead_through_objects_and_arrays() {
        let json = r#"{"a":[1,{"b/c":"deep","~":true}],"":null,"n":18446744073709551615}"#;
        assert_eq!(taken("/a/0", json), Some(Value::Integer(1)));
        assert_eq!(taken("/a/1/b~1c", json), Some(Value::String("deep".into())));
        assert_eq!(taken("/a/1/~0", json), Some(Value::Bool(true)));
        assert_eq!(taken("/", json), Some(Value::Null));
        assert_eq!(taken("/n", json), Some(Value::Unsigned(u64::MAX)));
        assert_eq!(taken("", "[1]"), Some(Value::Array(vec![Value::Integer(1)])));
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        let json = r#"{"a":[1,2]}"#;
        for pointer in ["/b", "/a/2", "/a/01", "/a/-", "/a/+1", "/a/0/x", "/a/"] {
            assert_eq!(taken(pointer, json), None, "{pointer}");
        }
        let extract: Extract = "id=/b".parse().unwrap();
        let error = take_all(&[extract], json.as_bytes()).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Decode);
        assert_eq!(error.message, "cannot extract id: the body has nothing at /b");
    }

    #[test]
    fn a_body_that_is_not_json_fails() {
        let extract: Extract = "id=/b".parse().unwrap();
        let error = take_all(&[extract], b"<html>").unwrap_err();
        assert!(
            error.message.starts_with("cannot extract from the body: it cannot be read as JSON"),
            "{error}"
        );
    }

    fn extracted(body: &[u8]) -> Result<Vec<(Box<str>, Value)>, ItemError> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(extract(&["id=/id".parse().unwrap()], Arc::new(Kept::from(body))))
    }

    #[test]
    fn a_large_body_gives_the_same_as_a_small_one() {
        for length in [0, 100, 1_000_000] {
            let body = format!(r#"{{"filler":"{}","id":7}}"#, "x".repeat(length));
            assert_eq!(Kept::from(body.as_bytes()).is_small(), length < 1000);
            let taken = extracted(body.as_bytes()).unwrap();
            assert_eq!(taken, [("id".into(), Value::Integer(7))]);
            let error = extracted(&body.as_bytes()[..body.len() - 1]).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Decode);
        }
    }

    #[test]
    fn what_is_nested_deep_overflows_nothing() {
        for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
            let deep = |depth: usize| format!("{}1{}", open.repeat(depth), close.repeat(depth));
            let error = extracted(open.repeat(1_000_000).as_bytes()).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Decode);
            let beside = format!(r#"{{"x":{},"id":7}}"#, deep(1_000_000));
            assert_eq!(extracted(beside.as_bytes()).unwrap(), [("id".into(), Value::Integer(7))]);
            for (depth, fine) in [(120, true), (1_000, false), (100_000, false)] {
                let there = extracted(format!(r#"{{"id":{}}}"#, deep(depth)).as_bytes());
                assert_eq!(there.is_ok(), fine, "{depth}");
                assert!(fine || there.unwrap_err().message.contains("recursion limit exceeded"));
            }
        }
    }

    #[test]
    fn no_more_is_taken_than_a_record_has_room_for() {
        for (length, fine) in [(MOST_TAKEN - 2, true), (MOST_TAKEN - 1, false)] {
            let body = format!(r#"{{"id":"{}"}}"#, "x".repeat(length));
            let there = extracted(body.as_bytes());
            assert_eq!(there.is_ok(), fine, "{length}");
            let message =
                "cannot extract id: the body has more at /id than the 1048576 bytes that are taken";
            let error = ItemError::new(ErrorKind::TooLarge, message);
            assert!(fine || there.unwrap_err() == error);
        }
        let all: Vec<Extract> = ["a=/x", "b=/x"].map(|text| text.parse().unwrap()).into();
        let half = format!(r#"{{"x":"{}"}}"#, "x".repeat(MOST_TAKEN / 2));
        let error = take_all(&all, half.as_bytes()).unwrap_err();
        assert!(error.message.starts_with("cannot extract b: the body has more at /x"), "{error}");
    }

    #[test]
    fn a_malformed_extract_is_refused_in_settings_too() {
        let error = serde_json::from_str::<Extract>(r#""id=a""#).unwrap_err();
        assert!(error.to_string().contains("does not begin with `/`"), "{error}");
    }

    #[test]
    fn a_malformed_extract_tells_the_fix() {
        for (text, wanted) in [
            ("id", "\"id\" has no `=`: write NAME=/json/pointer, such as id=/user/id"),
            (
                "=/a",
                "\"=/a\" has no name before the `=`: write NAME=/json/pointer, such as id=/user/id",
            ),
            ("id=a", "the pointer \"a\" does not begin with `/`: did you mean \"/a\"?"),
            (
                "id=/a~2",
                "in the pointer \"/a~2\" a `~` is followed by neither 0 nor 1: write ~0 for `~` and ~1 for `/`",
            ),
        ] {
            assert_eq!(text.parse::<Extract>().unwrap_err().to_string(), wanted);
        }
    }
}
