//! What becomes of a response: its body read, decoded, hashed and, where asked, looked into.
//!
//! Limit: follows no redirect; the connection is its caller's.

use super::connection::{Connection, Head};
use super::decode::{self, BUDGET, Codings, Decoder};
use super::spec::{HttpSpec, Method};
use super::trace::Trace;
use gaits_core::{ErrorKind, HttpDetail, ItemError, Value};
use http::StatusCode;
use http::header::{CONTENT_ENCODING, TRANSFER_ENCODING};

/// How much of a redirect's body is read so that its connection can be used again.
const DRAINED: u64 = 64 * 1024;

/// The largest body that fields are extracted from: it is kept whole, and parsed into several times its size.
const LOOKED_INTO: u64 = 32 * 1024 * 1024;

/// `404 Not Found`
pub(super) fn status_error(status: StatusCode) -> ItemError {
    let message = match status.canonical_reason() {
        Some(reason) => format!("{} {reason}", status.as_u16()),
        None => status.as_u16().to_string(),
    };
    ItemError::new(ErrorKind::HttpStatus, message)
}

/// Reads the body that follows `head`, measuring it; gives what was extracted.
pub(super) async fn read(
    connection: &mut Connection,
    head: &Head,
    spec: &HttpSpec,
    hasher: &mut blake3::Hasher,
    trace: &mut Trace,
) -> Result<Vec<(Box<str>, Value)>, ItemError> {
    if spec.method == Method::Head {
        return Ok(Vec::new());
    }
    let keep = !spec.extract.is_empty() && spec.accept.contains(head.status.as_u16());
    let most = if keep { spec.max_body_size.min(LOOKED_INTO) } else { spec.max_body_size };
    let mut codings = Codings::default();
    for value in head.headers.get_all(CONTENT_ENCODING) {
        codings.content_encoding(value.as_bytes());
    }
    for value in head.headers.get_all(TRANSFER_ENCODING) {
        codings.transfer_encoding(value.as_bytes());
    }
    let mut decoder = Decoder::new(&codings, most, keep, hasher);
    if decoder.is_identity() && connection.body_len().is_some_and(|len| len > most) {
        return Err(decode::too_large(most));
    }
    let detail = &mut trace.detail;
    take(connection, &mut decoder, detail).await?;
    detail.blake3 = Some(decoder.hash());
    match decoder.into_kept() {
        None => Ok(Vec::new()),
        Some(body) => super::extract::extract(&spec.extract, body).await,
    }
}

async fn take(
    connection: &mut Connection,
    decoder: &mut Decoder<'_>,
    detail: &mut HttpDetail,
) -> Result<(), ItemError> {
    while let Some(chunk) = connection.chunk().await? {
        detail.bytes += chunk.len() as u64;
        let mut rest = &chunk[..];
        loop {
            let pushed = decoder.push(rest, BUDGET);
            // Kept up to date, for the future may be dropped while it waits.
            detail.decoded_bytes = decoder.decoded_len();
            let pushed = pushed?;
            if !pushed.more {
                break;
            }
            rest = &rest[pushed.used..];
            decoder.pause().await?;
        }
    }
    decoder.finish()
}

/// Reads over a body that nobody wants, if it is a short one.
pub(super) async fn drain(connection: &mut Connection) -> Result<(), ItemError> {
    let mut read = 0;
    while read <= DRAINED
        && let Some(chunk) = connection.chunk().await?
    {
        read += chunk.len() as u64;
    }
    Ok(())
}
