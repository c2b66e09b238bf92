//! Where a request goes: the text of an item turned into an origin and a path.
//!
//! Most lists hold plain ASCII URLs of few hosts, so those take a short way that copies nothing but the path.
//! All others (international names, characters to percent-encode, dot segments, credentials) go through the
//! `url` crate, the WHATWG rules.
//!
//! Limit: resolves no name and connects to nothing.

mod error;
mod origin;
mod plain;

pub(super) use error::TargetError;
pub(super) use origin::{Origin, Scheme};

use super::credentials::basic_authorization;
use error::{with_control, without_scheme};
use http::header::HeaderValue;
use http::uri::PathAndQuery;
use percent_encoding::{AsciiSet, CONTROLS};
use plain::{Plain, is_plain_path};
use std::borrow::Cow;
use std::net::IpAddr;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::rc::Rc;
use url::{Host, Url};

/// Where one request goes.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) origin: Rc<Origin>,
    /// The path and query as they go over the wire: visible ASCII, and never empty.
    pub(super) path: Box<str>,
    /// What the credentials in the URL amount to.
    pub(super) authorization: Option<HeaderValue>,
}

impl Target {
    /// Another server has led to it: the user's certificate is not for the server that this is.
    pub(super) fn estrange(&mut self) {
        if !self.origin.stranger {
            self.origin = Rc::new(Origin { stranger: true, ..(*self.origin).clone() });
        }
    }

    /// Where `text` leads to; `last` is an origin that may well be the one.
    ///
    /// # Errors
    ///
    /// What is wrong with it; never holds a credential.
    pub(super) fn parse(text: &str, last: Option<&Rc<Origin>>) -> Result<Self, TargetError> {
        // Whatever the last origin's host is, with a path behind it the text means the same host.
        if let Some(last) = last
            && let Some(path) = text.strip_prefix(&*last.prefix)
            && is_plain_path(path)
        {
            return Ok(Self { origin: last.clone(), path: plain_path(path), authorization: None });
        }
        Self::parse_anew(text).map_err(|e| e.discreet(text))
    }

    fn parse_anew(text: &str) -> Result<Self, TargetError> {
        if let Some(Plain { scheme, host, ip, port, path }) = Plain::of(text) {
            let origin = Rc::new(Origin::new(scheme, host, ip, port)?);
            return Ok(Self { origin, path: plain_path(path), authorization: None });
        }
        Self::from_url(&parse_url(text)?)
    }

    /// Where `url`, which is http or https, leads to.
    pub(super) fn from_url(url: &Url) -> Result<Self, TargetError> {
        let scheme = if url.scheme() == "https" { Scheme::Https } else { Scheme::Http };
        let (host, ip) = match url.host() {
            None => return Err(TargetError::NoHost(scheme.as_str())),
            Some(Host::Domain(name)) => (name.to_owned(), None),
            Some(Host::Ipv4(ip)) => (ip.to_string(), Some(IpAddr::V4(ip))),
            Some(Host::Ipv6(ip)) => (ip.to_string(), Some(IpAddr::V6(ip))),
        };
        let port = url.port_or_known_default().unwrap_or(scheme.default_port());
        let path = match url.query() {
            None => path_and_query(url.path())?,
            Some(query) => path_and_query(&format!("{}?{query}", url.path()))?,
        };
        Ok(Self {
            origin: Rc::new(Origin::new(scheme, &host, ip, port)?),
            path,
            authorization: basic_authorization(url),
        })
    }

    /// The path without its query.
    pub(super) fn path_alone(&self) -> &str {
        self.path.split('?').next().unwrap_or_default()
    }

    /// The URL, without credentials and fragment.
    pub(super) fn url(&self) -> Box<str> {
        let path = &*self.path;
        let mut url = String::with_capacity(self.origin.prefix.len() + path.len());
        url.push_str(&self.origin.prefix);
        url.push_str(path);
        url.into_boxed_str()
    }
}

/// What the WHATWG rules leave as it is and a request line does not take.
const UNFIT: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// `path` as it goes over the wire. What the WHATWG rules leave as it is and RFC 3986 does not is percent-encoded.
fn path_and_query(path: &str) -> Result<Box<str>, TargetError> {
    if path.is_empty() || is_plain_path(path) || PathAndQuery::try_from(path).is_ok() {
        return Ok(plain_path(path));
    }
    let encoded = percent_encoding::utf8_percent_encode(path, UNFIT).to_string();
    match PathAndQuery::try_from(&*encoded) {
        Ok(_) => Ok(encoded.into()),
        Err(e) => Err(TargetError::Malformed(e.to_string())),
    }
}

/// A path that needs no encoding, as it goes over the wire.
fn plain_path(path: &str) -> Box<str> {
    if path.is_empty() { "/".into() } else { path.into() }
}

