//! What would be sent for an item, without sending it.
//!
//! Limit: what follows from an answer is not known here, such as cookies and redirects, and nothing is looked up.

use super::asked::{Wanted, WantedBody};
use super::auth::{Access, ApiKey, Credentials};
use super::fields::Fields;
use super::fill::Fill;
use super::form::{Content, Part};
use super::item::{self, Sends};
use super::query::add_query;
use super::redact::redacted;
use super::route::Routes;
use super::spec::{HttpSpec, is_harmless};
use super::target::{self, Target};
use crate::settings;
use gaits_core::Value;
use http::header;
use std::path::PathBuf;

/// What stands for what may be secret.
const HIDDEN: &str = "***";

/// Tells what would be sent.
#[derive(Debug)]
pub struct Previews {
    spec: HttpSpec,
    fields: Fields,
    fill: Option<Fill>,
    of_all: blake3::Hash,
    access: Access,
    routes: Routes,
}

/// A request that would be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// Its method.
    pub method: String,
    /// Its URL, with what is added to its query.
    pub url: String,
    /// Scheme, host and port.
    pub server: String,
    /// Its header fields, in the order of their names.
    pub headers: Vec<(String, String)>,
    /// What is sent with it.
    pub body: Option<PreviewBody>,
    /// The proxy that it goes through.
    pub proxy: Option<String>,
}

/// What would be sent with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PreviewBody {
    /// These bytes.
    Bytes(Vec<u8>),
    /// What a file holds.
    File(PathBuf),
    /// A form with files.
    Form(Vec<PreviewPart>),
}

/// A part of a form that would be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviewPart {
    /// Its name.
    pub name: String,
    /// The name that it has as a file.
    pub file_name: Option<String>,
    /// Its media type.
    pub kind: Option<String>,
    /// What it holds.
    pub content: PreviewContent,
    /// Whether it is sent as a file, and not as the text that a file holds.
    pub is_file: bool,
}

/// What a part of a form holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PreviewContent {
    /// These bytes.
    Bytes(Vec<u8>),
    /// What a file holds.
    File(PathBuf),
}

impl From<Part<String>> for PreviewPart {
    fn from(part: Part<String>) -> Self {
        let file_name = part.shown_as().map(str::to_owned);
        let (kind, is_file) = (part.kind().map(str::to_owned), part.is_file);
        let content = match part.content {
            Content::Text(text) => PreviewContent::Bytes(text.into_bytes()),
            Content::Read(data) => PreviewContent::Bytes(data.as_bytes().to_vec()),
            Content::File { path, .. } => PreviewContent::File(path.into()),
        };
        Self { name: part.name, file_name, kind, content, is_file }
    }
}

impl Previews {
    /// For requests that are made as `settings` say.
    ///
    /// # Errors
    /// Says what is wrong with them.
    pub fn of(settings: &Value) -> Result<Self, String> {
        let spec: HttpSpec = settings::from_value(settings).map_err(|error| error.to_string())?;
        let fields = Fields::new(&spec).map_err(|error| error.to_string())?;
        let fill = Fill::of(&spec).map_err(|error| error.to_string())?;
        Ok(Self {
            of_all: item::of_all(&spec),
            access: Access::new(&spec.auth),
            routes: Routes::new(&spec.ways).map_err(|error| error.to_string())?,
            spec,
            fields,
            fill,
        })
    }

    /// The settings.
    #[must_use]
    pub const fn spec(&self) -> &HttpSpec {
        &self.spec
    }

