//! What the plan says about requests: plain data that can travel, and the checks on it.
//!
//! Limit: opens no file and no connection; a PEM file has been read by whoever made the spec.

mod error;
mod header;

pub use error::HttpSpecError;
pub use header::header_option;
pub(super) use header::{is_harmless, parse_header};

use super::auth::{ApiKey, Auth, Credentials};
use super::cookies::file::{self as cookie_file, CookieFile};
use super::extract::EACH;
use super::form::Form;
use super::method::Method;
use super::next_page::NextPage;
use super::patience::{LeastRate, Patience};
use super::payload::Payload;
use super::pointer;
use super::route::Routes;
use super::trust::Trust;
use super::ways::Ways;
use super::{Extract, Statuses};
use crate::settings::{self, SettingsError};
use gaits_core::{Setting, Value};
use header::header_value;
use http::header::{AUTHORIZATION, HOST, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

/// The longest timeout that means anything: ten years. Beyond it, points in time could not be added up.
const LONGEST: Duration = Duration::from_hours(10 * 366 * 24);

/// How requests are made and what of their answers is accepted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting that is on or off")]
pub struct HttpSpec {
    /// What is asked for.
    pub method: Method,
    /// What is sent with each request.
    #[serde(default)]
    pub payload: Option<Payload>,
    /// The path of a file that is sent with each request in place of a payload, read from the disk while it is sent. A template
    /// where requests are [`filled`](Self::filled).
    #[serde(default)]
    pub upload_file: Option<String>,
    /// What tells the content of that file from another, where it is one file for all: with another content, it is another job.
    #[serde(default)]
    pub upload_content: Option<String>,
    /// What that file is, for the `content-type` field, where no header field says so.
    #[serde(default)]
    pub upload_type: Option<String>,
    /// A form with files that is sent with each request in place of a payload. The files are read from the disk while it is sent.
    #[serde(default)]
    pub form: Option<Form>,
    /// Names and values that are added to the query of each URL.
    #[serde(default)]
    pub query: Vec<(String, String)>,
    /// Whether the body and the header fields are templates that the fields of each item fill.
    #[serde(default)]
    pub filled: bool,
    /// The header field that carries a key of each item's own, by which a server knows a request that it has seen before.
    #[serde(default)]
    pub idempotency_key: Option<String>,
    /// Whether requests may be sent twice though their method does not promise that this has no other effect.
    #[serde(default)]
    pub repeats_all: bool,
    /// Header fields sent with each request, as name and value. They take the place of the ones that gaits
    /// would send itself (`user-agent`, `accept`, `accept-encoding`, `host`), and are not sent to another
    /// origin that a redirect leads to, apart from harmless ones such as `accept`.
    pub headers: Vec<(String, String)>,
    /// The names of header fields that gaits would send itself, and leaves out.
    #[serde(default)]
    pub left_out: Vec<String>,
    /// Who asks. None of it is sent to another origin that a redirect leads to, apart from what the netrc has for that host.
    #[serde(default)]
    pub auth: Auth,
    /// The `user-agent` field; none is sent when it is empty.
    pub user_agent: String,
    /// Which certificates are trusted.
    pub trust: Trust,
    /// Whether addresses that are none of the public internet are refused: loopback, private, link-local and the like. What
    /// counts is the address that is connected to, after redirects as well.
    #[serde(default)]
    pub deny_private: bool,
    /// Whether the robots.txt of each host is obeyed.
    #[serde(default)]
    pub robots: bool,
    /// How servers are reached.
    #[serde(default)]
    pub ways: Ways,
    /// How long resolving, connecting and the TLS handshake may take together. The time in which a name waits until
    /// it can be asked for, because many others are, does not count.
    pub connect_timeout: Option<Duration>,
    /// How long the whole request may take, redirects and body included.
    pub timeout: Option<Duration>,
    /// How long a server may be silent or slow once it is connected to.
    #[serde(default)]
    pub patience: Patience,
    /// How many bytes a body may have after its content codings were undone.
    pub max_body_size: u64,
    /// How many redirects are followed before the item fails. With 0 none is followed: a redirect is an answer as any
    /// other, and whether its status is accepted decides.
    pub max_redirects: u8,
    /// Which statuses of the final response are a success.
    pub accept: Statuses,
    /// Which statuses may be gone with the next try. 429 always asks for a pause, and so does 503 with a time.
    pub retry_on: Statuses,
    /// Which statuses would meet all other items as well, such as 401 once a token has expired, and end the run. None of
    /// them does where they are accepted.
    pub stop_on: Option<Statuses>,
    /// Whether cookies are taken and sent back.
    pub cookies: bool,
    /// Where cookies are taken from and written back to, where they are taken and sent back.
    #[serde(default)]
    pub cookie_file: Option<CookieFile>,
    /// Which fields of an answer go into the record.
    pub extract: Vec<Extract>,
    /// Whether an item fails when one of them is not in its answer; else the field is null.
    #[serde(default)]
    pub extract_required: bool,
    /// How an answer tells which page of a listing comes next; the pages are then done one after the other.
    #[serde(default)]
    pub next: Option<NextPage>,
    /// A pointer to a list in an answer's JSON: fields are extracted from each of its elements.
    #[serde(default)]
    pub each: Option<Box<str>>,
    /// What becomes of bodies.
    pub body: BodyUse,
}

/// What becomes of bodies, once their content codings are undone: those of failed statuses as well.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum BodyUse {
    /// They are counted and hashed, and not kept.
    #[default]
    Hash,
    /// They go into the record as text, or as base64 where they are none: [`MOST_INLINE`] bytes at most.
    Inline,
    /// They are JSON, and go into the record as such: [`MOST_INLINE`] bytes at most. An accepted answer that is no JSON
    /// fails.
    Json,
    /// They are written to files in this folder, which must be there, under the number of the item and of the try: `123.1`.
    /// The record tells that name as `body_file`. A file is not synced. Whoever takes the records does that, and gives it a
    /// better name.
    Files(PathBuf),
}

