//! Why requests cannot be made as the plan says.

use crate::http::auth::ClientCertificateError;
use crate::http::cookies::file::CookieFileError;
use crate::http::pointer::PointerError;
use crate::http::proxy::UnreachableProxy;
use crate::http::template::TemplateError;
use crate::http::trust::TrustError;

/// Why requests cannot be made as the plan says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HttpSpecError {
    /// A header field cannot be sent.
    #[error("the header {name:?} cannot be sent: {reason}")]
    Header {
        /// Its name, as given.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A header field is given, and says who asks as well.
    #[error(
        "{0} is given as a header field, and again by an option that says who asks; leave one of them out"
    )]
    GivenTwice(String),
    /// A timeout that nothing can keep.
    #[error("the {0} is zero, and nothing happens in no time")]
    ZeroTimeout(&'static str),
    /// A timeout that nobody lives to see.
    #[error("the {0} is longer than ten years; leave it out to wait without limit")]
    LongTimeout(&'static str),
    /// Two extracted fields of one name.
    #[error("{0:?} is extracted twice; give each field a name of its own")]
    DuplicateExtract(String),
    /// A run would never end early, since all of these statuses are a success.
    #[error(
        "--stop-on {stop_on} never stops anything: --accept {accept} takes these statuses for a success"
    )]
    NothingToStopOn {
        /// The statuses to stop on.
        stop_on: String,
        /// The statuses that are a success.
        accept: String,
    },
    /// Fields are to be taken from answers without a body.
    #[error("an answer to HEAD has no body to extract from, only header:NAME; use GET")]
    NothingToExtractFrom,
    /// The place of a listing's elements is none.
    #[error("--each: {0}")]
    Each(PointerError),
    /// A field is to be extracted under the name that `--each` has.
    #[error(
        "`each` is the name under which --each puts what it takes: call the field something else"
    )]
    NamedEach,
    /// The parameter that counts pages is added to each URL as well.
    #[error(
        "--next changes {0} from page to page, and --query or --api-key sets it for all; what the first page is to have belongs into the URL"
    )]
    PageInQuery(String),
    /// Bodies are to be kept of answers that have none.
    #[error("an answer to HEAD has no body to keep; use GET")]
    NoBody,
    /// Something is to be sent with a request that has no body.
    #[error("a request with HEAD sends no body; leave out -I, or the data")]
    NothingSent,
    /// Two of data, a file and a form are to be sent.
    #[error("a request sends one body: data, a file or a form")]
    SentTwice,
    /// Only public addresses are allowed, and all connections go to a socket of this machine.
    #[error(
        "--deny-private allows no connection to a socket of this machine: leave out --unix-socket"
    )]
    PrivateSocket,
    /// Only public addresses are allowed, and a proxy connects to addresses that nobody sees.
    #[error(
        "--deny-private can't tell what a proxy connects to: leave one of the two out (--proxy '' for no proxy, \
         whatever the environment says)"
    )]
    PrivateBehindProxy,
    /// A proxy's host is none.
    #[error(transparent)]
    Proxy(#[from] UnreachableProxy),
    /// What is sent is no template.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The certificates to trust are no use.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The client certificate is no use.
    #[error(transparent)]
    Certificate(#[from] ClientCertificateError),
    /// The file of cookies is none.
    #[error(transparent)]
    Cookies(#[from] CookieFileError),
}
