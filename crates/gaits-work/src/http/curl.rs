//! Lines of curl as items: what browsers copy (`Copy as cURL`), and what people have in their scripts.
//!
//! Limit: one request a command. What curl does besides asking, such as writing files, is for gaits' own options.

mod flags;
mod words;

use super::multipart::{AS_IS, content_type, multipart};
use flags::{Flag, flag};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};
use std::collections::VecDeque;
use std::path::Path;
pub use words::is_whole;

/// What the options of a curl command come to.
#[derive(Default)]
struct Command {
    method: Option<String>,
    url: Option<String>,
    headers: Vec<(String, String)>,
    /// Header fields that curl would send by itself, and is told not to.
    left_out: Vec<String>,
    data: Vec<String>,
    is_json: bool,
    /// Data go into the query.
    get: bool,
    head: bool,
    parts: Vec<(String, String)>,
    query: Vec<String>,
    /// The path of a file that is sent.
    upload: Option<String>,
}

/// How all requests are made, which a command may ask for as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CurlContext {
    /// No certificate is checked: `-k`.
    pub insecure: bool,
}

/// The description of the request that a curl command makes: an item.
///
/// # Errors
/// Says what is wrong, or which option can't be followed. The message shows no value that may be a secret.
pub fn described_by_curl(command: &str, context: CurlContext) -> Result<String, String> {
    let mut words: VecDeque<String> = words::split(command)?.into();
    match words.pop_front() {
        Some(name) if matches!(name.rsplit(['/', '\\']).next(), Some("curl" | "curl.exe")) => {}
        _ => return Err("not a curl command: it begins with another word than curl".to_owned()),
    }
    let mut found = Command::default();
    let mut only_urls = false;
    while let Some(word) = words.pop_front() {
        if only_urls || !word.starts_with('-') || word == "-" {
            found.url(word)?;
        } else if word == "--" {
            only_urls = true;
        } else if word.starts_with("--") {
            let (flag, takes) = flag(&word)?;
            let value = if takes { Some(next(&mut words, &word)?) } else { None };
            found.take(flag, &word, value.unwrap_or_default(), context)?;
        } else {
            // Short ones stand together, and a value may follow at once: -sXPOST.
            let mut letters = word[1..].chars();
            while let Some(letter) = letters.next() {
                let name = format!("-{letter}");
                let (flag, takes) = flag(&name)?;
                let rest = letters.as_str();
                let value = match (takes, rest) {
                    (false, _) => String::new(),
                    (true, "") => next(&mut words, &name)?,
                    (true, rest) => rest.to_owned(),
                };
                found.take(flag, &name, value, context)?;
                if takes {
                    break;
                }
            }
        }
    }
    found.describe()
}

fn next(words: &mut VecDeque<String>, name: &str) -> Result<String, String> {
    words.pop_front().ok_or_else(|| format!("{name} lacks its value"))
}

impl Command {
    fn url(&mut self, url: String) -> Result<(), String> {
        if self.url.is_some() {
            return Err(
                "it asks for two URLs, and an item is one request: write a command for each"
                    .to_owned(),
            );
        }
        // curl takes a host for http.
        self.url = Some(if url.contains("://") { url } else { format!("http://{url}") });
        Ok(())
    }

    fn take(
        &mut self,
        flag: Flag,
        name: &str,
        value: String,
        context: CurlContext,
    ) -> Result<(), String> {
        match flag {
            Flag::Ignored => {}
            Flag::Unfit(why) => return Err(format!("{name} {why}")),
            Flag::Insecure if context.insecure => {}
            Flag::Insecure => {
                return Err(format!("{name} holds for all requests: give it to gaits as well"));
            }
            Flag::Url => self.url(value)?,
            Flag::Method => self.method = Some(value),
            Flag::Get => self.get = true,
            Flag::Head => self.head = true,
            Flag::Header => self.header(&value)?,
            Flag::UserAgent => self.headers.push(("User-Agent".to_owned(), value)),
            Flag::Referer => {
                let referer = value.trim_end_matches(";auto");
                if !referer.is_empty() {
                    self.headers.push(("Referer".to_owned(), referer.to_owned()));
                }
            }
            Flag::Cookie if value.contains('=') => self.headers.push(("Cookie".to_owned(), value)),
            Flag::Cookie => {
                return Err(format!("{name} reads cookies from a file, which an item can't"));
            }
            Flag::User => self.headers.push(("Authorization".to_owned(), basic(&value))),
            Flag::Bearer => {
                self.headers.push(("Authorization".to_owned(), format!("Bearer {value}")));
            }
            Flag::Data => self.data.push(read(&value, name, true)?),
            Flag::DataBinary => self.data.push(read(&value, name, false)?),
            Flag::DataRaw => self.data.push(value),
            Flag::DataUrlencode => self.data.push(encoded(&value, name)?),
            Flag::Json => {
                self.is_json = true;
                self.data.push(read(&value, name, false)?);
            }
            Flag::Form | Flag::FormString => {
                let (field, value) = value
                    .split_once('=')
                    .ok_or_else(|| format!("{name} has no = in its value, which is NAME=VALUE"))?;
                // Of --form-string nothing is read.
                let value = if flag == Flag::FormString {
                    format!("{AS_IS}{value}")
                } else {
                    value.to_owned()
                };
                self.parts.push((field.to_owned(), value));
            }
            Flag::Upload if ["-", "."].contains(&&*value) => {
                return Err(format!("{name} sends standard input, which an item can't"));
            }
            Flag::Upload => self.upload = Some(value),
            Flag::Query => self.query.push(encoded(&value, name)?),
        }
        Ok(())
    }

