//! Items that describe a whole request: a JSON object with a URL, and with what makes the request another one than the
//! options say.
//!
//! Limit: it reads descriptions; which of them may be done twice is for the request to say.

use super::form::Form;
use super::json::{Named, fields_of, push_text, scalar, value_of};
use super::method::Method;
use super::payload::Body;
use super::query::add_query;
use super::redact::redacted;
use super::spec::{HttpSpec, is_harmless, parse_header};
use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// About how many bytes a description of a row has beside its URL.
const DESCRIPTION: usize = 160;

/// What stands for the value of a header field that may be a secret.
const HIDDEN: &str = "***";

/// A request that an item describes.
#[derive(Debug)]
pub(super) struct Described {
    pub(super) url: String,
    pub(super) method: Option<Method>,
    /// They take the place of those of the same name that all requests have. One without a value leaves them out.
    pub(super) headers: Vec<(HeaderName, Option<HeaderValue>)>,
    pub(super) sends: Option<Sends>,
}

/// What an item sends.
#[derive(Debug)]
pub(super) enum Sends {
    /// This.
    Body(Body),
    /// What a file holds.
    File { path: PathBuf, content_type: Option<Box<str>> },
    /// A form with files.
    Form(Form),
}

/// As it is written. Other fields are the user's own.
#[derive(Deserialize)]
struct Written {
    url: String,
    method: Option<String>,
    #[serde(default)]
    headers: Named,
    #[serde(default)]
    query: Named,
    body: Option<String>,
    /// A null is JSON, too.
    #[serde(default, deserialize_with = "given")]
    json: Option<Box<RawValue>>,
    body_file: Option<PathBuf>,
}

/// Whatever is there, null included.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::deserialize(deserializer).map(Some)
}

/// Whether an item describes a request, and is no URL: no URL begins so.
pub(super) fn is_description(text: &str) -> bool {
    text.trim_start().starts_with('{')
}

/// The fields that say what is asked for. All others are the user's own.
const ASKS: [&str; 7] = ["url", "method", "headers", "query", "body", "json", "body_file"];

/// The fields of a description that are the user's own, such as `id`; those of its field `input` are among them. None of an item
/// that is no description.
#[must_use]
pub fn own_fields(item: &str) -> Option<Named> {
    if !is_description(item) {
        return None;
    }
    let mut own = fields_of(item).ok()?;
    own.retain(|name, _| !ASKS.contains(&&**name));
    if let Some(input) = own.get("input").and_then(|input| fields_of(input.get()).ok()) {
        own.remove("input");
        own.extend(input);
    }
    Some(own)
}

/// What is wrong with JSON, and in which column. Who knows the line names it, so it is named here only if the JSON has several.
#[must_use]
pub fn wrong_at(error: &serde_json::Error) -> String {
    let (whole, column) = (error.to_string(), error.column());
    match whole.strip_suffix(&format!(" at line 1 column {column}")) {
        Some(wrong) => format!("{wrong} at column {column}"),
        None => whole,
    }
}

/// The description of a request for `url`, with fields of the user's own beside it.
#[must_use]
pub fn described(url: &str, input: &Named) -> String {
    let mut text = String::from("{\"url\":");
    push_text(&mut text, url);
    if !input.is_empty() {
        text.push_str(",\"input\":");
        text.push_str(&serde_json::to_string(input).unwrap_or_default());
    }
    text.push('}');
    text
}

/// Makes descriptions of requests whose other fields are texts that always have the same names, such as the rows of a table. They
/// are what [`described`] makes of such fields.
#[derive(Debug)]
pub struct Describer {
    /// The JSON of each name with the colon behind it, and the number that its text goes by.
    fields: Vec<(Box<str>, usize)>,
}

