//! How an answer tells which page of a listing comes next: `link`, a JSON Pointer, or a parameter of the query.
//!
//! Limit: knows only how it is said; what an answer says is found elsewhere.

use super::pointer::{self, PointerError};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How the next page of a listing is found.
///
/// ```
/// # use gaits_work::http::NextPage;
/// for text in ["link", "/links/next", "page={n}", "offset={n+100}", "cursor={/meta/next}"] {
///     let next: NextPage = text.parse()?;
///     assert_eq!(next.to_string(), text);
/// }
/// # Ok::<(), gaits_work::http::NextPageError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum NextPage {
    /// By the URL in the header field `link` that is called `next` (RFC 8288).
    Link,
    /// By the URL at this pointer of the JSON.
    Url(Box<str>),
    /// With what is at a pointer of the JSON in this parameter of the query.
    Cursor {
        /// The parameter.
        name: Box<str>,
        /// The pointer.
        pointer: Box<str>,
    },
    /// With a number in this parameter of the query that grows until an answer is empty.
    Counter {
        /// The parameter.
        name: Box<str>,
        /// By how much it grows, where that is given: the first page then has 0 where its URL says nothing, else 1.
        step: Option<u64>,
    },
}

/// Why a text does not say how the next page is found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NextPageError {
    /// It is of no known form.
    #[error(
        "{0:?} does not say how the next page is found: write link, /json/pointer, 'page={{n}}', 'offset={{n+100}}' or \
         'cursor={{/json/pointer}}'"
    )]
    Form(String),
    /// Its pointer is none.
    #[error(transparent)]
    Pointer(#[from] PointerError),
}

impl NextPage {
    /// The parameter of the query that says which page is asked for, where there is one.
    pub(super) fn parameter(&self) -> Option<&str> {
        match self {
            NextPage::Link | NextPage::Url(_) => None,
            NextPage::Cursor { name, .. } | NextPage::Counter { name, .. } => Some(name),
        }
    }

    /// Whether it is found in the body.
    pub(super) const fn needs_body(&self) -> bool {
        !matches!(self, NextPage::Link)
    }

    /// The pointer to what it is found by, where it is found in JSON.
    pub(super) fn pointer(&self) -> Option<&str> {
        match self {
            NextPage::Url(pointer) | NextPage::Cursor { pointer, .. } => Some(pointer),
            NextPage::Link | NextPage::Counter { .. } => None,
        }
    }
}

impl FromStr for NextPage {
    type Err = NextPageError;

    fn from_str(text: &str) -> Result<Self, NextPageError> {
        let form = || NextPageError::Form(text.to_owned());
        let checked = |text: &str| -> Result<Box<str>, PointerError> {
            pointer::check(text).map(|()| text.into())
        };
        if text == "link" {
            return Ok(Self::Link);
        }
        if text.starts_with('/') {
            return Ok(Self::Url(checked(text)?));
        }
        let (name, value) = text.split_once('=').ok_or_else(form)?;
        let value = value.strip_prefix('{').and_then(|value| value.strip_suffix('}'));
        let value = value.filter(|_| !name.is_empty()).ok_or_else(form)?;
        let name = name.into();
        if value.starts_with('/') {
            return Ok(Self::Cursor { name, pointer: checked(value)? });
        }
        let step = match value.strip_prefix(['n', 'N']).ok_or_else(form)? {
            "" => None,
            step => {
                let step = step.strip_prefix('+').and_then(|step| step.parse().ok());
                Some(step.filter(|step| *step > 0).ok_or_else(form)?)
            }
        };
        Ok(Self::Counter { name, step })
    }
}

impl fmt::Display for NextPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NextPage::Link => f.write_str("link"),
            NextPage::Url(pointer) => f.write_str(pointer),
            NextPage::Cursor { name, pointer } => write!(f, "{name}={{{pointer}}}"),
            NextPage::Counter { name, step: None } => write!(f, "{name}={{n}}"),
            NextPage::Counter { name, step: Some(step) } => write!(f, "{name}={{n+{step}}}"),
        }
    }
}

impl TryFrom<String> for NextPage {
    type Error = NextPageError;

    fn try_from(text: String) -> Result<Self, NextPageError> {
        text.parse()
    }
}

impl From<NextPage> for String {
    fn from(next: NextPage) -> Self {
        next.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_may_be_written_large() {
        assert_eq!("page={N}".parse(), "page={n}".parse::<NextPage>());
        assert_eq!("p={N+5}".parse(), "p={n+5}".parse::<NextPage>());
    }

    #[test]
    fn what_says_nothing_is_refused_with_the_forms() {
        for text in ["", "next", "page", "page=2", "={n}", "page={m}", "page={n+0}", "page={n+x}"] {
            let error = text.parse::<NextPage>().unwrap_err().to_string();
            assert!(error.contains("write link, /json/pointer, 'page={n}'"), "{text}: {error}");
        }
        let error = "/a~2".parse::<NextPage>().unwrap_err().to_string();
        assert!(error.contains("write ~0 for `~`"), "{error}");
    }
}
