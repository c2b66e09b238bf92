//! Options that say what a request asks for and what is sent with it.

use crate::exit::Trouble;
use anyhow::Context as _;
use clap::Args;
use gaits::http::{self, CurlTemplate, Form, HttpSpec, LoadedForm, Method, Payload};
use std::io::Read as _;

/// What `-d` sends, if nothing else is said: what browsers send of a form.
const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

/// A file of more bytes that is sent as data is read while it is sent. Each process would hold it several times.
const LONG: u64 = 8 << 20;

/// Why a form with parts can have no other content type.
const NAMES_BOUNDARY: &str = "a form with files says itself what it is, since that names what separates its parts: leave out -H \
                              Content-Type";

/// What a request asks for, and what is sent with it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Request")]
pub(super) struct RequestArgs {
    /// Ask for heads only
    #[arg(short = 'I', long, hide_short_help = true)]
    head: bool,

    /// Use this method [default: GET, and POST where something is sent]
    ///
    /// GET, HEAD, OPTIONS, PUT, DELETE and TRACE may be sent twice, others are not: they are tried again only with
    /// --idempotency-key or --retry-non-idempotent. An item may name another one: {"url": …, "method": …}.
    #[arg(short = 'X', long = "request", value_name = "METHOD", conflicts_with = "head")]
    #[arg(hide_short_help = true)]
    method: Option<Method>,

    /// Send this with each request; @FILE sends a file, @- standard input
    ///
    /// Several are joined by &, as fields of a form. It is sent as application/x-www-form-urlencoded, unless -H
    /// 'Content-Type: …' says otherwise. A file is sent as it is. One of at
    /// most 8 MiB is read once, a longer one whenever it is sent.
    #[arg(short, long, value_name = "DATA", conflicts_with = "head")]
    data: Vec<String>,

    /// Send this JSON; @FILE and @- as for --data
    #[arg(long, value_name = "JSON", conflicts_with_all = ["head", "data", "form"], hide_short_help = true)]
    data_json: Option<String>,

    /// Send this field of a form, encoded; may be repeated. NAME=@FILE sends a file
    ///
    /// With a file among them, the form is sent as multipart/form-data, as curl -F does, else as
    /// application/x-www-form-urlencoded. Behind a file may stand its type and another name:
    /// 'photo=@a.jpg;type=image/jpeg;filename=b.jpg'. A path or a name with a semicolon stands in quotes. A long file is read
    /// from the disk while it is sent, so it may have any length. With a table, columns may stand in each value:
    /// 'photo=@photos/{name}' sends another file for each row.
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair, conflicts_with_all = ["head", "data"])]
    #[arg(hide_short_help = true)]
    form: Vec<(String, String)>,

    /// Send this file, with PUT; columns may stand in its path, as in 'photos/{name}'
    ///
    /// It is read from the disk while it is sent, so it may have any length. -X POST sends it with another method.
    #[arg(short = 'T', long, value_name = "FILE", conflicts_with_all = ["head", "data", "data_json", "form"])]
    #[arg(hide_short_help = true)]
    upload_file: Option<String>,

    /// Add this to the query of each URL, encoded; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair, hide_short_help = true)]
    query: Vec<(String, String)>,

    /// Send a key of its own with each item, in this header field [default: Idempotency-Key]
    ///
    /// The key follows from the item and its place in the input, so it is the same whenever the item is tried again: a server
    /// that knows such keys does it once. Requests of any method are then tried again.
    #[arg(long, value_name = "HEADER", num_args = 0..=1, default_missing_value = "Idempotency-Key")]
    #[arg(require_equals = true, hide_short_help = true)]
    idempotency_key: Option<String>,
}

/// `NAME=VALUE`
fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(format!("`{text}` is not a name and a value such as page=2")),
    }
}