    fn header(&mut self, field: &str) -> Result<(), String> {
        if field.starts_with('@') {
            return Err("-H reads header fields from a file, which an item can't".to_owned());
        }
        // `Name;` is a field without a value, and `Name:` leaves one out that curl would send.
        let (name, value) = match (field.split_once(':'), field.strip_suffix(';')) {
            (Some((name, value)), _) => (name.trim(), value.trim()),
            (None, Some(name)) => (name.trim(), ""),
            (None, None) => {
                return Err("-H has no colon in its value, which is `Name: value`".to_owned());
            }
        };
        let by_gaits = ["content-length", "connection", "transfer-encoding", "expect"];
        let is_left_out = field.ends_with(':') && value.is_empty();
        if is_left_out {
            self.left_out.push(name.to_owned());
        } else if !by_gaits.iter().any(|other| name.eq_ignore_ascii_case(other)) {
            self.headers.push((name.to_owned(), value.to_owned()));
        }
        Ok(())
    }

    fn describe(self) -> Result<String, String> {
        let mut url = self.url.ok_or("it asks for no URL")?;
        if let Some(path) = &self.upload {
            if !self.parts.is_empty() || !self.data.is_empty() {
                return Err("it has -T and -d or -F, which can't be sent together".to_owned());
            }
            let last = path.rsplit('/').next().unwrap_or(path);
            url = named_after(url, last);
        }
        let mut query = self.query;
        let mut body = None;
        let mut kind = None;
        if !self.parts.is_empty() {
            if !self.data.is_empty() {
                return Err("it has -F and -d, which can't be sent together".to_owned());
            }
            let read = |path: &str| read_file(path, "-F").map(String::into_bytes);
            let (bytes, boundary) = multipart(&self.parts, &read)?;
            // What was read is text, since it stands in the item.
            body = String::from_utf8(bytes).ok();
            kind = Some(content_type(&boundary));
        } else if !self.data.is_empty() {
            let joined = self.data.join(if self.is_json { "" } else { "&" });
            if self.get || self.head {
                query.push(joined);
            } else {
                kind = Some(
                    if self.is_json {
                        "application/json"
                    } else {
                        "application/x-www-form-urlencoded"
                    }
                    .to_owned(),
                );
                body = Some(joined);
            }
        }
        let mut headers = self.headers;
        let mut add = |name: &str, value: &str| {
            let mut names = headers.iter().map(|(other, _)| other).chain(&self.left_out);
            if !names.any(|other| other.eq_ignore_ascii_case(name)) {
                headers.push((name.to_owned(), value.to_owned()));
            }
        };
        if let Some(kind) = &kind {
            add("Content-Type", kind);
        }
        if self.is_json {
            add("Accept", "application/json");
        }
        let method = self.method.unwrap_or_else(|| {
            let method = if self.head {
                "HEAD"
            } else if body.is_some() {
                "POST"
            } else if self.upload.is_some() {
                "PUT"
            } else {
                "GET"
            };
            method.to_owned()
        });
        let mut item = Map::new();
        item.insert("url".to_owned(), with_query(&url, &query).into());
        item.insert("method".to_owned(), method.into());
        if !headers.is_empty() {
            item.insert("headers".to_owned(), grouped(headers));
        }
        if let Some(body) = body {
            item.insert("body".to_owned(), body.into());
        }
        if let Some(path) = self.upload {
            item.insert("body_file".to_owned(), path.into());
        }
        Ok(Value::Object(item).to_string())
    }
}

