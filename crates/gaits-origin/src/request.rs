//! A request as the endpoints see it: whole, borrowed, with the few views of it that several of them share. It knows
//! nothing of connections.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;

use bytes::Bytes;
use http::header::{HOST, HeaderMap};
use http::request::Parts;
use serde_json::Value;

/// One request.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) parts: &'a Parts,
    pub(crate) body: &'a Bytes,
    /// The address of the client.
    pub(crate) peer: IpAddr,
    /// `http` or `https`.
    pub(crate) scheme: &'static str,
    /// The origin's seed.
    pub(crate) seed: u64,
}

impl Request<'_> {
    pub(crate) fn path(&self) -> &str {
        self.parts.uri.path()
    }

    /// The headers under their usual names (`Accept-Encoding`), repeated ones joined by commas.
    pub(crate) fn headers(&self) -> BTreeMap<String, String> {
        let mut all = BTreeMap::<String, String>::new();
        for (name, value) in &self.parts.headers {
            let value = String::from_utf8_lossy(value.as_bytes());
            all.entry(usual_name(name.as_str()))
                .and_modify(|joined| {
                    joined.push(',');
                    joined.push_str(&value);
                })
                .or_insert_with(|| value.into_owned());
        }
        // HTTP/2 has a pseudo-header instead.
        all.entry("Host".to_owned()).or_insert_with(|| self.host().into_owned());
        all
    }

    /// The query's parameters in order, decoded.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        form_urlencoded::parse(self.parts.uri.query().unwrap_or_default().as_bytes())
    }

    /// The first parameter of that name.
    pub(crate) fn parameter(&self, name: &str) -> Option<Cow<'_, str>> {
        self.parameters().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The URL that the client asked for.
    pub(crate) fn url(&self) -> String {
        let target = self.parts.uri.path_and_query().map_or("/", |target| target.as_str());
        format!("{}://{}{target}", self.scheme, self.host())
    }

    pub(crate) fn host(&self) -> Cow<'_, str> {
        match (self.parts.uri.authority(), header(&self.parts.headers, HOST)) {
            (Some(authority), _) => authority.as_str().into(),
            (None, Some(host)) => host,
            (None, None) => "".into(),
        }
    }
}

/// A header's first value as text.
pub(crate) fn header(headers: &HeaderMap, name: http::HeaderName) -> Option<Cow<'_, str>> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()))
}

/// Parameters as an object: one value as a string, several as a list.
pub(crate) fn object<'a>(
    pairs: impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)>,
) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    for (key, value) in pairs {
        let value = Value::String(value.into_owned());
        match all.get_mut(&*key) {
            None => drop(all.insert(key.into_owned(), value)),
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    all
}

fn usual_name(name: &str) -> String {
    let mut start = true;
    let capital = |c: char| {
        let shown = if start { c.to_ascii_uppercase() } else { c };
        start = c == '-';
        shown
    };
    name.chars().map(capital).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_names_are_shown_as_usual() {
        assert_eq!(usual_name("accept-encoding"), "Accept-Encoding");
        assert_eq!(usual_name("x--a"), "X--A");
    }

    #[test]
    fn repeated_parameters_become_a_list() {
        let pairs = form_urlencoded::parse(b"a=1&b=2&a=3&a=4");
        let json = serde_json::to_string(&object(pairs)).unwrap();
        assert_eq!(json, r#"{"a":["1","3","4"],"b":"2"}"#);
    }
}
