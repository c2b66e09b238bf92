//! Proxies, as the plan and the environment name them.
//!
//! Limit: speaks with none of them. What is shown of a proxy never holds its user or password.

use super::no_proxy::NoProxy;
use gaits_core::Value;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use url::{Host, Url};

/// Which proxies requests go through.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Proxies {
    /// Those for `http://` URLs. Of several, each host has one of its own, always the same.
    pub http: Vec<ProxyUrl>,
    /// Those for `https://` URLs.
    pub https: Vec<ProxyUrl>,
    /// Hosts that are reached directly: domains, with all below them, addresses and networks, parted by commas or blanks.
    pub none_for: String,
}

impl Proxies {
    /// Whether some requests may go through a proxy.
    #[must_use]
    pub fn are_used(&self) -> bool {
        let named = !self.http.is_empty() || !self.https.is_empty();
        named && !NoProxy::new(&self.none_for).is_for_all()
    }

    /// The first entry of [`none_for`](Self::none_for) that stands for no host, such as `10.0.0.0/33`. It leaves nothing out.
    #[must_use]
    pub fn malformed_none_for(&self) -> Option<&str> {
        NoProxy::malformed(&self.none_for)
    }

    /// Those that the environment names, read as curl reads it: the names in lower case come first. `HTTP_PROXY` is not
    /// read, since a web server sets it to what a stranger sent in a `Proxy` field. An empty variable is none.
    ///
    /// # Errors
    ///
    /// Names the variable that holds no proxy.
    pub fn of_environment(
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, EnvironmentError> {
        let set = |name: &'static str| {
            let value = variable(name).filter(|value| !value.is_empty())?;
            Some((name, value))
        };
        let first = |names: &[&'static str]| names.iter().find_map(|name| set(name));
        let proxy = |found: Option<(&'static str, String)>| match found {
            None => Ok(Vec::new()),
            Some((variable, value)) => match value.parse() {
                Ok(proxy) => Ok(vec![proxy]),
                Err(error) => Err(EnvironmentError { variable, error }),
            },
        };
        Ok(Self {
            http: proxy(first(&["http_proxy", "all_proxy", "ALL_PROXY"]))?,
            https: proxy(first(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]))?,
            none_for: Self::none_for_of_environment(variable),
        })
    }

    /// The hosts that the environment wants to be reached directly.
    pub fn none_for_of_environment(variable: impl Fn(&str) -> Option<String>) -> String {
        let set = |name| variable(name).filter(|value| !value.is_empty());
        set("no_proxy").or_else(|| set("NO_PROXY")).unwrap_or_default()
    }

    /// As anybody may see them.
    pub(super) fn settings(&self) -> [(&'static str, Value); 2] {
        let mut once: Vec<String> = Vec::new();
        for proxy in self.http.iter().chain(&self.https).map(ToString::to_string) {
            if !once.contains(&proxy) {
                once.push(proxy);
            }
        }
        let shown = once.into_iter().map(|proxy| Value::String(proxy.into())).collect();
        let none_for = match &*self.none_for {
            "" => Value::Null,
            list => Value::String(list.into()),
        };
        [("proxy", Value::Array(shown)), ("no-proxy", none_for)]
    }
}

/// What a proxy speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Speaks {
    Http,
    /// HTTP, in TLS.
    Https,
    /// SOCKS5, and names are resolved on this machine.
    Socks5,
    /// SOCKS5, and names are resolved by the proxy.
    Socks5h,
}

impl Speaks {
    const ALL: [(&'static str, Self); 4] = [
        ("http", Self::Http),
        ("https", Self::Https),
        ("socks5", Self::Socks5),
        ("socks5h", Self::Socks5h),
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Socks5 => "socks5",
            Self::Socks5h => "socks5h",
        }
    }
}

/// Where a proxy is and what it speaks: `http://user:password@host:port`. Without a scheme it is an HTTP proxy, and without a
/// port, that is 443 for `https` and 1080 for all others, as for curl. A path has no meaning.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProxyUrl {
    given: String,
    speaks: Speaks,
    /// With the scheme `http`, which has the rules for hosts and credentials that are wanted for all of them.
    url: Url,
    port: u16,
}

impl ProxyUrl {
    pub(in crate::http) const fn speaks(&self) -> Speaks {
        self.speaks
    }

    /// In lower case, without brackets; and the address, where it is one.
    pub(in crate::http) fn host(&self) -> (String, Option<IpAddr>) {
        match self.url.host() {
            Some(Host::Ipv4(ip)) => (ip.to_string(), Some(ip.into())),
            Some(Host::Ipv6(ip)) => (ip.to_string(), Some(ip.into())),
            Some(Host::Domain(name)) => (name.to_owned(), None),
            None => (String::new(), None),
        }
    }

    pub(in crate::http) const fn port(&self) -> u16 {
        self.port
    }

