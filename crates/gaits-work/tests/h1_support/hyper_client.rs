//! Reads a response with hyper's client, over a connection in memory.

use super::{Answer, AnswerTo};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use std::error::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::task::yield_now;

/// Why hyper gave no whole response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HyperFault(
    /// Its message and those of its sources.
    pub(crate) String,
);

impl From<hyper::Error> for HyperFault {
    fn from(error: hyper::Error) -> Self {
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(error) = source {
            message = format!("{message}: {error}");
            source = error.source();
        }
        Self(message)
    }
}

/// How often all tasks run between the last piece and the end of the connection. A response that does not end
/// with the connection is done by then.
const TURNS: usize = 50;

/// Sends a request, answers it with these pieces, and then closes the connection.
pub(crate) fn read(to: AnswerTo, pieces: &[&[u8]]) -> Result<Answer, HyperFault> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let (near, far) = tokio::io::duplex(1 << 16);
        let (sender, connection) = http1::handshake(TokioIo::new(near)).await?;
        let (answer, _, ()) = tokio::join!(ask(sender, to), connection, reply(far, pieces));
        answer
    })
}

async fn ask(mut sender: SendRequest<Empty<Bytes>>, to: AnswerTo) -> Result<Answer, HyperFault> {
    let method = if to == AnswerTo::Head { Method::HEAD } else { Method::GET };
    let request = Request::builder().method(method).body(Empty::new()).expect("a request");
    let response = sender.send_request(request).await?;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await?.to_bytes().to_vec();
    for _ in 0..TURNS / 10 {
        yield_now().await;
    }
    Ok(Answer { status, body, reusable: sender.is_ready(), unused: None })
}

/// Reads a request and writes the pieces, each for itself, unless the client hangs up.
async fn reply(mut peer: DuplexStream, pieces: &[&[u8]]) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        if peer.read_buf(&mut request).await.unwrap_or(0) == 0 {
            return;
        }
    }
    for piece in pieces {
        if peer.write_all(piece).await.is_err() {
            return;
        }
        yield_now().await;
    }
    for _ in 0..TURNS {
        yield_now().await;
    }
}
