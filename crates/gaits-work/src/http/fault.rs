//! Why a request came to nothing, whatever the protocol: the words and kinds of its item's error, and whether the request
//! may be sent again.
//!
//! Limit: sends nothing again; the hub does.

use super::withheld::Withheld;
use super::words::of_io;
use gaits_core::{ErrorKind, ItemError};
use std::io;
use tokio_rustls::rustls;

/// Why a request came to nothing.
#[derive(Debug)]
pub(super) enum Fault {
    /// The item has failed.
    Failed(ItemError),
    /// The process has no file descriptor left: with fewer workers it would go through.
    Exhausted(ItemError),
    /// The connection has ended before a byte of the answer came. On a connection that was kept, that happens when the
    /// server closes it while the request is on its way; one that may be sent twice is then sent again. The error is for
    /// all other cases.
    Closed(ItemError),
    /// The server surely has not processed the request, so that it may be sent again on another connection, whatever
    /// its method. The error is for the case that it is not.
    Unprocessed(ItemError),
    /// The server wants this request over HTTP/1.1. The error is for the case that it is not sent again.
    WantsHttp1(ItemError),
}

impl Fault {
    pub(super) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Fault::Failed(ItemError::new(kind, message))
    }

    /// There is no file descriptor left for `doing` something; `why` is what the system says to that.
    pub(super) fn exhausted(doing: &str, why: &str) -> Self {
        Fault::Exhausted(ItemError::new(
            ErrorKind::Connect,
            format!("{why} ({doing}): raise the limit with ulimit -n or use fewer workers"),
        ))
    }

    /// The item's error, where the request is not sent again.
    pub(super) fn into_error(self) -> ItemError {
        match self {
            Fault::Failed(error)
            | Fault::Exhausted(error)
            | Fault::Closed(error)
            | Fault::Unprocessed(error)
            | Fault::WantsHttp1(error) => error,
        }
    }
}

/// EMFILE and ENFILE have the same numbers on every Unix that Rust supports.
pub(super) fn is_exhausted(e: &io::Error) -> bool {
    matches!(e.raw_os_error(), Some(23 | 24))
}

/// What came is not what the protocol demands.
pub(super) fn protocol(message: impl Into<String>) -> ItemError {
    ItemError::new(ErrorKind::Protocol, message)
}

/// The connection failed before the response's head was complete.
pub(super) fn in_head(e: &io::Error) -> ItemError {
    if is_refusal(e) {
        let message = format!("the TLS handshake was refused: {}", of_io(e));
        return ItemError::new(ErrorKind::Tls, message);
    }
    if is_malformed(e) {
        return protocol(of_io(e));
    }
    let message = format!("{} before the response's head was complete", of_io(e));
    ItemError::new(ErrorKind::Reset, message)
}

/// The server closed the connection before the response's head was complete.
pub(super) fn closed_in_head() -> ItemError {
    let message = "the server closed the connection before the response's head was complete";
    ItemError::new(ErrorKind::Reset, message)
}

/// The connection failed before the end of the body.
pub(super) fn in_body(e: &io::Error) -> ItemError {
    if e.kind() == io::ErrorKind::UnexpectedEof {
        return closed_in_body();
    }
    if is_malformed(e) {
        return protocol(of_io(e));
    }
    ItemError::new(ErrorKind::Truncated, format!("{} before the end of the body", of_io(e)))
}

/// The connection was closed before the end of the body.
pub(super) fn closed_in_body() -> ItemError {
    let message = "the connection was closed before the end of the body";
    ItemError::new(ErrorKind::Truncated, message)
}

/// Whether the server has given TLS up. It may do so after the handshake, above all if it wants a certificate.
fn is_refusal(e: &io::Error) -> bool {
    e.get_ref().is_some_and(|inner| {
        let tls = inner.downcast_ref::<rustls::Error>();
        matches!(tls, Some(rustls::Error::AlertReceived(_))) || inner.is::<Withheld>()
    })
}

/// Whether it is TLS that could not make sense of what came.
fn is_malformed(e: &io::Error) -> bool {
    matches!(e.kind(), io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::withheld::withheld;
    use rustls::{AlertDescription, Error};

    #[test]
    fn what_a_server_says_that_misses_the_certificate_tells_that_it_is_not_shown() {
        let of = |alert| {
            let e = io::Error::new(io::ErrorKind::InvalidData, Error::AlertReceived(alert));
            let error = in_head(&withheld(e));
            assert_eq!(error.kind, ErrorKind::Tls);
            error.message
        };
        assert_eq!(
            of(AlertDescription::CertificateRequired),
            "the TLS handshake was refused: the server wants a client certificate; --cert is not shown to one that a redirect \
             from another led to"
        );
        let other = of(AlertDescription::ProtocolVersion);
        assert!(!other.contains("--cert"), "{other}");
        // A text decides nothing, whatever it says.
        let e = withheld(io::Error::other("client certificate"));
        assert_eq!(e.to_string(), "client certificate");
    }
}
