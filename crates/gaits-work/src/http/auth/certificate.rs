//! The certificate that a server is shown which asks for one.
//!
//! Limit: holds text; what it is worth is for `tls` to find out.

use super::Secret;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A client certificate and its key, as PEM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientCertificate {
    /// Where the certificate was read from, for messages.
    pub path: PathBuf,
    /// The certificate, and those of the authorities between it and the root.
    pub chain: Secret,
    /// Where the key was read from, for messages; it may be the same file.
    pub key_path: PathBuf,
    /// Its private key: PKCS#8, PKCS#1 or SEC1, not encrypted.
    pub key: Secret,
}

/// Why a client certificate is no use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path} is of no use as a client certificate: {reason}", path = path.display())]
pub struct ClientCertificateError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: String,
}
