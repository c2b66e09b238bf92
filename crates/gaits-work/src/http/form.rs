//! Forms with files: what a plan says of one, what the fields of an item make of it, and the body that it comes to.
//!
//! Limit: how a form is written down is for [`multipart`](super::multipart), and reading long files for
//! [`upload`](super::upload).

use super::fault::Fault;
use super::json::Named;
use super::multipart::{AS_IS, Sent, Value, boundary, content_type, head, joined};
use super::payload::{Body, LongBody, Owner, Payload};
use super::template::{BodyForm, TextTemplate};
use super::upload::{self, Found, Segment, Segments};
use bytes::Bytes;
use gaits_core::Data;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;

/// What stands for standard input.
const STDIN: &str = "-";

/// A form some of whose parts are files. In a plan whose requests are filled, its texts and paths are templates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Form {
    parts: Vec<Part<String>>,
}

/// A form whose texts and paths the fields of an item fill.
#[derive(Debug)]
pub(super) struct FormTemplate {
    parts: Vec<Part<TextTemplate>>,
}

/// A part of a form. `T` is a text, or a template of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Part<T> {
    pub(super) name: String,
    pub(super) file_name: Option<FileName<T>>,
    pub(super) kind: Option<T>,
    pub(super) content: Content<T>,
    /// Whether it is sent as a file: its type follows from its name, where none is given.
    #[serde(default)]
    pub(super) is_file: bool,
}

/// The name that a part has as a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum FileName<T> {
    Given(T),
    /// The last part of its path.
    OfPath,
}

/// What a part holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Content<T> {
    Text(T),
    /// What was read once, since it can't be read again.
    Read(Arc<Data>),
    File {
        path: T,
        /// What tells its content from another, where it is one file for all.
        known: Option<String>,
    },
}

impl<T> Part<T> {
    fn map<U, E>(&self, mut with: impl FnMut(&T) -> Result<U, E>) -> Result<Part<U>, E> {
        let file_name = match &self.file_name {
            None => None,
            Some(FileName::OfPath) => Some(FileName::OfPath),
            Some(FileName::Given(name)) => Some(FileName::Given(with(name)?)),
        };
        let content = match &self.content {
            Content::Text(text) => Content::Text(with(text)?),
            Content::Read(data) => Content::Read(data.clone()),
            Content::File { path, known } => {
                Content::File { path: with(path)?, known: known.clone() }
            }
        };
        let kind = self.kind.as_ref().map(with).transpose()?;
        Ok(Part { name: self.name.clone(), file_name, kind, content, is_file: self.is_file })
    }

    fn texts(&self) -> impl Iterator<Item = &T> {
        let file_name = match &self.file_name {
            Some(FileName::Given(name)) => Some(name),
            Some(FileName::OfPath) | None => None,
        };
        let content = match &self.content {
            Content::Text(text) | Content::File { path: text, .. } => Some(text),
            Content::Read(_) => None,
        };
        file_name.into_iter().chain(&self.kind).chain(content)
    }
}

impl Part<String> {
    /// A part of this name, whose value is written as for curl's `-F`.
    fn of(name: &str, value: &str) -> Result<Self, String> {
        let name = name.to_owned();
        if let Some(text) = value.strip_prefix(AS_IS) {
            let content = Content::Text(text.to_owned());
            return Ok(Self { name, file_name: None, kind: None, content, is_file: false });
        }
        let Value { sent, content, kind, file_name } = Value::of(value)?;
        let file_name = file_name.map(FileName::Given);
        let is_file = sent == Sent::File;
        let content = match sent {
            Sent::Text => Content::Text(content),
            Sent::ContentOfFile | Sent::File => Content::File { path: content, known: None },
        };
        let file_name = file_name.or_else(|| is_file.then_some(FileName::OfPath));
        Ok(Self { name, file_name, kind, content, is_file })
    }

    /// The name that it has as a file.
    pub(super) fn shown_as(&self) -> Option<&str> {
        match (&self.file_name, &self.content) {
            (None, _) => None,
            (Some(FileName::Given(name)), _) => Some(name),
            (Some(FileName::OfPath), Content::File { path, .. }) => {
                Some(path.rsplit('/').next().unwrap_or(path))
            }
            (Some(FileName::OfPath), _) => Some(STDIN),
        }
    }

    /// What it is, if that is told.
    pub(super) fn kind(&self) -> Option<&str> {
        let by_name = || self.is_file.then(|| kind_of(self.shown_as().unwrap_or_default()));
        self.kind.as_deref().or_else(by_name)
    }