/// Header fields by name; several of one name as a list.
fn grouped(headers: Vec<(String, String)>) -> Value {
    let mut all: Map<String, Value> = Map::new();
    for (name, value) in headers {
        let same = all.keys().find(|other| other.eq_ignore_ascii_case(&name)).cloned();
        let slot = all.entry(same.unwrap_or(name)).or_insert(Value::Null);
        match slot {
            Value::Null => *slot = value.into(),
            Value::Array(values) => values.push(value.into()),
            other => *other = json!([other.take(), value]),
        }
    }
    Value::Object(all)
}

/// The URL that a file is sent to: as curl does it, a path that ends with a slash, or is none, gets the file's name.
fn named_after(mut url: String, file: &str) -> String {
    let authority = url.find("://").map_or(0, |at| at + 3);
    let path = url[authority..].find(['/', '?', '#']).map_or(url.len(), |at| authority + at);
    let end = url[path..].find(['?', '#']).map_or(url.len(), |at| path + at);
    let is_none = path == end;
    if is_none || url[path..end].ends_with('/') {
        let slash = if is_none { "/" } else { "" };
        url.insert_str(end, &format!("{slash}{}", utf8_percent_encode(file, KEPT)));
    }
    url
}

/// The URL with what is encoded already in its query.
fn with_query(url: &str, query: &[String]) -> String {
    let (before, fragment) = url.find('#').map_or((url, ""), |at| url.split_at(at));
    let mut all = before.to_owned();
    for part in query {
        if !all.contains('?') {
            all.push('?');
        } else if !all.ends_with(['?', '&']) {
            all.push('&');
        }
        all.push_str(part);
    }
    all + fragment
}

fn basic(user: &str) -> String {
    use base64::Engine as _;
    let user = if user.contains(':') { user.to_owned() } else { format!("{user}:") };
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(user))
}

/// Data, or what a file holds; as -d does it, without its line ends.
fn read(value: &str, name: &str, without_line_ends: bool) -> Result<String, String> {
    let Some(file) = value.strip_prefix('@') else { return Ok(value.to_owned()) };
    let text = read_file(file, name)?;
    Ok(if without_line_ends { text.replace(['\r', '\n', '\0'], "") } else { text })
}

/// The largest file that a command may send, in bytes: its item is held in memory, and stands in its record.
const MOST: u64 = 64 * 1024;

fn read_file(file: &str, name: &str) -> Result<String, String> {
    if file == "-" {
        return Err(format!("{name} reads standard input, which an item can't"));
    }
    let failed = |why: &dyn std::fmt::Display| format!("{name} is to send {file}: {why}");
    let found = std::fs::metadata(Path::new(file)).map_err(|error| failed(&error))?;
    if !found.is_file() || found.len() > MOST {
        return Err(failed(&"it is no file of at most 64 KiB; use a JSON line with body_file"));
    }
    let bytes = std::fs::read(file).map_err(|error| failed(&error))?;
    String::from_utf8(bytes)
        .map_err(|error| failed(&format!("{error}; use a JSON line with body_file")))
}

/// What curl leaves as it is when it encodes.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A value of --data-urlencode: `content`, `=content`, `name=content`, `@file` or `name@file`.
fn encoded(value: &str, name: &str) -> Result<String, String> {
    let at = value.find(['=', '@']);
    let (field, content) = match at.map(|at| (&value[..at], &value[at..=at], &value[at + 1..])) {
        None => ("", value.to_owned()),
        Some((field, "=", content)) => (field, content.to_owned()),
        Some((field, _, file)) => (field, read_file(file, name)?),
    };
    let content = utf8_percent_encode(&content, KEPT);
    Ok(if field.is_empty() { content.to_string() } else { format!("{field}={content}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_sent_gives_its_name_to_a_path_that_has_none() {
        // As curl 7.88 sends them.
        for (url, wanted) in [
            ("http://h", "http://h/a%20b"),
            ("http://h/", "http://h/a%20b"),
            ("h", "h/a%20b"),
            ("http://h?x=1", "http://h/a%20b?x=1"),
            ("http://h/c/?next=/", "http://h/c/a%20b?next=/"),
            ("http://h/c?next=/", "http://h/c?next=/"),
            ("http://h/c/#x/", "http://h/c/a%20b#x/"),
        ] {
            assert_eq!(named_after(url.to_owned(), "a b"), wanted, "{url}");
        }
    }
}
