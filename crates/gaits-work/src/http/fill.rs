//! What all requests have in common but for the values in it: a body, or the path of a file, or a form, and header fields
//! that the fields of each item fill.
//!
//! Limit: the URL is filled before an item is one, by [`UrlTemplate`](super::UrlTemplate).

use super::form::FormTemplate;
use super::item::{Sends, own_fields};
use super::payload::Body;
use super::spec::{HttpSpec, HttpSpecError, parse_header};
use super::template::{BodyForm, TemplateError, TextTemplate};
use bytes::Bytes;
use http::{HeaderName, HeaderValue};

/// What is sent and header fields that are templates.
#[derive(Debug)]
pub(super) struct Fill {
    /// With the content type that it is sent as, where no header field says so.
    payload: Option<(TextTemplate, Option<Box<str>>)>,
    /// The path of a file.
    upload_file: Option<TextTemplate>,
    /// A form with files, which are looked at for each item even if nothing is filled into it.
    form: Option<FormTemplate>,
    headers: Vec<(String, TextTemplate)>,
}

/// What they come to for an item.
#[derive(Debug)]
pub(super) struct Filled {
    pub(super) sends: Option<Sends>,
    pub(super) headers: Vec<(HeaderName, Option<HeaderValue>)>,
}

/// The fields that an item must have, where the requests of `spec` are filled with them.
///
/// # Errors
/// The body or a header field is no template.
pub fn needs(spec: &HttpSpec) -> Result<Vec<String>, HttpSpecError> {
    Ok(Fill::of(spec)?.map(|fill| fill.names()).unwrap_or_default())
}

impl Fill {
    /// The templates of `spec`; none if it has none.
    pub(super) fn of(spec: &HttpSpec) -> Result<Option<Self>, HttpSpecError> {
        let form = spec.form.as_ref().map(|form| FormTemplate::of(form, spec.filled));
        let form = form.transpose().map_err(TemplateError::new)?;
        if !spec.filled {
            let of_form = |form| Self {
                payload: None,
                upload_file: None,
                form: Some(form),
                headers: Vec::new(),
            };
            return Ok(form.map(of_form));
        }
        let mut headers = Vec::new();
        for (name, value) in &spec.headers {
            headers.push((name.clone(), TextTemplate::parse(value, BodyForm::Plain)?));
        }
        // Fields of one name take each other's place, so all of those are filled where one of them is.
        let is_filled = |name: &str| {
            headers
                .iter()
                .any(|(other, text)| text.has_fields() && other.eq_ignore_ascii_case(name))
        };
        let kept: Vec<bool> = headers.iter().map(|(name, _)| is_filled(name)).collect();
        let mut kept = kept.into_iter();
        headers.retain(|_| kept.next().unwrap_or_default());
        let payload = match &spec.payload {
            None => None,
            Some(payload) => {
                let said =
                    spec.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
                let said = said.map(|(_, value)| &**value).or(payload.content_type.as_deref());
                let text = payload.data.as_text().ok_or_else(|| {
                    TemplateError::new(
                        "what is sent with a template must be text in UTF-8, and this is none",
                    )
                })?;
                let template = TextTemplate::parse(text, BodyForm::of(said.unwrap_or_default()))?;
                let kind = payload.content_type.as_deref().map(Box::from);
                template.has_fields().then_some((template, kind))
            }
        };
        let path = spec.upload_file.as_deref();
        let upload_file =
            path.map(|path| TextTemplate::parse(path, BodyForm::Plain)).transpose()?;
        let upload_file = upload_file.filter(TextTemplate::has_fields);
        let sends = payload.is_some() || upload_file.is_some() || form.is_some();
        let is_any = sends || !headers.is_empty();
        Ok(is_any.then_some(Self { payload, upload_file, form, headers }))
    }

    /// The fields that an item must have, each once.
    pub(super) fn names(&self) -> Vec<String> {
        let of_body = self.payload.iter().flat_map(|(template, _)| template.names());
        let of_headers = self.headers.iter().flat_map(|(_, template)| template.names());
        let of_path = self.upload_file.iter().flat_map(TextTemplate::names);
        let of_form = self.form.iter().flat_map(FormTemplate::names);
        let all = of_body.chain(of_path).chain(of_form).chain(of_headers);
        let mut names: Vec<String> = all.map(str::to_owned).collect();
        names.sort();
        names.dedup();
        names
    }

    /// What they come to for an item.
    ///
    /// # Errors
    /// It lacks a field, or a field can't be sent. The message shows no value.
    pub(super) fn of_item(&self, item: &str) -> Result<Filled, String> {
        let fields = own_fields(item).unwrap_or_default();
        let mut headers = Vec::with_capacity(self.headers.len());
        for (name, template) in &self.headers {
            let value = template.fill(&fields)?;
            let (name, value) = parse_header(name, &value).map_err(|error| error.to_string())?;
            headers.push((name, Some(value)));
        }
        let sends = match (&self.payload, &self.upload_file, &self.form) {
            (None, None, None) => None,
            (None, None, Some(form)) => Some(Sends::Form(form.fill(&fields)?)),
            (None, Some(path), _) => {
                Some(Sends::File { path: path.fill(&fields)?.into(), content_type: None })
            }
            (Some((template, content_type)), ..) => Some(Sends::Body(Body {
                bytes: Bytes::from(template.fill(&fields)?),
                content_type: content_type.clone(),
            })),
        };
        Ok(Filled { sends, headers })
    }
}