impl BodyUse {
    /// Its name, as the settings show it.
    const fn name(&self) -> &'static str {
        match self {
            BodyUse::Hash => "none",
            BodyUse::Inline => "inline",
            BodyUse::Json => "json",
            BodyUse::Files(_) => "files",
        }
    }

    /// Whether bodies go into records.
    pub(super) const fn is_inline(&self) -> bool {
        matches!(self, BodyUse::Inline | BodyUse::Json)
    }
}

/// How many bytes a body in a record may have.
pub const MOST_INLINE: u64 = 1024 * 1024;

impl Default for HttpSpec {
    fn default() -> Self {
        Self {
            method: Method::GET,
            payload: None,
            upload_file: None,
            upload_content: None,
            upload_type: None,
            form: None,
            query: Vec::new(),
            filled: false,
            idempotency_key: None,
            repeats_all: false,
            headers: Vec::new(),
            left_out: Vec::new(),
            auth: Auth::default(),
            user_agent: concat!("gaits/", env!("CARGO_PKG_VERSION")).to_owned(),
            trust: Trust::SystemRoots,
            deny_private: false,
            robots: false,
            ways: Ways::default(),
            connect_timeout: Some(Duration::from_secs(10)),
            timeout: Some(Duration::from_mins(1)),
            patience: Patience::default(),
            max_body_size: 1 << 30,
            max_redirects: 10,
            accept: Statuses::default(),
            retry_on: Statuses::that_may_pass(),
            stop_on: None,
            cookies: false,
            cookie_file: None,
            extract: Vec::new(),
            extract_required: false,
            next: None,
            each: None,
            body: BodyUse::Hash,
        }
    }
}

impl HttpSpec {
    /// Whether a request with `method` may be sent twice.
    pub(super) fn repeats(&self, method: &Method) -> bool {
        self.repeats_all || self.idempotency_key.is_some() || method.is_idempotent()
    }

    /// Whether something is sent with requests that describe no body of their own.
    pub(super) const fn sends(&self) -> bool {
        self.payload.is_some() || self.upload_file.is_some() || self.form.is_some()
    }

    /// The settings as a plan carries them. They hold secrets, if the headers do.
    pub fn settings(&self) -> Result<Value, SettingsError> {
        settings::to_value(self)
    }

