//! Fields taken from an answer into the record: `NAME=/json/pointer`, `NAME:int=$.json.path`, `NAME=header:etag`,
//! `NAME=regex:(\d+)`, `NAME=css:h1`.
//!
//! Limit: knows nothing about where the answer came from.

mod answer;
mod charset;
#[cfg_attr(not(feature = "css"), path = "extract/no_html.rs")]
mod html;
mod kind;
mod listing;
mod path;
mod pick;
mod room;
mod source;
mod take;

pub(super) use answer::Answer;
pub(super) use listing::Named;
pub(super) use take::{EACH, Extracts, Wanted, whole};

use super::pointer::PointerError;
use kind::Kind;
use serde::{Deserialize, Serialize};
use source::Source;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// One field to take from an answer: the name it gets in the record, the type that its value is to have, if any, and where it
/// stands.
///
/// ```
/// # use gaits_work::http::Extract;
/// let extract: Extract = "id:int=/user/id".parse()?;
/// assert_eq!(extract.name(), "id");
/// assert_eq!(extract.to_string(), "id:int=/user/id");
/// # Ok::<(), gaits_work::http::ExtractError>(())
/// ```
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Extract {
    name: Box<str>,
    kind: Kind,
    source: Arc<Source>,
    /// All of it, as it was written.
    text: Box<str>,
}

/// Two are the same that were written in the same way.
impl PartialEq for Extract {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Extract {}

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
    /// What stands behind the colon is no type.
    #[error("{0:?} is no type: write NAME:int, NAME:float, NAME:bool, NAME:str or NAME:json")]
    Kind(String),
    /// The pointer does not begin with a slash.
    #[error("{0}; other places are $.json.path, header:NAME, regex:PATTERN and css:SELECTOR")]
    Place(PointerError),
    /// The pointer is none.
    #[error(transparent)]
    Pointer(PointerError),
    /// The `JSONPath` can't be followed.
    #[error("the JSONPath {path:?} can't be followed: {why}")]
    Path {
        /// The path.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// No header field has such a name.
    #[error("{0:?} is no name of a header field: it has letters, digits and -")]
    Header(String),
    /// The regular expression is none.
    #[error("the regular expression {pattern:?} can't be used: {why}")]
    Regex {
        /// The expression.
        pattern: String,
        /// What is wrong with it.
        why: String,
    },
    /// The CSS selector is none.
    #[error("{selector:?} is no CSS selector: {why}")]
    Css {
        /// The selector.
        selector: String,
        /// What is wrong with it.
        why: String,
    },
}

impl Extract {
    /// The name that the field gets in the record.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is taken from the body; else from the head.
    #[must_use]
    pub fn needs_body(&self) -> bool {
        !matches!(*self.source, Source::Header(_))
    }
}

impl FromStr for Extract {
    type Err = ExtractError;

    fn from_str(text: &str) -> Result<Self, ExtractError> {
        let (name, source) =
            text.split_once('=').ok_or_else(|| ExtractError::NoPointer(text.to_owned()))?;
        let (name, kind) = match name.rsplit_once(':') {
            Some((name, kind)) => (name, kind.parse()?),
            None => (name, Kind::Any),
        };
        if name.is_empty() {
            return Err(ExtractError::NoName(text.to_owned()));
        }
        let source = Arc::new(source.parse()?);
        Ok(Self { name: name.into(), kind, source, text: text.into() })
    }
}

impl fmt::Display for Extract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
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

#[cfg(test)]
mod tests {
    use super::*;

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
            (":int=/a", "\":int=/a\" has no name before the `=`"),
            ("id:integer=/a", "\"integer\" is no type: write NAME:int, NAME:float, "),
            ("id=a", "the pointer \"a\" does not begin with `/`: did you mean \"/a\"?"),
            (
                "id=/a~2",
                "in the pointer \"/a~2\" a `~` is followed by neither 0 nor 1: write ~0 for `~` and ~1 for `/`",
            ),
            ("id=$.a[", "the JSONPath \"$.a[\" can't be followed: "),
            ("id=$..a..b", "`..` may stand in it once"),
            ("id=header:a b", "\"a b\" is no name of a header field"),
            ("id=regex:(a", "the regular expression \"(a\" can't be used: "),
            (r"id=regex:(\w{100}){100}", "can't be used: "),
            ("id=css:a[", "\"a[\" is no CSS selector: "),
            ("id=css:@href", "\"\" is no CSS selector: "),
        ] {
            let error = text.parse::<Extract>().unwrap_err().to_string();
            assert!(error.contains(wanted), "{text}: {error}");
        }
    }

    #[cfg(feature = "css")]
    #[test]
    fn what_is_no_selector_is_told_with_the_place_where_it_is_none() {
        for (selector, wanted) in [
            ("h1::text", "it can't be read from \"::text\" on; pseudo-elements are not known here"),
            (":::x", "it can't be read from \":::x\" on; pseudo-elements"),
            ("a, b:frob > i", "it can't be read from \":frob > i\" on; this pseudo-class is not"),
            ("a[", "it can't be read from \"[\" on"),
            ("a > ", "it can't be read from \">\" on"),
            ("a{}", "it can't be read from \"{}\" on"),
            ("", "it is empty"),
        ] {
            let error = format!("x=css:{selector}").parse::<Extract>().unwrap_err().to_string();
            let wanted = format!("{selector:?} is no CSS selector: {wanted}");
            assert!(error.starts_with(&wanted), "{error}");
        }
        let long = format!("x=css:{}!", "a ".repeat(50_000));
        let error = long.parse::<Extract>().unwrap_err().to_string();
        assert!(error.contains("\u{2026}\" on"), "{}", &error[error.len() - 100..]);
    }

    #[test]
    fn a_place_may_hold_any_character() {
        for text in ["b:str=regex:a=(.)", "c=$['a=b:c']", "d="] {
            assert_eq!(text.parse::<Extract>().unwrap().to_string(), text);
        }
    }
}