impl RequestArgs {
    /// Refuses places for columns where none is filled: the braces would be sent.
    pub(super) fn refuse_places(&self) -> Result<(), Trouble> {
        let has_place = |text: &str| text.contains('{') && text.contains('}');
        if let Some((name, _)) = self.query.iter().find(|(_, value)| has_place(value)) {
            return Err(Trouble::wrong(format!(
                "--query {name}=…: columns are filled into the URL of --template, --data, --data-json, --form, -T and -H \
                 only; write it there"
            )));
        }
        Ok(())
    }

    /// Refuses what would say again, beside commands of curl, what each of them says.
    pub(super) fn refuse_beside_commands(&self) -> Result<(), Trouble> {
        let sends = !self.data.is_empty() || self.data_json.is_some() || !self.form.is_empty();
        if sends || self.head || self.method.is_some() || self.upload_file.is_some() {
            return Err(Trouble::wrong(
                "the command of --from-curl says the method and what is sent: write it there",
            ));
        }
        Ok(())
    }

    /// What they come to for requests that a command of curl is the template of.
    pub(super) fn on_top_of(
        self,
        template: CurlTemplate,
        spec: HttpSpec,
    ) -> Result<HttpSpec, Trouble> {
        let mut headers = spec.headers;
        let own = headers.len();
        let is_kind = |name: &str| name.eq_ignore_ascii_case("content-type");
        for (name, value) in template.headers {
            let says_boundary = is_kind(&name) && value.contains("; boundary=");
            if says_boundary && headers.iter().any(|(other, _)| is_kind(other)) {
                return Err(Trouble::wrong(NAMES_BOUNDARY));
            }
            if !headers[..own].iter().any(|(other, _)| other.eq_ignore_ascii_case(&name)) {
                headers.push((name, value));
            }
        }
        let CurlTemplate { method, payload, upload_file, form, .. } = template;
        let left_out = [spec.left_out, template.left_out].concat();
        let is_kind = |(name, _): &(String, String)| is_kind(name);
        let form = match form {
            Some(_) if headers.iter().any(is_kind) => return Err(Trouble::wrong(NAMES_BOUNDARY)),
            None => None,
            Some(form) => Some(form.load("-F", spec.filled).map_err(Trouble::wrong)?),
        };
        let (form, payload) = match form {
            None => (None, payload),
            Some(LoadedForm::Form(form)) => (Some(form), None),
            Some(LoadedForm::Payload(payload)) => (None, Some(payload)),
        };
        let method = Some(method);
        let of_command = Self { method, upload_file, ..self };
        let spec = of_command.resolve(HttpSpec { headers, left_out, ..spec })?;
        Ok(HttpSpec { payload: payload.or(spec.payload), form: form.or(spec.form), ..spec })
    }