    /// Whether requests can be made in this way.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong, and how to put it right.
    pub fn validate(&self) -> Result<(), HttpSpecError> {
        let headers = self.parsed_headers()?;
        let token = matches!(self.auth.credentials, Some(Credentials::Command(_)));
        let fields = self.auth_fields()?.into_iter().map(|(name, _)| name);
        for name in fields.chain(token.then_some(AUTHORIZATION)) {
            if headers.iter().any(|(given, _)| *given == name) {
                return Err(HttpSpecError::GivenTwice(name.to_string()));
            }
        }
        self.parsed_user_agent()?;
        if let Some(name) = &self.idempotency_key {
            parse_header(name, "")?;
        }
        let Patience { dns, tls, first_byte, stall, least_rate } = self.patience;
        for (what, timeout) in [
            ("connect timeout", self.connect_timeout),
            ("timeout", self.timeout),
            ("DNS timeout", dns),
            ("TLS timeout", tls),
            ("first byte timeout", first_byte),
            ("stall timeout", stall),
            ("time of the least rate", least_rate.map(|rate| rate.over)),
        ] {
            match timeout {
                Some(Duration::ZERO) => return Err(HttpSpecError::ZeroTimeout(what)),
                Some(timeout) if timeout > LONGEST => return Err(HttpSpecError::LongTimeout(what)),
                _ => {}
            }
        }
        for (at, extract) in self.extract.iter().enumerate() {
            if self.extract[..at].iter().any(|other| other.name() == extract.name()) {
                return Err(HttpSpecError::DuplicateExtract(extract.name().to_owned()));
            }
        }
        let looks_into_body = self.extract.iter().any(Extract::needs_body)
            || self.each.is_some()
            || self.next.as_ref().is_some_and(NextPage::needs_body);
        if self.method == Method::HEAD && looks_into_body {
            return Err(HttpSpecError::NothingToExtractFrom);
        }
        if self.extract.iter().any(|extract| extract.name() == EACH) {
            return Err(HttpSpecError::NamedEach);
        }
        if let Some(each) = &self.each {
            pointer::check(each).map_err(HttpSpecError::Each)?;
        }
        let is_key = |wanted: &str| {
            self.auth
                .keys
                .iter()
                .any(|key| matches!(key, ApiKey::Query { name, .. } if name == wanted))
        };
        if let Some(name) = self.next.as_ref().and_then(NextPage::parameter)
            && (is_key(name) || self.query.iter().any(|(other, _)| other == name))
        {
            return Err(HttpSpecError::PageInQuery(name.to_owned()));
        }
        let sent = [self.payload.is_some(), self.upload_file.is_some(), self.form.is_some()];
        if self.method == Method::HEAD && self.sends() {
            return Err(HttpSpecError::NothingSent);
        }
        if sent.iter().filter(|is_sent| **is_sent).count() > 1 {
            return Err(HttpSpecError::SentTwice);
        }
        if self.method == Method::HEAD && self.body != BodyUse::Hash {
            return Err(HttpSpecError::NoBody);
        }
        let ends = |status| !self.accept.contains(status);
        if let Some(stop_on) = &self.stop_on
            && !stop_on.iter().any(ends)
        {
            return Err(HttpSpecError::NothingToStopOn {
                stop_on: stop_on.to_string(),
                accept: self.accept.to_string(),
            });
        }
        if self.deny_private && self.ways.unix_socket.is_some() {
            return Err(HttpSpecError::PrivateSocket);
        }
        if self.deny_private && self.ways.proxies.are_used() {
            return Err(HttpSpecError::PrivateBehindProxy);
        }
        Routes::new(&self.ways)?;
        if let Some(file) = &self.cookie_file {
            cookie_file::read(file)?;
        }
        super::tls::check(&self.trust)?;
        super::tls::check_certificate(self.auth.certificate.as_ref())?;
        Ok(())
    }

