//! Templates of requests: texts with places such as `{id}` that the fields of an item fill, encoded as they must be where they
//! stand.
//!
//! Limit: where the fields come from is not known here, and a value is never read as a template again.

use super::json::{Named, scalar};
use memchr::{memchr2, memmem};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};
use std::borrow::Cow;

/// What is encoded in a path and in a query: all that could end the part that it stands in.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// About how many bytes a URL has at most.
const URL: usize = 128;

/// A part of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(Box<str>),
    Field {
        name: Box<str>,
        /// It is not encoded.
        raw: bool,
    },
}

/// A template of a URL: `https://api.example/{id}?q={name}`.
///
/// In a path and in a query, a value is percent-encoded. In a host it must be a name or a part of one. At the very beginning
/// it is a URL, or the beginning of one. `{name!raw}` is put in as it is. A brace is written twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrlTemplate {
    parts: Vec<Part>,
}

/// Whether fields of an item are filled into a text.
#[must_use]
pub fn is_filled(text: &str) -> bool {
    TextTemplate::parse(text, BodyForm::Plain).is_ok_and(|template| template.has_fields())
}

/// Names and values as a form has them, encoded. Places in the values stay places.
///
/// # Errors
/// A value is no template.
pub fn form_template(fields: &[(String, String)]) -> Result<String, TemplateError> {
    let mut out = String::new();
    for (name, value) in fields {
        if !out.is_empty() {
            out.push('&');
        }
        out.extend(form_urlencoded::byte_serialize(name.as_bytes()));
        out.push('=');
        let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect();
        out.push_str(&encoded_template(value, encode)?);
    }
    Ok(out)
}

/// A template that is encoded, but for its places.
///
/// # Errors
/// It is no template.
pub(super) fn encoded_template(
    text: &str,
    encode: impl Fn(&str) -> String,
) -> Result<String, TemplateError> {
    let mut out = String::new();
    for part in parts(text, false)? {
        match part {
            Part::Text(text) => out.push_str(&encode(&text)),
            Part::Field { name, raw } => {
                out.extend(["{", &name, if raw { "!raw}" } else { "}" }]);
            }
        }
    }
    Ok(out)
}

/// What is wrong with a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TemplateError(String);

impl TemplateError {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl UrlTemplate {
    /// Reads a template. It may name no column: what is sent may.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        Ok(Self { parts: parts(text, true)? })
    }

    /// The fields that it needs.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        names(&self.parts).collect()
    }

    /// The URL that it makes of an item's fields.
    ///
    /// # Errors
    /// A field is not there, or can't stand where it is to stand.
    pub fn fill<'a>(&self, field: impl Fn(&str) -> Option<&'a str>) -> Result<String, String> {
        let mut url = String::with_capacity(URL);
        for part in &self.parts {
            match part {
                Part::Text(text) => url.push_str(text),
                Part::Field { name, raw } => {
                    let value = field(name).ok_or_else(|| missing(name))?;
                    if *raw {
                        url.push_str(value);
                    } else {
                        put(&mut url, name, value)?;
                    }
                }
            }
        }
        Ok(url)
    }
}

/// Puts a value to the end of the beginning of a URL.
fn put(url: &mut String, name: &str, value: &str) -> Result<(), String> {
    let Some(scheme) = memmem::find(url.as_bytes(), b"://") else {
        if url.is_empty() {
            url.push_str(value);
            return Ok(());
        }
        return Err(format!("`{name}` stands in the scheme of the URL, where nothing can be put"));
    };
    // However many slashes there are, the host is what follows them.
    let rest = url[scheme + 3..].trim_start_matches(['/', '\\']).as_bytes();
    if !rest.iter().any(|byte| matches!(byte, b'/' | b'?' | b'#' | b'\\')) {
        if !is_host(value) {
            return Err(format!(
                "`{name}` is {value:?}, which is no name of a host; {{{name}!raw}} puts it in as it is"
            ));
        }
        url.push_str(value);
        return Ok(());
    }
    // An empty value, or one that leads up, would be another place than the one that is meant. In a query it may be.
    if matches!(value, "" | "." | "..") && memchr2(b'?', b'#', rest).is_none() {
        if value.is_empty() {
            return Err(format!("`{name}` is empty, and stands in the path of the URL"));
        }
        return Err(format!("`{name}` is {value:?}, which leads to another path"));
    }
    url.extend(utf8_percent_encode(value, ENCODED));
    Ok(())
}

/// Whether a value can be a host or a part of one, perhaps with a port.
fn is_host(value: &str) -> bool {
    let (host, port) = value.split_once(':').map_or((value, "0"), |(host, port)| (host, port));
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    !host.is_empty() && host.chars().all(is_name) && port.bytes().all(|byte| byte.is_ascii_digit())
}

