//! Requests over HTTP/1.1 and HTTP/2: what an item is asked for, and what its record says about the answer.
//!
//! [`HttpSpec`] is the part of the plan that travels to worker processes; [`HttpWork`] is made of it once a
//! process, and sessions are opened on it: one for each event loop, unless the plan says otherwise. Sessions share DNS
//! answers and TLS settings, nothing that is touched by every request.
//!
//! Limit: nothing here retries an item, waits between items or limits how many are in flight. A request is sent again
//! only where `hub` says.

mod answer;
mod asked;
mod auth;
mod blocking;
mod body_file;
mod calendar;
mod connect;
mod cookies;
mod credentials;
mod curl;
mod decode;
mod detail;
mod dial;
mod dns;
mod domain;
mod exchange;
mod extract;
mod fault;
mod fields;
mod fill;
mod follow;
mod form;
#[doc(hidden)]
pub mod h1;
mod h2;
mod headers;
mod hub;
mod identity;
mod item;
mod json;
mod lent;
mod method;
mod multipart;
mod next_page;
mod patience;
mod pauses;
mod payload;
mod pointer;
mod preview;
mod proxy;
mod query;
mod rate_limit;
mod redact;
mod redirect;
mod request;
mod retry;
mod robots;
mod route;
mod session;
mod shared;
mod spec;
mod statuses;
mod target;
mod template;
mod text;
mod tls;
mod trace;
mod trust;
mod upload;
mod ways;
mod wire;
mod withheld;
mod words;
mod work;

pub use auth::{
    ApiKey, Auth, ClientCertificate, ClientCertificateError, Credentials, Netrc, NetrcError,
    Secret, TokenCommand, TokenError,
};
pub use cookies::file::{CookieFile, CookieFileError};
pub use curl::{CurlContext, CurlTemplate, described_by_curl, is_whole, template_of_curl};
pub use decode::ACCEPTED as ACCEPTED_CODINGS;
pub use detail::{HttpDetail, HttpVersion, NAME};
pub use extract::{Extract, ExtractError};
pub use fill::needs;
pub use follow::takes_secrets_away;
pub use form::{Form, Loaded as LoadedForm};
pub use item::{Describer, described, own_fields, wrong_at};
pub use json::{Named, fields_of, scalar};
pub use method::{Method, MethodError};
pub use next_page::{NextPage, NextPageError};
pub use patience::{LeastRate, Patience};
pub use payload::Payload;
pub use pointer::PointerError;
pub use preview::{Preview, PreviewBody, PreviewContent, PreviewPart, Previews};
pub use proxy::UnreachableProxy;
pub use redact::redacted;
pub use spec::{BodyUse, HttpSpec, HttpSpecError, MOST_INLINE, header_option};
pub use statuses::{Statuses, StatusesError};
pub use target::check;
pub use template::{TemplateError, UrlTemplate, form_template, is_filled};
pub use trust::{Trust, TrustError};
pub use upload::content as upload_content;
pub use ways::{
    EnvironmentError, Family, Fixed, FixedError, NameService, Proxies, ProxyError, ProxyUrl,
    Version, Ways,
};
pub use work::{HttpWork, build};