    /// Its head, a blank line, and what it holds.
    fn written(&self, read: impl Fn(&str) -> Result<Vec<u8>, String>) -> Result<Vec<u8>, String> {
        let mut written = self.head().into_bytes();
        match &self.content {
            Content::Text(text) => written.extend_from_slice(text.as_bytes()),
            Content::Read(data) => written.extend_from_slice(data.as_bytes()),
            Content::File { path, .. } => written.append(&mut read(path)?),
        }
        Ok(written)
    }

    fn head(&self) -> String {
        head(&self.name, self.shown_as(), self.kind())
    }

    /// Refuses what no part can be. The message shows no value.
    fn check(&self) -> Result<(), String> {
        if self.kind.as_ref().is_some_and(|kind| kind.contains(char::is_control)) {
            return Err(format!(
                "the type of `{}` in the form holds a line break or another control character",
                self.name
            ));
        }
        if matches!(&self.content, Content::File { path, .. } if path.is_empty()) {
            return Err(format!("`{}` in the form names no file: its path is empty", self.name));
        }
        Ok(())
    }
}

/// The type of a file that is called so: of those names that curl knows.
fn kind_of(name: &str) -> &'static str {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    match ending.as_deref() {
        Some("gif") => "image/gif",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("png") => "image/png",
        Some("svg") => "image/svg+xml",
        Some("txt") => "text/plain",
        Some("htm" | "html") => "text/html",
        Some("pdf") => "application/pdf",
        Some("xml") => "application/xml",
        _ => "application/octet-stream",
    }
}

/// What is sent for a form.
#[derive(Debug)]
pub enum Loaded {
    /// It is short, and the same for all.
    Payload(Payload),
    /// Files of it are read for each item.
    Form(Form),
}

impl Form {
    /// A form with these names and values. A value `@FILE` sends a file; behind it may stand `;type=…` and `;filename=…`. All
    /// other values are sent as they are.
    ///
    /// # Errors
    /// Something else stands behind a file.
    pub fn new(fields: &[(String, String)]) -> Result<Self, String> {
        let as_it_is = |value: &String| {
            if value.starts_with('@') { value.clone() } else { format!("{AS_IS}{value}") }
        };
        let fields = fields.iter().map(|(name, value)| (name.clone(), as_it_is(value)));
        Self::of_curl(&fields.collect::<Vec<_>>())
    }

    /// The same, where all values are read as curl reads them, apart from those that begin with [`AS_IS`].
    pub(super) fn of_curl(fields: &[(String, String)]) -> Result<Self, String> {
        let parts = fields.iter().map(|(name, value)| Part::of(name, value));
        Ok(Self { parts: parts.collect::<Result<_, _>>()? })
    }

    /// Whether one of its parts is a file.
    pub(super) fn has_files(&self) -> bool {
        self.parts.iter().any(|part| matches!(part.content, Content::File { .. }))
    }

    /// Whether fields of items are filled into it.
    pub(super) fn is_filled(&self) -> Result<bool, String> {
        Ok(FormTemplate::of(self, true)?.names().next().is_some())
    }

    /// Looks at its files, or those of them that are the same for all items if it is `filled`. What can be read only once is
    /// read now, and a form without long files as a whole. `option` is what the user gave it with.
    ///
    /// # Errors
    /// A file can't be read, or a path is no template.
    pub fn load(mut self, option: &str, filled: bool) -> Result<Loaded, String> {
        let mut is_long = filled;
        for part in &mut self.parts {
            let Content::File { path, known } = &mut part.content else { continue };
            let template = template_of(path, filled)?;
            if template.has_fields() {
                continue;
            }
            let literal = template.fill(&Named::new())?;
            let failed = |error: io::Error| {
                let file = if literal == STDIN { "standard input" } else { &literal };
                format!("can't read {file}, which {option} is to send: {error}")
            };
            let found = fs::metadata(&literal);
            if literal == STDIN || found.as_ref().is_ok_and(|found| !found.is_file()) {
                // A pipe, such as one of a shell, gives what it has only once.
                let read = read_once(&literal).map_err(failed)?;
                if let Some(FileName::OfPath) = part.file_name {
                    let last = literal.rsplit('/').next().unwrap_or(&literal);
                    part.file_name = Some(FileName::Given(last.to_owned()));
                }
                part.content = Content::Read(Arc::new(read));
                continue;
            }
            is_long |= found.is_ok_and(|found| !upload::is_short(found.len()));
            *known = Some(upload::content(Path::new(&literal)).map_err(failed)?);
        }
        if is_long {
            return Ok(Loaded::Form(self));
        }
        self.in_memory(option).map(Loaded::Payload)
    }