fn missing(name: &str) -> String {
    format!("there is no `{name}`, which the template needs")
}

fn names(parts: &[Part]) -> impl Iterator<Item = &str> {
    parts.iter().filter_map(|part| match part {
        Part::Text(_) => None,
        Part::Field { name, .. } => Some(&**name),
    })
}

/// The parts of a text. If it is `strict`, each brace that is not doubled must belong to a field. Otherwise only what looks like a
/// field is one, since JSON and other languages are full of braces; and `{{name}}` stands for `{name}`.
fn parts(text: &str, strict: bool) -> Result<Vec<Part>, TemplateError> {
    let mut parts = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        if strict && (rest.starts_with("{{") || rest.starts_with("}}")) {
            plain.push_str(&rest[..1]);
            rest = &rest[2..];
            continue;
        }
        if !strict && let Some((inner, after)) = doubled(rest) {
            plain.push_str(inner);
            rest = after;
            continue;
        }
        match field(rest)? {
            Some((field, after)) => {
                if !plain.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut plain).into()));
                }
                parts.push(field);
                rest = after;
            }
            None if strict => {
                return Err(TemplateError(format!(
                    "`{text}` has a brace that belongs to no column; a column stands in braces, as in {{id}}, and a brace itself \
                     is written twice"
                )));
            }
            None => {
                plain.push_str(&rest[..1]);
                rest = &rest[1..];
            }
        }
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        parts.push(Part::Text(plain.into()));
    }
    Ok(parts)
}

/// `{{name}}` at the beginning, without the outer braces, and what follows.
fn doubled(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix('{')?;
    let end = inner.find('}')? + 1;
    let after = inner[end..].strip_prefix('}')?;
    let name = inner.strip_prefix('{')?.get(..end - 2)?;
    is_name(name).then_some((&inner[..end], after))
}

/// A field at the beginning, and what follows.
fn field(text: &str) -> Result<Option<(Part, &str)>, TemplateError> {
    let Some((inside, after)) = text.strip_prefix('{').and_then(|text| text.split_once('}')) else {
        return Ok(None);
    };
    let (name, flag) =
        inside.split_once('!').map_or((inside, None), |(name, flag)| (name, Some(flag)));
    if !is_name(name) {
        return Ok(None);
    }
    match flag {
        None | Some("raw") => {
            Ok(Some((Part::Field { name: name.into(), raw: flag.is_some() }, after)))
        }
        Some(flag) => Err(TemplateError(format!(
            "`{{{name}!{flag}}}`: after ! can stand `raw`, which leaves the value as it is, and nothing else"
        ))),
    }
}

/// Whether a text can be the name of a column, and is no part of JSON or of another language.
fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.trim() == text
        && !text.contains(['{', '}', '"', ':', ',', ';', '\n', '\r', '\t', '\\'])
}

/// What the text of a body is, and with it how values are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyForm {
    /// Values are put into strings escaped, and elsewhere as values.
    Json,
    /// `a=b&c=d`.
    Form,
    /// Values are put in as they are.
    Plain,
}

impl BodyForm {
    /// The form that goes by this content type.
    pub(super) fn of(content_type: &str) -> Self {
        let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        // The JSON types of WHATWG's MIME Sniffing, section 4.6.
        if matches!(&*kind, "application/json" | "text/json") || kind.ends_with("+json") {
            BodyForm::Json
        } else if kind == "application/x-www-form-urlencoded" {
            BodyForm::Form
        } else {
            BodyForm::Plain
        }
    }
}

/// A template of a body or of a header field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TextTemplate {
    parts: Vec<Part>,
    form: BodyForm,
}

impl TextTemplate {
    /// A text that nothing is filled into.
    pub(super) fn plain(text: &str) -> Self {
        Self { parts: vec![Part::Text(text.into())], form: BodyForm::Plain }
    }

    pub(super) fn parse(text: &str, form: BodyForm) -> Result<Self, TemplateError> {
        let template = Self { parts: parts(text, false)?, form };
        if form == BodyForm::Json && template.has_fields() {
            // Any value is JSON where this one is.
            let any = to_raw_value(&0).unwrap_or_default();
            let filled = template.fill_with(|_| Some(&any));
            if let Err(wrong) =
                serde_json::from_str::<serde::de::IgnoredAny>(&filled.unwrap_or_default())
            {
                return Err(TemplateError(format!(
                    "the JSON to be sent is none once its fields are filled in: {wrong}; a field stands in braces, as in \
                     {{\"id\": {{id}}, \"name\": \"{{name}}\"}}"
                )));
            }
        }
        Ok(template)
    }

