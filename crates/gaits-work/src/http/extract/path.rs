//! `JSONPath` (RFC 9535), as far as it takes a time in proportion to the document.
//!
//! A document is a tree in memory for it, so it must be smaller than for pointers. What a short path makes of a tree can be
//! far larger than the tree: `$..*..*` gives each value once for everything that it stands in, and a filter that begins again
//! at the root goes through all of it for every value. Such paths are refused before anything is sent.

use super::ExtractError;
use serde_json_path::JsonPath;
use std::str::FromStr;

/// A path that can be followed.
#[derive(Debug)]
pub(super) struct Path {
    path: JsonPath,
    text: Box<str>,
}

impl Path {
    /// As it was written.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// What it leads to.
    pub(super) fn query<'v>(&self, value: &'v serde_json::Value) -> Vec<&'v serde_json::Value> {
        self.path.query(value).all()
    }
}

impl FromStr for Path {
    type Err = ExtractError;

    fn from_str(text: &str) -> Result<Self, ExtractError> {
        let wrong = |why: String| ExtractError::Path { path: text.to_owned(), why };
        let path = JsonPath::parse(text).map_err(|error| wrong(error.to_string()))?;
        match costly(text) {
            Some(why) => Err(wrong(why.to_owned())),
            None => Ok(Self { path, text: text.into() }),
        }
    }
}

/// Why a path may take longer than in proportion to the document, if it may.
fn costly(path: &str) -> Option<&'static str> {
    let mut quote = None;
    // For each open bracket, whether there is a filter in it.
    let mut open: Vec<bool> = Vec::new();
    let mut descents = 0;
    let mut chars = path.chars().skip(1).peekable();
    while let Some(c) = chars.next() {
        if let Some(end) = quote {
            if c == '\\' {
                chars.next();
            } else if c == end {
                quote = None;
            }
            continue;
        }
        match c {
            '\'' | '"' => quote = Some(c),
            '[' => open.push(false),
            ']' => drop(open.pop()),
            '?' => {
                if let Some(last) = open.last_mut() {
                    *last = true;
                }
            }
            '$' => {
                return Some("a filter may look at `@` and what is below, and not at `$`");
            }
            '.' if chars.peek() == Some(&'.') => {
                if open.contains(&true) {
                    return Some("`..` may not stand in a filter");
                }
                descents += 1;
            }
            _ => {}
        }
    }
    (descents > 1).then_some("`..` may stand in it once")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_are_followed_whose_time_is_bounded() {
        for fine in [
            "$",
            "$.store.book[*].title",
            "$..*",
            "$..book[?@.price < 10 && @.isbn].title",
            "$['a..b..c']['$']",
            r#"$["..\"..", 'x']..y"#,
            "$[?@.a == '$..']",
            "$[?length(@.a) > 3]",
        ] {
            assert!(fine.parse::<Path>().is_ok(), "{fine}: {:?}", fine.parse::<Path>());
        }
        for costly in ["$..*..*", "$.a..b..c", "$[?@..a]", "$[?$.a == @.a]", "$[?@[?$[*]]]"] {
            assert!(costly.parse::<Path>().is_err(), "{costly}");
        }
        // It would make an expression for every value.
        assert!("$[?match(@.a, 'x')]".parse::<Path>().is_err());
    }
}
