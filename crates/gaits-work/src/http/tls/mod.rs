//! TLS: which certificates are trusted, and what a failed handshake says.
//!
//! Roots are loaded once a process, when the first `https` URL needs them, on a thread of the blocking pool. A system
//! without any, such as a slim container image, gets Mozilla's, which are a part of the program: the note says so. Each
//! session that is kept has a store of its own for resumption, so that event loops share no lock.
//!
//! Limit: opens no connection.

mod client;
mod once;
mod roots;
mod verify;

use super::auth::{ClientCertificate, ClientCertificateError};
use super::domain::without_root;
use super::fault::Fault;
use super::target::Origin;
use super::trust::{Trust, TrustError};
use super::words;
use gaits_core::{ErrorKind, SessionScope};
use once::Once;
use rustls_native_certs::{CertificateResult, load_native_certs};
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
    source: Arc<Source>,
    loaded: Once<Loaded>,
    /// The same for proxies, where every certificate of a server is accepted.
    for_proxies: Once<Loaded>,
    single_use: [OnceLock<TlsConnector>; 2 * OFFERS],
}

/// The settings, or what is wrong with them.
type Loaded = Result<Arc<ClientConfig>, String>;

/// What the settings are made of.
struct Source {
    trust: Trust,
    certificate: Option<ClientCertificate>,
    /// Reads the system's roots, which takes milliseconds.
    system: SystemRoots,
    /// Tells the user, once, what they should know about the roots that are trusted.
    tell: Tell,
}

type SystemRoots = Box<dyn Fn() -> CertificateResult + Send + Sync>;

/// Tells the user something.
pub(super) type Tell = Arc<dyn Fn(String) + Send + Sync>;

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("trust", &self.source.trust).finish_non_exhaustive()
    }
}

impl Tls {
    pub(super) fn new(trust: Trust, certificate: Option<ClientCertificate>, tell: Tell) -> Self {
        Self::of(Source { trust, certificate, system: Box::new(load_native_certs), tell })
    }

    fn of(source: Source) -> Self {
        let (loaded, for_proxies) = (Once::default(), Once::default());
        Self { source: Arc::new(source), loaded, for_proxies, single_use: Default::default() }
    }

    /// The same as by default, with these roots for the system's.
    #[cfg(test)]
    pub(super) fn with_system_roots(
        system: impl Fn() -> CertificateResult + Send + Sync + 'static,
    ) -> Self {
        let (system, tell) = (Box::new(system), Arc::new(drop));
        Self::of(Source { trust: Trust::SystemRoots, certificate: None, system, tell })
    }

    async fn config(&self, alpn: Alpn) -> Result<Arc<ClientConfig>, Fault> {
        // A proxy is sent the user's password for it, so that accepting any server does not do for it, as with curl.
        let only_for_proxies = self.source.trust == Trust::Insecure && alpn == Alpn::Proxy;
        let loaded = if only_for_proxies { &self.for_proxies } else { &self.loaded };
        let source = Arc::clone(&self.source);
        let load =
            move || source.load(if only_for_proxies { &Trust::SystemRoots } else { &source.trust });
        loaded.get(load).await?.map_err(|e| Fault::new(ErrorKind::Tls, e))
    }

    /// What all sessions use that last for one item only. Each has a connection of its own; what TLS has agreed upon with a
    /// server on an earlier one is resumed, as browsers do: a full handshake takes 1.4 times the processor time.
    async fn single_use(&self, alpn: Alpn, stranger: bool) -> Result<TlsConnector, Fault> {
        let cell = &self.single_use[place(alpn, stranger)];
        if let Some(connector) = cell.get() {
            return Ok(connector.clone());
        }
        let config = self.config(alpn).await?;
        Ok(cell.get_or_init(|| connector(&config, alpn, stranger)).clone())
    }
}

