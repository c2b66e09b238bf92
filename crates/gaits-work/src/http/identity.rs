//! Which items ask for the same request, in whatever words.
//!
//! Limit: it compares what is sent, and can't know which of two requests a server would answer in the same way.

use super::fill::Fill;
use super::item::{Described, Sends};
use super::json::in_one_form;
use super::spec::HttpSpec;
use http::HeaderValue;

/// A hash of the request that an item asks for: of its method, its URL as it is sent, its own header fields and what is
/// sent. None if it is none.
pub(super) fn identity(text: &str, spec: &HttpSpec, fill: Option<&Fill>) -> Option<[u8; 16]> {
    let described = Described::of(text).ok()?;
    let filled = fill.map(|fill| fill.of_item(text)).transpose().ok()?;
    let mut hasher = blake3::Hasher::new();
    let mut add = |part: &[u8]| {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
    };
    let method = described.asks(spec);
    let mut url = url::Url::parse(&described.url).ok()?;
    url.set_fragment(None);
    add(method.as_str().as_bytes());
    add(url.as_str().as_bytes());
    let filled_fields = filled.as_ref().map(|filled| &filled.headers[..]).unwrap_or_default();
    let mut fields: Vec<_> = described.headers.iter().chain(filled_fields).collect();
    // The order of two fields of one name tells something, that of others does not.
    fields.sort_by(|(one, _), (other, _)| one.as_str().cmp(other.as_str()));
    for (name, value) in fields {
        add(name.as_str().as_bytes());
        // No value holds a NUL.
        add(value.as_ref().map_or(b"\0", HeaderValue::as_bytes));
    }
    // JSON with its names in another order says the same.
    let json = described.json().and_then(|json| in_one_form(json).ok());
    // What all send tells none apart.
    match described.sends.or_else(|| filled.and_then(|filled| filled.sends)) {
        Some(Sends::Body(body)) => {
            add(b"body");
            add(json.as_ref().map_or(&body.bytes[..], String::as_bytes));
        }
        Some(Sends::File { path, .. }) => {
            add(b"file");
            add(path.as_os_str().as_encoded_bytes());
        }
        Some(Sends::Form(form)) => {
            add(b"form");
            form.each_piece(add);
        }
        None => {}
    }
    let mut id = [0; 16];
    id.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    Some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_the_same_that_ask_for_the_same() {
        let spec = HttpSpec::default();
        let of = |text: &str| identity(text, &spec, None);
        let url = of("http://h/a?b=1");
        assert!(url.is_some());
        for same in [
            "HTTP://H:80/a?b=1#f",
            "http://h/x/../a?b=1",
            r#"{"url":"http://h/a","query":{"b":1},"id":7}"#,
            r#"{"method":"GET","url":"http://h/a?b=1"}"#,
        ] {
            assert_eq!(of(same), url, "{same}");
        }
        for other in [
            "http://h/a?b=2",
            "https://h/a?b=1",
            r#"{"url":"http://h/a?b=1","method":"HEAD"}"#,
            r#"{"url":"http://h/a?b=1","headers":{"X-A":"1"}}"#,
            r#"{"url":"http://h/a?b=1","body":""}"#,
        ] {
            assert_ne!(of(other), url, "{other}");
        }
        let json = |text| of(&format!(r#"{{"url":"http://h/","json":{text}}}"#));
        assert_eq!(json(r#"{"a":1,"b":2}"#), json(r#"{ "b": 2, "a": 1 }"#));
        assert_ne!(json("1"), json("2"));
        assert_eq!(of("nonsense"), None);
    }
}
