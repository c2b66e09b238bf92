//! One request on a connection, and the response to it.
//!
//! Limit: takes a response's pieces as they come; decodes nothing, and knows no deadline: whoever waits drops what it
//! waits for, which resets the stream.

use super::Inner;
use super::fault;
use crate::http::fault::Fault;
use crate::http::h1::MAX_INTERIM;
use crate::http::upload::Unsent;
use ::h2::client::ResponseFuture;
use ::h2::{RecvStream, SendStream};
use bytes::Bytes;
use gaits_core::{ErrorKind, ItemError};
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, Request, Response, StatusCode};
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};
use tokio::task::coop;

/// A request whose response's head has not come.
pub(super) struct Waiting {
    response: ResponseFuture,
    /// What is still to be sent of its body, and on what.
    unsent: Option<(SendStream<Bytes>, Unsent)>,
    interim: u32,
    place: Place,
}

impl Waiting {
    /// Hands a request to h2. It is written when the connection's driver is polled.
    pub(super) fn start(
        connection: &Rc<Inner>,
        head: Request<()>,
        body: Unsent,
    ) -> Result<Self, Fault> {
        let unsent = |e| fault::unsent(&e, &connection.state);
        let mut sender = connection.sender.borrow_mut();
        match sender.poll_ready(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(ready) => ready.map_err(unsent)?,
            // It would refuse this request until the one before it is written. A clone knows no request before it.
            Poll::Pending => {
                let clone = sender.clone();
                *sender = clone;
            }
        }
        let (response, stream) = sender.send_request(head, body.is_empty()).map_err(unsent)?;
        let unsent = (!body.is_empty()).then_some((stream, body));
        Ok(Self { response, unsent, interim: 0, place: Place::take(connection) })
    }

    /// Waits for the head of the response.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Response<RecvStream>, Fault>> {
        self.place.send(&mut self.unsent, cx).map_err(Fault::Failed)?;
        // h2 keeps interim responses until they are asked for, and throws them away when the response is.
        while let Poll::Ready(interim) = self.response.poll_informational(cx) {
            match interim {
                None => {
                    let response = ready!(Pin::new(&mut self.response).poll(cx));
                    return Poll::Ready(response.map_err(|e| self.fail(&e)));
                }
                Some(Err(e)) => return Poll::Ready(Err(self.fail(&e))),
                Some(Ok(_)) if self.interim == MAX_INTERIM => {
                    self.place.is_waiting = false;
                    let message =
                        format!("the server sent more than {MAX_INTERIM} interim responses");
                    let error = ItemError::new(ErrorKind::Protocol, message);
                    return Poll::Ready(Err(Fault::Failed(error)));
                }
                // It would be another protocol from here on, which HTTP/2 does not have (RFC 9113, section 8.6).
                Some(Ok(interim)) if interim.status() == StatusCode::SWITCHING_PROTOCOLS => {
                    self.place.is_waiting = false;
                    let message = "the server switches to another protocol (101), unasked";
                    let error = ItemError::new(ErrorKind::Protocol, message);
                    return Poll::Ready(Err(Fault::Failed(error)));
                }
                Some(Ok(_)) => self.interim += 1,
            }
        }
        self.place.wait();
        Poll::Pending
    }

    /// Whether its whole body is on its way.
    pub(super) const fn is_sent(&self) -> bool {
        self.unsent.is_none()
    }

    fn fail(&mut self, e: &::h2::Error) -> Fault {
        self.place.is_over = true;
        let stream = self.response.stream_id().as_u32();
        fault::head(e, stream, self.interim > 0, &self.place.connection.state)
    }

    /// Goes on with the body.
    pub(super) fn into_exchange(mut self, response: Response<RecvStream>) -> Exchange {
        self.place.is_waiting = false;
        let (head, body) = response.into_parts();
        Exchange {
            status: head.status,
            headers: head.headers,
            body,
            unsent: self.unsent,
            place: self.place,
        }
    }
}

/// Sends as much of a request's body as the server takes now. What goes wrong with the connection is told by the response.
///
/// # Errors
/// The body can't be read to its end.
fn send_body(
    unsent: &mut Option<(SendStream<Bytes>, Unsent)>,
    cx: &mut Context<'_>,
) -> Result<(), ItemError> {
    while let Some((stream, body)) = unsent {
        let Poll::Ready(piece) = body.poll_piece(cx) else { return Ok(()) };
        let len = piece?.len();
        stream.reserve_capacity(len);
        match stream.poll_capacity(cx) {
            Poll::Ready(Some(Ok(capacity))) => {
                let piece = body.take(capacity.min(len));
                let is_last = body.is_empty();
                if stream.send_data(piece, is_last).is_err() || is_last {
                    *unsent = None;
                }
            }
            Poll::Ready(Some(Err(_)) | None) => *unsent = None,
            Poll::Pending => return Ok(()),
        }
    }
    Ok(())
}