    /// What would be sent for an item at a place of the input. Unless `secrets` are to be shown, what may be one is hidden: values
    /// of header fields that are not known to be harmless, those that `--query` adds, and credentials in the URL.
    ///
    /// # Errors
    /// It is no request; says why.
    pub fn preview(&self, text: &str, index: u64, secrets: bool) -> Result<Preview, String> {
        let wanted = Wanted::of(text, index, &self.spec, self.fill.as_ref(), &self.of_all)?;
        let (body, content_type) = match wanted.sends {
            WantedBody::Nothing => (None, None),
            WantedBody::OfAll => self.spec.payload.as_ref().map_or((None, None), |payload| {
                let bytes = payload.data.as_bytes().to_vec();
                let kind = payload.content_type.as_deref().map(Box::from);
                (Some(PreviewBody::Bytes(bytes)), kind)
            }),
            WantedBody::Own(Sends::File { path, content_type }) => {
                (Some(PreviewBody::File(path)), content_type)
            }
            WantedBody::Own(Sends::Form(form)) => {
                let parts = form.into_parts().into_iter().map(PreviewPart::from).collect();
                (Some(PreviewBody::Form(parts)), None)
            }
            WantedBody::Own(Sends::Body(body)) => {
                (Some(PreviewBody::Bytes(body.bytes.to_vec())), body.content_type)
            }
        };
        let fields = self.fields.with(&wanted.headers);
        let fields = fields.of(false);
        let mut headers: Vec<(String, String)> = fields
            .iter()
            .map(|(name, value)| {
                let shows = secrets
                    || is_harmless(name)
                    || [header::CONTENT_TYPE, header::HOST].contains(name);
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                (name.to_string(), if shows { value } else { HIDDEN.to_owned() })
            })
            .collect();
        if let (Some(kind), false) = (content_type, fields.contains_key(header::CONTENT_TYPE)) {
            headers.push((header::CONTENT_TYPE.to_string(), kind.into()));
        }
        if !fields.contains_key(header::AUTHORIZATION)
            && let Some(value) = self.authorization(&wanted.url)
        {
            let value = if secrets { value } else { HIDDEN.to_owned() };
            headers.push((header::AUTHORIZATION.to_string(), value));
        }
        headers.sort();
        let server = target::pacing_key(&wanted.url)?.into_owned();
        let proxy = self.proxy(&wanted.url, secrets);
        let url = if secrets {
            let url = add_query(&wanted.url, &self.spec.query).into_owned();
            let keyed = Target::parse(&url, None).ok().and_then(|t| self.access.keyed(&t, false));
            keyed.map_or(url, |target| target.url().into())
        } else {
            let hidden = |(name, _): &(String, String)| (name.clone(), HIDDEN.to_owned());
            let keys = self.spec.auth.keys.iter().filter_map(|key| match key {
                ApiKey::Query { name, .. } => Some((name.clone(), HIDDEN.to_owned())),
                ApiKey::Header { .. } => None,
            });
            let query: Vec<_> = self.spec.query.iter().map(hidden).chain(keys).collect();
            let url = redacted(&wanted.url).unwrap_or(wanted.url);
            add_query(&url, &query).into_owned()
        };
        // As it is sent.
        let url = url::Url::parse(&url).map_or(url, |mut parsed| {
            parsed.set_fragment(None);
            parsed.into()
        });
        Ok(Preview { method: wanted.method.as_str().to_owned(), url, server, headers, body, proxy })
    }

    /// The proxy for a URL; with its user and password, if `secrets` are to be shown.
    fn proxy(&self, url: &str, secrets: bool) -> Option<String> {
        let target = Target::parse(url, None).ok()?;
        let proxy = self.routes.to(&target.origin).proxy?;
        Some(if secrets { proxy.given().to_owned() } else { proxy.to_string() })
    }

    /// What goes into the field `authorization`, where that is not the same for all: what the netrc has for the host, or what
    /// the token command will say.
    fn authorization(&self, url: &str) -> Option<String> {
        if let Some(Credentials::Command(_)) = self.spec.auth.credentials {
            return Some("Bearer ***".to_owned());
        }
        let mut target = Target::parse(url, None).ok().filter(|t| t.authorization.is_none())?;
        self.access.authorize(&mut target, false);
        let value = target.authorization?;
        Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proxy_that_is_shown_is_the_one_that_is_used() {
        let mut spec = HttpSpec::default();
        let two = ["s1:p@gw.test:1", "s2:p@gw.test:1"];
        spec.ways.proxies.http = two.iter().map(|proxy| proxy.parse().unwrap()).collect();
        let previews = Previews::of(&settings::to_value(&spec).unwrap()).unwrap();
        let mut found = [0; 2];
        for host in 0..20 {
            let url = format!("http://h{host}.test/");
            let used =
                previews.routes.to(&Target::parse(&url, None).unwrap().origin).proxy.unwrap();
            let shown = |secrets| previews.preview(&url, 0, secrets).unwrap().proxy.unwrap();
            assert_eq!(shown(true), used.given());
            assert_eq!(shown(false), "http://gw.test:1");
            found[two.iter().position(|proxy| used.given() == *proxy).unwrap()] += 1;
        }
        assert!(found.iter().all(|count| *count > 0), "{found:?}");
    }
}
