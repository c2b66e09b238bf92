//! A request as a line of curl.
//!
//! Limit: what curl has no word for is left out, such as retries and limits of the whole run.

use crate::shell::{printed, quoted};
use gaits::http::{
    ACCEPTED_CODINGS, Family, HttpSpec, Preview, PreviewBody, PreviewContent, PreviewPart,
    Previews, Trust, Version,
};
use std::fmt::Write as _;

/// A request as a line of curl that sends it.
pub(super) fn line(preview: &Preview, previews: &Previews) -> String {
    let spec = previews.spec();
    let mut text = String::from("curl");
    let sends = preview.body.is_some();
    match (&*preview.method, sends) {
        ("GET", false) | ("POST", true) => {}
        ("HEAD", false) => text.push_str(" -I"),
        (method, _) => {
            let _ = write!(text, " -X {}", quoted(method.as_bytes()));
        }
    }
    if is_several(&preview.url) {
        text.push_str(" -g");
    }
    let _ = write!(text, " {}", quoted(preview.url.as_bytes()));
    for (name, value) in &preview.headers {
        match (&**name, &**value) {
            // What curl sends by itself.
            ("accept", "*/*") => {}
            // curl decodes only what it has asked for in its own way.
            ("accept-encoding", ACCEPTED_CODINGS) => text.push_str(" --compressed"),
            // Behind a colon, nothing would mean that it is to be left out.
            (_, "") => {
                let _ = write!(text, " -H {}", quoted(format!("{name};").as_bytes()));
            }
            _ => {
                let _ = write!(text, " -H {}", quoted(format!("{name}: {value}").as_bytes()));
            }
        }
    }
    if !preview.headers.iter().any(|(name, _)| name == "user-agent") {
        // Else curl would name itself.
        text.push_str(" -H 'user-agent:'");
    }
    if !preview.headers.iter().any(|(name, _)| name == "accept") {
        text.push_str(" -H 'accept:'");
    }
    let has_kind = preview.headers.iter().any(|(name, _)| name == "content-type");
    if sends && !has_kind && !matches!(preview.body, Some(PreviewBody::Form(_))) {
        // Else curl would say that it is a form.
        text.push_str(" -H 'content-type:'");
    }
    match &preview.body {
        None => {}
        // No word of a shell can hold a NUL.
        Some(PreviewBody::Bytes(bytes)) if bytes.contains(&0) => {
            let _ = write!(text, " --data-binary @{}", printed(bytes));
        }
        Some(PreviewBody::Bytes(bytes)) => {
            let _ = write!(text, " --data-raw {}", quoted(bytes));
        }
        Some(PreviewBody::File(path)) => {
            let _ = write!(
                text,
                " --data-binary {}",
                quoted(format!("@{}", path.display()).as_bytes())
            );
        }
        Some(PreviewBody::Form(parts)) => {
            for part in parts {
                let _ = write!(text, " -F {}", form_part(part));
            }
        }
    }
    how(preview, spec, &mut text);
    text.push('\n');
    text
}

/// A part of a form, as a word for -F. All stands in quotes, in which nothing but a quote and a backslash means anything.
fn form_part(part: &PreviewPart) -> String {
    let in_quotes = |text: &[u8]| {
        let mut out = vec![b'"'];
        for byte in text {
            out.extend((matches!(byte, b'"' | b'\\')).then_some(b'\\'));
            out.push(*byte);
        }
        out.push(b'"');
        out
    };
    let mut out = format!("{}=", part.name).into_bytes();
    let mut before = String::new();
    match &part.content {
        PreviewContent::Bytes(bytes) if bytes.contains(&0) => {
            out.push(b'<');
            before = quoted(&out) + &printed(bytes);
            out.clear();
        }
        PreviewContent::Bytes(bytes) => out.extend(in_quotes(bytes)),
        PreviewContent::File(path) => {
            out.push(if part.is_file { b'@' } else { b'<' });
            out.extend(in_quotes(path.as_os_str().as_encoded_bytes()));
        }
    }
    if let Some(kind) = &part.kind {
        out.extend(format!(";type={kind}").into_bytes());
    }
    if let Some(name) = &part.file_name {
        out.extend(b";filename=");
        out.extend(in_quotes(name.as_bytes()));
    }
    if out.is_empty() { before } else { before + &quoted(&out) }
}

/// Adds how the request is made, where that is not how curl does it by itself.
fn how(preview: &Preview, spec: &HttpSpec, text: &mut String) {
    let mut add = |option: &str, value: &[u8]| {
        let _ = write!(text, " {option} {}", quoted(value));
    };
    let (ways, usual) = (&spec.ways, HttpSpec::default());
    if let Some(proxy) = &preview.proxy {
        add("-x", proxy.as_bytes());
    }
    for fixed in &ways.fixed {
        add("--resolve", fixed.to_string().as_bytes());
    }
    if let Some(path) = &ways.unix_socket {
        add("--unix-socket", path.as_os_str().as_encoded_bytes());
    }
    if let Some(file) = &spec.cookie_file {
        add("-b", file.path.as_os_str().as_encoded_bytes());
    } else if spec.cookies {
        // Cookies, and no file of them.
        add("-b", b"");
    }
    if let Some(certificate) = &spec.auth.certificate {
        add("--cert", certificate.path.as_os_str().as_encoded_bytes());
    }
    if let Trust::Pem { path, .. } = &spec.trust {
        add("--cacert", path.as_os_str().as_encoded_bytes());
    }
    for (option, limit, usual) in [
        ("-m", spec.timeout, usual.timeout),
        ("--connect-timeout", spec.connect_timeout, usual.connect_timeout),
    ] {
        if let Some(limit) = limit.filter(|_| limit != usual) {
            add(option, limit.as_secs_f64().to_string().as_bytes());
        }
    }
    if spec.max_redirects > 0 && spec.max_redirects != usual.max_redirects {
        add("--max-redirs", spec.max_redirects.to_string().as_bytes());
    }
    let flags = [
        ("--noproxy '*'", preview.proxy.is_none() && would_take_proxy()),
        ("-4", ways.family == Family::V4),
        ("-6", ways.family == Family::V6),
        ("--http1.1", ways.version == Version::Http1),
        ("--http2-prior-knowledge", ways.version == Version::Http2 && !is_encrypted(preview)),
        ("-L", spec.max_redirects > 0),
        ("-k", matches!(spec.trust, Trust::Insecure)),
    ];
    for (flag, _) in flags.into_iter().filter(|(_, is_on)| *is_on) {
        text.push(' ');
        text.push_str(flag);
    }
}

/// Whether curl may find a proxy by itself.
fn would_take_proxy() -> bool {
    ["http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

fn is_encrypted(preview: &Preview) -> bool {
    preview.server.starts_with("https:")
}

/// Whether curl would make several URLs of one.
fn is_several(url: &str) -> bool {
    let host = url.find("://").map_or(0, |at| at + 3);
    let path = url[host..].find(['/', '?']).map_or(url.len(), |at| host + at);
    url[path..].contains(['[', ']', '{', '}'])
}
