//! Which roots are trusted: the system's, or else Mozilla's; or those of a file.
//!
//! Limit: what the system has is read elsewhere, since that takes milliseconds.

use super::super::fault::{self, Fault};
use super::super::trust::TrustError;
use super::super::words;
use rustls_native_certs::{CertificateResult, Error, ErrorKind};
use std::path::Path;
use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;

/// The roots in what was `found` on this system; Mozilla's, and a note for the user, if none of them is of any use.
///
/// # Errors
///
/// No file descriptor was left for some of their files: with more of them, other roots would be found.
pub(super) fn of_system(
    found: CertificateResult,
) -> Result<(RootCertStore, Option<String>), Fault> {
    let is_exhausted = |error: &&Error| matches!(&error.kind, ErrorKind::Io { inner, .. } if fault::is_exhausted(inner));
    if let Some(error) = found.errors.iter().find(is_exhausted)
        && let ErrorKind::Io { inner, .. } = &error.kind
    {
        return Err(Fault::exhausted("reading the root certificates", &words::of_io(inner)));
    }
    let why = found.errors.first().map(ToString::to_string);
    Ok(those_of_use(found.certs, why.as_deref()))
}

/// The roots that were `found` on this system; Mozilla's, and a note, if none of them is of any use. `why` none were found
/// is what the system says.
fn those_of_use(
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

/// The roots in `pem`, which was read from `path`.
///
/// # Errors
///
/// There are none, or one of them is of no use.
pub(super) fn of_pem(path: &Path, pem: &str) -> Result<RootCertStore, TrustError> {
    let wrong = |reason: String| TrustError::Pem { path: path.to_owned(), reason };
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
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_without_roots_gets_those_of_mozilla_and_a_note() {
        let (roots, note) = those_of_use(Vec::new(), Some("no such file"));
        assert!(roots.len() > 50, "{}", roots.len());
        let note = note.unwrap();
        assert!(
            note.starts_with("this system has no root certificates (no such file); gaits trusts"),
            "{note}"
        );
        let (roots, note) = those_of_use(vec![CertificateDer::from(vec![1, 2, 3])], None);
        assert!(roots.len() > 50 && note.is_some(), "what is of no use does not count");
    }

    #[test]
    fn a_system_with_roots_keeps_them() {
        let certified = rcgen::generate_simple_self_signed(vec!["root.test".to_owned()]).unwrap();
        let (roots, note) = those_of_use(vec![certified.cert.der().clone()], None);
        assert_eq!((roots.len(), note), (1, None));
    }
}
