//! Keys of an API, in a header field or in the query of each URL.
//!
//! A key in the query is added when a request is sent, so that records and messages never hold it. Limit: what a server puts into
//! a path or the body of its answer is not looked at.

use super::Secret;
use crate::http::query::add_query;
use crate::http::target::Target;
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// How often what a server writes into a query is decoded in search of a key. A URL in a parameter of a URL takes two.
const MOST_DECODED: usize = 4;

/// A key of an API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ApiKey {
    /// It goes into a header field.
    Header {
        /// The name of the field.
        name: String,
        /// The key.
        value: Secret,
    },
    /// It goes into the query of each URL, encoded.
    Query {
        /// The name of the parameter.
        name: String,
        /// The key.
        value: Secret,
    },
}

impl ApiKey {
    /// Where it stands, for everybody to see.
    pub(super) fn shown(&self) -> String {
        match self {
            ApiKey::Header { name, .. } => format!("api-key {name}"),
            ApiKey::Query { name, .. } => format!("api-key {name}="),
        }
    }
}

/// The keys that go into queries.
#[derive(Debug)]
pub(super) struct QueryKeys(Vec<(String, Secret)>);

impl QueryKeys {
    pub(super) fn of(keys: &[ApiKey]) -> Self {
        let queries = keys.iter().filter_map(|key| match key {
            ApiKey::Query { name, value } => Some((name.clone(), value.clone())),
            ApiKey::Header { .. } => None,
        });
        Self(queries.collect())
    }

    /// `target` with the keys in its query; none if there are no keys. A parameter that is there already stays as it is.
    pub(super) fn keyed(&self, target: &Target) -> Option<Target> {
        if self.0.is_empty() {
            return None;
        }
        let query = target.path.split_once('?').map_or("", |(_, query)| query);
        let has = |wanted: &str| pairs(query).any(|(name, _)| name == *wanted);
        let missing = self.0.iter().filter(|(name, _)| !has(name));
        let missing = missing.map(|(name, value)| (name.clone(), value.reveal().to_owned()));
        let missing: Vec<_> = missing.collect();
        let path = add_query(&target.path, &missing).into_owned().into();
        Some(Target { path, ..target.clone() })
    }

    /// Takes the keys out of where a redirect leads: a server may repeat the query that it was sent. A parameter whose value is a
    /// URL with a key goes away as a whole: `next=%2Fapi%3Fkey%3D...`.
    pub(super) fn strip(&self, target: &mut Target) {
        if self.0.is_empty() {
            return;
        }
        let Some((path, query)) = target.path.split_once('?') else { return };
        let keep = |pair: &&str| !self.stand_in(pair);
        let kept: Vec<&str> = query.split('&').filter(keep).collect();
        if kept.len() == query.split('&').count() {
            return;
        }
        let query = kept.join("&");
        target.path = if query.is_empty() { path.into() } else { format!("{path}?{query}").into() };
    }

    /// Whether a key stands in the parameter `pair`, encoded once or several times.
    fn stand_in(&self, pair: &str) -> bool {
        let holds = |text: &str| {
            self.0
                .iter()
                .any(|(name, secret)| has_pair(text, &spaced(name), &spaced(secret.reveal())))
        };
        let mut text = spaced(pair);
        for _ in 0..MOST_DECODED {
            if holds(&text) {
                return true;
            }
            text = spaced(&percent_decode_str(&text).decode_utf8_lossy());
        }
        holds(&text)
    }
}

/// `text` with blanks for signs of plus, since a query may have either.
fn spaced(text: &str) -> String {
    text.replace('+', " ")
}

/// Whether `name=value` stands in `text`, and not as a part of longer words.
fn has_pair(text: &str, name: &str, value: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let pair = format!("{name}={value}");
    text.match_indices(&pair).any(|(at, _)| {
        !text[..at].ends_with(is_word) && !text[at + pair.len()..].starts_with(is_word)
    })
}

fn pairs(query: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    form_urlencoded::parse(query.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> QueryKeys {
        let key =
            |name: &str, value: &str| ApiKey::Query { name: name.to_owned(), value: value.into() };
        QueryKeys::of(&[key("key", "s3 cret&"), key("id", "7")])
    }

    fn target(path: &str) -> Target {
        Target::parse(&format!("http://a.test{path}"), None).unwrap()
    }

    #[test]
    fn keys_are_added_encoded_unless_they_are_there() {
        for (path, wanted) in [
            ("/", "/?key=s3+cret%26&id=7"),
            ("/x?", "/x?key=s3+cret%26&id=7"),
            ("/x?a=b", "/x?a=b&key=s3+cret%26&id=7"),
            ("/x?k%65y=own", "/x?k%65y=own&id=7"),
            ("/x?key=own&id=", "/x?key=own&id="),
        ] {
            assert_eq!(&*keys().keyed(&target(path)).unwrap().path, wanted, "{path}");
        }
        assert!(QueryKeys::of(&[]).keyed(&target("/")).is_none());
    }

    #[test]
    fn what_a_server_repeats_of_them_goes_away() {
        for (path, wanted) in [
            ("/x", "/x"),
            ("/x?a=b", "/x?a=b"),
            ("/x?key=s3+cret%26&id=7", "/x"),
            ("/x?a=b&key=s3%20cret%26&c", "/x?a=b&c"),
            ("/x?key=other&id=70", "/x?key=other&id=70"),
        ] {
            let mut target = target(path);
            keys().strip(&mut target);
            assert_eq!(&*target.path, wanted, "{path}");
        }
    }

    #[test]
    fn a_key_whose_name_has_signs_of_plus_goes_away() {
        let keys = QueryKeys(vec![("a+b".into(), "s3cret".into())]);
        for query in ["a%2Bb=s3cret", "next=%2F%3Fa%252Bb%3Ds3cret"] {
            let mut target = target(&format!("/x?c&{query}"));
            keys.strip(&mut target);
            assert_eq!(&*target.path, "/x?c", "{query}");
        }
    }

    #[test]
    fn a_parameter_that_holds_a_url_with_a_key_goes_away() {
        let next = "/api?a=b&key=s3 cret&";
        let key = "/api?a=b&key=s3+cret%26";
        let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect();
        let once: String = encode(key);
        let twice: String = encode(&once);
        for value in [encode(next), once, twice.clone(), encode(&twice), "/api?id=7".into()] {
            let mut target = target(&format!("/login?a=b&next={value}&c"));
            keys().strip(&mut target);
            assert_eq!(&*target.path, "/login?a=b&c", "{value}");
        }
        for path in ["/x?to=%2Fapi%3Fid%3D70", "/x?to=%2Fapi%3Fgrid%3D7", "/x?to=%2Fapi%3Fid"] {
            let mut target = target(path);
            keys().strip(&mut target);
            assert_eq!(&*target.path, path);
        }
    }
}
