//! Why an item failed. The kinds are API: scripts match on them.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! error_kinds {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// The kind of an item's failure, as `error.kind` of its record tells it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum ErrorKind {
            $($(#[$doc])* #[serde(rename = $name)] $variant,)*
        }

        impl ErrorKind {
            /// Every kind there is, in the order of the documentation.
            pub const ALL: &'static [ErrorKind] = &[$(ErrorKind::$variant,)*];

            /// The name that stands in records.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(ErrorKind::$variant => $name,)*
                }
            }
        }
    };
}

error_kinds! {
    /// The item's text is not what the work takes.
    InvalidItem = "invalid_item",
    /// The host's name could not be resolved.
    Dns = "dns",
    /// No connection: refused, unreachable, or no file descriptor left for it.
    Connect = "connect",
    /// Name, connection and TLS together took longer than the connect timeout, or TLS alone longer than its own.
    ConnectTimeout = "connect_timeout",
    /// The TLS handshake failed: certificate, name or protocol.
    Tls = "tls",
    /// The item took longer than its total timeout.
    Timeout = "timeout",
    /// No byte came for too long.
    Stalled = "stalled",
    /// The connection was reset or closed before the response's head was complete.
    Reset = "reset",
    /// The body ended before its announced length.
    Truncated = "truncated",
    /// What came is not HTTP.
    Protocol = "protocol",
    /// The decoded body is larger than allowed.
    TooLarge = "too_large",
    /// The body's content coding could not be undone, or a field to extract is not there.
    Decode = "decode",
    /// Too many redirects, a redirect without a target, or to a scheme that is not followed.
    Redirect = "redirect",
    /// The response's status is not accepted.
    HttpStatus = "http_status",
    /// The address connected to is one the plan refuses.
    BlockedAddress = "blocked_address",
    /// The host's robots.txt forbids it, or could not be read, so that nobody knows.
    Robots = "robots",
    /// The command could not be started or did not exit with 0.
    Command = "command",
    /// The work panicked on this item.
    Panic = "panic",
    /// The item's worker process died while it was at work, as often as is tolerated.
    WorkerCrashed = "worker_crashed",
    /// The item was not done, or nobody knows whether it was, because the run was stopped or died.
    Cancelled = "cancelled",
}

impl ErrorKind {
    /// Whether an item that has failed so may have been done all the same: nobody heard how it ended.
    #[must_use]
    pub const fn leaves_it_open(self) -> bool {
        matches!(
            self,
            Self::Cancelled
                | Self::WorkerCrashed
                | Self::Timeout
                | Self::Stalled
                | Self::Reset
                | Self::Truncated
        )
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Why one item failed: a kind for programs and a message for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemError {
    /// What sort of failure it was.
    pub kind: ErrorKind,
    /// What happened, in lower case and without a full stop; never holds a credential.
    pub message: String,
}

impl ItemError {
    /// What the message of an item says that may not be done twice, and of which nobody knows whether it was done: a worker or a run
    /// had started it when it died, or it was sent and no whole answer came.
    pub const MAY_HAVE_BEEN_PROCESSED: &str = "may have been processed";

    /// Whether nobody knows if the item was done, so that it should not be done again unasked.
    #[must_use]
    pub fn may_have_been_processed(&self) -> bool {
        self.kind.leaves_it_open() && self.message.contains(Self::MAY_HAVE_BEEN_PROCESSED)
    }

    /// An error of `kind` that says `message`.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }
}

impl fmt::Display for ItemError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.message)
    }
}

impl std::error::Error for ItemError {}