    /// All of it, where no file is long.
    fn in_memory(&self, option: &str) -> Result<Payload, String> {
        let read = |path: &str| {
            fs::read(path)
                .map_err(|error| format!("can't read {path}, which {option} is to send: {error}"))
        };
        let (body, boundary) = self.whole(read)?;
        Ok(Payload::new(body, Some(content_type(&boundary))))
    }

    /// Its whole body, and what separates its parts. `read` reads a file.
    ///
    /// # Errors
    /// What `read` says.
    pub(super) fn whole(
        &self,
        read: impl Fn(&str) -> Result<Vec<u8>, String>,
    ) -> Result<(Vec<u8>, String), String> {
        let parts = self.parts.iter().map(|part| part.written(&read));
        Ok(joined(&parts.collect::<Result<Vec<_>, _>>()?))
    }

    /// Whatever tells it from another, apart from what is in its files.
    pub(super) fn each_piece(&self, mut add: impl FnMut(&[u8])) {
        for part in &self.parts {
            add(part.head().as_bytes());
            match &part.content {
                Content::Text(text) => add(text.as_bytes()),
                Content::Read(data) => add(data.as_bytes()),
                Content::File { path, .. } => add(path.as_bytes()),
            }
        }
    }

    /// What tells the content of each of its files from another, where it is one file for all.
    pub(super) fn known(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match &part.content {
            Content::File { known, .. } => known.as_deref(),
            Content::Text(_) | Content::Read(_) => None,
        })
    }

    /// The form as anybody may see it: a secret may stand in it.
    pub(super) fn shown(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        self.each_piece(|piece| {
            hasher.update(&(piece.len() as u64).to_le_bytes()).update(piece);
        });
        let count = self.parts.len();
        let parts = if count == 1 { "part" } else { "parts" };
        format!("{count} {parts}, BLAKE3 {}", hasher.finalize().to_hex())
    }

    pub(super) fn into_parts(self) -> Vec<Part<String>> {
        self.parts
    }

    /// What is sent for it. Short files are read, long ones looked at.
    pub(super) async fn body(self) -> Result<FormBody, Fault> {
        let mut hasher = blake3::Hasher::new();
        let mut pieces = Vec::with_capacity(self.parts.len());
        for part in self.parts {
            let head = part.head();
            hasher.update(head.as_bytes());
            let piece = match part.content {
                Content::Text(text) => Segment::Bytes(text.into()),
                Content::Read(data) => Segment::Bytes(Bytes::from_owner(Owner(data))),
                Content::File { path, known } => {
                    match Found::at(path.into(), "the file of the form").await? {
                        Found::Short(bytes) => Segment::Bytes(bytes),
                        Found::Long(file) => {
                            hasher.update(file.path().as_os_str().as_encoded_bytes());
                            hasher.update(&file.len().to_le_bytes());
                            // Whoever has written the file must not know what separates the parts: it could hold further parts.
                            match known {
                                Some(known) => hasher.update(known.as_bytes()),
                                None => hasher.update(&file.changed_ns().to_le_bytes()),
                            };
                            Segment::File(file)
                        }
                    }
                }
            };
            if let Segment::Bytes(bytes) = &piece {
                hasher.update(bytes);
            }
            pieces.push((head, piece));
        }
        Ok(FormBody::of(pieces, &boundary(&hasher.finalize())))
    }
}

/// The body of a form.
pub(super) enum FormBody {
    Short(Body),
    Long(LongBody),
}

impl FormBody {
    fn of(pieces: Vec<(String, Segment)>, boundary: &str) -> Self {
        let (mut segments, mut bytes) = (Vec::new(), Vec::new());
        for (head, piece) in pieces {
            bytes.extend_from_slice(format!("--{boundary}\r\n{head}").as_bytes());
            match piece {
                Segment::Bytes(piece) if upload::is_short(piece.len() as u64) => {
                    bytes.extend_from_slice(&piece);
                }
                piece => {
                    segments.push(Segment::Bytes(std::mem::take(&mut bytes).into()));
                    segments.push(piece);
                }
            }
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        let content_type = Some(content_type(boundary).into());
        if segments.is_empty() {
            return Self::Short(Body { bytes: bytes.into(), content_type });
        }
        segments.push(Segment::Bytes(bytes.into()));
        Self::Long(LongBody { segments: Segments::new(segments), content_type })
    }
}

impl FormTemplate {
    /// The template that a form is, or one that nothing is filled into.
    pub(super) fn of(form: &Form, filled: bool) -> Result<Self, String> {
        let parts = form.parts.iter().map(|part| part.map(|text| template_of(text, filled)));
        Ok(Self { parts: parts.collect::<Result<_, _>>()? })
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().flat_map(Part::texts).flat_map(TextTemplate::names)
    }

