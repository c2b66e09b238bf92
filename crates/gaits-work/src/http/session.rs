//! A session: it performs items from their text to their record, over the connections of one hub.
//!
//! Limit: never tries an item again.

use super::answer;
use super::cookies::{self, Jar};
use super::deadline::in_time;
use super::decode::{self, Decoder};
use super::exchange::Exchange;
use super::extract;
use super::fault::Fault;
use super::hub::Hub;
use super::lent::Piece;
use super::redirect;
use super::request::Request;
use super::retry;
use super::shared::Shared;
use super::spec::Method;
use super::target::Target;
use super::trace::{Phase, Trace};
use super::words::seconds;
use gaits_core::{
    AsyncSession, Detail, ErrorKind, Item, ItemError, PerformFuture, Performed, Reply,
    SessionScope, Value,
};
use std::cell::RefCell;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use tokio::time::{Instant, Sleep};

/// The largest body that fields are extracted from: it is kept whole, and twice while it is put together.
const LOOKED_INTO: u64 = 32 * 1024 * 1024;

/// What the items of a session share.
pub(super) struct HttpSession {
    hub: Rc<Hub>,
    cookies: Option<RefCell<Jar>>,
    /// Timers that no item uses now: moving one costs less than making one.
    timers: RefCell<Vec<Pin<Box<Sleep>>>>,
    /// Hashers that no body uses now. One has 2 kB, so a pointer to it is kept.
    #[expect(clippy::vec_box, reason = "2 kB would be moved twice for every body")]
    hashers: RefCell<Vec<Box<blake3::Hasher>>>,
}

type Extracted = Vec<(Box<str>, Value)>;

impl HttpSession {
    pub(super) fn new(shared: Arc<Shared>, scope: SessionScope) -> Self {
        let cookies = shared.spec.cookies.then(RefCell::default);
        Self {
            hub: Rc::new(Hub::new(shared, scope)),
            cookies,
            timers: RefCell::default(),
            hashers: RefCell::default(),
        }
    }

    async fn perform_item(&self, item: &Item) -> Reply {
        let shared = &self.hub.shared;
        let target = match self.hub.target(item.text().unwrap_or_default()) {
            Ok(target) => target,
            Err(e) => {
                let error = ItemError::new(ErrorKind::InvalidItem, e.to_string());
                return Reply::Done(Performed::failed(error, None));
            }
        };
        let mut trace = Trace::new(shared.clock.clone());
        let result = self.within_timeout(target, &mut trace).await;
        trace.enter(Phase::Between);
        let (status, retry_at) = (trace.detail.status, trace.retry_at_us);
        let detail = Some(Detail::boxed(super::NAME, trace.detail));
        let error = match result {
            Ok(extract) => return Reply::Done(Performed { extract, ..Performed::ok(detail) }),
            Err(Fault::Exhausted(error)) => return Reply::Exhausted(error),
            Err(fault) => fault.into_error(),
        };
        let advice = retry::of(error.kind, status, shared.spec.method, retry_at);
        Reply::Done(Performed { advice, ..Performed::failed(error, detail) })
    }

    async fn within_timeout(&self, target: Target, trace: &mut Trace) -> Result<Extracted, Fault> {
        let Some(timeout) = self.hub.shared.spec.timeout else {
            return self.follow(target, trace).await;
        };
        let began_us = self.hub.shared.clock.now_us();
        let deadline = Instant::now() + timeout;
        let timer = self.timers.borrow_mut().pop();
        let mut timer = timer.unwrap_or_else(|| Box::pin(tokio::time::sleep(timeout)));
        timer.as_mut().reset(deadline);
        let result = {
            // Pinned here, since an argument of its size would be stored twice.
            let followed = pin!(self.follow(target, trace));
            in_time(followed, timer.as_mut(), &*self.hub.shared.clock, began_us).await
        };
        self.timers.borrow_mut().push(timer);
        let phase = trace.phase();
        trace.enter(Phase::Between);
        let mut took_us = trace.since_us().saturating_sub(began_us);
        if u128::from(took_us) >= timeout.as_micros() {
            took_us = took_us.saturating_sub(self.hub.shared.clock.stopped_us_since(began_us));
        }
        let what = match result {
            // A result that comes late is none, whatever held the loop.
            Some(_) if u128::from(took_us) >= timeout.as_micros() => "it came later".to_owned(),
            Some(result) => return result,
            None => format!("still {phase}"),
        };
        let limit = seconds(timeout);
        Err(Fault::new(ErrorKind::Timeout, format!("no complete answer within {limit}: {what}")))
    }