    /// A URL that holds its user and password, as far as it has any.
    pub(in crate::http) const fn with_credentials(&self) -> &Url {
        &self.url
    }
}

impl FromStr for ProxyUrl {
    type Err = ProxyError;

    fn from_str(given: &str) -> Result<Self, ProxyError> {
        let text = given.trim();
        let (speaks, rest) = match text.split_once("://") {
            None => (Speaks::Http, text),
            Some((scheme, rest)) => {
                let scheme = scheme.to_ascii_lowercase();
                let known = Speaks::ALL.into_iter().find(|(name, _)| *name == scheme);
                (known.ok_or(ProxyError::Scheme)?.1, rest)
            }
        };
        if rest.chars().any(char::is_control) {
            return Err(ProxyError::Control);
        }
        let url = Url::parse(&format!("http://{rest}")).map_err(|e| match e {
            url::ParseError::EmptyHost => ProxyError::NoHost,
            e => ProxyError::Malformed(e),
        })?;
        if rest.starts_with(['/', '\\']) || url.host().is_none() {
            return Err(ProxyError::NoHost);
        }
        // The port of the scheme is not kept in a URL, so whether it was given has to be looked up.
        let authority = rest.split(['/', '\\', '?', '#']).next().unwrap_or_default();
        let after_user = authority.rsplit('@').next().unwrap_or_default();
        let after_host = after_user.rsplit(']').next().unwrap_or_default();
        let is_given = after_host.rsplit_once(':').is_some_and(|(_, port)| !port.is_empty());
        let port = match (url.port_or_known_default(), speaks) {
            (Some(0), _) => return Err(ProxyError::Port0),
            (Some(port), _) if is_given => port,
            (_, Speaks::Https) => 443,
            _ => 1080,
        };
        let proxy = Self { given: text.to_owned(), speaks, url, port };
        proxy.check_credentials()?;
        Ok(proxy)
    }
}

impl ProxyUrl {
    /// RFC 1929: a user and a password of SOCKS5 have 1 to 255 bytes each.
    fn check_credentials(&self) -> Result<(), ProxyError> {
        let socks = matches!(self.speaks, Speaks::Socks5 | Speaks::Socks5h);
        let Some(credentials) = self.credentials() else { return Err(ProxyError::Credentials) };
        let fits = |text: &String| (1..=255).contains(&text.len());
        match credentials {
            Some((user, password)) if socks && !(fits(&user) && fits(&password)) => {
                Err(ProxyError::SocksCredentials)
            }
            _ => Ok(()),
        }
    }

    /// Its user and password, if it has any; none at all where they are no text.
    #[expect(clippy::option_option, reason = "malformed is something else than missing")]
    fn credentials(&self) -> Option<Option<(String, String)>> {
        let user = self.url.username();
        let password = self.url.password();
        if user.is_empty() && password.is_none() {
            return Some(None);
        }
        let decoded = |text: &str| {
            let decoded = percent_encoding::percent_decode_str(text).decode_utf8().ok()?;
            Some(decoded.into_owned())
        };
        Some(Some((decoded(user)?, decoded(password.unwrap_or_default())?)))
    }

    /// Its user and password, where both are known to be text.
    pub(in crate::http) fn user_and_password(&self) -> Option<(String, String)> {
        self.credentials().flatten()
    }
}

impl TryFrom<String> for ProxyUrl {
    type Error = ProxyError;

    fn try_from(text: String) -> Result<Self, ProxyError> {
        text.parse()
    }
}

impl From<ProxyUrl> for String {
    fn from(proxy: ProxyUrl) -> Self {
        proxy.given
    }
}

/// Without user and password.
impl fmt::Display for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.url.host_str().unwrap_or_default();
        write!(f, "{}://{host}:{}", self.speaks.name(), self.port)
    }
}

/// Without user and password.
impl fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProxyUrl({self})")
    }
}

/// Why a text names no proxy. It holds nothing of the text, in which a password may stand.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyError {
    /// A proxy that speaks something else.
    #[error(
        "a proxy begins with http://, https://, socks5:// or socks5h://; with no scheme it is an HTTP proxy"
    )]
    Scheme,
    /// There is no host.
    #[error("the proxy has no host; it should be such as http://proxy.example:3128")]
    NoHost,
    /// Not a URL.
    #[error(
        "the proxy is malformed: {0}; it should be such as http://user:password@proxy.example:3128"
    )]
    Malformed(url::ParseError),
    /// A control character.
    #[error("the proxy holds a control character; percent-encode it")]
    Control,
    /// The port 0.
    #[error("no connection can be made to port 0 of a proxy")]
    Port0,
    /// User or password are no text.
    #[error("the proxy's user and password are not UTF-8, percent-encoded")]
    Credentials,
    /// User or password do not fit SOCKS5.
    #[error("a SOCKS5 proxy takes a user and a password of 1 to 255 bytes each")]
    SocksCredentials,
}

