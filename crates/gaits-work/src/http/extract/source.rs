//! Where in an answer a field stands.

use super::ExtractError;
use super::html::Selector;
use super::path::Path;
use crate::http::pointer::{self, PointerError};
use http::HeaderName;
use regex_lite::{Regex, RegexBuilder};
use std::str::FromStr;

/// How large a regular expression may become in memory. The time for a body is at most the product of the two.
const MOST_REGEX: usize = 256 * 1024;

/// Where a field stands.
#[derive(Debug)]
pub(super) enum Source {
    /// In JSON, at a pointer (RFC 6901).
    Pointer(Box<str>),
    /// In JSON, wherever a path leads (RFC 9535).
    Path(Path),
    /// In the head.
    Header(HeaderName),
    /// In the text of the body: what the first group matches, or all if there is no group.
    Regex(Regex),
    /// In the elements that a selector matches: in this attribute, or their text.
    Css(Box<str>, Selector, Option<Box<str>>),
}

impl FromStr for Source {
    type Err = ExtractError;

    fn from_str(text: &str) -> Result<Self, ExtractError> {
        if let Some(name) = text.strip_prefix("header:") {
            let wrong = |_| ExtractError::Header(name.to_owned());
            return HeaderName::from_bytes(name.as_bytes()).map(Self::Header).map_err(wrong);
        }
        if let Some(pattern) = text.strip_prefix("regex:") {
            return regex(pattern).map(Self::Regex);
        }
        if let Some(selector) = text.strip_prefix("css:") {
            return css(selector);
        }
        if text.starts_with('$') {
            return text.parse().map(Self::Path);
        }
        pointer::check(text).map_err(|error| match error {
            // Perhaps another place was meant.
            PointerError::NoSlash(_) => ExtractError::Place(error),
            other => ExtractError::Pointer(other),
        })?;
        Ok(Self::Pointer(text.into()))
    }
}

fn regex(pattern: &str) -> Result<Regex, ExtractError> {
    let built = RegexBuilder::new(pattern).size_limit(MOST_REGEX).build();
    built.map_err(|error| ExtractError::Regex {
        pattern: pattern.to_owned(),
        why: error.to_string(),
    })
}

fn css(text: &str) -> Result<Source, ExtractError> {
    let is_name = |name: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_:.".contains(c);
        !name.is_empty() && name.chars().all(plain)
    };
    let (selector, attribute) = match text.rsplit_once('@') {
        Some((selector, name)) if is_name(name) => (selector, Some(name.into())),
        _ => (text, None),
    };
    let parsed = Selector::parse(selector)
        .map_err(|error| ExtractError::Css { selector: selector.to_owned(), why: error })?;
    Ok(Source::Css(selector.into(), parsed, attribute))
}

impl Source {
    /// What stands there, as messages say it when it is missing.
    pub(super) fn nothing(&self) -> String {
        match self {
            Self::Pointer(pointer) => format!("the body has nothing at {pointer}"),
            Self::Path(path) => format!("the body has nothing at {}", path.text()),
            Self::Header(name) => format!("the answer has no header {name}"),
            Self::Regex(regex) => format!("nothing in the body matches {}", regex.as_str()),
            Self::Css(selector, _, None) => format!("no element of the body matches {selector}"),
            Self::Css(selector, _, Some(name)) => {
                format!("no element of the body matches {selector} and has an attribute {name}")
            }
        }
    }

    /// Where it stands, as messages say it.
    pub(super) fn place(&self) -> String {
        match self {
            Self::Pointer(pointer) => pointer.to_string(),
            Self::Path(path) => path.text().to_owned(),
            Self::Header(name) => format!("the header {name}"),
            Self::Regex(regex) => regex.as_str().to_owned(),
            Self::Css(selector, ..) => selector.to_string(),
        }
    }
}
