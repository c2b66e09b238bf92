//! The way of one request: counted, let in or refused, held, answered, and perhaps broken or replied to by a script.
//! What it is answered with is decided by the routes; scripted replies are sent by `script::play`.

use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderValue, RETRY_AFTER};
use http::{Method, Response, StatusCode, Version};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use tokio::time::Instant;

use crate::access_log::{Log, Outcome};
use crate::body::{Cut, CutOff, Payload, ResponseBody};
use crate::clock;
use crate::config::Config;
use crate::counters::Counters;
use crate::draws::Draws;
use crate::faults::Fault;
use crate::gate::{Gate, Rate};
use crate::in_progress::InProgress;
use crate::reply::Reply;
use crate::request::Request;
use crate::routes;
use crate::script::{Scene, Script, Stage, Step};
use crate::socket::Reset;
use crate::unsent::Unsent;

/// The longest request body that is taken in.
const LONGEST_BODY: usize = 16 * 1024 * 1024;

/// What all connections of an origin share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) counters: Arc<Counters>,
    gate: Gate,
    rate: Option<Rate>,
    log: Option<Log>,
    script: Option<Stage>,
    /// Made when it is first asked for.
    hostile: OnceLock<Stage>,
    started: Instant,
}

impl Shared {
    pub(crate) fn new(config: Config, counters: Arc<Counters>, log: Option<Log>) -> Self {
        Self {
            gate: Gate::new(config.capacity, Arc::clone(&counters)),
            rate: config.rate_limit.map(Rate::new),
            log,
            script: config.script.as_ref().map(Stage::new),
            hostile: OnceLock::new(),
            started: Instant::now(),
            counters,
            config,
        }
    }

    /// The replies that are scripted for a path.
    async fn stage(&self, path: &str) -> Option<&Stage> {
        if let Some(script) = self.script.as_ref().filter(|script| script.has(path)) {
            return Some(script);
        }
        let rest = path.strip_prefix("/hostile")?;
        if !rest.is_empty() && !rest.starts_with('/') {
            return None;
        }
        if self.hostile.get().is_none() {
            // It compresses a lot, which would hold up all others here.
            let made = tokio::task::spawn_blocking(|| Stage::new(Script::hostile())).await.ok()?;
            // If another thread was faster, its replies count.
            let _ = self.hostile.set(made);
        }
        self.hostile.get().filter(|hostile| hostile.has(path))
    }

    pub(crate) fn scheme(&self) -> &'static str {
        if self.config.tls { "https" } else { "http" }
    }
}

/// One connection, as its requests see it.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) shared: Arc<Shared>,
    pub(crate) peer: SocketAddr,
    pub(crate) reset: Reset,
    pub(crate) unsent: Unsent,
    /// How many requests have come over it.
    requests: AtomicU64,
    /// The reply that is to be played over this connection as soon as hyper has let go of it.
    scripted: Mutex<Option<Scripted>>,
}

/// A scripted reply to a request.
#[derive(Debug)]
pub(crate) struct Scripted {
    pub(crate) steps: Arc<[Step]>,
    pub(crate) in_progress: InProgress,
}

impl Connection {
    pub(crate) fn new(shared: Arc<Shared>, peer: SocketAddr, reset: Reset) -> Self {
        Self {
            shared,
            peer,
            reset,
            unsent: Unsent::default(),
            requests: AtomicU64::new(0),
            scripted: Mutex::new(None),
        }
    }