/// What connects with these protocols on offer, and remembers servers for itself. A `stranger` is not shown the user's certificate.
fn connector(config: &ClientConfig, alpn: Alpn, stranger: bool) -> TlsConnector {
    let mut config = config.clone();
    config.resumption = Resumption::in_memory_sessions(REMEMBERED);
    config.alpn_protocols = match alpn {
        Alpn::Any => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        Alpn::Http1 | Alpn::Proxy => vec![b"http/1.1".to_vec()],
    };
    if stranger || alpn == Alpn::Proxy {
        config.client_auth_cert_resolver = client::nothing_to_show();
    }
    TlsConnector::from(Arc::new(config))
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

/// The place of what connects with these protocols on offer, among all for servers and all for strangers.
const fn place(alpn: Alpn, stranger: bool) -> usize {
    alpn as usize + if stranger { OFFERS } else { 0 }
}

/// The TLS settings of one session, made when the first `https` URL needs them.
pub(super) struct Connectors {
    scope: SessionScope,
    made: [OnceCell<TlsConnector>; 2 * OFFERS],
}

impl Connectors {
    pub(super) fn new(scope: SessionScope) -> Self {
        Self { scope, made: Default::default() }
    }

    /// What connects with these protocols on offer, and shows the user's certificate unless to a `stranger`. The first of a process
    /// waits until the roots are loaded.
    ///
    /// # Errors
    ///
    /// The settings are of no use, or no file descriptor is left to read the system's roots.
    pub(super) async fn get(
        &self,
        tls: &Tls,
        alpn: Alpn,
        stranger: bool,
    ) -> Result<TlsConnector, Fault> {
        if self.scope == SessionScope::None {
            return tls.single_use(alpn, stranger).await;
        }
        let cell = &self.made[place(alpn, stranger)];
        if let Some(connector) = cell.get() {
            return Ok(connector.clone());
        }
        let config = tls.config(alpn).await?;
        Ok(cell.get_or_init(|| connector(&config, alpn, stranger)).clone())
    }
}

/// Whether `trust` gives something to trust.
pub(super) fn check(trust: &Trust) -> Result<(), TrustError> {
    match trust {
        Trust::SystemRoots | Trust::Insecure => Ok(()),
        Trust::Pem { path, pem } => roots::of_pem(path, pem).map(drop),
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

impl Source {
    /// The settings for what `trust` says; tells the user what they should know about the roots.
    ///
    /// # Errors
    ///
    /// No file descriptor is left to read the system's roots.
    fn load(&self, trust: &Trust) -> Result<Loaded, Fault> {
        let (roots, note) = match trust {
            Trust::Insecure => (RootCertStore::empty(), None),
            Trust::SystemRoots => roots::of_system((self.system)())?,
            Trust::Pem { path, pem } => match roots::of_pem(path, pem) {
                Ok(roots) => (roots, None),
                Err(e) => return Ok(Err(e.to_string())),
            },
        };
        let config = config(trust, roots, self.certificate.as_ref());
        if let (Ok(_), Some(note)) = (&config, note) {
            (self.tell)(note);
        }
        Ok(config.map(Arc::new))
    }
}

/// The settings with these `roots`, which are those of `trust`.
fn config(
    trust: &Trust,
    roots: RootCertStore,
    certificate: Option<&ClientCertificate>,
) -> Result<ClientConfig, String> {
    let provider = Arc::new(crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|e| TrustError::Tls(words::of_tls(&e)).to_string())?;
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
    client::with_certificate(builder, certificate).map_err(|e| e.to_string())
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
    use std::sync::mpsc;

    fn pem() -> String {
        rcgen::generate_simple_self_signed(vec!["root.test".to_owned()]).unwrap().cert.pem()
    }

    #[tokio::test]
    async fn nothing_is_told_of_roots_that_were_named() {
        let tell: Tell = Arc::new(|said| panic!("{said}"));
        let tls = Tls::new(Trust::Pem { path: "c.pem".into(), pem: pem() }, None, tell);
        assert!(Connectors::new(SessionScope::Loop).get(&tls, Alpn::Any, false).await.is_ok());
    }

    #[tokio::test]
    async fn the_event_loop_goes_on_while_the_roots_are_loaded_and_they_are_loaded_once() {
        let (go_on, may_go_on) = mpsc::sync_channel::<()>(1);
        let may_go_on = std::sync::Mutex::new(may_go_on);
        let event_loop = std::thread::current().id();
        let tls = Tls::with_system_roots(move || {
            assert_ne!(std::thread::current().id(), event_loop);
            may_go_on.lock().unwrap().recv().expect("they are loaded once");
            CertificateResult::default()
        });
        let (keeping, none) =
            (Connectors::new(SessionScope::Loop), Connectors::new(SessionScope::None));
        let (kept, single_use, ()) = tokio::join!(
            keeping.get(&tls, Alpn::Any, false),
            none.get(&tls, Alpn::Http1, false),
            async {
                go_on.send(()).unwrap();
                drop(go_on);
            }
        );
        assert!(kept.is_ok() && single_use.is_ok());
        assert!(Connectors::new(SessionScope::Loop).get(&tls, Alpn::Http1, false).await.is_ok());
    }

    #[tokio::test]
    async fn roots_that_could_not_be_read_for_want_of_a_descriptor_are_read_later() {
        const EMFILE: i32 = 24;
        let full = std::sync::Mutex::new(true);
        let tls = Tls::with_system_roots(move || {
            let mut found = CertificateResult::default();
            if std::mem::take(&mut *full.lock().unwrap()) {
                let inner = io::Error::from_raw_os_error(EMFILE);
                let kind = rustls_native_certs::ErrorKind::Io { inner, path: "roots".into() };
                found.errors.push(rustls_native_certs::Error { context: "failed", kind });
            }
            found
        });
        let connectors = Connectors::new(SessionScope::Loop);
        let Err(Fault::Exhausted(error)) = connectors.get(&tls, Alpn::Any, false).await else {
            panic!("it lacks nothing");
        };
        let wanted = "too many open files (reading the root certificates): ";
        assert!(error.message.starts_with(wanted), "{error}");
        assert!(connectors.get(&tls, Alpn::Any, false).await.is_ok());
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
