//! Builds the head of a request as HTTP/2 wants it.
//!
//! Limit: knows no policy on fields but the protocol's own: which are not allowed, and that the host stands in
//! `:authority`.

use gaits_core::{ErrorKind, ItemError};
use http::header::{CONNECTION, HOST, HeaderName, HeaderValue, TE, TRANSFER_ENCODING, UPGRADE};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, Method, Request, Uri, Version};

/// The head of a request for `path` on `authority`, or on the host that a `host` field among `fields` names in its
/// place. Fields that are about the connection are left out (RFC 9113, section 8.2.2).
///
/// # Errors
///
/// When `host` is not one host, with or without a port.
pub(crate) fn request(
    method: Method,
    scheme: Scheme,
    authority: Authority,
    path: PathAndQuery,
    mut fields: HeaderMap,
) -> Result<Request<()>, ItemError> {
    let mut authority = authority;
    // Most requests have neither, so one look at the names must do for them.
    if fields.keys().any(|name| *name == HOST || is_of_connection(name)) {
        if let Some(host) = host(&fields)? {
            authority = host;
        }
        remove(&mut fields);
    }
    let mut uri = http::uri::Parts::default();
    uri.scheme = Some(scheme);
    uri.authority = Some(authority);
    uri.path_and_query = Some(path);
    let uri = Uri::from_parts(uri)
        .map_err(|e| ItemError::new(ErrorKind::InvalidItem, format!("not a request: {e}")))?;
    let mut request = Request::new(());
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    *request.version_mut() = Version::HTTP_2;
    *request.headers_mut() = fields;
    Ok(request)
}

/// The host that the fields ask for, if they ask for one.
fn host(fields: &HeaderMap) -> Result<Option<Authority>, ItemError> {
    let mut hosts = fields.get_all(HOST).iter();
    let Some(host) = hosts.next() else { return Ok(None) };
    let wrong = |why: &str| {
        let host = String::from_utf8_lossy(host.as_bytes());
        ItemError::new(ErrorKind::InvalidItem, format!("the header Host: {host} {why}"))
    };
    if hosts.next().is_some() {
        return Err(wrong("stands beside another Host"));
    }
    match Authority::try_from(host.as_bytes()) {
        Ok(authority) if !authority.as_str().contains('@') && !authority.host().is_empty() => {
            Ok(Some(authority))
        }
        _ => Err(wrong("names no host")),
    }
}

/// Whether the field is about the connection over which an HTTP/1.1 message goes.
fn is_of_connection(name: &HeaderName) -> bool {
    *name == CONNECTION
        || *name == TRANSFER_ENCODING
        || *name == UPGRADE
        || *name == TE
        || matches!(name.as_str(), "keep-alive" | "proxy-connection" | "http2-settings")
}

/// Removes `host` and what is about the connection, the fields that `connection` names among it. Of `te` the one value
/// stays that HTTP/2 allows.
fn remove(fields: &mut HeaderMap) {
    let tokens = |fields: &HeaderMap, name| -> Vec<String> {
        let values = fields.get_all(name).iter().filter_map(|value| value.to_str().ok());
        let tokens = values.flat_map(|value| value.split(',').map(str::trim));
        tokens.map(str::to_ascii_lowercase).collect()
    };
    let wants_trailers = tokens(fields, TE).iter().any(|token| token == "trailers");
    let named = tokens(fields, CONNECTION);
    let mut names: Vec<HeaderName> =
        fields.keys().filter(|name| **name == HOST || is_of_connection(name)).cloned().collect();
    names.extend(named.iter().filter_map(|name| HeaderName::from_bytes(name.as_bytes()).ok()));
    for name in names {
        fields.remove(name);
    }
    if wants_trailers {
        fields.insert(TE, HeaderValue::from_static("trailers"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut fields = HeaderMap::new();
        for (name, value) in pairs {
            fields.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        fields
    }

    fn built(pairs: &[(&'static str, &'static str)]) -> Result<Request<()>, ItemError> {
        request(
            Method::GET,
            Scheme::HTTPS,
            Authority::from_static("here.test:8443"),
            PathAndQuery::from_static("/a?b"),
            fields(pairs),
        )
    }

    #[test]
    fn a_request_says_where_it_goes_and_keeps_its_fields() {
        let pairs = [("accept", "*/*"), ("x-a", "1"), ("x-a", "2")];
        let request = built(&pairs).unwrap();
        assert_eq!(request.uri(), "https://here.test:8443/a?b");
        assert_eq!(request.headers(), &fields(&pairs));
    }

    #[test]
    fn a_host_of_the_user_becomes_the_authority() {
        let request = built(&[("host", "there.test"), ("accept", "*/*")]).unwrap();
        assert_eq!(request.uri(), "https://there.test/a?b");
        assert_eq!(request.headers(), &fields(&[("accept", "*/*")]));
        let request = built(&[("host", "[::1]:80")]).unwrap();
        assert_eq!(request.uri(), "https://[::1]:80/a?b");
    }

    #[test]
    fn a_host_that_is_none_is_refused() {
        for host in ["", "a b", "user@there.test", "there.test/path", ":80"] {
            let error = built(&[("host", host)]).unwrap_err();
            assert_eq!(error.kind, ErrorKind::InvalidItem, "{host}");
            assert_eq!(error.message, format!("the header Host: {host} names no host"));
        }
        let error = built(&[("host", "a.test"), ("host", "b.test")]).unwrap_err();
        assert_eq!(error.message, "the header Host: a.test stands beside another Host");
    }

    #[test]
    fn fields_about_the_connection_are_left_out() {
        let request = built(&[
            ("connection", "keep-alive, X-Hop"),
            ("connection", "close"),
            ("keep-alive", "timeout=5"),
            ("proxy-connection", "keep-alive"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("http2-settings", "AAMAAABkAAQAAP__"),
            ("te", "deflate"),
            ("x-hop", "1"),
            ("x-end", "2"),
        ]);
        assert_eq!(request.unwrap().headers(), &fields(&[("x-end", "2")]));
    }

    #[test]
    fn of_te_only_trailers_stays() {
        for te in ["trailers", "Trailers", "deflate, trailers"] {
            let request = built(&[("te", te), ("te", "gzip")]).unwrap();
            assert_eq!(request.headers(), &fields(&[("te", "trailers")]), "{te}");
        }
    }
}
