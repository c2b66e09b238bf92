//! A certificate authority for this run, and the server's certificate that it signed.

use anyhow::{Context, Result};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use std::fs;
use std::path::Path;

/// The authority's certificate, inside the server's folder: clients are told to trust it.
pub(super) const AUTHORITY: &str = "authority.pem";
/// The server's certificate.
pub(super) const CERTIFICATE: &str = "certificate.pem";
/// The server's key.
pub(super) const KEY: &str = "key.pem";

/// Writes the three files. The server's certificate is for 127.0.0.1; its key is on the curve P-256, as is common.
pub(super) fn write(folder: &Path) -> Result<()> {
    let put = |name: &str, text: String| {
        fs::write(folder.join(name), text).with_context(|| format!("failed to write {name}"))
    };
    let key = KeyPair::generate().context("failed to make a key")?;
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    authority.distinguished_name.push(DnType::CommonName, "gaits-bench");
    let signed = authority.self_signed(&key).context("failed to make a certificate")?;
    put(AUTHORITY, signed.pem())?;
    let issuer = Issuer::new(authority, key);
    let key = KeyPair::generate().context("failed to make a key")?;
    let mut server =
        CertificateParams::new(["127.0.0.1".to_owned()]).context("failed to make a certificate")?;
    server.distinguished_name.push(DnType::CommonName, "127.0.0.1");
    let signed = server.signed_by(&key, &issuer).context("failed to sign a certificate")?;
    put(CERTIFICATE, signed.pem())?;
    put(KEY, key.serialize_pem())
}