    /// The scripted reply that ended the service of this connection, if one did.
    pub(crate) fn take_scripted(&self) -> Option<Scripted> {
        self.scripted.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Serves one request. The error ends the connection (HTTP/1) or the stream (HTTP/2) without a response.
    pub(crate) async fn serve(
        &self,
        request: hyper::Request<Incoming>,
    ) -> Result<Response<ResponseBody>, CutOff> {
        let Shared { config, counters, gate, rate, log, started, .. } = &*self.shared;
        let sequence = counters.request();
        let reused = self.requests.fetch_add(1, Relaxed) > 0;
        let entry = log.as_ref().map(|log| log.entry(sequence, self.peer, &request));
        let mut in_progress = InProgress { place: None, entry };
        let mut draws = Draws::new(config.seed, sequence);
        let head = request.method() == Method::HEAD;
        if let Some(rate) = rate
            && let Err(wait) = rate.admit(started.elapsed())
        {
            let seconds = wait.as_nanos().div_ceil(1_000_000_000);
            // Unread, a body would end the connection, and its reset could overtake the refusal.
            let refusal = match body_of(request.into_body()).await {
                Ok(_) => too_many(seconds),
                Err(NoBody::Refused(_)) => closing(too_many(seconds)),
                Err(NoBody::Gone) => return Err(CutOff),
            };
            return Ok(self.respond(refusal, head, in_progress));
        }
        in_progress.place = Some(gate.enter().await);
        let until = Instant::now() + draws.latency(config.latency, config.jitter, config.tail);
        let stage = self.shared.stage(request.uri().path()).await;
        if let Some(scene) = stage.and_then(|stage| stage.scene(&request, reused)) {
            return self.hand_over(scene, request, until, in_progress).await;
        }
        let mut reply = match stage {
            Some(_) if request.version() >= Version::HTTP_2 => not_over_http2(),
            _ => self.answer(request, &mut draws).await?,
        };
        // RFC 9110, 15.3.5, 15.3.6 and 15.4.5: these have no content, whatever the endpoint made for them.
        if let StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::NOT_MODIFIED =
            reply.status
        {
            reply.payload = Payload::EMPTY;
        }
        sleep_until(until + reply.delay).await;
        match config.faults.pick(draws.fault) {
            None => Ok(self.respond(reply, head, in_progress)),
            Some(fault) => self.fail(fault, draws.stall_in_body, reply, head, in_progress).await,
        }
    }

    /// The error means that nobody is there to be answered.
    async fn answer(
        &self,
        request: hyper::Request<Incoming>,
        draws: &mut Draws,
    ) -> Result<Reply, CutOff> {
        let (parts, body) = request.into_parts();
        let body = match body_of(body).await {
            Ok(body) => body,
            Err(NoBody::Refused(refusal)) => return Ok(refusal),
            Err(NoBody::Gone) => return Err(CutOff),
        };
        let hosts = || parts.headers.get_all(HOST).iter().count();
        if parts.version == Version::HTTP_11 && hosts() != 1 {
            let message = "a request of HTTP/1.1 has one Host field, as RFC 9112, 3.2, demands";
            return Ok(Reply::bad_request(message));
        }
        let (peer, scheme, seed) = (self.peer.ip(), self.shared.scheme(), self.shared.config.seed);
        Ok(routes::answer(&Request { parts: &parts, body: &body, peer, scheme, seed }, draws))
    }

    /// Leaves the connection, with a scripted reply to play over it, to whoever drives it. The error is what makes hyper
    /// let go of it without another byte.
    async fn hand_over(
        &self,
        scene: Scene,
        request: hyper::Request<Incoming>,
        until: Instant,
        mut in_progress: InProgress,
    ) -> Result<Response<ResponseBody>, CutOff> {
        if !scene.ignores_body {
            // A body that is too long or does not arrive is not what is tried here.
            let _ = body_of(request.into_body()).await;
        }
        sleep_until(until).await;
        in_progress.log(|entry| entry.outcome(Outcome::Scripted));
        let scripted = Scripted { steps: scene.steps, in_progress };
        *self.scripted.lock().unwrap_or_else(PoisonError::into_inner) = Some(scripted);
        Err(CutOff)
    }

    /// A whole response. One to HEAD announces the length of the body that it does not have; otherwise hyper does that.
    fn respond(
        &self,
        reply: Reply,
        head: bool,
        mut in_progress: InProgress,
    ) -> Response<ResponseBody> {
        let Reply { status, mut headers, mut payload, .. } = reply;
        if head {
            if status != StatusCode::NO_CONTENT && status != StatusCode::NOT_MODIFIED {
                headers.insert(CONTENT_LENGTH, HeaderValue::from(payload.left()));
            }
            payload = Payload::EMPTY;
        }
        in_progress.log(|entry| entry.status(status));
        let body = ResponseBody::whole(payload, in_progress, self.unsent.clone());
        let mut response = Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response
    }

    /// Breaks a response.
    async fn fail(
        &self,
        fault: Fault,
        stall_in_body: bool,
        reply: Reply,
        head: bool,
        mut in_progress: InProgress,
    ) -> Result<Response<ResponseBody>, CutOff> {
        let length = if head { 0 } else { reply.payload.left() };
        if !matches!(fault, Fault::Status(_)) {
            in_progress.log(|entry| entry.outcome(Outcome::Broken));
        }
        let (sent, cut) = match fault {
            Fault::Status(status) => {
                let retry_after = self.shared.config.retry_after.value(clock::now());
                return Ok(self.respond(failure(status, retry_after), head, in_progress));
            }
            Fault::Reset => {
                self.reset.order();
                return Err(CutOff);
            }
            // Without a body, the head would be a whole response.
            Fault::Truncate if length == 0 => return Err(CutOff),
            Fault::Stall if length == 0 => match std::future::pending::<Infallible>().await {},
            Fault::Truncate => (length / 2, Cut::Close),
            Fault::Stall => (if stall_in_body { length / 2 } else { 0 }, Cut::Stall),
        };
        let Reply { status, headers, payload, .. } = reply;
        in_progress.log(|entry| entry.status(status));
        let body = ResponseBody::cut(payload, sent, cut, in_progress, self.unsent.clone());
        let mut response = Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }
}

/// Why there is no body of a request.
enum NoBody {
    /// It is too long or breaks the rules.
    Refused(Reply),
    /// The client left in the middle of it.
    Gone,
}

/// All of a request's body, or why it is not taken in.
async fn body_of(body: Incoming) -> Result<Bytes, NoBody> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let too_large = || {
        let message = "a request's body may have 16 MiB";
        NoBody::Refused(closing(Reply::error(StatusCode::PAYLOAD_TOO_LARGE, message)))
    };
    // What announces too much is not waited for.
    if body.size_hint().lower() > LONGEST_BODY as u64 {
        return Err(too_large());
    }
    match Limited::new(body, LONGEST_BODY).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
        Err(error) if is_broken(&*error) => {
            let message = format!("the request's body is not well formed: {error}");
            Err(NoBody::Refused(closing(Reply::bad_request(&message))))
        }
        Err(_) => Err(NoBody::Gone),
    }
}

