//! TLS: which certificates are trusted, and what a failed handshake says.
//!
//! Roots are loaded once a process, when the first `https` URL needs them. A system without any, such as a slim container
//! image, gets Mozilla's, which are a part of the program: the note says so. Each session that
//! is kept has a store of its own for resumption, so that event loops share no lock.
//!
//! Limit: opens no connection.

mod client;
mod verify;

use super::auth::{ClientCertificate, ClientCertificateError};
use super::domain::without_root;
use super::fault::Fault;
use super::target::Origin;
use super::trust::{Trust, TrustError};
use super::words;
use gaits_core::{ErrorKind, SessionScope};
use std::cell::OnceCell;
use std::io;
use std::sync::{Arc, OnceLock};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::{Resumption, WebPkiServerVerifier};
use tokio_rustls::rustls::crypto;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};
use verify::{Named, Trusted, Verifier};

/// How many servers a session remembers for resumption.
const REMEMBERED: usize = 32;

/// The TLS settings of one process.
pub(super) struct Tls {
    trust: Trust,
    certificate: Option<ClientCertificate>,
    loaded: OnceLock<Result<ClientConfig, String>>,
    /// The same for proxies, where every certificate of a server is accepted.
    for_proxies: OnceLock<Result<ClientConfig, String>>,
    single_use: [OnceLock<TlsConnector>; OFFERS],
    /// Tells the user, once, what they should know about the roots that are trusted.
    tell: Tell,
}

/// Tells the user something.
pub(super) type Tell = Arc<dyn Fn(String) + Send + Sync>;

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("trust", &self.trust).finish_non_exhaustive()
    }
}

impl Tls {
    pub(super) fn new(trust: Trust, certificate: Option<ClientCertificate>, tell: Tell) -> Self {
        let (loaded, for_proxies) = (OnceLock::new(), OnceLock::new());
        Self { trust, certificate, loaded, for_proxies, single_use: Default::default(), tell }
    }

    fn config(&self, alpn: Alpn) -> Result<&ClientConfig, Fault> {
        // A proxy is sent the user's password for it, so that accepting any server does not do for it, as with curl.
        let (loaded, trust) = match (&self.trust, alpn) {
            (Trust::Insecure, Alpn::Proxy) => (&self.for_proxies, &Trust::SystemRoots),
            (trust, _) => (&self.loaded, trust),
        };
        let load = || {
            let (config, note) = load(trust, self.certificate.as_ref())?;
            if let Some(note) = note {
                (self.tell)(note);
            }
            Ok(config)
        };
        loaded
            .get_or_init(load)
            .as_ref()
            .map_err(|e: &String| Fault::new(ErrorKind::Tls, e.clone()))
    }

    fn connector(&self, resumption: Resumption, alpn: Alpn) -> Result<TlsConnector, Fault> {
        let mut config = self.config(alpn)?.clone();
        config.resumption = resumption;
        config.alpn_protocols = match alpn {
            Alpn::Any => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
            Alpn::Http1 | Alpn::Proxy => vec![b"http/1.1".to_vec()],
        };
        if alpn == Alpn::Proxy {
            config.client_auth_cert_resolver = client::nothing_to_show();
        }
        Ok(TlsConnector::from(Arc::new(config)))
    }

    /// What all sessions use that last for one item only. Each has a connection of its own; what TLS has agreed upon with a
    /// server on an earlier one is resumed, as browsers do: a full handshake takes 1.4 times the processor time.
    fn single_use(&self, alpn: Alpn) -> Result<TlsConnector, Fault> {
        let cell = &self.single_use[alpn as usize];
        if let Some(connector) = cell.get() {
            return Ok(connector.clone());
        }
        let connector = self.connector(Resumption::in_memory_sessions(REMEMBERED), alpn)?;
        Ok(cell.get_or_init(|| connector).clone())
    }
}

/// Which protocols are offered to a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alpn {
    /// HTTP/2, or else HTTP/1.1.
    Any,
    /// HTTP/1.1 alone.
    Http1,
    /// HTTP/1.1 alone, to a proxy: the user's certificate is for the servers behind it.
    Proxy,
}

/// How many of these there are.
const OFFERS: usize = 3;

/// The TLS settings of one session, made when the first `https` URL needs them.
pub(super) struct Connectors {
    scope: SessionScope,
    made: [OnceCell<TlsConnector>; OFFERS],
}

