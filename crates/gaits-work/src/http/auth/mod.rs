//! What a request shows of who asks: a user's name and password, a token, or keys of an API.
//!
//! Everything in here was read before: no environment, no file. Secrets travel to worker processes with the plan and are shown
//! by nothing, `Debug` included. They are no part of what a rerun compares.
//!
//! Limit: knows the schemes `Basic` and `Bearer`, which need no answer of the server's first. `Digest` and the like are not known.

mod api_key;
mod certificate;
mod command;
mod netrc;
mod secret;
mod tokens;

pub use api_key::ApiKey;
pub use certificate::{ClientCertificate, ClientCertificateError};
pub use command::{TokenCommand, TokenError};
pub use netrc::{Netrc, NetrcError};
pub use secret::Secret;
pub(super) use tokens::{Token, Tokens};

use super::redirect::is_foreign;
use super::target::{Origin, Scheme, Target};
use api_key::QueryKeys;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use netrc::Machines;
use serde::{Deserialize, Serialize};

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Auth {
    /// What goes into the `authorization` field.
    pub credentials: Option<Credentials>,
    /// Keys of an API, each under a name of its own.
    pub keys: Vec<ApiKey>,
    /// Names and passwords by host, for requests that have no `authorization` otherwise.
    pub netrc: Option<Netrc>,
    /// What a server is shown that asks for a certificate.
    pub certificate: Option<ClientCertificate>,
}

/// What goes into the `authorization` field of each request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Credentials {
    /// `NAME:PASSWORD`, in the scheme `Basic`. Some servers take a key for the name, so all of it is secret.
    Basic(Secret),
    /// A token, in the scheme `Bearer`.
    Bearer(Secret),
    /// What a program says, in the scheme `Bearer`. It is asked again when a server refuses that with a 401.
    Command(TokenCommand),
}

impl Credentials {
    /// Its scheme, as settings show it.
    const fn name(&self) -> &'static str {
        match self {
            Credentials::Basic(_) => "basic",
            Credentials::Bearer(_) => "bearer",
            Credentials::Command(_) => "token-command",
        }
    }

    /// What goes into the field, unless that changes.
    fn field(&self) -> Option<String> {
        match self {
            Credentials::Basic(pair) => Some(basic(pair.reveal())),
            Credentials::Bearer(token) => Some(format!("Bearer {}", token.reveal())),
            Credentials::Command(_) => None,
        }
    }
}

impl Auth {
    /// What it uses, for everybody to see.
    pub(super) fn shown(&self) -> Vec<String> {
        let credentials = self.credentials.iter().map(|credentials| credentials.name().to_owned());
        let keys = self.keys.iter().map(ApiKey::shown);
        let netrc = self.netrc.iter().map(|_| "netrc".to_owned());
        let certificate = self.certificate.iter().map(|_| "cert".to_owned());
        credentials.chain(keys).chain(netrc).chain(certificate).collect()
    }

    /// The header fields that all requests to the items' own hosts carry, as name and value.
    pub(super) fn fields(&self) -> Vec<(&str, String)> {
        let credentials = self.credentials.as_ref().and_then(Credentials::field);
        let credentials = credentials.map(|field| ("authorization", field));
        let keys = self.keys.iter().filter_map(|key| match key {
            ApiKey::Header { name, value } => Some((&**name, value.reveal().to_owned())),
            ApiKey::Query { .. } => None,
        });
        credentials.into_iter().chain(keys).collect()
    }
}

/// `NAME:PASSWORD` as an `authorization` field has it.
fn basic(pair: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(pair))
}

/// What single requests need of an [`Auth`], made once a process.
#[derive(Debug)]
pub(super) struct Access {
    keys: QueryKeys,
    machines: Option<Machines>,
    tokens: Option<Tokens>,
    has_certificate: bool,
}

impl Access {
    pub(super) fn new(auth: &Auth) -> Self {
        let machines = auth.netrc.as_ref().map(Machines::of);
        let tokens = match &auth.credentials {
            Some(Credentials::Command(command)) => Some(Tokens::of(command)),
            _ => None,
        };
        let has_certificate = auth.certificate.is_some();
        Self { keys: QueryKeys::of(&auth.keys), machines, tokens, has_certificate }
    }

    /// The tokens of a command, for a request that has no `authorization` of its own.
    pub(super) fn tokens(&self, target: &Target, has_field: bool) -> Option<&Tokens> {
        self.tokens.as_ref().filter(|_| !has_field && target.authorization.is_none())
    }