    /// The form with the values of an item.
    pub(super) fn fill(&self, fields: &Named) -> Result<Form, String> {
        let mut parts = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            let part = part.map(|template| template.fill(fields))?;
            part.check()?;
            parts.push(part);
        }
        Ok(Form { parts })
    }
}

fn template_of(text: &str, filled: bool) -> Result<TextTemplate, String> {
    if !filled {
        return Ok(TextTemplate::plain(text));
    }
    TextTemplate::parse(text, BodyForm::Plain).map_err(|error| error.to_string())
}

fn read_once(path: &str) -> io::Result<Data> {
    let mut bytes = Vec::new();
    if path == STDIN {
        io::stdin().read_to_end(&mut bytes)?;
    } else {
        bytes = fs::read(path)?;
    }
    Ok(super::payload::data(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of the head of a part of a form, and what the part holds. A file holds its path.
    fn parted(value: &str) -> Result<(Vec<String>, String), String> {
        let part = Part::of("f", value)?;
        let part = part.written(|path| Ok(format!("({path})").into_bytes()))?;
        let part = String::from_utf8(part).unwrap();
        let (head, content) = part.split_once("\r\n\r\n").unwrap();
        let head = head.strip_prefix("Content-Disposition: form-data; name=\"f\"").unwrap();
        Ok((head.split("\r\n").map(str::to_owned).collect(), content.to_owned()))
    }

    #[test]
    fn a_value_is_read_as_curl_reads_it() {
        // As curl 7.88 sends them.
        for (value, head, content) in [
            (r#""123""#, &[""][..], "123"),
            (r#""a;b";type=c/d"#, &["", "Content-Type: c/d"], "a;b"),
            (r#""1\"2\\3\n""#, &[""], r#"1"2\3\n"#),
            (r#"a"b""#, &[""], r#"a"b""#),
            (r#""a"#, &[""], r#""a"#),
            (" a \n", &[""], "a"),
            (r#" "a ""#, &[""], "a "),
            (" @f", &[""], "@f"),
            (r#""@f""#, &[""], "@f"),
            ("a;type=c/d; charset=e", &["", "Content-Type: c/d; charset=e"], "a"),
            (r#"<"f""#, &[""], "(f)"),
            (r#"@a"b;type=a/b"#, &["; filename=\"a%22b\"", "Content-Type: a/b"], r#"(a"b)"#),
            (r"@d/a\b;type=a/b", &["; filename=\"a\\b\"", "Content-Type: a/b"], r"(d/a\b)"),
            (
                r#"@"d/a;\"b.txt";type=a/b"#,
                &["; filename=\"a;%22b.txt\"", "Content-Type: a/b"],
                r#"(d/a;"b.txt)"#,
            ),
            (
                r#"@ f ; filename= "x\"y" ; TYPE=a/b ; charset=c "#,
                &["; filename=\"x%22y\"", "Content-Type: a/b ; charset=c"],
                "(f)",
            ),
            (
                "@f;type=a/b;foo=x;filename=z ",
                &["; filename=\"z\"", "Content-Type: a/b;foo=x"],
                "(f)",
            ),
        ] {
            let found = parted(value).unwrap();
            assert_eq!(
                (found.0, &*found.1),
                (head.iter().map(ToString::to_string).collect(), content),
                "{value}"
            );
        }
        // curl leaves this semicolon out, and what follows it.
        assert_eq!(parted(" a ; b ;type=c/d").unwrap().1, "a ; b");
    }

    #[test]
    fn what_a_form_does_not_know_is_named() {
        for value in ["@f;headers=a", r#""a"b"#, r#"@"f"g"#, r#""a";b"#, "a;encoder=base64", "@f;b"]
        {
            let wrong = parted(value).unwrap_err();
            assert!(wrong.contains("only type=… and filename=… are known"), "{value}: {wrong}");
        }
    }
}
