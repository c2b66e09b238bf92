//! Fields taken from a JSON answer into the record: `NAME=/json/pointer`.
//!
//! Limit: knows nothing about where the JSON came from.

use super::decode::Kept;
use gaits_core::{ErrorKind, ItemError, Value};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

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

    /// Its value in `answer`, if it is there.
    fn find<'a>(&self, answer: &'a Value) -> Option<&'a Value> {
        let mut at = answer;
        // A pointer is empty, for the whole answer, or begins with a slash.
        for token in self.pointer.split('/').skip(1) {
            at = match at {
                Value::Object(fields) => {
                    let key = token.replace("~1", "/").replace("~0", "~");
                    // Of a key that is there twice the last counts, as nearly every parser has it.
                    &fields.iter().rev().find(|(name, _)| **name == *key)?.1
                }
                Value::Array(items) if is_array_index(token) => {
                    items.get(token.parse::<usize>().ok()?)?
                }
                _ => return None,
            };
        }
        Some(at)
    }
}

/// RFC 6901: digits without a leading zero.
fn is_array_index(token: &str) -> bool {
    token.bytes().all(|b| b.is_ascii_digit()) && (token == "0" || !token.starts_with('0'))
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

/// Takes all of `extracts` from `body`. A large body is parsed on another thread, since it would hold its event loop: 32 MB
/// take 0.2 s.
///
/// # Errors
///
/// The body is no JSON, or a field is not in it.
pub(super) async fn extract(
    extracts: &[Extract],
    body: Kept,
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

fn take_all(extracts: &[Extract], body: &[u8]) -> Result<Vec<(Box<str>, Value)>, ItemError> {
    // The parser refuses what is nested more than 127 deep, so that no body overflows the stack.
    let answer: Value = serde_json::from_slice(body).map_err(|e| {
        ItemError::new(
            ErrorKind::Decode,
            format!("cannot extract from the body: it cannot be read as JSON ({e})"),
        )
    })?;
    let take = |extract: &Extract| match extract.find(&answer) {
        Some(value) => Ok((extract.name.clone(), value.clone())),
        None => Err(ItemError::new(
            ErrorKind::Decode,
            format!("cannot extract {}: the body has nothing at {}", extract.name, extract.pointer),
        )),
    };
    extracts.iter().map(take).collect()
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
        runtime.block_on(extract(&["id=/id".parse().unwrap()], Kept::from(body)))
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
    fn a_body_that_is_nested_deep_is_refused_and_overflows_nothing() {
        for (open, depth) in
            [("[", 1_000), ("[", 5_000_000), (r#"{"a":"#, 1_000), (r#"{"a":"#, 1_000_000)]
        {
            let error = extracted(open.repeat(depth).as_bytes()).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Decode);
            assert!(error.message.contains("recursion limit exceeded"), "{error}");
        }
        let deep = format!(r#"{{"id":{}1{}}}"#, "[".repeat(120), "]".repeat(120));
        assert!(extracted(deep.as_bytes()).is_ok());
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