/// Whether a body that did not arrive broke the rules of chunks. Otherwise the client has left.
fn is_broken(error: &(dyn Error + 'static)) -> bool {
    let kind = error.source().and_then(|cause| cause.downcast_ref()).map(io::Error::kind);
    matches!(kind, Some(io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData))
}

/// Says that the connection ends with this answer, as it does if a request's body has not been read. HTTP/2 has no such
/// field, and hyper leaves it out there.
fn closing(reply: Reply) -> Reply {
    reply.with(CONNECTION, HeaderValue::from_static("close"))
}

async fn sleep_until(time: Instant) {
    // Asking the clock is cheaper than setting a timer that has gone off already.
    if time > Instant::now() {
        tokio::time::sleep_until(time).await;
    }
}

fn not_over_http2() -> Reply {
    let message = "this path sends raw bytes, which only HTTP/1.1 can carry: ask over HTTP/1.1";
    Reply::error(StatusCode::HTTP_VERSION_NOT_SUPPORTED, message)
}

fn too_many(seconds: u128) -> Reply {
    let seconds = HeaderValue::from(u64::try_from(seconds).unwrap_or(u64::MAX).max(1));
    Reply::error(StatusCode::TOO_MANY_REQUESTS, "too many requests a second")
        .with(RETRY_AFTER, seconds)
}

/// The answer of a fault that is a status. Servers send `Retry-After` with 429 (RFC 6585, section 4) and 503 (RFC 9110,
/// section 10.2.3), so only these carry it.
fn failure(status: StatusCode, retry_after: Option<HeaderValue>) -> Reply {
    let reply = Reply::error(status, "the configured faults demand this status");
    match (status, retry_after) {
        (StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE, Some(value)) => {
            reply.with(RETRY_AFTER, value)
        }
        _ => reply,
    }
}