impl Connectors {
    pub(super) fn new(scope: SessionScope) -> Self {
        Self { scope, made: Default::default() }
    }

    /// What connects with these protocols on offer.
    pub(super) fn get(&self, tls: &Tls, alpn: Alpn) -> Result<TlsConnector, Fault> {
        if self.scope == SessionScope::None {
            return tls.single_use(alpn);
        }
        let cell = &self.made[alpn as usize];
        if let Some(connector) = cell.get() {
            return Ok(connector.clone());
        }
        let connector = tls.connector(Resumption::in_memory_sessions(REMEMBERED), alpn)?;
        Ok(cell.get_or_init(|| connector).clone())
    }
}

/// Whether `trust` gives something to trust.
pub(super) fn check(trust: &Trust) -> Result<(), TrustError> {
    match trust {
        Trust::SystemRoots | Trust::Insecure => Ok(()),
        Trust::Pem { .. } => roots(trust).map(drop),
    }
}

/// Whether `certificate` is one that servers can be shown.
pub(super) fn check_certificate(
    certificate: Option<&ClientCertificate>,
) -> Result<(), ClientCertificateError> {
    if certificate.is_none() {
        return Ok(());
    }
    let provider = Arc::new(crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider);
    // What is wrong with the provider is told when it is used.
    let Ok(builder) = builder.with_safe_default_protocol_versions() else { return Ok(()) };
    let builder = builder.with_root_certificates(RootCertStore::empty());
    client::with_certificate(builder, certificate).map(drop)
}

/// The settings, and what the user should know about the roots.
fn load(
    trust: &Trust,
    certificate: Option<&ClientCertificate>,
) -> Result<(ClientConfig, Option<String>), String> {
    let provider = Arc::new(crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|e| TrustError::Tls(words::of_tls(&e)).to_string())?;
    let (roots, note) = roots(trust).map_err(|e| e.to_string())?;
    let trusted = match trust {
        Trust::SystemRoots => None,
        Trust::Insecure => Some(Trusted::All),
        Trust::Pem { pem, .. } => {
            let chains = WebPkiServerVerifier::builder_with_provider(
                Arc::new(roots.clone()),
                provider.clone(),
            );
            let chains = chains.build().map_err(|e| TrustError::Tls(e.to_string()).to_string())?;
            // What is malformed was refused with the roots.
            let named = CertificateDer::pem_slice_iter(pem.as_bytes()).flatten();
            Some(Trusted::Named { named: named.filter_map(Named::new).collect(), chains })
        }
    };
    let builder = match trusted {
        None => builder.with_root_certificates(roots),
        Some(trusted) => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Verifier::new(trusted, provider))),
    };
    let config = client::with_certificate(builder, certificate).map_err(|e| e.to_string())?;
    Ok((config, note))
}

/// The roots that `trust` names, and what the user should know about them.
fn roots(trust: &Trust) -> Result<(RootCertStore, Option<String>), TrustError> {
    match trust {
        Trust::Insecure => Ok((RootCertStore::empty(), None)),
        Trust::SystemRoots => {
            let found = rustls_native_certs::load_native_certs();
            let why = found.errors.first().map(ToString::to_string);
            Ok(roots_or_mozillas(found.certs, why.as_deref()))
        }
        Trust::Pem { path, pem } => {
            let wrong = |reason: String| TrustError::Pem { path: path.clone(), reason };
            let mut roots = RootCertStore::empty();
            for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                let certificate = certificate.map_err(|e| wrong(words::of_pem(&e).to_owned()))?;
                roots.add(certificate).map_err(|e| {
                    wrong(format!("a certificate in it is of no use: {}", words::of_tls(&e)))
                })?;
            }
            if roots.is_empty() {
                return Err(wrong(words::no_certificate(path)));
            }
            Ok((roots, None))
        }
    }
}

/// The roots that were `found` on this system; Mozilla's, and a note, if none of them is of any use. `why` none were found
/// is what the system says.
fn roots_or_mozillas(
    found: Vec<CertificateDer<'static>>,
    why: Option<&str>,
) -> (RootCertStore, Option<String>) {
    let mut roots = RootCertStore::empty();
    let (usable, _) = roots.add_parsable_certificates(found);
    if usable > 0 {
        return (roots, None);
    }
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    let why = why.map(|why| format!(" ({why})")).unwrap_or_default();
    let note = format!(
        "this system has no root certificates{why}; gaits trusts those of Mozilla that it was built with. \
         Install the package ca-certificates, or name a file with --cacert"
    );
    (roots, Some(note))
}