impl Describer {
    /// For fields of these names and numbers. Of two with one name, the later one counts.
    pub fn new<'n>(fields: impl IntoIterator<Item = (&'n str, usize)>) -> Self {
        // In the order of names, in which a map would have them.
        let sorted: BTreeMap<&str, usize> = fields.into_iter().collect();
        let field = |(name, number)| {
            let mut json = String::new();
            push_text(&mut json, name);
            json.push(':');
            (json.into(), number)
        };
        Self { fields: sorted.into_iter().map(field).collect() }
    }

    /// The description of a request for `url`. A field of which `text` gives nothing is left out.
    pub fn describe<'a>(&self, url: &str, text: impl Fn(usize) -> Option<&'a str>) -> String {
        let mut json = String::with_capacity(DESCRIPTION + 2 * url.len());
        json.push_str("{\"url\":");
        push_text(&mut json, url);
        let mut before = ",\"input\":{";
        for (name, number) in &self.fields {
            if let Some(text) = text(*number) {
                json.push_str(before);
                json.push_str(name);
                push_text(&mut json, text);
                before = ",";
            }
        }
        json.push_str(if before == "," { "}}" } else { "}" });
        json
    }
}

/// What all requests ask for and send, as a hash: another request is another thing to do.
pub(super) fn of_all(spec: &HttpSpec) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(spec.method.as_str().as_bytes());
    let query = spec.query.iter().flat_map(|(name, value)| [name.as_bytes(), value.as_bytes()]);
    let payload = spec.payload.iter().map(|payload| payload.data.as_bytes());
    let file = spec.upload_file.iter().chain(&spec.upload_content).map(String::as_bytes);
    let mut add = |part: &[u8]| {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
    };
    query.chain(payload).chain(file).for_each(&mut add);
    if let Some(form) = &spec.form {
        form.each_piece(&mut add);
        form.known().for_each(|known| add(known.as_bytes()));
    }
    hasher.finalize()
}