    /// Gives an item's request the name and password of its host, unless it has an `authorization` already, in its URL or,
    /// as `has_field` says, among its fields.
    pub(super) fn authorize(&self, target: &mut Target, has_field: bool) {
        if let Some(machines) = &self.machines
            && !has_field
            && target.authorization.is_none()
        {
            target.authorization = machines.of_host(&target.origin.host);
        }
    }

    /// The same for where a redirect leads. `from` has been asked before, and `next` holds what was meant for it if it is no
    /// other server. Another one gets what the netrc has for its name, and nothing of the entry that is for any host. Over a
    /// less safe way than before it gets nothing.
    ///
    /// Tells whether `next` is foreign: another server, or one that another has led to, if `from` is `foreign`. It is not shown the
    /// user's certificate.
    pub(super) fn authorize_next(&self, next: &mut Target, from: &Origin, foreign: bool) -> bool {
        self.keys.strip(next);
        let is_other = is_foreign(from, &next.origin);
        if let Some(machines) = &self.machines
            && next.authorization.is_none()
            && is_other
            && (from.scheme, next.origin.scheme) != (Scheme::Https, Scheme::Http)
        {
            next.authorization = machines.of_named_host(&next.origin.host);
        }
        let foreign = foreign || is_other;
        if foreign && self.has_certificate {
            next.estrange();
        }
        foreign
    }

    /// Takes keys out of the query of `target` that a server has put there.
    pub(super) fn strip(&self, target: &mut Target) {
        self.keys.strip(target);
    }

    /// `target` with the keys that belong into its query; none if there are none, or it is a `foreign` host, which gets none.
    pub(super) fn keyed(&self, target: &Target, foreign: bool) -> Option<Target> {
        if foreign { None } else { self.keys.keyed(target) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(auth: &Auth) -> Vec<String> {
        auth.fields().iter().map(|(name, value)| format!("{name}: {value}")).collect()
    }

    #[test]
    fn credentials_are_fields_and_nobody_sees_them() {
        // The example of RFC 7617.
        let basic = Credentials::Basic("Aladdin:open sesame".into());
        let auth = Auth { credentials: Some(basic), ..Auth::default() };
        assert_eq!(fields(&auth), ["authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="]);
        assert_eq!(auth.shown(), ["basic"]);
        assert!(!format!("{auth:?}").contains("sesame"), "{auth:?}");
        let key = ApiKey::Header { name: "X-Key".to_owned(), value: "s3cret".into() };
        let bearer = Credentials::Bearer("t0ken".into());
        let auth = Auth { credentials: Some(bearer), keys: vec![key], ..Auth::default() };
        assert_eq!(fields(&auth), ["authorization: Bearer t0ken", "X-Key: s3cret"]);
        assert_eq!(auth.shown(), ["bearer", "api-key X-Key"]);
        let shown = format!("{auth:?}");
        assert!(!shown.contains("s3cret") && !shown.contains("t0ken"), "{shown}");
    }

    #[test]
    fn a_netrc_is_for_hosts_it_names_wherever_a_redirect_leads() {
        let netrc = Netrc::parse("machine a.test login a password x\ndefault login d password y");
        let access = Access::new(&Auth { netrc: Some(netrc.unwrap()), ..Auth::default() });
        let target = |url: &str| Target::parse(url, None).unwrap();
        let first = |url: &str, has_field| {
            let mut target = target(url);
            access.authorize(&mut target, has_field);
            target.authorization.map(|value| value.to_str().unwrap().to_owned())
        };
        let named = Some("Basic YTp4".to_owned());
        assert_eq!(first("http://a.test/", false), named);
        assert_eq!(first("http://b.test/", false).as_deref(), Some("Basic ZDp5"));
        assert_eq!(first("http://u:p@a.test/", false).as_deref(), Some("Basic dTpw"));
        assert_eq!(first("http://a.test/", true), None);
        let next = |from: &str, to: &str| {
            let mut next = target(to);
            access.authorize_next(&mut next, &target(from).origin, false);
            next.authorization.map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(next("http://c.test/", "http://a.test/"), named);
        assert_eq!(next("https://c.test/", "https://a.test/"), named);
        assert_eq!(next("https://c.test/", "http://a.test/"), None, "it is less safe");
        assert_eq!(next("http://c.test/", "http://b.test/"), None, "it is not named");
        assert_eq!(next("http://a.test/", "http://a.test/x"), None, "it was settled before");
    }
}
