//! Connections to servers that speak HTTP/2 by hand, well and badly.

mod exchanges;
mod faults;
mod floods;
mod limits;
mod server;
mod sockets;
mod writes;

use super::{Connection, Exchange, request};
use crate::http::fault::Fault;
use ::http::uri::{Authority, PathAndQuery, Scheme};
use ::http::{HeaderMap, Method, Request};
use bytes::Bytes;
use gaits_core::{ErrorKind, ItemError};
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::Poll;
use tokio::net::TcpStream;
use tokio::runtime::{Builder, LocalOptions};

/// Runs a client on an event loop of its own.
fn run<T>(client: impl Future<Output = T>) -> T {
    let runtime =
        Builder::new_current_thread().enable_all().build_local(LocalOptions::default()).unwrap();
    runtime.block_on(client)
}

async fn connect(address: SocketAddr) -> Connection {
    let tcp = TcpStream::connect(address).await.unwrap();
    tcp.set_nodelay(true).unwrap();
    Connection::open(tcp).await.unwrap()
}

/// A request without one.
const NO_BODY: Bytes = Bytes::new();

fn get(path: &str) -> Request<()> {
    request(
        Method::GET,
        Scheme::HTTP,
        Authority::from_static("here.test"),
        PathAndQuery::try_from(path).unwrap(),
        HeaderMap::new(),
    )
    .unwrap()
}

/// Reads a body to its end.
async fn body(exchange: &mut Exchange) -> Result<Vec<u8>, ItemError> {
    let mut all = Vec::new();
    while let Some(piece) = exchange.chunk().await? {
        all.extend_from_slice(&piece);
    }
    Ok(all)
}

/// Sends a request and reads the whole response.
async fn fetch(connection: &Connection, path: &str) -> Result<Vec<u8>, Fault> {
    let mut exchange = connection.send(get(path), NO_BODY).await?;
    body(&mut exchange).await.map_err(Fault::Failed)
}

/// Polls a future once; it must not be ready.
async fn begin<F: Future + Unpin>(future: &mut F)
where
    F::Output: std::fmt::Debug,
{
    poll_fn(|cx| match Pin::new(&mut *future).poll(cx) {
        Poll::Ready(ready) => panic!("it was ready: {ready:?}"),
        Poll::Pending => Poll::Ready(()),
    })
    .await;
}

/// How a request failed: its error's kind and message, and what may be done about it.
#[derive(Debug, PartialEq, Eq)]
enum Failure {
    Failed(ErrorKind, String),
    Unprocessed(ErrorKind, String),
    WantsHttp1(ErrorKind, String),
}

fn failed(kind: ErrorKind, message: &str) -> Failure {
    Failure::Failed(kind, message.to_owned())
}

fn unprocessed(kind: ErrorKind, message: &str) -> Failure {
    Failure::Unprocessed(kind, message.to_owned())
}

fn failure<T>(result: Result<T, Fault>) -> Failure {
    match result.map(drop).expect_err("it went well") {
        Fault::Failed(e) => Failure::Failed(e.kind, e.message),
        Fault::Unprocessed(e) => Failure::Unprocessed(e.kind, e.message),
        Fault::WantsHttp1(e) => Failure::WantsHttp1(e.kind, e.message),
        Fault::Exhausted(e) | Fault::Closed(e) => panic!("no fault of HTTP/2: {e}"),
    }
}
