//! Lines of curl as items: what browsers copy (`Copy as cURL`), and what people have in their scripts.
//!
//! Limit: one request a command. What curl does besides asking, such as writing files, is for gaits' own options.

mod fields;
mod flags;
mod form;
mod glob;
mod url;
mod values;
mod words;

use super::form::Form;
use super::method::Method;
use super::multipart::AS_IS;
use super::payload::Payload;
use super::template::{UrlTemplate, is_filled};
use fields::Fields;
use flags::{Flag, flag};
use percent_encoding::AsciiSet;
use serde_json::{Map, Value};
use std::collections::VecDeque;
use url::{named_after, with_query, without_credentials};
use values::{KEPT, KEPT_WITH_PLACES, encoded, read, read_file};
pub use words::is_whole;

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

/// What the options of a curl command come to.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option that is given or not")]
struct Command {
    method: Option<String>,
    url: Option<String>,
    fields: Fields,
    /// What is sent, as it was joined so far.
    data: Option<String>,
    /// The path of a file that is sent as it is, in front of all other data.
    data_file: Option<String>,
    is_json: bool,
    /// Data go into the query.
    get: bool,
    head: bool,
    parts: Vec<(String, String)>,
    query: Vec<String>,
    /// Columns stand in data that are encoded.
    encodes_places: bool,
    /// The path of a file that is sent.
    upload: Option<String>,
    /// Brackets and braces in the URL stand for themselves.
    globoff: bool,
    /// Names in braces are places that fields of items fill.
    places: bool,
    /// The options that can't be followed, by the reason why.
    unfit: Vec<(&'static str, Vec<String>)>,
}

/// The request that a command makes.
struct Asked {
    url: String,
    method: String,
    headers: Vec<(String, String)>,
    /// Header fields that gaits would send by itself.
    left_out: Vec<String>,
    sends: Sends,
}

enum Sends {
    Nothing,
    Text(String),
    File(String),
    /// A form with files, in a template.
    Form(Form),
}

/// A command as a template of requests, whose places the fields of each item fill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurlTemplate {
    /// Its URL.
    pub url: UrlTemplate,
    /// Its method.
    pub method: Method,
    /// Its header fields.
    pub headers: Vec<(String, String)>,
    /// The names of header fields that gaits would send by itself, and leaves out.
    pub left_out: Vec<String>,
    /// What it sends.
    pub payload: Option<Payload>,
    /// The path of a file that it sends.
    pub upload_file: Option<String>,
    /// A form with files that it sends.
    pub form: Option<Form>,
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
    let asked = Command::read(command, context, false)?.asked()?;
    let mut item = Map::new();
    item.insert("url".to_owned(), asked.url.into());
    item.insert("method".to_owned(), asked.method.into());
    if !asked.headers.is_empty() || !asked.left_out.is_empty() {
        item.insert("headers".to_owned(), fields::grouped(asked.headers, asked.left_out));
    }
    match asked.sends {
        Sends::Text(text) => item.insert("body".to_owned(), text.into()),
        Sends::File(path) => item.insert("body_file".to_owned(), path.into()),
        // Only a template has one.
        Sends::Nothing | Sends::Form(_) => None,
    };
    Ok(Value::Object(item).to_string())
}

/// The template of requests that a curl command is, for the rows of a table.
///
/// # Errors
/// As for [`described_by_curl`].
pub fn template_of_curl(command: &str, context: CurlContext) -> Result<CurlTemplate, String> {
    let asked = Command::read(command, context, true)?.asked()?;
    let url = UrlTemplate::parse(&asked.url).map_err(|error| error.to_string())?;
    let method = asked.method.parse::<Method>().map_err(|error| error.to_string())?;
    let (mut payload, mut upload_file, mut form) = (None, None, None);
    match asked.sends {
        Sends::Nothing => {}
        Sends::Text(text) => payload = Some(Payload::new(text.into_bytes(), None)),
        Sends::File(path) => upload_file = Some(path),
        Sends::Form(sent) => form = Some(sent),
    }
    let Asked { headers, left_out, .. } = asked;
    Ok(CurlTemplate { url, method, headers, left_out, payload, upload_file, form })
}