/// A variable of the environment names no proxy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the environment variable {variable}: {error}. Set it right, or leave it aside with --proxy ''"
)]
pub struct EnvironmentError {
    /// Its name.
    variable: &'static str,
    error: ProxyError,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_has_a_scheme_and_a_port_even_if_they_are_not_given() {
        for (text, shown, credentials) in [
            ("proxy.test", "http://proxy.test:1080", None),
            ("proxy.test:3128", "http://proxy.test:3128", None),
            ("http://proxy.test:80/", "http://proxy.test:80", None),
            ("HTTPS://Proxy.test", "https://proxy.test:443", None),
            ("https://proxy.test:8443/path?x", "https://proxy.test:8443", None),
            ("socks5://127.0.0.1", "socks5://127.0.0.1:1080", None),
            ("socks5h://[::1]:9050", "socks5h://[::1]:9050", None),
            ("[::1]", "http://[::1]:1080", None),
            ("u:p@proxy.test:80", "http://proxy.test:80", Some(("u", "p"))),
            ("http://a%40b:c%3Ad@proxy.test", "http://proxy.test:1080", Some(("a@b", "c:d"))),
            ("http://u:p@ss@proxy.test:1", "http://proxy.test:1", Some(("u", "p@ss"))),
            ("http://u@proxy.test", "http://proxy.test:1080", Some(("u", ""))),
        ] {
            let proxy: ProxyUrl = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(proxy.to_string(), shown, "{text}");
            assert_eq!(format!("{proxy:?}"), format!("ProxyUrl({shown})"));
            let found = proxy.user_and_password();
            let found = found.as_ref().map(|(user, password)| (&**user, &**password));
            assert_eq!(found, credentials, "{text}");
            assert_eq!(String::from(proxy).parse::<ProxyUrl>().unwrap().to_string(), shown);
        }
    }

    #[test]
    fn what_is_no_proxy_is_refused_without_a_word_of_it() {
        for (text, why) in [
            ("", ProxyError::NoHost),
            ("http://", ProxyError::NoHost),
            ("http:///secret", ProxyError::NoHost),
            ("ftp://u:secret@a.test", ProxyError::Scheme),
            ("socks4://a.test", ProxyError::Scheme),
            ("u:secret@a.test:99999", ProxyError::Malformed(url::ParseError::InvalidPort)),
            ("u:secret@a.test:0", ProxyError::Port0),
            ("u:sec\tret@a.test", ProxyError::Control),
            ("socks5://secret@a.test", ProxyError::SocksCredentials),
            ("u:secret%ff@a.test", ProxyError::Credentials),
        ] {
            let error = text.parse::<ProxyUrl>().expect_err(text);
            assert_eq!(error, why, "{text}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }

    /// What curl 7.88 does with the same variables; a test of the command compares the two where curl is installed.
    #[test]
    fn the_environment_is_read_as_curl_reads_it() {
        for (set, http, https) in [
            ("http_proxy=a:1", "http://a:1", ""),
            ("HTTP_PROXY=a:1", "", ""),
            ("https_proxy=a:1", "", "http://a:1"),
            ("HTTPS_PROXY=a:1", "", "http://a:1"),
            ("https_proxy=a:1 HTTPS_PROXY=b:1", "", "http://a:1"),
            ("all_proxy=a:1", "http://a:1", "http://a:1"),
            ("ALL_PROXY=socks5://a:1", "socks5://a:1", "socks5://a:1"),
            ("all_proxy=a:1 ALL_PROXY=b:1", "http://a:1", "http://a:1"),
            ("http_proxy=a:1 all_proxy=b:1", "http://a:1", "http://b:1"),
            ("http_proxy= all_proxy=b:1", "http://b:1", "http://b:1"),
            ("http_proxy=", "", ""),
        ] {
            let variables: Vec<_> =
                set.split_whitespace().filter_map(|pair| pair.split_once('=')).collect();
            let read = Proxies::of_environment(|name| {
                let found = variables.iter().find(|(other, _)| *other == name);
                found.map(|(_, value)| (*value).to_owned())
            });
            let read = read.unwrap();
            let shown =
                |proxies: &[ProxyUrl]| proxies.first().map(ToString::to_string).unwrap_or_default();
            assert_eq!((&*shown(&read.http), &*shown(&read.https)), (http, https), "{set}");
        }
        let wrong = Proxies::of_environment(|name| {
            (name == "all_proxy").then(|| "ftp://u:secret@a.test".to_owned())
        });
        let message = wrong.unwrap_err().to_string();
        assert!(message.starts_with("the environment variable all_proxy: a proxy begins with"));
        assert!(message.contains("--proxy ''") && !message.contains("secret"), "{message}");
    }
}