/// A response whose head has come, and whose body is coming.
///
/// Dropping it before its end resets the stream and frees its place on the connection.
pub(crate) struct Exchange {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    body: RecvStream,
    /// What the server has not taken of the request's body: its stream is reset when this is dropped.
    unsent: Option<(SendStream<Bytes>, Unsent)>,
    place: Place,
}

impl Exchange {
    /// The next piece of the body; none at its end. Trailers are read over.
    ///
    /// The server may send as much more as soon as a piece is handed out.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, ItemError> {
        poll_fn(|cx| self.poll_chunk(cx)).await
    }

    /// As `chunk`, polled.
    pub(crate) fn poll_chunk(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Bytes>, ItemError>> {
        if self.place.is_over {
            return Poll::Ready(Ok(None));
        }
        // A server may answer while it reads, and end when it has read all.
        self.place.send(&mut self.unsent, cx)?;
        // A window may be filled with thousands of small pieces, so this counts towards the task's budget.
        let coop = ready!(coop::poll_proceed(cx));
        loop {
            let Poll::Ready(piece) = self.body.poll_data(cx) else {
                self.place.wait();
                return Poll::Pending;
            };
            coop.made_progress();
            self.place.is_waiting = false;
            match piece {
                None => {
                    self.place.is_over = true;
                    // Without trailers, the last fields were the head.
                    let trailers = self.body.poll_trailers(cx);
                    if matches!(trailers, Poll::Ready(Ok(Some(_)))) && self.take_pseudo_end() {
                        return Poll::Ready(Err(fault::trailers()));
                    }
                    return Poll::Ready(Ok(None));
                }
                Some(Err(e)) => {
                    self.place.is_over = true;
                    return Poll::Ready(Err(fault::body(&e, &self.place.connection.state)));
                }
                // The last frame of a body may be empty.
                Some(Ok(piece)) if piece.is_empty() => {}
                Some(Ok(_)) if self.status == StatusCode::NO_CONTENT => {
                    self.place.is_over = true;
                    let message =
                        "the response has a body, and its status (204) says that it has none";
                    return Poll::Ready(Err(ItemError::new(ErrorKind::Protocol, message)));
                }
                Some(Ok(piece)) => {
                    // It fails only if more is released than was received.
                    let _ = self.body.flow_control().release_capacity(piece.len());
                    return Poll::Ready(Ok(Some(piece)));
                }
            }
        }
    }

    /// Whether the last fields begin with one about the message itself, which trailers must not (RFC 9113, section 8.1). h2 does not tell.
    fn take_pseudo_end(&self) -> bool {
        self.place.connection.state.take_pseudo_end(self.body.stream_id().as_u32())
    }

    /// Whether the whole body was handed out.
    pub(crate) fn is_over(&self) -> bool {
        self.place.is_over || self.body.is_end_stream()
    }

    /// Notes that its connection is used at this time of the run, in microseconds.
    pub(crate) fn use_at(&self, now_us: u64) {
        self.place.connection.state.use_at(now_us);
    }

    /// How long the body is in all, if that is known.
    pub(crate) fn body_len(&self) -> Option<u64> {
        if self.is_over() {
            return Some(0);
        }
        self.headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        // Whoever had the whole body in hand may not have asked for its end.
        self.place.is_over = self.is_over();
        self.take_pseudo_end();
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange")
            .field("status", &self.status)
            .field("headers", &self.headers)
            .finish_non_exhaustive()
    }
}

/// A request's place on its connection, which it keeps alive.
struct Place {
    connection: Rc<Inner>,
    /// Something was waited for when it was last polled.
    is_waiting: bool,
    /// What had come from the server by then.
    heard: u64,
    /// Its stream is closed, so that nothing is given up.
    is_over: bool,
}

impl Place {
    fn take(connection: &Rc<Inner>) -> Self {
        connection.state.take_place();
        Self { connection: connection.clone(), is_waiting: false, heard: 0, is_over: false }
    }

    /// Sends what the server takes now of a request's body.
    fn send(
        &mut self,
        unsent: &mut Option<(SendStream<Bytes>, Unsent)>,
        cx: &mut Context<'_>,
    ) -> Result<(), ItemError> {
        let sent = send_body(unsent, cx);
        if sent.is_err() {
            // It is not the server that failed to go on.
            self.is_waiting = false;
        }
        sent
    }

    /// Notes that something is waited for.
    fn wait(&mut self) {
        if !self.is_waiting {
            self.is_waiting = true;
            self.heard = self.connection.state.heard();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let state = &self.connection.state;
        state.free_place();
        if !self.is_over {
            state.give_up(self.is_waiting && self.heard == state.heard());
        }
    }
}
