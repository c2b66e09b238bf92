//! Which certificates are trusted, as the plan says it, and why they may be no use.
//!
//! Limit: reads no certificate; `tls` does.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Which certificates are trusted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Trust {
    /// Those that chain up to one of the system's roots; if it has none, to one of Mozilla's, which are a part of the
    /// program.
    SystemRoots,
    /// Those that chain up to one of these certificates, and no others.
    Pem {
        /// Where they were read from, for messages.
        path: PathBuf,
        /// What stood there: one or more certificates.
        pem: String,
    },
    /// Every certificate of a server, for every name. Connections are encrypted, but whoever sits in between can read them. Those
    /// of proxies are trusted as with [`Trust::SystemRoots`].
    Insecure,
}

/// Why nothing can be trusted as the plan says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// The certificates to trust are no use.
    #[error("no certificate to trust in {path}: {reason}", path = path.display())]
    Pem {
        /// The file they came from.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The TLS library refused the settings.
    #[error("cannot set up TLS: {0}")]
    Tls(String),
}
