//! One connection that speaks HTTP: send a request, get the head of its response, then its body piece by piece.
//!
//! With `fault`, which has the words for its errors, the only module that knows hyper. HTTP/1.1 is driven by the task that waits for the response, so that nothing
//! is woken but that task; HTTP/2 has tasks of its own, which end with the connection.
//!
//! Limit: one request at a time; does not know why it is sent, nor what becomes of the answer.

use super::detail::HttpVersion;
use super::fault::{body_error, head_error};
use super::wire::Wire;
use bytes::Bytes;
use gaits_core::ItemError;
use http::{HeaderMap, Method, Request, StatusCode, Uri};
use http_body_util::Empty;
use hyper::body::{Body, Incoming};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::TokioIo;
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::{Rc, Weak};
use std::task::{Context, Poll};
use tokio::task::JoinSet;

type Io = TokioIo<Wire>;
type H1 = http1::Connection<Io, Empty<Bytes>>;

/// Which protocol was agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

/// A connection that speaks HTTP.
pub(super) struct Connection {
    speaker: Speaker,
    body: Option<Incoming>,
    received: Rc<Cell<u64>>,
    received_before: u64,
}

#[expect(clippy::large_enum_variant, reason = "connections are boxed as a whole")]
enum Speaker {
    Http1 {
        sender: http1::SendRequest<Empty<Bytes>>,
        /// None once it has ended.
        driver: Option<H1>,
    },
    Http2 {
        sender: http2::SendRequest<Empty<Bytes>>,
        /// Dropped with the connection, and with them what they drive.
        _tasks: Rc<RefCell<JoinSet<()>>>,
    },
}

/// The head of a response.
pub(super) struct Head {
    pub(super) status: StatusCode,
    pub(super) version: HttpVersion,
    pub(super) headers: HeaderMap,
}

/// Spawns what HTTP/2 needs on the set of its connection. The tasks hold the executor, so it must not hold them.
#[derive(Clone)]
struct Tasks(Weak<RefCell<JoinSet<()>>>);

impl<F: Future<Output = ()> + 'static> hyper::rt::Executor<F> for Tasks {
    fn execute(&self, future: F) {
        if let Some(tasks) = self.0.upgrade() {
            let mut tasks = tasks.borrow_mut();
            while tasks.try_join_next().is_some() {}
            tasks.spawn_local(future);
        }
    }
}

impl Connection {
    pub(super) async fn open(wire: Wire, protocol: Protocol) -> Result<Self, ItemError> {
        let received = wire.received();
        let io = TokioIo::new(wire);
        let speaker = match protocol {
            Protocol::Http1 => {
                // A request without a body is one buffer, and `write` costs less than `writev`.
                let (sender, driver) = http1::Builder::new()
                    .writev(false)
                    .handshake(io)
                    .await
                    .map_err(|e| head_error(&e))?;
                Speaker::Http1 { sender, driver: Some(driver) }
            }
            Protocol::Http2 => {
                let tasks = Rc::new(RefCell::new(JoinSet::new()));
                let (sender, driver) = http2::Builder::new(Tasks(Rc::downgrade(&tasks)))
                    .handshake(io)
                    .await
                    .map_err(|e| head_error(&e))?;
                tasks.borrow_mut().spawn_local(async move {
                    // Whatever ends it is also told to the request that is in flight.
                    let _ = driver.await;
                });
                Speaker::Http2 { sender, _tasks: tasks }
            }
        };
        Ok(Self { speaker, body: None, received, received_before: 0 })
    }

    pub(super) const fn protocol(&self) -> Protocol {
        match self.speaker {
            Speaker::Http1 { .. } => Protocol::Http1,
            Speaker::Http2 { .. } => Protocol::Http2,
        }
    }

    /// Whether a request that ended in a reset may be sent again on another connection: over HTTP/1.1 if no byte
    /// came in answer to it. Over HTTP/2 bytes come in answer to nothing.
    pub(super) fn is_unanswered(&self) -> bool {
        match self.speaker {
            Speaker::Http1 { .. } => self.received.get() == self.received_before,
            Speaker::Http2 { .. } => true,
        }
    }

    /// Sends a request without a body and waits for the head of its response. `uri` is a path and query for
    /// HTTP/1.1, and absolute for HTTP/2.
    pub(super) async fn send(
        &mut self,
        method: Method,
        uri: Uri,
        headers: HeaderMap,
    ) -> Result<Head, ItemError> {
        let mut request = Request::new(Empty::new());
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        self.received_before = self.received.get();
        let response = match &mut self.speaker {
            Speaker::Http1 { sender, driver } => {
                let mut response = pin!(sender.send_request(request));
                poll_fn(|cx| driven(driver, cx, |cx| response.as_mut().poll(cx))).await
            }
            Speaker::Http2 { sender, .. } => {
                // Its window for streams is filled in by the server's settings.
                match sender.ready().await {
                    Ok(()) => sender.send_request(request).await,
                    Err(e) => Err(e),
                }
            }
        };
        let (head, body) = response.map_err(|e| head_error(&e))?.into_parts();
        self.body = (!body.is_end_stream()).then_some(body);
        let version = match head.version {
            http::Version::HTTP_10 => HttpVersion::Http10,
            http::Version::HTTP_2 => HttpVersion::Http2,
            _ => HttpVersion::Http11,
        };
        Ok(Head { status: head.status, version, headers: head.headers })
    }

    /// The next piece of the body; none at its end.
    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, ItemError> {
        let Some(body) = &mut self.body else { return Ok(None) };
        loop {
            let frame = match &mut self.speaker {
                Speaker::Http1 { driver, .. } => {
                    poll_fn(|cx| driven(driver, cx, |cx| Pin::new(&mut *body).poll_frame(cx))).await
                }
                Speaker::Http2 { .. } => poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await,
            };
            match frame {
                None => {
                    self.body = None;
                    return Ok(None);
                }
                Some(Err(e)) => return Err(body_error(&e)),
                Some(Ok(frame)) => {
                    // Trailers are read over.
                    if let Ok(data) = frame.into_data() {
                        return Ok(Some(data));
                    }
                }
            }
        }
    }

    /// How long the rest of the body is, if that is known.
    pub(super) fn body_len(&self) -> Option<u64> {
        self.body.as_ref().map_or(Some(0), |body| body.size_hint().exact())
    }

    /// Whether another request can be sent, as far as is known: the last response was read whole, and the server
    /// has not closed the connection.
    pub(super) async fn is_usable(&mut self) -> bool {
        if self.body.is_some() {
            return false;
        }
        poll_fn(|cx| {
            Poll::Ready(match &mut self.speaker {
                Speaker::Http1 { sender, driver } => {
                    if let Some(alive) = driver
                        && Pin::new(alive).poll(cx).is_ready()
                    {
                        *driver = None;
                    }
                    driver.is_some() && sender.is_ready()
                }
                Speaker::Http2 { sender, .. } => sender.is_ready(),
            })
        })
        .await
    }
}

/// Polls `wanted`, and what drives its connection as long as that brings it on.
fn driven<T>(
    driver: &mut Option<H1>,
    cx: &mut Context<'_>,
    mut wanted: impl FnMut(&mut Context<'_>) -> Poll<T>,
) -> Poll<T> {
    if let Poll::Ready(ready) = wanted(cx) {
        return Poll::Ready(ready);
    }
    if let Some(alive) = driver
        && Pin::new(alive).poll(cx).is_ready()
    {
        // Its error, if it had one, went to whoever waits for the response or for its body.
        *driver = None;
    }
    wanted(cx)
}
