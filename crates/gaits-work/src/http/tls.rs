//! TLS: which certificates are trusted, and what a failed handshake says.
//!
//! Roots are loaded once a process, when the first `https` URL needs them, so that `http` works where there are none.
//! Each session has a store of its own for resumption, so that event loops share no lock.
//!
//! Limit: opens no connection.

use super::fault::{self, Fault};
use super::spec::{HttpSpecError, Trust};
use super::target::Origin;
use gaits_core::{ErrorKind, SessionScope};
use std::cell::OnceCell;
use std::io;
use std::sync::{Arc, OnceLock};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::client::{Resumption, WebPkiServerVerifier, verify_server_name};
use tokio_rustls::rustls::crypto::{self, CryptoProvider};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::{
    self, CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};

/// How many servers a session remembers for resumption.
const REMEMBERED: usize = 32;

/// The TLS settings of one process.
pub(super) struct Tls {
    trust: Trust,
    config: OnceLock<Result<ClientConfig, String>>,
    single_use: [OnceLock<TlsConnector>; 2],
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("trust", &self.trust).finish_non_exhaustive()
    }
}

impl Tls {
    pub(super) fn new(trust: Trust) -> Self {
        Self { trust, config: OnceLock::new(), single_use: Default::default() }
    }

    fn config(&self) -> Result<&ClientConfig, Fault> {
        let loaded = self.config.get_or_init(|| config(&self.trust).map_err(|e| e.to_string()));
        loaded.as_ref().map_err(|e| Fault::new(ErrorKind::Tls, e.clone()))
    }

    fn connector(&self, resumption: Resumption, alpn: Alpn) -> Result<TlsConnector, Fault> {
        let mut config = self.config()?.clone();
        config.resumption = resumption;
        config.alpn_protocols = match alpn {
            Alpn::Any => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
            Alpn::Http1 => vec![b"http/1.1".to_vec()],
        };
        Ok(TlsConnector::from(Arc::new(config)))
    }

    /// What all sessions use that last for one item only, and so have nothing to resume.
    fn single_use(&self, alpn: Alpn) -> Result<TlsConnector, Fault> {
        let cell = &self.single_use[alpn as usize];
        if let Some(connector) = cell.get() {
            return Ok(connector.clone());
        }
        let connector = self.connector(Resumption::disabled(), alpn)?;
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
}

/// The TLS settings of one session, made when the first `https` URL needs them.
pub(super) struct Connectors {
    scope: SessionScope,
    made: [OnceCell<TlsConnector>; 2],
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

/// Whether `trust` gives something to trust, as far as can be told without the system's roots.
pub(super) fn check(trust: &Trust) -> Result<(), HttpSpecError> {
    match trust {
        Trust::SystemRoots | Trust::Insecure => Ok(()),
        Trust::Pem { .. } => roots(trust).map(drop),
    }
}

fn config(trust: &Trust) -> Result<ClientConfig, HttpSpecError> {
    let provider = Arc::new(crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|e| HttpSpecError::Tls(e.to_string()))?;
    let trusted = match trust {
        Trust::SystemRoots => None,
        Trust::Insecure => Some(Trusted::All),
        Trust::Pem { pem, .. } => {
            let chains = WebPkiServerVerifier::builder_with_provider(
                Arc::new(roots(trust)?),
                provider.clone(),
            );
            let chains = chains.build().map_err(|e| HttpSpecError::Tls(e.to_string()))?;
            // What is malformed was refused with the roots.
            let named = CertificateDer::pem_slice_iter(pem.as_bytes()).flatten().collect();
            Some(Trusted::Named { named, chains })
        }
    };
    Ok(match trusted {
        None => builder.with_root_certificates(roots(trust)?).with_no_client_auth(),
        Some(trusted) => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Verifier { trusted, provider }))
            .with_no_client_auth(),
    })
}

fn roots(trust: &Trust) -> Result<RootCertStore, HttpSpecError> {
    let mut roots = RootCertStore::empty();
    if let Trust::Pem { path, pem } = trust {
        let wrong = |reason: String| HttpSpecError::Pem { path: path.clone(), reason };
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            let certificate = certificate.map_err(|e| wrong(format!("it is malformed ({e})")))?;
            roots
                .add(certificate)
                .map_err(|e| wrong(format!("it holds no usable certificate ({e})")))?;
        }
        if roots.is_empty() {
            return Err(wrong("it holds no -----BEGIN CERTIFICATE-----".to_owned()));
        }
        return Ok(roots);
    }
    let found = rustls_native_certs::load_native_certs();
    let (usable, _) = roots.add_parsable_certificates(found.certs);
    if usable == 0 {
        let why = found.errors.first().map(|e| format!(" ({e})")).unwrap_or_default();
        return Err(HttpSpecError::NoRoots(why));
    }
    Ok(roots)
}

/// The name that the server's certificate has to be for.
pub(super) fn server_name(origin: &Origin) -> Result<ServerName<'static>, Fault> {
    if let Some(ip) = origin.ip {
        return Ok(ServerName::from(ip));
    }
    // A dot at the end is no part of the name in certificates (RFC 6066).
    let host = origin.host.strip_suffix('.').unwrap_or(&origin.host);
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
            format!("the certificate of {host} is not trusted: {}", certificate_words(why))
        }
        Some(rustls::Error::InvalidMessage(why)) => {
            format!("{host} does not speak TLS ({why:?}): is it an http:// URL?")
        }
        Some(other) => format!("the TLS handshake with {host} failed: {other}"),
        None if e.kind() == io::ErrorKind::UnexpectedEof => {
            format!("{host} closed the connection during the TLS handshake")
        }
        None => format!("the TLS handshake with {host} failed: {}", fault::words(e)),
    };
    Fault::new(ErrorKind::Tls, message)
}

fn certificate_words(why: &CertificateError) -> String {
    match why {
        // A known issuer's name on an unknown issuer's key gives the second.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "its issuer is unknown; name the issuer's certificate with --cacert".to_owned()
        }
        CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
            "it is its own issuer and unknown; name it with --cacert".to_owned()
        }
        CertificateError::Expired => "it has expired".to_owned(),
        CertificateError::NotValidYet => "it is not valid yet".to_owned(),
        CertificateError::NotValidForName => "it is for another name".to_owned(),
        // The others speak for themselves.
        other => other.to_string(),
    }
}

/// Whom a [`Verifier`] trusts.
#[derive(Debug)]
enum Trusted {
    /// Every certificate.
    All,
    /// Those that lead up to one of `named`, and those that are one.
    Named { named: Vec<CertificateDer<'static>>, chains: Arc<WebPkiServerVerifier> },
}

/// Trusts more certificates than webpki does, but has the server prove that it has the key.
#[derive(Debug)]
struct Verifier {
    trusted: Trusted,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Trusted::Named { named, chains } = &self.trusted else {
            return Ok(ServerCertVerified::assertion());
        };
        match chains.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
        {
            // What `openssl req -x509` makes: it calls itself an authority, and is used as a server's own. Its dates
            // were checked before; its name was not.
            Err(rustls::Error::InvalidCertificate(CertificateError::Other(why)))
                if why.to_string().contains("CaUsedAsEndEntity") && named.contains(end_entity) =>
            {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        crypto::verify_tls12_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        crypto::verify_tls13_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