/// The name that the server's certificate has to be for.
pub(super) fn server_name(origin: &Origin) -> Result<ServerName<'static>, Fault> {
    if let Some(ip) = origin.ip {
        return Ok(ServerName::from(ip));
    }
    // A dot at the end is no part of the name in certificates (RFC 6066).
    let host = without_root(&origin.host);
    ServerName::try_from(host.to_owned()).map_err(|e| {
        Fault::new(ErrorKind::Tls, format!("no certificate can be for the host {host} ({e})"))
    })
}

/// What a failed handshake with `origin` says.
pub(super) fn handshake_error(origin: &Origin, e: &io::Error) -> Fault {
    let host = &origin.authority;
    let rustls = e.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let message = match rustls {
        Some(rustls::Error::InvalidCertificate(why)) => {
            format!("the certificate of {host} is not trusted: {}", words::of_certificate(why))
        }
        Some(rustls::Error::InvalidMessage(why)) if words::is_no_tls(why) => {
            format!("{host} does not speak TLS: is it an http:// URL?")
        }
        Some(other) => format!("the TLS handshake with {host} failed: {}", words::of_tls(other)),
        None if e.kind() == io::ErrorKind::UnexpectedEof => {
            format!("{host} closed the connection during the TLS handshake")
        }
        None => format!("the TLS handshake with {host} failed: {}", words::of_io(e)),
    };
    Fault::new(ErrorKind::Tls, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_without_roots_gets_those_of_mozilla_and_a_note() {
        let (roots, note) = roots_or_mozillas(Vec::new(), Some("no such file"));
        assert!(roots.len() > 50, "{}", roots.len());
        let note = note.unwrap();
        assert!(
            note.starts_with("this system has no root certificates (no such file); gaits trusts"),
            "{note}"
        );
        let (roots, note) = roots_or_mozillas(vec![CertificateDer::from(vec![1, 2, 3])], None);
        assert!(roots.len() > 50 && note.is_some(), "what is of no use does not count");
    }

    #[test]
    fn a_system_with_roots_keeps_them() {
        let certified = rcgen::generate_simple_self_signed(vec!["root.test".to_owned()]).unwrap();
        let (roots, note) = roots_or_mozillas(vec![certified.cert.der().clone()], None);
        assert_eq!((roots.len(), note), (1, None));
    }

    #[test]
    fn nothing_is_told_of_roots_that_were_named() {
        let certified = rcgen::generate_simple_self_signed(vec!["root.test".to_owned()]).unwrap();
        let tell: Tell = Arc::new(|said| panic!("{said}"));
        let tls =
            Tls::new(Trust::Pem { path: "c.pem".into(), pem: certified.cert.pem() }, None, tell);
        assert!(Connectors::new(SessionScope::Loop).get(&tls, Alpn::Any).is_ok());
    }

    #[test]
    fn a_file_without_a_usable_certificate_is_refused_in_plain_words() {
        let refused = |pem: &str| {
            check(&Trust::Pem { path: "c.pem".into(), pem: pem.to_owned() })
                .unwrap_err()
                .to_string()
        };
        for (text, wanted) in [
            (
                "nothing",
                "it holds no -----BEGIN CERTIFICATE-----, which a certificate in PEM begins",
            ),
            (
                "-----BEGIN CERTIFICATE-----\nAQ!\n-----END CERTIFICATE-----\n",
                "what stands between",
            ),
            (
                "-----BEGIN CERTIFICATE-----\nAQID\n",
                "it breaks off: a line that begins with -----END",
            ),
            ("-----BEGIN CERTIFICATE\nAQID\n", "a line of it begins with -----BEGIN and does not"),
        ] {
            let wanted = format!("no certificate to trust in c.pem: {wanted}");
            assert!(refused(text).starts_with(&wanted), "{}", refused(text));
        }
        let how = "`openssl x509 -inform der -in c.pem -out c.pem.pem`";
        assert!(refused("0\u{fffd}").ends_with(how), "{}", refused("0"));
        assert_eq!(
            refused("-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n"),
            "no certificate to trust in c.pem: a certificate in it is of no use: it is malformed"
        );
    }
}
