//! Keys of an API, in a header field or in the query of each URL.
//!
//! A key in the query is added when a request is sent, so that records and messages never hold it. Limit: what a server puts into
//! the body of its answer is not looked at.

use super::Secret;
use crate::http::query::add_query;
use crate::http::target::Target;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

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

    /// Takes the keys out of where a redirect leads: a server may repeat the query that it was sent.
    pub(super) fn strip(&self, target: &mut Target) {
        let Some((path, query)) = target.path.split_once('?') else { return };
        let is_key = |name: &str, value: &str| {
            self.0.iter().any(|(key, secret)| key == name && secret.reveal() == value)
        };
        let keep = |pair: &&str| !pairs(pair).any(|(name, value)| is_key(&name, &value));
        let kept: Vec<&str> = query.split('&').filter(keep).collect();
        if kept.len() == query.split('&').count() {
            return;
        }
        let query = kept.join("&");
        target.path = if query.is_empty() { path.into() } else { format!("{path}?{query}").into() };
    }
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
}
