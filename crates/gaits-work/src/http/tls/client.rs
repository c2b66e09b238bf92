//! The certificate that a server is shown which asks for one, in the types of the TLS library.
//!
//! Limit: whom it is shown is not decided here; the library knows of no redirects.

use super::super::auth::{ClientCertificate, ClientCertificateError};
use super::super::words;
use std::sync::Arc;
use tokio_rustls::rustls::client::{ResolvesClientCert, WantsClientCert};
use tokio_rustls::rustls::pki_types::pem::{Error as PemError, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{ClientConfig, ConfigBuilder, Error, SignatureScheme};

/// `builder` with `certificate`, if there is one.
pub(super) fn with_certificate(
    builder: ConfigBuilder<ClientConfig, WantsClientCert>,
    certificate: Option<&ClientCertificate>,
) -> Result<ClientConfig, ClientCertificateError> {
    let Some(certificate) = certificate else { return Ok(builder.with_no_client_auth()) };
    let ClientCertificate { path, chain, key_path, key } = certificate;
    let wrong = |path: &std::path::Path, reason: &str| ClientCertificateError {
        path: path.to_owned(),
        reason: reason.to_owned(),
    };
    let chain: Result<Vec<_>, _> =
        CertificateDer::pem_slice_iter(chain.reveal().as_bytes()).collect();
    let chain = chain.map_err(|error| wrong(path, words::of_pem(&error)))?;
    if chain.is_empty() {
        return Err(wrong(path, &words::no_certificate(path)));
    }
    let key = match PrivateKeyDer::from_pem_slice(key.reveal().as_bytes()) {
        Ok(key) => key,
        Err(_) if key.reveal().contains("ENCRYPTED") => {
            let reason = "its key is encrypted; write it decrypted with `openssl pkey -in FILE -out NEW`, name that with \
                          --cert-key, and let nobody else read it";
            return Err(wrong(key_path, reason));
        }
        Err(PemError::NoItemsFound) if path == key_path => {
            return Err(wrong(
                path,
                "it holds no private key; name the file that does with --cert-key",
            ));
        }
        Err(PemError::NoItemsFound) => return Err(wrong(key_path, &words::no_key(key_path))),
        Err(error) => {
            return Err(wrong(
                key_path,
                &format!("its key is malformed: {}", words::of_pem(&error)),
            ));
        }
    };
    builder.with_client_auth_cert(chain, key).map_err(|error| match error {
        Error::InconsistentKeys(_) => {
            let reason = format!("it is for another key than the one in {}", key_path.display());
            wrong(path, &reason)
        }
        Error::InvalidCertificate(why) => wrong(path, &words::of_certificate(&why)),
        _ => wrong(key_path, "its key is of a kind that is not known; RSA, ECDSA and Ed25519 are"),
    })
}

/// Shows no certificate, whoever asks for one.
#[derive(Debug)]
struct Nothing;

impl ResolvesClientCert for Nothing {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

/// For those who are not to see the user's certificate.
pub(super) fn nothing_to_show() -> Arc<dyn ResolvesClientCert> {
    Arc::new(Nothing)
}