    /// The settings as anybody may see them: values of header fields that may hold a secret are left out, and a file of
    /// certificates is named by its path.
    pub(super) fn public_settings(&self) -> Vec<Setting> {
        let means = |name, value| Setting { name, value, changes_meaning: true };
        let not = |name, value| Setting { name, value, changes_meaning: false };
        let text = |text: &str| Value::String(text.into());
        let time = |time: Option<Duration>| {
            time.map_or(Value::Null, |time| Value::Float(time.as_secs_f64()))
        };
        let rate = |of: fn(LeastRate) -> Value| self.patience.least_rate.map_or(Value::Null, of);
        let path = |file: &CookieFile| text(&file.path.display().to_string());
        let trust = match &self.trust {
            Trust::SystemRoots => text("system"),
            Trust::Pem { path, .. } => text(&path.display().to_string()),
            Trust::Insecure => text("any"),
        };
        let stop_on = self.stop_on.as_ref().map(ToString::to_string);
        let stop_on = stop_on.map_or(Value::Null, |statuses| text(&statuses));
        let fields = self.headers.iter().map(|(name, value)| {
            // A secret may stand under any name, so only the values of harmless fields are shown.
            let harmless = HeaderName::from_bytes(name.as_bytes()).is_ok_and(|n| is_harmless(&n));
            Value::String(
                if harmless { format!("{name}: {value}") } else { format!("{name}: ***") }.into(),
            )
        });
        let extract = self.extract.iter().map(|extract| text(&extract.to_string()));
        // A secret may stand in it, and it may be long.
        let payload = self.payload.as_ref().map_or(Value::Null, |payload| {
            let bytes = payload.data.as_bytes();
            text(&format!("{} bytes, BLAKE3 {}", bytes.len(), blake3::hash(bytes).to_hex()))
        });
        let form_content = self.form.iter().flat_map(Form::known).map(text);
        let query = self.query.iter().map(|(name, _)| text(&format!("{name}=***")));
        let mut settings = vec![
            means("method", text(self.method.as_str())),
            means("data", payload),
            means("upload-file", self.upload_file.as_deref().map_or(Value::Null, text)),
            means("upload-content", self.upload_content.as_deref().map_or(Value::Null, text)),
            means("form", self.form.as_ref().map_or(Value::Null, |form| text(&form.shown()))),
            means("form-content", Value::Array(form_content.collect())),
            means("filled", Value::Bool(self.filled)),
            means("idempotency-key", self.idempotency_key.as_deref().map_or(Value::Null, text)),
            means("query", Value::Array(query.collect())),
            means("header", Value::Array(fields.collect())),
            means("user-agent", text(&self.user_agent)),
            means("max-body-size", self.max_body_size.into()),
            means("max-redirects", self.max_redirects.into()),
            means("accept", text(&self.accept.to_string())),
            means("cookies", Value::Bool(self.cookies)),
            means("extract", Value::Array(extract.collect())),
            means("extract-required", Value::Bool(self.extract_required)),
            means("next", self.next.as_ref().map_or(Value::Null, |next| text(&next.to_string()))),
            means("each", self.each.as_deref().map_or(Value::Null, text)),
            means("body", text(self.body.name())),
            // Secrets may change between two runs over one list.
            not("auth", Value::Array(self.auth.shown().iter().map(|shown| text(shown)).collect())),
            not("cookie-file", self.cookie_file.as_ref().map_or(Value::Null, path)),
            not("retry-on", text(&self.retry_on.to_string())),
            not("stop-on", stop_on),
            not("trust", trust),
            not("deny-private", Value::Bool(self.deny_private)),
            not("robots", Value::Bool(self.robots)),
            not("connect-timeout", time(self.connect_timeout)),
            not("dns-timeout", time(self.patience.dns)),
            not("tls-timeout", time(self.patience.tls)),
            not("timeout", time(self.timeout)),
            not("first-byte-timeout", time(self.patience.first_byte)),
            not("stall-timeout", time(self.patience.stall)),
            not("min-rate", rate(|rate| rate.bytes_per_s.into())),
            not("min-rate-time", rate(|rate| Value::Float(rate.over.as_secs_f64()))),
        ];
        settings.extend(self.ways.settings());
        settings
    }

    /// The user's header fields, in the types that requests are made of.
    pub(super) fn parsed_headers(&self) -> Result<Vec<(HeaderName, HeaderValue)>, HttpSpecError> {
        let mut parsed = Vec::with_capacity(self.headers.len());
        for (name, value) in &self.headers {
            let (name, value) = parse_header(name, value)?;
            if name == HOST && parsed.iter().any(|(name, _)| *name == HOST) {
                return Err(HttpSpecError::Header {
                    name: "host".to_owned(),
                    reason: "it is given twice, and a request has one".to_owned(),
                });
            }
            parsed.push((name, value));
        }
        Ok(parsed)
    }

    /// The header fields that say who asks.
    pub(super) fn auth_fields(&self) -> Result<Vec<(HeaderName, HeaderValue)>, HttpSpecError> {
        let parse = |(name, value): (&str, String)| {
            let (name, mut value) = parse_header(name, &value)?;
            value.set_sensitive(true);
            Ok((name, value))
        };
        self.auth.fields().into_iter().map(parse).collect()
    }

