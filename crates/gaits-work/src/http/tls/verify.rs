//! Which certificates are trusted beyond those that lead up to a root.
//!
//! Limit: never trusts a server that does not prove that it has the key of its certificate.

use std::sync::Arc;
use std::time::Duration;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::client::{WebPkiServerVerifier, verify_server_name};
use tokio_rustls::rustls::crypto::{self, CryptoProvider};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::{self, CertificateError, DigitallySignedStruct, SignatureScheme};
use x509_cert::Certificate;
use x509_cert::der::Decode as _;
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::ext::pkix::{ExtendedKeyUsage, KeyUsage};

/// Whom a [`Verifier`] trusts.
#[derive(Debug)]
pub(super) enum Trusted {
    /// Every certificate.
    All,
    /// Those that are one of `named`, and those that lead up to one.
    Named { named: Vec<Named>, chains: Arc<WebPkiServerVerifier> },
}

/// A certificate that the user named. A server that shows this very one is trusted, whoever issued it, if it may be used
/// for servers, at this time, and for this host.
///
/// `openssl req -x509` makes such certificates. They call themselves authorities, which is why webpki refuses them.
#[derive(Debug)]
pub(super) struct Named {
    der: CertificateDer<'static>,
    not_before: Duration,
    not_after: Duration,
    is_for_servers: bool,
}

/// RFC 5280, 4.2.1.12.
const ANY_PURPOSE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37.0");
const SERVER_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");

impl Named {
    /// Reads a certificate. One that cannot be read is trusted as an authority only.
    pub(super) fn new(der: CertificateDer<'static>) -> Option<Self> {
        let parsed = Certificate::from_der(&der).ok()?;
        let tbs = parsed.tbs_certificate();
        // What is not limited may be used for all.
        let purpose = tbs.get_extension::<ExtendedKeyUsage>().ok()?.is_none_or(|(_, purposes)| {
            purposes.0.iter().any(|purpose| [ANY_PURPOSE, SERVER_AUTH].contains(purpose))
        });
        let usage = tbs.get_extension::<KeyUsage>().ok()?.is_none_or(|(_, usage)| {
            usage.digital_signature() || usage.key_encipherment() || usage.key_agreement()
        });
        let validity = tbs.validity();
        let (not_before, not_after) =
            (validity.not_before.to_unix_duration(), validity.not_after.to_unix_duration());
        Some(Self { der, not_before, not_after, is_for_servers: purpose && usage })
    }

    fn verify(&self, server_name: &ServerName<'_>, now: UnixTime) -> Result<(), rustls::Error> {
        if now.as_secs() < self.not_before.as_secs() {
            let not_before = UnixTime::since_unix_epoch(self.not_before);
            return Err(CertificateError::NotValidYetContext { time: now, not_before }.into());
        }
        if now.as_secs() > self.not_after.as_secs() {
            let not_after = UnixTime::since_unix_epoch(self.not_after);
            return Err(CertificateError::ExpiredContext { time: now, not_after }.into());
        }
        if !self.is_for_servers {
            return Err(CertificateError::InvalidPurpose.into());
        }
        verify_server_name(&ParsedCertificate::try_from(&self.der)?, server_name)
    }
}

/// Trusts more certificates than webpki does, but has the server prove that it has the key.
#[derive(Debug)]
pub(super) struct Verifier {
    trusted: Trusted,
    provider: Arc<CryptoProvider>,
}

impl Verifier {
    pub(super) const fn new(trusted: Trusted, provider: Arc<CryptoProvider>) -> Self {
        Self { trusted, provider }
    }
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
        match named.iter().find(|named| named.der == *end_entity) {
            Some(named) => {
                named.verify(server_name, now)?;
                Ok(ServerCertVerified::assertion())
            }
            None => chains.verify_server_cert(
                end_entity,
                intermediates,
                server_name,
                ocsp_response,
                now,
            ),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        crypto::verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::words;
    use rcgen::{
        BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, KeyPair,
        KeyUsagePurpose, date_time_ymd,
    };
    use tokio_rustls::rustls::RootCertStore;

    /// 1 July 2025.
    const NOW: u64 = 1_751_328_000;

    /// What is wrong with a self-signed certificate that is named, for `host`.
    fn wrong(host: &str, change: impl FnOnce(&mut CertificateParams)) -> Option<String> {
        let mut params =
            CertificateParams::new(vec!["a.test".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.not_before = date_time_ymd(2025, 1, 1);
        params.not_after = date_time_ymd(2026, 1, 1);
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let der = params.self_signed(&key).unwrap().der().clone();
        let provider = Arc::new(crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(der.clone()).unwrap();
        let chains = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone());
        let named = vec![Named::new(der.clone()).unwrap()];
        let trusted = Trusted::Named { named, chains: chains.build().unwrap() };
        let verifier = Verifier::new(trusted, provider);
        let name = ServerName::try_from(host.to_owned()).unwrap();
        let now = UnixTime::since_unix_epoch(Duration::from_secs(NOW));
        let result = verifier.verify_server_cert(&der, &[], &name, &[], now);
        result.err().map(|e| words::of_tls(&e))
    }

    #[test]
    fn a_named_certificate_is_trusted_as_the_servers_own() {
        assert_eq!(wrong("a.test", |_| {}), None);
        assert_eq!(wrong("127.0.0.1", |_| {}), None);
        assert_eq!(wrong("a.test", |params| params.is_ca = IsCa::NoCa), None);
        assert_eq!(wrong("a.test", |params| params.is_ca = IsCa::ExplicitNoCa), None);
    }

    #[test]
    fn it_must_be_for_the_host() {
        let message = wrong("b.test", |_| {}).unwrap();
        assert!(message.contains("b.test") && message.contains("a.test"), "{message}");
        assert!(wrong("127.0.0.2", |_| {}).unwrap().contains("127.0.0.2"));
    }

    #[test]
    fn it_must_be_valid_now() {
        let expired = wrong("a.test", |params| params.not_after = date_time_ymd(2025, 6, 1));
        assert_eq!(expired.unwrap(), "it expired 30 days ago");
        let early = wrong("a.test", |params| params.not_before = date_time_ymd(2025, 7, 2));
        assert_eq!(
            early.unwrap(),
            "it is not valid yet, but in 1 day: is the clock of this machine right?"
        );
    }

    #[test]
    fn it_must_be_meant_for_servers() {
        use ExtendedKeyUsagePurpose::{Any, ClientAuth, ServerAuth};
        use KeyUsagePurpose::{DigitalSignature, KeyCertSign, KeyEncipherment};
        for (purposes, trusted) in [
            (vec![ServerAuth], true),
            (vec![ClientAuth, ServerAuth], true),
            (vec![Any], true),
            (vec![ClientAuth], false),
        ] {
            let wrong = wrong("a.test", |params| params.extended_key_usages.clone_from(&purposes));
            let wanted = (!trusted).then(|| "it is not meant for servers".to_owned());
            assert_eq!(wrong, wanted, "{purposes:?}");
        }
        for (usages, trusted) in [
            (vec![DigitalSignature, KeyCertSign], true),
            (vec![KeyEncipherment], true),
            (vec![KeyCertSign], false),
        ] {
            let wrong = wrong("a.test", |params| params.key_usages.clone_from(&usages));
            assert_eq!(wrong.is_none(), trusted, "{usages:?}: {wrong:?}");
        }
    }
}
