//! The origin's own certificate, made anew for each origin and known to nobody else, and the TLS set-up that presents
//! it. Keys stay in memory.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// What an origin needs to speak TLS.
pub(crate) struct Tls {
    pub(crate) acceptor: TlsAcceptor,
    /// The certificate of the authority that signed the server's one: what a client has to trust.
    pub(crate) ca_pem: String,
}

impl Tls {
    /// Makes an authority and a certificate for `localhost`, 127.0.0.1, `::1` and `listen`. Clients are offered HTTP/1.1,
    /// and HTTP/2 if `http2` says so.
    pub(crate) fn new(listen: IpAddr, http2: bool) -> io::Result<Self> {
        Self::make(listen, http2)
            .map_err(|error| io::Error::other(format!("making a certificate: {error}")))
    }

    fn make(listen: IpAddr, http2: bool) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        // An authority of its own, as clients refuse a server certificate that is also a root.
        let mut authority = CertificateParams::default();
        authority.distinguished_name.push(DnType::CommonName, "gaits origin test authority");
        authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let authority_key = KeyPair::generate()?;
        let ca_pem = authority.self_signed(&authority_key)?.pem();
        let issuer = Issuer::new(authority, authority_key);

        let mut addresses = vec![IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        if !listen.is_unspecified() && !addresses.contains(&listen) {
            addresses.push(listen);
        }
        let mut server = CertificateParams::default();
        server.distinguished_name.push(DnType::CommonName, "gaits origin");
        server.subject_alt_names = vec![SanType::DnsName(Ia5String::try_from("localhost")?)];
        server.subject_alt_names.extend(addresses.into_iter().map(SanType::IpAddress));
        server.use_authority_key_identifier_extension = true;
        server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate()?;
        let certificate = server.signed_by(&key, &issuer)?;

        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)?;
        let protocols: &[&[u8]] = if http2 { &[b"h2", b"http/1.1"] } else { &[b"http/1.1"] };
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), ca_pem })
    }
}
