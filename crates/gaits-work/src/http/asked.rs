//! What an item asks for: what it says itself, what it is filled with, and what all requests have in common.
//!
//! Limit: what follows from an answer, such as cookies and redirects, is for the session.

use super::fault::Fault;
use super::fields::Fields;
use super::fill::Fill;
use super::form::FormBody;
use super::item::{self, Described, Sends};
use super::method::Method;
use super::payload::{Body, LongBody, Outgoing};
use super::shared::Shared;
use super::spec::{HttpSpec, parse_header};
use super::trace::Trace;
use super::upload::{Found, Segment, Segments};
use gaits_core::ErrorKind;
use http::{HeaderName, HeaderValue};

/// What an item asks for, before a file is read for it.
pub(super) struct Wanted {
    pub(super) url: String,
    pub(super) method: Method,
    /// They take the place of those of the same name that all requests have. One without a value leaves them out.
    pub(super) headers: Vec<(HeaderName, Option<HeaderValue>)>,
    pub(super) sends: WantedBody,
}

/// What is sent with it.
pub(super) enum WantedBody {
    Nothing,
    /// What all requests send, if they send anything.
    OfAll,
    Own(Sends),
}

impl Wanted {
    /// What the item `text` at a place of the input asks for, where all requests are made as `spec` says, and filled by `fill`.
    /// `of_all` is that of [`item::of_all`].
    ///
    /// # Errors
    /// It is no request; says why.
    pub(super) fn of(
        text: &str,
        index: u64,
        spec: &HttpSpec,
        fill: Option<&Fill>,
        of_all: &blake3::Hash,
    ) -> Result<Self, String> {
        let described = Described::of(text)?;
        let (method, names_method) = (described.asks(spec), described.method.is_some());
        let Described { url, mut headers, sends, .. } = described;
        if let Some(name) = &spec.idempotency_key {
            let key = parse_header(name, &item::key(text, index, of_all));
            let (name, value) = key.map_err(|error| error.to_string())?;
            // One of the item's own is better.
            if !headers.iter().any(|(other, _)| *other == name) {
                headers.push((name, Some(value)));
            }
        }
        let filled = fill.map(|fill| fill.of_item(text)).transpose()?;
        let (filled_sends, filled) =
            filled.map_or_else(|| (None, Vec::new()), |filled| (filled.sends, filled.headers));
        // Those of the item's own are better.
        let of_own = |name: &HeaderName| headers.iter().any(|(other, _)| other == name);
        let filled: Vec<_> = filled.into_iter().filter(|(name, _)| !of_own(name)).collect();
        headers.extend(filled);
        let asks_for_nothing = names_method && [Method::GET, Method::HEAD].contains(&method);
        let kind = || spec.upload_type.as_deref().map(Box::from);
        let upload = |path| Sends::File { path, content_type: kind() };
        let of_all = || spec.upload_file.as_ref().map(|path| upload(path.into()));
        let sends = match sends {
            Some(sends) => WantedBody::Own(sends),
            // What all requests send, unless this one asks by itself for what has no body.
            None if asks_for_nothing => WantedBody::Nothing,
            None => filled_sends.or_else(of_all).map_or(WantedBody::OfAll, WantedBody::Own),
        };
        Ok(Self { url, method, headers, sends })
    }
}

/// What an item asks for that is not the same as for all others.
pub(super) struct Own {
    pub(super) url: String,
    method: Method,
    /// The fields of all requests and its own, where it has any.
    fields: Option<Fields>,
    body: OwnBody,
}

/// What is sent with an item.
enum OwnBody {
    Nothing,
    Bytes(Body),
    Long(LongBody),
}

impl Own {
    pub(super) async fn of(text: &str, index: u64, shared: &Shared) -> Result<Self, Fault> {
        let invalid = |message: String| Fault::new(ErrorKind::InvalidItem, message);
        let fill = shared.fill.as_ref();
        let wanted = Wanted::of(text, index, &shared.spec, fill, &shared.of_all);
        let Wanted { url, method, headers, sends } = wanted.map_err(invalid)?;
        let body = match sends {
            WantedBody::Nothing => OwnBody::Nothing,
            WantedBody::OfAll => shared.payload.clone().map_or(OwnBody::Nothing, OwnBody::Bytes),
            WantedBody::Own(Sends::Body(body)) => OwnBody::Bytes(body),
            WantedBody::Own(Sends::File { path, content_type }) => {
                match Found::at(path, "the body_file").await? {
                    Found::Short(bytes) => OwnBody::Bytes(Body { bytes, content_type }),
                    Found::Long(long) => {
                        let segments = Segments::new(vec![Segment::File(long)]);
                        OwnBody::Long(LongBody { segments, content_type })
                    }
                }
            }
            WantedBody::Own(Sends::Form(form)) => match form.body().await? {
                FormBody::Short(body) => OwnBody::Bytes(body),
                FormBody::Long(body) => OwnBody::Long(body),
            },
        };
        let fields = (!headers.is_empty()).then(|| shared.fields.with(&headers));
        Ok(Self { url, method, fields, body })
    }
}

/// What is asked for an item: what it asks for itself, and else what all requests do.
pub(super) struct Asked<'a> {
    /// Without what all requests add to their query.
    pub(super) url: &'a str,
    pub(super) method: &'a Method,
    pub(super) fields: &'a Fields,
    /// Whether the fields are those of all requests.
    pub(super) common: bool,
    pub(super) body: Option<Outgoing<'a>>,
    pub(super) repeatable: bool,
}

impl<'a> Asked<'a> {
    /// Whether something may have been done that must not be done twice: what led to a redirect has done what it was asked for.
    pub(super) fn may_be_done(&self, trace: &Trace) -> bool {
        trace.detail.redirects > 0 && !self.repeatable
    }

    pub(super) fn of(shared: &'a Shared, own: Option<&'a Own>, text: &'a str) -> Self {
        let spec = &shared.spec;
        let method = own.map_or(&spec.method, |own| &own.method);
        let body = match own.map(|own| &own.body) {
            None => shared.payload.as_ref().map(Outgoing::Bytes),
            Some(OwnBody::Nothing) => None,
            Some(OwnBody::Bytes(body)) => Some(Outgoing::Bytes(body)),
            Some(OwnBody::Long(body)) => Some(Outgoing::Long(body)),
        };
        let own_fields = own.and_then(|own| own.fields.as_ref());
        Self {
            url: own.map_or(text, |own| &own.url),
            method,
            fields: own_fields.unwrap_or(&shared.fields),
            common: own_fields.is_none(),
            body,
            repeatable: spec.repeats(method),
        }
    }
}
