//! Why a text leads nowhere, and how to put it right.
//!
//! Limit: words only; no word of credentials among them.

/// Why a text is not a target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::http) enum TargetError {
    #[error("no scheme: did you mean {0}://{1}?")]
    NoScheme(&'static str, String),
    #[error("no scheme: put https:// or http:// in front of it")]
    BareNoScheme,
    #[error(
        "no URL, but what looks like a row of a table: --url-column NAME names the column of its URLs, and --template makes \
         URLs of its columns"
    )]
    Row,
    #[error("unsupported scheme {0}://; http and https are")]
    Scheme(String),
    #[error("unsupported scheme; http and https are")]
    BareScheme,
    #[error("no host after {0}://")]
    NoHost(&'static str),
    #[error("a control character in the URL; percent-encode it")]
    Control,
    #[error(
        "NUL characters in the URL, as UTF-16 has them: --encoding utf-16le or utf-16be reads such a list"
    )]
    Nul,
    #[error("not a URL: {0}")]
    Malformed(String),
    #[error("no connection can be made to port 0")]
    Port0,
    #[error("the host name is too long: names have at most 253 characters, 63 between dots")]
    LongName,
    #[error("the host name {0:?} has an empty part")]
    EmptyLabel(String),
    #[error("the host name has an empty part")]
    BareEmptyLabel,
}

/// Schemes that come up in lists of links. The first eight have no `//` behind them.
const OTHER_SCHEMES: [&str; 11] =
    ["mailto", "data", "javascript", "file", "about", "tel", "blob", "urn", "ftp", "ws", "wss"];

impl TargetError {
    /// The same, without a word of `text` where that may hold credentials. An `@` makes it so: what a URL would take for
    /// its scheme or its host may then be the beginning of a user or a password.
    pub(super) fn discreet(self, text: &str) -> Self {
        match self {
            Self::Scheme(scheme) if text.contains('@') && !OTHER_SCHEMES.contains(&&*scheme) => {
                Self::BareScheme
            }
            Self::EmptyLabel(_) if text.contains('@') => Self::BareEmptyLabel,
            other => other,
        }
    }
}

/// Of `text`, in which there is a control character.
pub(super) fn with_control(text: &str) -> TargetError {
    if text.contains('\0') {
        TargetError::Nul
    } else if text.contains('\t') {
        TargetError::Row
    } else {
        TargetError::Control
    }
}

/// Of `text`, in which there is no `://`, or none where it should be.
pub(super) fn without_scheme(text: &str) -> TargetError {
    if let Some((scheme, _)) = text.split_once(':')
        && OTHER_SCHEMES[..8].contains(&scheme)
    {
        return TargetError::Scheme(scheme.to_owned());
    }
    // A host has none of these.
    let host = text.split(['/', '?', '#']).next().unwrap_or_default();
    if host.contains([',', ';']) && !host.contains('@') {
        return TargetError::Row;
    }
    let rest =
        text.trim_start_matches("http:").trim_start_matches("https:").trim_start_matches('/');
    let local =
        rest.starts_with("localhost") || rest.starts_with(|c: char| c.is_ascii_digit() || c == '[');
    // Credentials are not for messages. They end at the last `@`, if that comes before the path; if not, who knows.
    let authority = rest.split(['/', '\\', '?', '#']).next().unwrap_or_default();
    let rest = match rest.rfind('@') {
        None => rest,
        Some(at) if at < authority.len() => &rest[at + 1..],
        Some(_) => return TargetError::BareNoScheme,
    };
    let mut short: String = rest.chars().take(80).collect();
    if short.len() < rest.len() {
        short.push('…');
    }
    TargetError::NoScheme(if local { "http" } else { "https" }, short)
}
