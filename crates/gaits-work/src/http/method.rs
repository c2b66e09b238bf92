//! What a request asks to be done: its method, and whether doing that twice has the effect of doing it once.
//!
//! Limit: knows no body.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// The method of a request, such as `GET`. Letters are taken as they are: methods are case-sensitive (RFC 9110, section 9.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Method(http::Method);

impl Method {
    /// The resource.
    pub const GET: Self = Self(http::Method::GET);
    /// Its head only.
    pub const HEAD: Self = Self(http::Method::HEAD);
    /// Whatever the resource makes of what is sent.
    pub const POST: Self = Self(http::Method::POST);
    /// What is sent becomes the resource.
    pub const PUT: Self = Self(http::Method::PUT);

    /// Whether sending it twice has the same effect as sending it once (RFC 9110, section 9.2.2).
    #[must_use]
    pub fn is_idempotent(&self) -> bool {
        self.0.is_idempotent()
    }

    /// Whether a request of this kind is expected to have a body, so that one without says that it has none (RFC 9110,
    /// section 8.6).
    pub(super) fn expects_body(&self) -> bool {
        matches!(self.0, http::Method::POST | http::Method::PUT | http::Method::PATCH)
    }

    /// What is asked at the place that a redirect with `status` names: a POST becomes a GET after 301 and 302, as everybody
    /// does it, and everything but HEAD does after 303 (RFC 9110, section 15.4).
    pub(super) fn after_redirect(&self, status: u16) -> Self {
        match status {
            301 | 302 if *self == Self::POST => Self::GET,
            303 if *self != Self::HEAD => Self::GET,
            _ => self.clone(),
        }
    }

    /// The method's name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The same, for HTTP/2.
    pub(super) fn wire(&self) -> http::Method {
        self.0.clone()
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a text is no method.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MethodError {
    /// It has characters that no method has.
    #[error("`{0}` is not a method: it has letters, digits and signs such as - or _")]
    Token(String),
    /// It asks for something else than an answer.
    #[error("CONNECT asks for a tunnel, which is for proxies")]
    Connect,
}

impl FromStr for Method {
    type Err = MethodError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match http::Method::from_bytes(text.as_bytes()) {
            Ok(http::Method::CONNECT) => Err(MethodError::Connect),
            Ok(method) => Ok(Self(method)),
            // Nothing is known of it but that it is none.
            Err(_) => Err(MethodError::Token(text.to_owned())),
        }
    }
}

impl Serialize for Method {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Method {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_done_twice() {
        for (name, twice) in [
            ("GET", true),
            ("HEAD", true),
            ("OPTIONS", true),
            ("PUT", true),
            ("DELETE", true),
            ("POST", false),
            ("PATCH", false),
            ("PURGE", false),
            // Another method than GET.
            ("get", false),
        ] {
            assert_eq!(name.parse::<Method>().unwrap().is_idempotent(), twice, "{name}");
        }
    }

    #[test]
    fn a_redirect_turns_post_into_get_as_everybody_does_it() {
        let after = |name: &str, status| name.parse::<Method>().unwrap().after_redirect(status);
        for (name, status, then) in [
            ("POST", 301, "GET"),
            ("POST", 302, "GET"),
            ("POST", 303, "GET"),
            ("POST", 307, "POST"),
            ("POST", 308, "POST"),
            ("PUT", 302, "PUT"),
            ("PUT", 303, "GET"),
            ("HEAD", 303, "HEAD"),
            ("GET", 302, "GET"),
        ] {
            assert_eq!(after(name, status).as_str(), then, "{name} after {status}");
        }
    }

    #[test]
    fn what_is_no_method_is_refused() {
        for text in ["", "GE T", "GET\r\n", "(", "\u{e9}"] {
            assert!(matches!(text.parse::<Method>(), Err(MethodError::Token(_))), "{text:?}");
        }
        assert_eq!("CONNECT".parse::<Method>(), Err(MethodError::Connect));
    }
}