fn parse_url(text: &str) -> Result<Url, TargetError> {
    let text = text.trim();
    if text.chars().any(char::is_control) {
        return Err(with_control(text));
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err(without_scheme(text));
    };
    let scheme = match scheme.to_ascii_lowercase().as_str() {
        "http" => "http",
        "https" => "https",
        // `example.com/?to=http://…` has no scheme of its own.
        other if other.contains(|c: char| !c.is_ascii_alphanumeric()) => {
            return Err(without_scheme(text));
        }
        other => return Err(TargetError::Scheme(other.to_owned())),
    };
    if rest.is_empty() || rest.starts_with(['/', '\\', '?', '#']) {
        return Err(TargetError::NoHost(scheme));
    }
    Url::parse(text).map_err(|e| match e {
        url::ParseError::EmptyHost => TargetError::NoHost(scheme),
        e => TargetError::Malformed(e.to_string()),
    })
}

/// Whether `text` can be an item of this work: an absolute URL whose scheme is http or https.
///
/// # Errors
///
/// What is wrong with it, and how to put it right.
pub fn check(text: &str) -> Result<(), String> {
    pacing_key(text).map(drop)
}

/// What is paced together: scheme, host and port of a URL. A part of `text`, where it stands there as it should.
///
/// # Errors
///
/// As for [`check`].
pub(super) fn pacing_key(text: &str) -> Result<Cow<'_, str>, String> {
    if let Some(plain) = Plain::of(text).filter(Plain::is_certain) {
        return Ok(Cow::Borrowed(&text[..text.len() - plain.path.len()]));
    }
    match Target::parse(text, None) {
        Ok(target) => Ok(Cow::Owned(target.origin.prefix.to_string())),
        Err(e) => Err(e.to_string()),
    }
}