fn next(words: &mut VecDeque<String>, name: &str) -> Result<String, String> {
    words.pop_front().ok_or_else(|| format!("{name} lacks its value"))
}

impl Command {
    /// Reads a command; with `places` that fields of items fill, or none.
    fn read(command: &str, context: CurlContext, places: bool) -> Result<Self, String> {
        let mut words: VecDeque<String> = words::split(command)?.into();
        match words.pop_front() {
            Some(name) if matches!(name.rsplit(['/', '\\']).next(), Some("curl" | "curl.exe")) => {}
            _ => {
                return Err("not a curl command: it begins with another word than curl".to_owned());
            }
        }
        let mut found = Self { places, ..Self::default() };
        let read = found.read_words(words, context);
        // All that is wrong is told at once.
        let mut wrong: Vec<String> =
            found.unfit.iter().map(|(why, names)| format!("{} {why}", names.join(", "))).collect();
        wrong.extend(read.err());
        if wrong.is_empty() { Ok(found) } else { Err(wrong.join("; ")) }
    }

    fn read_words(
        &mut self,
        mut words: VecDeque<String>,
        context: CurlContext,
    ) -> Result<(), String> {
        let mut only_urls = false;
        while let Some(word) = words.pop_front() {
            if only_urls || !word.starts_with('-') || word == "-" {
                self.url(word)?;
            } else if word == "--" {
                only_urls = true;
            } else if word.starts_with("--") {
                let (flag, takes) = flag(&word)?;
                let value = if takes { Some(next(&mut words, &word)?) } else { None };
                self.take(flag, &word, value.unwrap_or_default(), context)?;
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
                    self.take(flag, &name, value, context)?;
                    if takes {
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    /// Notes an option that can't be followed.
    fn unfit(&mut self, name: &str, why: &'static str) {
        match self.unfit.iter_mut().find(|(other, _)| *other == why) {
            Some((_, names)) if names.iter().any(|other| other == name) => {}
            Some((_, names)) => names.push(name.to_owned()),
            None => self.unfit.push((why, vec![name.to_owned()])),
        }
    }

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
            Flag::Unfit(why) => self.unfit(name, why),
            Flag::Insecure if context.insecure => {}
            Flag::Insecure => self.unfit(name, "holds for all requests: give it to gaits as well"),
            Flag::Globoff => self.globoff = true,
            Flag::Url => self.url(value)?,
            Flag::Method => self.method = Some(value),
            Flag::Get => self.get = true,
            Flag::Head => self.head = true,
            Flag::Header => self.fields.add(&value)?,
            Flag::UserAgent => self.fields.user_agent = Some(value),
            Flag::Referer if value.ends_with(";auto") => {
                self.unfit(
                    name,
                    "with ;auto names another referer after each redirect, which an item can't",
                );
            }
            Flag::Referer => self.fields.referer = Some(value),
            Flag::Cookie if value.contains('=') => self.fields.cookies.push(value),
            Flag::Cookie => {
                return Err(format!("{name} reads cookies from a file, which an item can't"));
            }
            Flag::User if self.places && value.contains('{') && value.contains('}') => {
                return Err(format!(
                    "{name} is sent encoded, so columns can't be filled into it; one that holds what is sent may stand in \
                     -H 'Authorization: {{column}}'"
                ));
            }
            Flag::User => self.fields.user = Some(value),
            Flag::Bearer => self.fields.bearer = Some(value),
            Flag::Data => self.data(&read(&value, name, true)?, "&")?,
            Flag::DataBinary => self.binary(&value, name, "&")?,
            Flag::DataRaw => self.data(&value, "&")?,
            Flag::DataUrlencode => {
                let data = encoded(&value, name, self.places)?;
                self.encodes_places |= self.places && is_filled(&data);
                self.data(&data, "&")?;
            }
            Flag::Json => {
                self.is_json = true;
                self.binary(&value, name, "")?;
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
            Flag::Query => match value.strip_prefix('+') {
                // As it is.
                Some("") => {}
                Some(query) => self.query.push(query.to_owned()),
                None => self.query.push(encoded(&value, name, self.places)?),
            },
        }
        Ok(())
    }

    /// Further data, which `joint` joins to those before.
    fn data(&mut self, data: &str, joint: &str) -> Result<(), String> {
        if let Some(path) = self.data_file.take() {
            self.data = Some(read_file(&path, "--data-binary")?);
        }
        self.data = Some(match self.data.take() {
            None => data.to_owned(),
            Some(before) => [&*before, joint, data].concat(),
        });
        Ok(())
    }

    /// Data as they are. A file is left on the disk, if it can be all that is sent and nothing is filled into it.
    fn binary(&mut self, value: &str, name: &str, joint: &str) -> Result<(), String> {
        let is_first = self.data.is_none() && self.data_file.is_none();
        let Some(path) = value.strip_prefix('@').filter(|path| is_first && *path != "-") else {
            return self.data(&read(value, name, false)?, joint);
        };
        // One that can't be read as text is no template.
        let text = if self.places { read_file(path, name).ok() } else { None };
        match text.filter(|text| is_filled(text)) {
            Some(template) => self.data = Some(template),
            None => self.data_file = Some(path.to_owned()),
        }
        Ok(())
    }

    /// The request.
    fn asked(mut self) -> Result<Asked, String> {
        let url = self.url.take().ok_or("it asks for no URL: add one")?;
        let mut url = glob::taken(&url, self.globoff, self.places)?;
        if self.head && (self.upload.is_some() || !self.parts.is_empty()) {
            return Err(
                "it has -I and what is to be sent, which curl doesn't take together".to_owned()
            );
        }
        if self.head && !self.get && (self.data.is_some() || self.data_file.is_some()) {
            return Err("it has -I and -d, which curl takes together only with -G".to_owned());
        }
        if self.data.is_some() || self.data_file.is_some() {
            if !self.parts.is_empty() {
                return Err("it has -F and -d, which can't be sent together".to_owned());
            }
            if self.upload.is_some() {
                return Err("it has -T and -d, which can't be sent together".to_owned());
            }
        }
        if let Some(path) = &self.upload {
            if !self.parts.is_empty() {
                return Err("it has -T and -F, which can't be sent together".to_owned());
            }
            let last = path.rsplit('/').next().unwrap_or(path);
            url = named_after(url, last, self.kept());
        }
        if let Some(path) = self.data_file.take_if(|_| self.get) {
            self.data = Some(read_file(&path, "--data-binary")?);
        }
        let mut query = std::mem::take(&mut self.query);
        let (mut sends, mut kind) = (Sends::Nothing, None);
        if self.places
            && let Some(form) = form::of_each_row(&self.parts)?
        {
            self.fields.leave_kind()?;
            sends = Sends::Form(form);
        } else if !self.parts.is_empty() {
            let read = |path: &str| read_file(path, "-F").map(String::into_bytes);
            let (bytes, boundary) = Form::of_curl(&self.parts)?.whole(read)?;
            // What was read is text, since it stands in the item.
            sends = String::from_utf8(bytes).map_or(Sends::Nothing, Sends::Text);
            kind = self.fields.with_boundary(&boundary);
        } else if self.data.is_some() || self.data_file.is_some() {
            let sent_as = if self.is_json { JSON } else { FORM };
            // In a query, only JSON is still called so.
            kind = (!self.get || self.is_json).then(|| sent_as.to_owned());
            let data = self.data.take().unwrap_or_default();
            if self.encodes_places && !self.get && !self.fields.goes_as(FORM, sent_as) {
                return Err(format!(
                    "--data-urlencode with a column is sent as {FORM}: leave out -H Content-Type"
                ));
            }
            if self.get {
                query.push(data);
            } else {
                sends = self.data_file.take().map_or(Sends::Text(data), Sends::File);
            }
        }
        let method = self.method.take().unwrap_or_else(|| {
            let method = match (&sends, &self.upload) {
                _ if self.head => "HEAD",
                (Sends::Text(_) | Sends::File(_) | Sends::Form(_), _) => "POST",
                (Sends::Nothing, Some(_)) => "PUT",
                (Sends::Nothing, None) => "GET",
            };
            method.to_owned()
        });
        if let Some(path) = self.upload.take() {
            sends = Sends::File(path);
        }
        if self.fields.say_who_asks() {
            url = without_credentials(url);
        }
        let left_out = self.fields.left_out();
        let headers = self.fields.all(kind, self.is_json.then(|| JSON.to_owned()));
        Ok(Asked { url: with_query(&url, &query), method, headers, left_out, sends })
    }

    /// What is not encoded.
    const fn kept(&self) -> &'static AsciiSet {
        if self.places { KEPT_WITH_PLACES } else { KEPT }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const CONTEXT: CurlContext = CurlContext { insecure: false };

    fn item(command: &str) -> Value {
        serde_json::from_str(&described_by_curl(command, CONTEXT).unwrap()).unwrap()
    }

    #[test]
    fn what_a_user_says_of_a_form_is_followed_by_what_separates_its_parts() {
        // As curl 7.88 sends it.
        for kind in ["multipart/form-data", "multipart/mixed", "a/b; c=d"] {
            let item = item(&format!("curl http://h/ -H 'content-type: {kind}' -F a=1"));
            let body = item["body"].as_str().unwrap();
            let boundary = body.lines().next().unwrap().strip_prefix("--").unwrap();
            let wanted = json!({"content-type": format!("{kind}; boundary={boundary}")});
            assert_eq!(item["headers"], wanted);
        }
    }

    #[test]
    fn what_is_encoded_is_encoded_as_curl_does_it() {
        // As curl 7.88 sends them.
        for (options, url) in [
            ("--url-query +a=b%20c --url-query 'q=x y'", "http://h/?a=b%20c&q=x+y"),
            ("--url-query +@f", "http://h/?@f"),
            ("--url-query +", "http://h/"),
            ("-G --data-urlencode a@b=c", "http://h/?a@b=c"),
            ("-G --data-urlencode a=b@c", "http://h/?a=b%40c"),
            ("-G --data-urlencode =@b", "http://h/?%40b"),
            ("-G --data-urlencode 'a=b c+d'", "http://h/?a=b+c%2Bd"),
        ] {
            assert_eq!(item(&format!("curl http://h/ {options}"))["url"], url, "{options}");
        }
    }

    #[test]
    fn fields_are_sent_as_the_last_option_and_h_say() {
        // As curl 7.88 sends them, but for those that gaits would send itself: null.
        for (options, headers) in [
            ("-u me:pw -H 'Authorization: Bearer t'", json!({"Authorization": "Bearer t"})),
            ("-u me:pw -H Authorization:", Value::Null),
            ("-u a:b -u c:d", json!({"Authorization": "Basic Yzpk"})),
            ("--oauth2-bearer t -u me:pw", json!({"Authorization": "Bearer t"})),
            ("-b a=1 -b b=2", json!({"Cookie": "a=1;b=2"})),
            ("-b a=1 -H 'cookie: b=2'", json!({"cookie": "b=2"})),
            ("-H Cookie: -b a=1", Value::Null),
            ("-A one -A two", json!({"User-Agent": "two"})),
            ("-A x -H 'user-agent: y'", json!({"user-agent": "y"})),
            ("-A ''", json!({"user-agent": null})),
            (
                "-H User-Agent: -H accept: -H Accept-Encoding:",
                json!({"user-agent": null, "accept": null, "accept-encoding": null}),
            ),
            ("-e a -e b", json!({"Referer": "b"})),
            ("-H 'Referer: a' -e b", json!({"Referer": "a"})),
            ("-H 'X: a' -H 'x: b' -H 'Y;'", json!({"X": ["a", "b"], "Y": ""})),
            (
                "-G --json 1",
                json!({"Content-Type": "application/json", "Accept": "application/json"}),
            ),
            ("-H 'X: \u{a0}y\t'", json!({"X": "\u{a0}y"})),
        ] {
            assert_eq!(item(&format!("curl http://h/ {options}"))["headers"], headers, "{options}");
        }
        for (command, url) in [
            ("http://u:p@h/x@y -u c:d", "http://h/x@y"),
            ("http://u:p@h -H 'Authorization: x'", "http://h"),
            ("http://u:p@h -H Authorization:", "http://h"),
            ("http://u:p@h", "http://u:p@h"),
        ] {
            assert_eq!(item(&format!("curl {command}"))["url"], url, "{command}");
        }
    }

    #[test]
    fn data_are_joined_as_their_options_join_them() {
        // As curl 7.88 sends them.
        for (options, body) in [
            ("-d a -d b --data-raw @c", "a&b&@c"),
            ("--json 1 --json 2", "12"),
            ("--json 1 -d 2", "1&2"),
            ("-d 1 --json 2", "12"),
        ] {
            assert_eq!(item(&format!("curl http://h/ {options}"))["body"], body, "{options}");
        }
    }

    #[test]
    fn what_curl_or_a_shell_would_do_otherwise_is_refused() {
        for (options, why) in [
            ("-I -d a=1", "-I and -d"),
            ("-I -F a=1", "-I and what is to be sent"),
            ("-I -T f", "-I and what is to be sent"),
            ("-e 'x;auto'", "-e with ;auto"),
            ("-H Host:", "leaves out Host"),
            ("-d $1", "it has a $"),
            ("-d \"$?\"", "it has a $"),
            ("-d $\"abc\"", "it has a $"),
        ] {
            let wrong =
                described_by_curl(&format!("curl http://h/ {options}"), CONTEXT).unwrap_err();
            assert!(wrong.contains(why), "{options}: {wrong}");
        }
        assert_eq!(item("curl http://h/ -I -G -d a=1")["url"], "http://h/?a=1");
        assert_eq!(item("curl http://h/ -d 5$ -d \"6$\"")["body"], "5$&6$");
    }

    #[test]
    fn columns_are_kept_in_what_is_encoded() {
        let template =
            |options: &str| template_of_curl(&format!("curl http://h/ {options}"), CONTEXT);
        let data = |options: &str| {
            let payload = template(options).unwrap().payload.unwrap();
            payload.data.as_text().unwrap().to_owned()
        };
        assert_eq!(data("--data-urlencode 'a={c d}&é'"), "a={c d}%26%C3%A9");
        assert_eq!(data("--data-urlencode 'a={\"k\":1}'"), "a=%7B%22k%22%3A1%7D");
        for kind in ["-H 'Content-Type: text/plain'", "-H Content-Type:"] {
            let wrong = template(&format!("{kind} --data-urlencode 'a={{v}}'")).unwrap_err();
            assert!(wrong.starts_with("--data-urlencode with a column"), "{wrong}");
            assert_eq!(data(&format!("{kind} --data-urlencode a=é")), "a=%C3%A9");
        }
    }

    #[test]
    fn a_user_is_no_place_for_a_column() {
        let refused = |option: &str| {
            let command = format!("curl http://h/{{id}} {option} '{{user}}:s3cret'");
            template_of_curl(&command, CONTEXT).unwrap_err()
        };
        for option in ["-u", "--user"] {
            let why = refused(option);
            assert!(why.starts_with(&format!("{option} is sent encoded")), "{why}");
            assert!(!why.contains("s3cret"), "{why}");
        }
        assert!(template_of_curl("curl http://h/{id} -u me:{pw", CONTEXT).is_ok());
        assert!(template_of_curl("curl http://h/{id} --oauth2-bearer {t}", CONTEXT).is_ok());
        assert!(described_by_curl("curl http://h/ -u {me}:pw", CONTEXT).is_ok());
    }
}