    pub(super) fn has_fields(&self) -> bool {
        self.names().next().is_some()
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        names(&self.parts)
    }

    /// The text with the values of an item.
    pub(super) fn fill(&self, fields: &Named) -> Result<String, String> {
        self.fill_with(|name| fields.get(name).map(|value| &**value))
    }

    fn fill_with<'a>(
        &self,
        value: impl Fn(&str) -> Option<&'a RawValue>,
    ) -> Result<String, String> {
        let mut out = String::new();
        let mut in_string = false;
        for part in &self.parts {
            match part {
                Part::Text(text) => {
                    in_string = ends_in_string(text, in_string);
                    out.push_str(text);
                }
                Part::Field { name, raw } => {
                    let value = value(name).ok_or_else(|| missing(name))?;
                    let text = text_of(value);
                    match self.form {
                        BodyForm::Json if !raw && in_string => {
                            let quoted = Value::from(&*text).to_string();
                            out.push_str(&quoted[1..quoted.len() - 1]);
                        }
                        BodyForm::Json if !raw => out.push_str(&as_json(value)),
                        BodyForm::Form if !raw => {
                            out.extend(form_urlencoded::byte_serialize(text.as_bytes()));
                        }
                        _ => out.push_str(&text),
                    }
                }
            }
        }
        Ok(out)
    }
}

/// Whether a piece of JSON ends in a string, if it begins in one or not.
fn ends_in_string(text: &str, begins: bool) -> bool {
    let (mut in_string, mut escaped) = (begins, false);
    for byte in text.bytes() {
        match byte {
            b'\\' if in_string => escaped = !escaped,
            b'"' if !escaped => in_string = !in_string,
            _ => escaped = false,
        }
    }
    in_string
}

/// A value as text: what a string says, and nothing for null.
fn text_of(value: &RawValue) -> Cow<'_, str> {
    let json = value.get();
    scalar(value).unwrap_or(Cow::Borrowed(if json == "null" { "" } else { json }))
}