/// Whether the host of a pacing key may belong to others: it is neither this machine nor an address of a private network
/// (RFC 1918, RFC 4193, RFC 6598) or of the link. A name may belong to anybody, wherever it leads.
pub(super) fn is_public(key: &str) -> bool {
    let host = key.split_once("://").map_or(key, |(_, rest)| rest);
    if let Some((address, _)) = host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return address.parse().is_ok_and(is_public_v6);
    }
    let host = host.split_once(':').map_or(host, |(host, _)| host);
    let host = host.strip_suffix('.').unwrap_or(host);
    match host.parse() {
        Ok(address) => is_public_v4(address),
        // RFC 6761, 6.3.
        Err(_) => host != "localhost" && !host.ends_with(".localhost"),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, ..] = address.octets();
    let carrier = a == 100 && b & 0xc0 == 64;
    !(carrier
        || address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_unspecified())
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.to_ipv4_mapped() {
        Some(address) => is_public_v4(address),
        None => {
            !(address.is_loopback()
                || address.is_unique_local()
                || address.is_unicast_link_local()
                || address.is_unspecified())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_and_private_networks_are_not_public() {
        for key in [
            "http://127.0.0.1:8080",
            "http://127.9.9.9",
            "http://10.1.2.3",
            "https://192.168.0.1",
            "http://172.31.0.1:81",
            "http://169.254.0.1",
            "http://100.64.0.1",
            "http://0.0.0.0:80",
            "http://[::1]:8080",
            "http://[fd00::1]",
            "http://[fe80::1]",
            "http://[::ffff:127.0.0.1]",
            "http://localhost:8080",
            "http://a.localhost",
            "http://localhost.",
        ] {
            assert!(!is_public(key), "{key}");
        }
        for key in [
            "http://example.com",
            "https://example.com:8443",
            "http://8.8.8.8",
            "http://172.32.0.1",
            "http://100.128.0.1",
            "http://[2606:4700::1111]:80",
            "http://localhost.example",
        ] {
            assert!(is_public(key), "{key}");
        }
    }

    fn url(text: &str) -> String {
        Target::parse(text, None).unwrap().url().into()
    }

    fn why_not(text: &str) -> String {
        check(text).unwrap_err()
    }

    #[test]
    fn plain_urls_stay_as_they_are() {
        for text in [
            "http://127.0.0.1:8080/uuid",
            "https://example.com/a/b.html?x=1&y=%20&z=/..",
            "http://a-b.example:81/",
            "http://[::1]:8080/x",
            "http://example.com/a..b/c.",
        ] {
            assert_eq!(url(text), text);
            assert_eq!(check(text), Ok(()));
        }
    }

    #[test]
    fn others_are_put_into_shape() {
        for (text, wanted) in [
            ("HTTP://EXAMPLE.com", "http://example.com/"),
            ("http://example.com", "http://example.com/"),
            ("http://example.com:80/", "http://example.com/"),
            ("https://example.com:443?q", "https://example.com/?q"),
            ("https://example.com:0443", "https://example.com/"),
            ("http://example.com/a/../b/./c/%2e%2E/d", "http://example.com/b/d"),
            ("http://example.com/a b?c d", "http://example.com/a%20b?c%20d"),
            ("http://bücher.example/ä?ü", "http://xn--bcher-kva.example/%C3%A4?%C3%BC"),
            ("http://example.com/x#part", "http://example.com/x"),
            ("http://user:pass@example.com/", "http://example.com/"),
            ("http://127.1/", "http://127.0.0.1/"),
            ("http://0x7f000001/", "http://127.0.0.1/"),
            ("http://[0:0::1]:80/", "http://[::1]/"),
            ("  http://example.com/ ", "http://example.com/"),
            ("http://example.com/'\"<>{}|^`\\", "http://example.com/'%22%3C%3E%7B%7D|^%60/"),
        ] {
            assert_eq!(url(text), wanted, "{text}");
            assert_eq!(check(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn the_short_way_and_the_long_way_agree() {
        for text in [
            "http://example.com",
            "http://example.com/",
            "https://example.com/x%7Euser/?a=b;c",
            "http://1.2.3.4:99/x",
            "http://a.b.c/d/e.f/g..h?..",
            "http://example.com//double//",
            "http://h/?",
            "http://h/!$()*+,;:@-_~",
        ] {
            let short = Plain::of(text).expect(text);
            let origin =
                Rc::new(Origin::new(short.scheme, short.host, short.ip, short.port).unwrap());
            let long = Target::from_url(&Url::parse(text).unwrap()).unwrap();
            assert_eq!(*origin.prefix, *long.origin.prefix, "{text}");
            assert_eq!(origin.ip, long.origin.ip, "{text}");
            assert_eq!(path_and_query(short.path).unwrap(), long.path, "{text}");
        }
    }

    #[test]
    fn what_leads_to_one_origin_is_paced_together() {
        for (text, key) in [
            ("http://example.com/a?b", "http://example.com"),
            ("http://example.com", "http://example.com"),
            ("HTTP://user:pass@EXAMPLE.com:80/x", "http://example.com"),
            ("https://example.com:8443/x", "https://example.com:8443"),
            ("http://[::1]:80/", "http://[::1]"),
        ] {
            assert_eq!(pacing_key(text).unwrap(), key, "{text}");
        }
    }

    #[test]
    fn an_origin_is_shared_by_its_neighbours() {
        let one = Target::parse("http://example.com:81/a", None).unwrap();
        let two = Target::parse("http://example.com:81/b", Some(&one.origin)).unwrap();
        assert!(Rc::ptr_eq(&one.origin, &two.origin));
        let three = Target::parse("http://example.com:812/b", Some(&one.origin)).unwrap();
        assert_eq!(three.origin.port, 812);
    }

    #[test]
    fn credentials_become_basic_authorization() {
        let target = Target::parse("http://us%40er:p%3Ass@example.com/", None).unwrap();
        // base64("us@er:p:ss")
        assert_eq!(target.authorization.unwrap(), "Basic dXNAZXI6cDpzcw==");
    }

    #[test]
    fn what_is_wrong_and_how_to_put_it_right() {
        let row = "no URL, but what looks like a row of a table: --url-column NAME names the column of its URLs, and --template \
                   makes URLs of its columns";
        let nul = "NUL characters in the URL, as UTF-16 has them: --encoding utf-16le or utf-16be reads such a list";
        for (text, wanted) in [
            ("id,url", row),
            ("1,http://h/", row),
            ("example.com/a,b", "no scheme: did you mean https://example.com/a,b?"),
            ("example.com/x", "no scheme: did you mean https://example.com/x?"),
            ("example.com:8080/x", "no scheme: did you mean https://example.com:8080/x?"),
            ("localhost:8080", "no scheme: did you mean http://localhost:8080?"),
            ("user:pass@example.com/x", "no scheme: did you mean https://example.com/x?"),
            ("http:example.com", "no scheme: did you mean https://example.com?"),
            (
                "example.com/?to=http://x/",
                "no scheme: did you mean https://example.com/?to=http://x/?",
            ),
            ("//example.com/x", "no scheme: did you mean https://example.com/x?"),
            ("ftp://example.com/", "unsupported scheme ftp://; http and https are"),
            ("mailto:a@example.com", "unsupported scheme mailto://; http and https are"),
            ("ftp://a:b@example.com", "unsupported scheme ftp://; http and https are"),
            ("secret://a:b@example.com", "unsupported scheme; http and https are"),
            ("user:pass/word@example.com", "no scheme: put https:// or http:// in front of it"),
            ("user:p@ss/word@example.com", "no scheme: put https:// or http:// in front of it"),
            ("http://us..er:1/pass@example.com", "the host name has an empty part"),
            ("http://", "no host after http://"),
            ("https:///x", "no host after https://"),
            ("http://?x", "no host after http://"),
            ("http://user@/x", "no host after http://"),
            ("http://example.com:99999/", "not a URL: invalid port number"),
            ("http://example.com:0/", "no connection can be made to port 0"),
            ("http://a\u{1}b/", "a control character in the URL; percent-encode it"),
            ("id\turl", row),
            ("http://h/\t1", row),
            ("h\0t\0t\0p\0", nul),
            ("http://a..b/", "the host name \"a..b\" has an empty part"),
        ] {
            assert_eq!(why_not(text), wanted, "{text}");
        }
        let long = format!("http://{}.example/", "a".repeat(64));
        assert!(why_not(&long).starts_with("the host name is too long"));
        assert!(why_not("http://exa mple.com/").starts_with("not a URL"));
        assert!(why_not("http://[::1/").starts_with("not a URL"));
    }
}