    /// Makes the item's request, and those that its redirects ask for.
    async fn follow(&self, mut target: Target, trace: &mut Trace) -> Result<Extracted, Fault> {
        let shared = &self.hub.shared;
        let spec = &shared.spec;
        let mut foreign = false;
        loop {
            trace.detail.url = target.url();
            let cookie = self.cookies.as_ref().and_then(|jar| {
                let kept = jar.borrow_mut().header_for(&target, cookies::now_s())?;
                let given = shared.fields.given_cookie(foreign);
                // Cookies that the user gives go with every request.
                Some(match given {
                    Some(given) => [given.as_bytes(), &kept].join(&b"; "[..]),
                    None => kept,
                })
            });
            let fields = &shared.fields;
            let request = Request { method: spec.method, target: &target, fields, foreign, cookie };
            let (head, mut exchange, come) = self.hub.ask(&request, trace).await?;
            trace.detail.status = Some(head.status);
            trace.detail.version = Some(head.version);
            if let Some(jar) = &self.cookies {
                let set = head.cookies.iter().map(|cookie| &**cookie);
                jar.borrow_mut().take(set, &target, cookies::now_s());
            }
            if spec.max_redirects > 0
                && let Some(next) = redirect::next(&target, head.status, head.location.as_deref())?
            {
                let whole = exchange.skip(come);
                trace.enter(Phase::Between);
                if trace.detail.redirects == spec.max_redirects {
                    let message = format!("redirected more than {} times", spec.max_redirects);
                    return Err(Fault::new(ErrorKind::Redirect, message));
                }
                trace.detail.redirects += 1;
                if whole {
                    self.hub.keep(&target.origin, exchange, trace.since_us());
                } else {
                    self.hub.reclaim(&target.origin, exchange);
                }
                foreign |= redirect::is_foreign(&target.origin, &next.origin);
                target = next;
                continue;
            }
            trace.enter(Phase::Body);
            let accepted = spec.accept.contains(head.status);
            if !accepted {
                trace.retry_at_us = head
                    .retry_after
                    .as_deref()
                    .and_then(|value| retry::not_before_us(value, shared.clock.now_us()));
            }
            let read = if spec.method == Method::Head {
                // A body that comes all the same is noticed, since it would pass for the next answer.
                exchange.skip(come);
                Ok(Vec::new())
            } else {
                self.read(&mut exchange, &head, come, accepted, trace).await
            };
            trace.enter(Phase::Between);
            self.hub.keep(&target.origin, exchange, trace.since_us());
            return match read {
                _ if !accepted => Err(Fault::Failed(answer::status_error(head.status))),
                read => read.map_err(Fault::Failed),
            };
        }
    }

    /// Reads the body that follows `head`, measuring it; gives what was extracted.
    async fn read(
        &self,
        exchange: &mut Exchange,
        head: &answer::Head,
        come: Option<Piece<'_>>,
        accepted: bool,
        trace: &mut Trace,
    ) -> Result<Extracted, ItemError> {
        let spec = &self.hub.shared.spec;
        let keep = !spec.extract.is_empty() && accepted;
        let most = if keep { spec.max_body_size.min(LOOKED_INTO) } else { spec.max_body_size };
        let hasher = self.hashers.borrow_mut().pop();
        let mut hasher = hasher.unwrap_or_default();
        let mut decoder = Decoder::new(&head.codings, most, keep, &mut hasher);
        if decoder.is_identity() && exchange.left().is_some_and(|left| left > most) {
            return Err(decode::too_large(most));
        }
        let detail = &mut trace.detail;
        exchange.body(&self.hub.lent, come, &mut decoder, detail).await?;
        detail.blake3 = Some(decoder.hash());
        let kept = decoder.into_kept();
        self.hashers.borrow_mut().push(hasher);
        match kept {
            None => Ok(Vec::new()),
            Some(body) => extract::extract(&spec.extract, body).await,
        }
    }
}

impl AsyncSession for HttpSession {
    fn perform<'a>(&'a self, item: &'a Item) -> PerformFuture<'a> {
        Box::pin(self.perform_item(item))
    }
}