/// A value where JSON wants one: a text that is a number, a truth value or null is that, and any other is a string.
fn as_json(value: &RawValue) -> Cow<'_, str> {
    let json = value.get();
    let text = scalar(value).filter(|_| json.starts_with('"'));
    let scalar = text.filter(|text| {
        let value = serde_json::from_str::<Value>(text);
        value.is_ok_and(|value| matches!(value, Value::Number(_) | Value::Bool(_) | Value::Null))
    });
    // Its digits as they are: a number may have more of them than a computer's.
    scalar.map_or(Cow::Borrowed(json), |text| Cow::Owned(text.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::super::json::fields_of;
    use super::*;
    use proptest::prelude::*;

    fn url(template: &str, value: &str) -> Result<String, String> {
        UrlTemplate::parse(template).unwrap().fill(|name| (name == "x").then_some(value))
    }

    #[test]
    fn a_value_is_encoded_where_it_stands() {
        for (template, value, wanted) in [
            ("http://h/{x}", "a b/c?d#e%", "http://h/a%20b%2Fc%3Fd%23e%25"),
            ("http://h/?q={x}", "a&b=c d+가", "http://h/?q=a%26b%3Dc%20d%2B%EA%B0%80"),
            ("http://h/{x!raw}?y={x}", "a/b", "http://h/a/b?y=a%2Fb"),
            ("http://h/?q={x}", "", "http://h/?q="),
            ("http://h/#{x}", "a b", "http://h/#a%20b"),
            ("http://{x}.example/", "shop-1", "http://shop-1.example/"),
            ("http://{x}/", "h.example:8080", "http://h.example:8080/"),
            ("{x}", "https://h/a?b", "https://h/a?b"),
            ("{x}/more", "https://h/a", "https://h/a/more"),
            ("http://h/{{{x}}}", "1", "http://h/{1}"),
            ("http://h/{x}{x}", "1", "http://h/11"),
        ] {
            assert_eq!(url(template, value).as_deref(), Ok(wanted), "{template}");
        }
        for (template, value, why) in [
            ("http://h/{x}/", "", "`x` is empty, and stands in the path"),
            ("http://h/{x}/", "..", "leads to another path"),
            ("http://{x}/", "user@evil", "no name of a host"),
            ("http://{x}/", "a/b", "no name of a host"),
            ("http://{x}/", "", "no name of a host"),
            ("http:///{x}/", "user@evil", "no name of a host"),
            ("http://\\{x}/", "user@evil", "no name of a host"),
            ("h{x}tp://h/", "t", "stands in the scheme"),
            ("http://h/{y}", "1", "there is no `y`"),
        ] {
            let wrong = url(template, value).unwrap_err();
            assert!(wrong.contains(why), "{template}: {wrong}");
        }
    }

    #[test]
    fn what_is_no_template_is_refused() {
        for (template, why) in [
            ("http://h/{x", "a brace that belongs to no column"),
            ("http://h/x}", "a brace that belongs to no column"),
            ("http://h/{}", "a brace that belongs to no column"),
            ("http://h/{x!upper}", "after ! can stand `raw`"),
        ] {
            let wrong = UrlTemplate::parse(template).unwrap_err().to_string();
            assert!(wrong.contains(why), "{template}: {wrong}");
        }
        assert_eq!(UrlTemplate::parse("http://h/{가격 (원)}").unwrap().names(), ["가격 (원)"]);
    }

    fn body(form: BodyForm, template: &str, value: Value) -> String {
        let object = Value::Object([("x".to_owned(), value)].into_iter().collect());
        let fields = fields_of(&object.to_string()).unwrap();
        TextTemplate::parse(template, form).unwrap().fill(&fields).unwrap()
    }

    #[test]
    fn a_body_is_filled_as_its_form_has_it() {
        let json = |template, value: &str| body(BodyForm::Json, template, value.into());
        assert_eq!(json(r#"{"a": "<{x}>"}"#, "q\"\\\n"), r#"{"a": "<q\"\\\n>"}"#);
        assert_eq!(json(r#"{"a":{x}}"#, "12.50"), r#"{"a":12.50}"#);
        assert_eq!(json(r#"{"a":{x}}"#, "true"), r#"{"a":true}"#);
        assert_eq!(json(r#"{"a":{x}}"#, "b\"c"), r#"{"a":"b\"c"}"#);
        assert_eq!(json(r#"{"a":{x}}"#, "{\"b\":1}"), r#"{"a":"{\"b\":1}"}"#);
        assert_eq!(json(r#"{"a":{x!raw}}"#, "{\"b\":1}"), r#"{"a":{"b":1}}"#);
        assert_eq!(json(r#"{"a\"{x}":"{{x}}","b":{}}"#, "1"), r#"{"a\"1":"{x}","b":{}}"#);
        assert_eq!(
            body(BodyForm::Json, r#"{"a":{x}}"#, serde_json::json!([1, {"b": null}])),
            r#"{"a":[1,{"b":null}]}"#
        );
        assert_eq!(body(BodyForm::Form, "a={x}&b={x!raw}", "1&2 3".into()), "a=1%262+3&b=1&2 3");
        assert_eq!(body(BodyForm::Plain, "<a>{x}</a> { }", "1&2".into()), "<a>1&2</a> { }");
        assert_eq!(body(BodyForm::Plain, "{x}", Value::Null), "");
        let wrong = TextTemplate::parse(r#"{"a": {x}, }"#, BodyForm::Json).unwrap_err().to_string();
        assert!(wrong.contains("is none once its fields are filled in"), "{wrong}");
        assert_eq!(BodyForm::of("application/vnd.api+json; charset=utf-8"), BodyForm::Json);
    }

    proptest! {
        #[test]
        fn a_value_comes_back_out_of_a_url(value in "\\PC{1,40}") {
            prop_assume!(!matches!(&*value, "." | ".."));
            let filled = url("http://h/a/{x}?q={x}#f", &value).unwrap();
            let parsed = url::Url::parse(&filled).unwrap();
            let segment = parsed.path_segments().unwrap().nth(1).unwrap();
            prop_assert_eq!(percent_encoding::percent_decode_str(segment).decode_utf8().unwrap(), &*value);
            prop_assert_eq!(parsed.query_pairs().next().unwrap().1, &*value);
            prop_assert_eq!(parsed.path_segments().unwrap().count(), 2);
        }

        #[test]
        fn a_value_comes_back_out_of_json(value in "\\PC{0,40}") {
            let filled = body(BodyForm::Json, r#"{"a":"{x}"}"#, value.clone().into());
            let parsed: Value = serde_json::from_str(&filled).unwrap();
            prop_assert_eq!(parsed["a"].as_str(), Some(&*value));
        }

        #[test]
        fn any_text_is_a_template_or_none(text in "[a-z{}!\":,\\\\/가 ]{0,20}") {
            let _ = UrlTemplate::parse(&text);
            for form in [BodyForm::Json, BodyForm::Form, BodyForm::Plain] {
                let _ = TextTemplate::parse(&text, form);
            }
        }
    }
}