    /// The `user-agent` field, if there is to be one.
    pub(super) fn parsed_user_agent(&self) -> Result<Option<HeaderValue>, HttpSpecError> {
        let wrong = |reason| HttpSpecError::Header { name: "user-agent".to_owned(), reason };
        let value = header_value(&self.user_agent).map_err(wrong)?;
        Ok((!value.is_empty()).then_some(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(spec: &HttpSpec) -> Option<String> {
        spec.validate().err().map(|e| e.to_string())
    }

    fn with_headers(headers: &[(&str, &str)]) -> HttpSpec {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        HttpSpec { headers: headers.iter().map(own).collect(), ..HttpSpec::default() }
    }

    #[test]
    fn a_host_is_given_once_and_names_a_host() {
        for host in ["example.com", "example.com:8080", "127.0.0.1", "[::1]", "[::1]:81", " a_b "] {
            assert_eq!(refused(&with_headers(&[("Host", host)])), None, "{host}");
        }
        for host in [
            "",
            " ",
            "a b",
            "user@example.com",
            "user:password@example.com",
            "http://a/",
            "a/b",
            "a:",
            "a:x",
            "a:99999",
            "[::1",
            "a,b:c:d",
        ] {
            let message = refused(&with_headers(&[("Host", host)])).expect(host);
            let wanted =
                "the header \"Host\" cannot be sent: its value is not a host such as example.com";
            assert!(message.starts_with(wanted), "{host}: {message}");
            assert!(!message.contains("password"), "{message}");
        }
        assert_eq!(
            refused(&with_headers(&[("Host", "a.example"), ("X-A", "b"), ("host", "a.example")]))
                .unwrap(),
            "the header \"host\" cannot be sent: it is given twice, and a request has one"
        );
    }

    #[test]
    fn what_cannot_be_sent_is_refused_by_name_and_without_its_value() {
        for (name, value, wanted) in [
            ("X A", "b", "a name has letters"),
            ("", "b", "a name has letters"),
            ("X-A", "secret\nX-B: c", "its value holds a control character"),
            ("X-A", "secret\0", "its value holds a control character"),
            ("content-length", "5", "it frames the message"),
            ("Transfer-Encoding", "chunked", "it frames the message"),
        ] {
            let message = refused(&with_headers(&[("X-Fine", "x"), (name, value)])).expect(name);
            assert!(
                message.starts_with(&format!("the header {name:?} cannot be sent: ")),
                "{message}"
            );
            assert!(message.contains(wanted) && !message.contains("secret"), "{message}");
        }
        let agent = HttpSpec { user_agent: "a\u{7f}b".to_owned(), ..HttpSpec::default() };
        assert!(refused(&agent).unwrap().starts_with("the header \"user-agent\" cannot be sent"));
        let names = with_headers(&[("X-Name", "J\u{f6}rg")]);
        assert_eq!(names.parsed_headers().unwrap()[0].1.as_bytes(), "J\u{f6}rg".as_bytes());
    }

    #[test]
    fn who_asks_is_said_once_and_refused_without_its_secret() {
        let bearer = |token: &str| Auth {
            credentials: Some(Credentials::Bearer(token.into())),
            ..Auth::default()
        };
        let spec = HttpSpec { auth: bearer("s3cret\nx"), ..HttpSpec::default() };
        let message = refused(&spec).unwrap();
        assert!(message.contains("authorization") && !message.contains("s3cret"), "{message}");
        let spec = HttpSpec { auth: bearer("s3cret"), ..with_headers(&[("Authorization", "x")]) };
        assert!(refused(&spec).unwrap().starts_with("authorization is given as a header field"));
        let spec = HttpSpec { auth: bearer("s3cret"), ..HttpSpec::default() };
        assert_eq!(refused(&spec), None);
        assert!(spec.auth_fields().unwrap()[0].1.is_sensitive());
    }

    #[test]
    fn timeouts_are_more_than_nothing_and_less_than_ages() {
        let with = |timeout| HttpSpec { timeout: Some(timeout), ..HttpSpec::default() };
        assert_eq!(refused(&with(Duration::from_nanos(1))), None);
        assert_eq!(refused(&with(LONGEST)), None);
        let longer = refused(&with(Duration::MAX)).unwrap();
        assert_eq!(
            longer,
            "the timeout is longer than ten years; leave it out to wait without limit"
        );
        let zero = HttpSpec { connect_timeout: Some(Duration::ZERO), ..HttpSpec::default() };
        assert!(refused(&zero).unwrap().starts_with("the connect timeout is zero"));
    }

    #[test]
    fn settings_survive_the_way_to_another_process() {
        let spec = HttpSpec {
            accept: "200-299,404".parse().unwrap(),
            retry_on: "500".parse().unwrap(),
            stop_on: Some("401,403".parse().unwrap()),
            extract: vec!["a=/b".parse().unwrap()],
            body: BodyUse::Files("bodies/aside".into()),
            ..with_headers(&[("Host", "a.example")])
        };
        let back: HttpSpec = settings::from_value(&spec.settings().unwrap()).unwrap();
        assert_eq!(back, spec);
    }
}