    /// What they come to; reads files that are to be sent. `headers` are those of the user.
    pub(super) fn resolve(mut self, spec: HttpSpec) -> Result<HttpSpec, Trouble> {
        let says_what =
            spec.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        let typed =
            |bytes: Vec<u8>, kind: &str| Payload::new(bytes, (!says_what).then(|| kind.to_owned()));
        let mut form = None;
        let mut upload = self.upload_file.map(|path| (path, "-T", None));
        let payload = if let Some((path, option, kind)) =
            long_file(&self.data, self.data_json.as_deref())
            && !spec.filled
        {
            upload = Some((path, option, (!says_what).then(|| kind.to_owned())));
            self.method.get_or_insert(Method::POST);
            None
        } else if let Some(json) = self.data_json {
            let bytes = read("--data-json", &json)?;
            // A template is looked at once it is one.
            if !spec.filled
                && let Err(wrong) = serde_json::from_slice::<serde_json::Value>(&bytes)
            {
                let from = json.strip_prefix('@').map_or("--data-json", |file| file);
                return Err(Trouble::wrong(format!(
                    "{from} is no JSON: {wrong}; -d with -H 'Content-Type: application/json' sends any text"
                )));
            }
            Some(typed(bytes, JSON))
        } else if self.form.iter().any(|(_, value)| value.starts_with('@')) {
            let given = Form::new(&self.form).map_err(Trouble::wrong)?;
            if says_what {
                return Err(Trouble::wrong(NAMES_BOUNDARY));
            }
            match given.load("--form", spec.filled).map_err(Trouble::wrong)? {
                LoadedForm::Payload(payload) => Some(payload),
                LoadedForm::Form(loaded) => {
                    form = Some(loaded);
                    None
                }
            }
        } else if !self.form.is_empty() && spec.filled {
            let form =
                http::form_template(&self.form).map_err(|error| Trouble::Wrong(error.into()))?;
            Some(typed(form.into_bytes(), FORM))
        } else if !self.form.is_empty() {
            let form =
                form_urlencoded::Serializer::new(String::new()).extend_pairs(self.form).finish();
            Some(typed(form.into_bytes(), FORM))
        } else if self.data.is_empty() {
            None
        } else {
            let parts = self.data.iter().map(|data| read("--data", data));
            Some(typed(joined(parts.collect::<Result<_, _>>()?), FORM))
        };
        let is_one = |path: &&str| !spec.filled || !http::is_filled(path);
        let one = upload.as_ref().filter(|(path, ..)| is_one(&&**path));
        let upload_content = one.map(|(path, option, _)| content_of(path, option)).transpose()?;
        let method = match self.method {
            Some(method) => method,
            None if self.head => Method::HEAD,
            None if payload.is_some() || form.is_some() => Method::POST,
            None if upload.is_some() => Method::PUT,
            None => Method::GET,
        };
        let (upload_file, upload_type) = upload.map(|(path, _, kind)| (path, kind)).unzip();
        let Self { query, idempotency_key, .. } = self;
        Ok(HttpSpec {
            method,
            payload,
            upload_file,
            upload_content,
            upload_type: upload_type.flatten(),
            form,
            query,
            idempotency_key,
            ..spec
        })
    }
}

/// The file that is all of the data, if it is so long that it should not be held in memory: its path, the option that names it,
/// and what it is.
fn long_file(data: &[String], json: Option<&str>) -> Option<(String, &'static str, &'static str)> {
    let (given, option, kind) = match (data, json) {
        ([], Some(json)) => (json, "--data-json", JSON),
        ([only], None) => (&**only, "--data", FORM),
        _ => return None,
    };
    let path = given.strip_prefix('@').filter(|path| *path != "-")?;
    let is_long = std::fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() > LONG);
    is_long.then(|| (path.to_owned(), option, kind))
}

/// What is in a file that is sent with each request.
fn content_of(path: &str, option: &str) -> Result<String, Trouble> {
    let wrong = |why: String| Trouble::wrong(format!("{option} can't send {path}: {why}"));
    if path == "-" {
        return Err(wrong(
            "standard input can't be read once for each request; write a file".to_owned(),
        ));
    }
    http::upload_content(path.as_ref()).map_err(|error| wrong(error.to_string()))
}

/// Fields of a form, one after the other. What is the only one is not copied: it may be long.
fn joined(mut parts: Vec<Vec<u8>>) -> Vec<u8> {
    match &mut parts[..] {
        [only] => std::mem::take(only),
        _ => parts.join(&b'&'),
    }
}

/// What an option sends: itself, or what a file holds.
fn read(option: &str, given: &str) -> Result<Vec<u8>, Trouble> {
    match given.strip_prefix('@') {
        None => Ok(given.as_bytes().to_vec()),
        Some(name) => read_file(option, name).map_err(Trouble::Wrong),
    }
}

/// What a file holds that an option is to send; `-` is standard input.
fn read_file(option: &str, name: &str) -> anyhow::Result<Vec<u8>> {
    let file = if name == "-" { "standard input" } else { name };
    let failed = || format!("can't read {file}, which {option} is to send");
    if name == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).with_context(failed)?;
        return Ok(bytes);
    }
    std::fs::read(name).with_context(failed)
}
