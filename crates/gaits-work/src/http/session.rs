//! One worker's session: it performs an item from its text to its record, over connections of its own.
//!
//! Limit: one item at a time; never tries an item again.

use super::answer;
use super::connect::Opener;
use super::connection::{Connection, Head, Protocol};
use super::cookies::{self, Jar};
use super::fault::Fault;
use super::headers::Composer;
use super::pool::Pool;
use super::redirect;
use super::spec::SessionMode;
use super::target::{Origin, Target};
use super::trace::{Phase, Trace};
use super::work::Shared;
use gaits_core::{
    AsyncSession, Detail, ErrorKind, Item, ItemError, PerformFuture, Performed, Reply, Value,
};
use http::Uri;
use http::header::{COOKIE, HeaderMap, HeaderValue, LOCATION, SET_COOKIE};
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::time::{Instant, Sleep};

/// What one worker keeps between its items.
pub(super) struct HttpSession {
    shared: Arc<Shared>,
    composer: Composer,
    opener: Opener,
    cookies: Option<Jar>,
    pool: Pool,
    /// Where the last item led.
    last: Option<Rc<Origin>>,
    /// One timer for all items: moving it costs less than making one.
    timer: Option<Pin<Box<Sleep>>>,
    /// One hasher for all bodies.
    hasher: Box<blake3::Hasher>,
}