/// The key of an item by which a server knows it again: it follows from the item, its place in the input, and what all requests
/// have in common.
pub(super) fn key(text: &str, index: u64, of_all: &blake3::Hash) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(of_all.as_bytes()).update(&index.to_le_bytes()).update(text.as_bytes());
    let mut id = [0; 16];
    id.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    // In the form that servers know best: a UUID of the version that is free for such uses (RFC 9562, section 5.8).
    id[6] = id[6] & 0x0f | 0x80;
    id[8] = id[8] & 0x3f | 0x80;
    let hex = u128::from_be_bytes(id);
    let hex = format!("{hex:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

impl Described {
    /// What an item describes: a URL alone, or a description.
    ///
    /// # Errors
    /// It is a description of no request; the error says what is wrong with it.
    pub(super) fn of(text: &str) -> Result<Self, String> {
        if is_description(text) {
            return Self::parse(text);
        }
        Ok(Self { url: text.to_owned(), method: None, headers: Vec::new(), sends: None })
    }

    /// What it sends as `json`, as it is written: nothing else that it sends has a content type of its own.
    pub(super) fn json(&self) -> Option<&str> {
        match &self.sends {
            Some(Sends::Body(Body { bytes, content_type: Some(_) })) => str::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    /// Its method: the one it names, or that of all requests; with something to send, one that sends.
    pub(super) fn asks(&self, spec: &HttpSpec) -> Method {
        match (&self.method, &self.sends) {
            (Some(method), _) => method.clone(),
            (None, Some(_)) if spec.method == Method::GET => Method::POST,
            (None, _) => spec.method.clone(),
        }
    }

    /// Reads a description.
    ///
    /// # Errors
    /// Says what is wrong with it. The message shows no value of a header field.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let Written { url, method, headers, query, body, json, body_file } =
            serde_json::from_str(text).map_err(|error| {
                // What serde says of a wrong type shows the value.
                let wrong = wrong_at(&error);
                let error = if wrong.contains("invalid type") || wrong.contains("invalid value") {
                    format!("column {} is of another type than it should be", error.column())
                } else {
                    wrong
                };
                format!(
                    "not a request: {error}; it is a JSON object such as {{\"url\": \"https://…\", \"method\": \"POST\", \
                     \"json\": {{…}}}}"
                )
            })?;
        let method = method.map(|method| method.parse()).transpose();
        let method = method.map_err(|error: super::method::MethodError| error.to_string())?;
        // Beside another one it is a column that is empty in this line.
        let is_other = body.is_some() || body_file.is_some();
        let json = json.filter(|json| !(is_other && json.get() == "null"));
        let sends = match (body, json, body_file) {
            (None, None, None) => None,
            (Some(body), None, None) => {
                Some(Sends::Body(Body { bytes: Bytes::from(body), content_type: None }))
            }
            (None, Some(json), None) => {
                // This bounds how deep it is nested, and finds texts that are none. It is sent as it is written.
                let read = serde_json::from_str::<Value>(json.get());
                read.map_err(|error| unread("json", &error))?;
                let json: Box<str> = json.into();
                Some(Sends::Body(Body {
                    bytes: Bytes::from(String::from(json)),
                    content_type: Some("application/json".into()),
                }))
            }
            (None, None, Some(path)) => Some(Sends::File { path, content_type: None }),
            _ => return Err("not a request: it has one of body, json and body_file".to_owned()),
        };
        let mut fields = Vec::with_capacity(headers.len());
        let field = |name: &str, value: &str| parse_header(name, value).map_err(|e| e.to_string());
        for (name, value) in headers {
            if value.get() == "null" {
                fields.push((field(&name, "")?.0, None));
                continue;
            }
            for value in texts(&name, &value)? {
                let (name, value) = field(&name, &value)?;
                fields.push((name, Some(value)));
            }
        }
        if fields.iter().filter(|(name, _)| *name == http::header::HOST).count() > 1 {
            return Err("not a request: it names two hosts in its headers".to_owned());
        }
        Ok(Self { url: with_query(&url, query)?, method, headers: fields, sends })
    }
}

/// Says that a field of a description can't be read, without what it holds.
fn unread(name: &str, error: &serde_json::Error) -> String {
    format!("not a request: {name:?} can't be read: {}", wrong_at(error))
}

/// A value of a header field or of a query, or several of them. Numbers are as they are written.
fn texts(name: &str, value: &RawValue) -> Result<Vec<String>, String> {
    let text = |value: &RawValue| {
        let text = scalar(value).map(Cow::into_owned);
        text.ok_or_else(|| {
            format!("not a request: {name:?} is neither a text nor a number, nor a list of them")
        })
    };
    if value.get().starts_with('[') {
        let values: Vec<&RawValue> =
            serde_json::from_str(value.get()).map_err(|error| unread(name, &error))?;
        return values.into_iter().map(text).collect();
    }
    Ok(vec![text(value)?])
}

/// The URL with a query added to its own, in front of its fragment.
fn with_query(url: &str, query: Named) -> Result<String, String> {
    let mut pairs = Vec::new();
    for (name, value) in query {
        pairs.extend(texts(&name, &value)?.into_iter().map(|value| (name.clone(), value)));
    }
    Ok(add_query(url, &pairs).into_owned())
}

/// A description as it is shown: without credentials in its URL, and without values of header fields that may be secret.
/// None if there is nothing to hide.
pub(super) fn shown(text: &str) -> Option<String> {
    let Ok(mut object) = fields_of(text) else {
        // Nobody knows where in it a secret stands.
        let (bytes, hash) = (text.len(), blake3::hash(text.as_bytes()).to_hex());
        return Some(format!("({bytes} bytes that are no JSON object, BLAKE3 {hash})"));
    };
    let mut hidden = Vec::new();
    if let Some(url) = object.get("url")
        && url.get().starts_with('"')
        && let Some(shown) = scalar(url).and_then(|url| redacted(&url))
    {
        hidden.push(("url", value_of(&shown)));
    }
    if let Some(headers) = object.get("headers").filter(|headers| headers.get() != "null") {
        let shown = fields_of(headers.get()).map_or_else(
            // It is wrong, and may hold secrets all the same.
            |_no_object| value_of(HIDDEN),
            |headers| to_raw_value(&without_secrets(headers)).unwrap_or_default(),
        );
        if shown.get() != headers.get() {
            hidden.push(("headers", shown));
        }
    }
    if hidden.is_empty() {
        return None;
    }
    object.extend(hidden.into_iter().map(|(name, value)| (name.to_owned(), value)));
    serde_json::to_string(&object).ok()
}

/// Header fields with the values hidden that may be secret.
fn without_secrets(mut headers: Named) -> Named {
    for (name, value) in &mut headers {
        if !HeaderName::from_bytes(name.as_bytes()).is_ok_and(|name| is_harmless(&name)) {
            *value = value_of(HIDDEN);
        }
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Described {
        Described::parse(text).unwrap()
    }

    #[test]
    fn a_description_has_what_makes_a_request() {
        let text = r#"{"url": "http://a/b?x=1#f", "method": "PUT", "query": {"q": "a b", "n": [1, true]},
            "headers": {"X-A": "1", "X-B": ["2", 3], "Accept": null}, "json": {"k": [null]}, "id": 7}"#;
        let described = parse(text);
        assert_eq!(described.url, "http://a/b?x=1&n=1&n=true&q=a+b#f");
        assert_eq!(described.method.unwrap().as_str(), "PUT");
        let headers = described.headers.iter().map(|(name, value)| {
            format!("{name}: {:?}", value.as_ref().map(HeaderValue::as_bytes).map(str::from_utf8))
        });
        let wanted = [
            "accept: None",
            r#"x-a: Some(Ok("1"))"#,
            r#"x-b: Some(Ok("2"))"#,
            r#"x-b: Some(Ok("3"))"#,
        ];
        assert_eq!(headers.collect::<Vec<_>>(), wanted);
        let Some(Sends::Body(body)) = described.sends else { panic!() };
        assert_eq!(
            (&body.bytes[..], body.content_type.as_deref()),
            (&br#"{"k": [null]}"#[..], Some("application/json"))
        );
        let Some(Sends::Body(body)) = parse(r#"{"url": "http://a/", "body": "x=1"}"#).sends else {
            panic!()
        };
        assert_eq!((&body.bytes[..], body.content_type), (&b"x=1"[..], None));
        assert!(parse(r#"{"url": "http://a/"}"#).sends.is_none());
        assert!(parse(r#"{"url": "http://a/", "body": null, "body_file": null}"#).sends.is_none());
    }

    proptest! {
        #[test]
        fn rows_are_described_as_maps_are(
            url in "[a\"\\\\\u{1}é/]{0,8}",
            fields in proptest::collection::vec(("[ab\"\\\\]{0,2}", proptest::option::of("[a\"\\\\\n\u{7f}é]{0,4}")), 0..5),
        ) {
            let names = fields.iter().enumerate().map(|(number, (name, _))| (&**name, number));
            let describer = Describer::new(names);
            let row = describer.describe(&url, |number| fields[number].1.as_deref());
            // Where a name is there twice, the later one counts, even if it has no text.
            let mut map = Named::new();
            for (name, text) in &fields {
                map.insert(name.clone(), to_raw_value(text).unwrap());
            }
            map.retain(|_, text| text.get() != "null");
            prop_assert_eq!(row, described(&url, &map));
        }
    }

    #[test]
    fn numbers_and_json_are_sent_as_they_are_written() {
        let text = r#"{"url": "http://u:p@a/", "query": {"q": [12345678901234567890123, 1.10]}, "id": 12345678901234567890123,
            "headers": {"X-A": 1e40}, "json": {"b": 12345678901234567890123, "a":-0 }, "input": {"v": 1.0e2}}"#;
        let described = parse(text);
        assert_eq!(described.url, "http://u:p@a/?q=12345678901234567890123&q=1.10");
        assert_eq!(described.headers[0].1, Some(HeaderValue::from_static("1e40")));
        let Some(Sends::Body(body)) = described.sends else { panic!() };
        assert_eq!(&body.bytes[..], br#"{"b": 12345678901234567890123, "a":-0 }"#);
        let own = serde_json::to_string(&own_fields(text)).unwrap();
        assert_eq!(own, r#"{"id":12345678901234567890123,"v":1.0e2}"#);
        let shown = shown(text).unwrap();
        assert!(shown.contains(r#""id":12345678901234567890123,"input":{"v":1.0e2}"#), "{shown}");
    }

    #[test]
    fn a_json_null_is_a_body_unless_there_is_another() {
        let sent = |text| match parse(text).sends {
            Some(Sends::Body(body)) => body,
            other => panic!("{other:?}"),
        };
        let null = sent(r#"{"url": "http://a/", "json": null}"#);
        assert_eq!(
            (&null.bytes[..], null.content_type.as_deref()),
            (&b"null"[..], Some("application/json"))
        );
        let other = sent(r#"{"url": "http://a/", "json": null, "body": "x"}"#);
        assert_eq!((&other.bytes[..], other.content_type), (&b"x"[..], None));
    }

    #[test]
    fn what_is_no_request_is_told_without_secrets() {
        for (text, why) in [
            ("{", "EOF"),
            (r#"{"method": "GET"}"#, "missing field `url`"),
            (r#"{"url": 7}"#, "another type than it should be"),
            (r#"{"url": "http://a/", "headers": "Authorization: secret"}"#, "another type"),
            (r#"{"url": "http://a/", "headers": {"Host": ["a", "b"]}}"#, "two hosts"),
            (r#"{"url": "http://a/", "method": "GE T"}"#, "`GE T` is not a method"),
            (r#"{"url": "http://a/", "body": "", "json": 1}"#, "one of body, json and body_file"),
            (
                r#"{"url": "http://a/", "query": {"q": {}}}"#,
                r#""q" is neither a text nor a number"#,
            ),
            (r#"{"url": "http://a/", "headers": {"A B": "secret"}}"#, "cannot be sent"),
            (
                r#"{"url": "http://a/", "headers": {"content-length": "secret"}}"#,
                "it frames the message",
            ),
        ] {
            let wrong = Described::parse(text).unwrap_err();
            assert!(wrong.contains(why) && !wrong.contains("secret"), "{text}: {wrong}");
        }
    }

    #[test]
    fn a_query_is_added_where_it_belongs() {
        let pairs = [("a".to_owned(), "b&c".to_owned())];
        for (url, wanted) in [
            ("http://h/", "http://h/?a=b%26c"),
            ("http://h/?", "http://h/?a=b%26c"),
            ("http://h/?x", "http://h/?x&a=b%26c"),
            ("http://h/?x&#f?", "http://h/?x&a=b%26c#f?"),
            ("http://h#f", "http://h?a=b%26c#f"),
        ] {
            assert_eq!(add_query(url, &pairs), wanted);
        }
        assert!(matches!(add_query("http://h/", &[]), Cow::Borrowed(_)));
    }

    #[test]
    fn secrets_are_not_shown() {
        let text = r#"{"url":"http://u:p@a/","headers":{"Authorization":"Bearer s3cret","Accept":"x"},"id":1}"#;
        let hidden = shown(text).unwrap();
        assert!(!hidden.contains("s3cret") && !hidden.contains("u:p"), "{hidden}");
        assert!(hidden.contains(r#""Accept":"x""#) && hidden.contains(r#""id":1"#), "{hidden}");
        assert_eq!(shown(&hidden), None, "it is hidden already");
        assert_eq!(shown(r#"{"url":"http://a/"}"#), None);
        let broken =
            shown(r#"{"url":"http://u:p@a/","headers":{"Authorization":"s3cret"}"#).unwrap();
        assert!(!is_description(&broken), "it is hidden already");
        assert!(broken.starts_with("(59 bytes that are no JSON object, BLAKE3 "), "{broken}");
        assert_eq!(shown(r#"{"headers":["s3cret"]}"#).as_deref(), Some(r#"{"headers":"***"}"#));
    }
}
