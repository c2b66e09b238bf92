//! A server that ends TLS for want of a client certificate, which it is not shown because a redirect from another server led there.
//!
//! Limit: does not decide who is shown a certificate; `follow` and the connectors do.

use super::words;
use std::io;
use tokio_rustls::rustls::{AlertDescription, Error};

/// What the server has said to that.
#[derive(Debug, thiserror::Error)]
#[error("{}", words::of_withheld(*.0))]
pub(super) struct Withheld(AlertDescription);

/// The error of a connection over which the user's certificate is not shown: it says so where that may be why.
pub(super) fn withheld(e: io::Error) -> io::Error {
    let tls = e.get_ref().and_then(|inner| inner.downcast_ref());
    match tls {
        Some(Error::AlertReceived(alert)) if is_about_certificate(*alert) => {
            io::Error::new(e.kind(), Withheld(*alert))
        }
        _ => e,
    }
}

/// Whether a server may say so that has been shown no certificate, or another one than it wants.
const fn is_about_certificate(alert: AlertDescription) -> bool {
    use AlertDescription as A;
    matches!(
        alert,
        A::HandshakeFailure
            | A::InsufficientSecurity
            | A::CertificateRequired
            | A::BadCertificate
            | A::AccessDenied
            | A::UnknownCA
    )
}