impl HttpSession {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let close = shared.spec.session == SessionMode::PerRequest;
        let composer = Composer::new(Rc::new(shared.fields.clone()), close);
        let opener = Opener::new(shared.clone(), shared.spec.session);
        let cookies = shared.spec.cookies.then(Jar::default);
        Self {
            shared,
            composer,
            opener,
            cookies,
            pool: Pool::default(),
            last: None,
            timer: None,
            hasher: Box::default(),
        }
    }

    async fn perform_item(&mut self, item: &Item) -> Reply {
        let target = match Target::parse(&item.text, self.last.as_ref()) {
            Ok(target) => target,
            Err(e) => {
                let error = ItemError::new(ErrorKind::InvalidItem, e.to_string());
                return Reply::Done(Performed::failed(error, Detail::None));
            }
        };
        if !self.last.as_ref().is_some_and(|last| Rc::ptr_eq(last, &target.origin)) {
            self.last = Some(target.origin.clone());
        }
        if self.shared.spec.session == SessionMode::PerRequest
            && let Some(cookies) = &mut self.cookies
        {
            cookies.clear();
        }
        let mut trace = Trace::new(self.shared.clock.clone());
        let result = self.within_timeout(target, &mut trace).await;
        trace.enter(Phase::Between);
        let detail = Detail::Http(trace.detail);
        match result {
            Ok(extract) => Reply::Done(Performed { outcome: Ok(()), detail, extract }),
            Err(Fault::Failed(error)) => Reply::Done(Performed::failed(error, detail)),
            Err(Fault::Exhausted(error)) => Reply::Exhausted(error),
        }
    }

    async fn within_timeout(
        &mut self,
        target: Target,
        trace: &mut Trace,
    ) -> Result<Vec<(Box<str>, Value)>, Fault> {
        let Some(timeout) = self.shared.spec.timeout else {
            return self.follow(target, trace).await;
        };
        let mut timer = self.timer.take().unwrap_or_else(|| Box::pin(tokio::time::sleep(timeout)));
        timer.as_mut().reset(Instant::now() + timeout);
        let result = {
            let mut followed = pin!(self.follow(target, trace));
            poll_fn(|cx| match followed.as_mut().poll(cx) {
                Poll::Ready(result) => Poll::Ready(Some(result)),
                Poll::Pending => timer.as_mut().poll(cx).map(|()| None),
            })
            .await
        };
        self.timer = Some(timer);
        result.unwrap_or_else(|| {
            let message =
                format!("no complete answer within {}: still {}", seconds(timeout), trace.phase());
            Err(Fault::new(ErrorKind::Timeout, message))
        })
    }

    /// Makes the item's request, and those that its redirects ask for.
    async fn follow(
        &mut self,
        mut target: Target,
        trace: &mut Trace,
    ) -> Result<Vec<(Box<str>, Value)>, Fault> {
        let mut foreign = false;
        loop {
            trace.detail.url = target.url();
            let (mut connection, head) = self.ask(&target, foreign, trace).await?;
            trace.detail.status = Some(head.status.as_u16());
            trace.detail.version = Some(head.version);
            if let Some(cookies) = &mut self.cookies {
                let set = head.headers.get_all(SET_COOKIE).iter().map(HeaderValue::as_bytes);
                cookies.take(set, &target, cookies::now_s());
            }
            trace.enter(Phase::Body);
            let max_redirects = self.shared.spec.max_redirects;
            let location = head.headers.get(LOCATION).map(HeaderValue::as_bytes);
            if max_redirects > 0
                && let Some(next) = redirect::next(&target, head.status.as_u16(), location)?
            {
                if trace.detail.redirects == max_redirects {
                    let message = format!("redirected more than {max_redirects} times");
                    return Err(Fault::new(ErrorKind::Redirect, message));
                }
                trace.detail.redirects += 1;
                // A body that does not come is no reason to fail: its connection is not used again.
                // Boxed, since its timer would make the future of every item larger.
                let drain = tokio::time::timeout(DRAIN_TIMEOUT, answer::drain(&mut connection));
                let drained = Box::pin(drain).await;
                trace.enter(Phase::Between);
                if matches!(drained, Ok(Ok(()))) {
                    self.keep(&target, connection, trace).await;
                }
                foreign |= redirect::is_foreign(&target.origin, &next.origin);
                target = next;
                continue;
            }
            let spec = &self.shared.spec;
            let read = answer::read(&mut connection, &head, spec, &mut self.hasher, trace).await;
            trace.enter(Phase::Between);
            self.keep(&target, connection, trace).await;
            return match read {
                _ if !self.shared.spec.accept.contains(head.status.as_u16()) => {
                    Err(Fault::Failed(answer::status_error(head.status)))
                }
                read => read.map_err(Fault::Failed),
            };
        }
    }

    /// Sends one request and waits for the head of its response.
    async fn ask(
        &mut self,
        target: &Target,
        foreign: bool,
        trace: &mut Trace,
    ) -> Result<(Box<Connection>, Head), Fault> {
        let idle = self.pool.take(&target.origin, self.shared.clock.now_us());
        if let Some((mut connection, idle_us)) = idle
            && (idle_us < FRESH_US || connection.is_usable().await)
        {
            trace.detail.reused = true;
            match self.send(&mut connection, target, foreign, trace).await {
                Ok(head) => return Ok((connection, head)),
                // The server closed it while it was idle, as it may at any time.
                Err(e) if e.kind == ErrorKind::Reset && connection.is_unanswered() => {}
                Err(e) => return Err(Fault::Failed(e)),
            }
        }
        trace.detail.reused = false;
        let mut connection =
            Box::pin(self.opener.open(&target.origin, &mut self.pool, trace)).await?;
        let head =
            self.send(&mut connection, target, foreign, trace).await.map_err(Fault::Failed)?;
        Ok((connection, head))
    }

    async fn send(
        &mut self,
        connection: &mut Connection,
        target: &Target,
        foreign: bool,
        trace: &mut Trace,
    ) -> Result<Head, ItemError> {
        let protocol = connection.protocol();
        let mut fields = self.composer.compose(target, protocol, foreign);
        if let Some(cookies) = &mut self.cookies
            && let Some(kept) = cookies.header_for(target, cookies::now_s())
        {
            add_cookies(&mut fields, &kept);
        }
        let uri = match protocol {
            Protocol::Http1 => Uri::from(target.path.clone()),
            Protocol::Http2 => absolute(target)?,
        };
        trace.enter(Phase::FirstByte);
        connection.send(self.shared.spec.method.wire(), uri, fields).await
    }

    /// Keeps a connection for the next request, if there may be one on it.
    async fn keep(&mut self, target: &Target, mut connection: Box<Connection>, trace: &Trace) {
        if self.shared.spec.session == SessionMode::PerWorker && connection.is_usable().await {
            self.pool.put(target.origin.clone(), connection, trace.since_us());
        }
    }
}

/// For how many microseconds after it was found usable a connection is taken for usable.
const FRESH_US: u64 = 1000;

/// How long a redirect's body is waited for.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(250);

/// Adds cookies to those that the user gave.
fn add_cookies(fields: &mut HeaderMap, cookies: &[u8]) {
    let all = match fields.get(COOKIE) {
        None => cookies.to_vec(),
        Some(given) => [given.as_bytes(), cookies].join(&b"; "[..]),
    };
    if let Ok(mut value) = HeaderValue::from_bytes(&all) {
        value.set_sensitive(true);
        fields.insert(COOKIE, value);
    }
}

fn absolute(target: &Target) -> Result<Uri, ItemError> {
    Uri::builder()
        .scheme(target.origin.scheme.as_str())
        .authority(target.origin.authority.clone())
        .path_and_query(target.path.clone())
        .build()
        .map_err(|e| ItemError::new(ErrorKind::InvalidItem, e.to_string()))
}

/// `60 s`, `0.25 s`
pub(super) fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs_f64())
}

impl AsyncSession for HttpSession {
    fn perform<'a>(&'a mut self, item: &'a Item) -> PerformFuture<'a> {
        Box::pin(self.perform_item(item))
    }

    fn release(&mut self) {
        self.pool.clear();
    }
}
