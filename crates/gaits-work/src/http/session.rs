//! A session: it performs items from their text to their record, over the connections of one hub.
//!
//! Limit: never tries an item again, but with a new token.

mod robots;
mod token;

use super::answer::{self, Head};
use super::asked::{Asked, Own};
use super::cookies::{self, Jar};
use super::decode::{self, Decoder, Kept};
use super::exchange::Exchange;
use super::extract::{self, Answer};
use super::fault::Fault;
use super::fields::Fields;
use super::follow;
use super::hub::Hub;
use super::item;
use super::lent::Piece;
use super::method::Method;
use super::patience::Progress;
use super::pauses;
use super::query::{add_missing, add_query};
use super::redirect;
use super::request::Request;
use super::retry;
use super::shared::Shared;
use super::spec::{BodyUse, MOST_INLINE};
use super::target::Target;
use super::trace::{Led, Phase, Trace};
use super::words::seconds;
use crate::deadline::{in_time, within};
use base64::Engine as _;
use gaits_core::{
    Advice, AsyncSession, Detail, ErrorKind, Item, ItemError, PerformFuture, Performed, Reply,
    SessionScope, Value, root_and_steps,
};
use std::borrow::Cow;
use std::cell::RefCell;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use tokio::time::{Instant, Sleep, sleep_until};

/// The largest body that fields are extracted from: it is kept whole, and twice while it is put together.
const LOOKED_INTO: u64 = 32 * 1024 * 1024;

/// What the items of a session share.
pub(super) struct HttpSession {
    hub: Rc<Hub>,
    cookies: Option<RefCell<Jar>>,
    saves_cookies: bool,
    /// Timers that no item uses now: one costs more to make than to use again.
    timers: RefCell<Vec<Pin<Box<Sleep>>>>,
    /// Hashers that no body uses now. One has 2 kB, so a pointer to it is kept.
    #[expect(clippy::vec_box, reason = "2 kB would be moved twice for every body")]
    hashers: RefCell<Vec<Box<blake3::Hasher>>>,
}

type Extracted = Vec<(Box<str>, Value)>;

impl HttpSession {
    pub(super) fn new(shared: Arc<Shared>, scope: SessionScope) -> Self {
        let cookies = shared.spec.cookies.then(|| {
            // What is no file of cookies was refused with the settings.
            let file =
                shared.spec.cookie_file.as_ref().and_then(|file| cookies::file::read(file).ok());
            RefCell::new(file.map_or_else(Jar::default, |file| Jar::with(file, cookies::now_s())))
        });
        Self {
            hub: Rc::new(Hub::new(shared, scope)),
            // What an item's own session is told is for this item.
            saves_cookies: scope != SessionScope::None,
            cookies,
            timers: RefCell::default(),
            hashers: RefCell::default(),
        }
    }

    async fn perform_item(&self, item: &Item) -> Reply {
        let shared = &self.hub.shared;
        let spec = &shared.spec;
        let text = item.text().unwrap_or_default();
        // Boxed, since most items are a URL, and it would make the future of each of them larger.
        let is_own = item::is_description(text) || shared.fill.is_some();
        let own = if is_own || spec.idempotency_key.is_some() || spec.upload_file.is_some() {
            match Box::pin(self.own_of(text, item.index)).await {
                Ok(own) => Some(own),
                Err(Fault::Exhausted(error)) => return Reply::Exhausted(error),
                Err(fault) => return Reply::Done(Performed::failed(fault.into_error(), None)),
            }
        } else {
            None
        };
        let asked = Asked::of(shared, own.as_deref(), text);
        let is_page = root_and_steps(item.index).1 > 0;
        let url = if is_page {
            add_missing(asked.url, &spec.query)
        } else {
            add_query(asked.url, &spec.query)
        };
        let mut target = match self.hub.target(&url) {
            Ok(target) => target,
            Err(e) => {
                let error = ItemError::new(ErrorKind::InvalidItem, e.to_string());
                return Reply::Done(Performed::failed(error, None));
            }
        };
        shared.access.authorize(&mut target, asked.fields.has_authorization());
        if let Some(robots) = &shared.robots
            // Boxed, since few obey.
            && let Err(reply) = Box::pin(self.may_ask(robots, item, &target)).await
        {
            return reply;
        }
        let mut trace = Trace::new(shared.clock.clone());
        let result = match shared.access.tokens(&target, asked.fields.has_authorization()) {
            None => self.within_timeout(item, &asked, target, &mut trace).await,
            // Boxed, since few have a token that may change.
            Some(tokens) => {
                Box::pin(self.with_token(tokens, item, &asked, target, &mut trace)).await
            }
        };
        trace.enter(Phase::Between);
        let (advised, refused_by_proxy) = (trace.advice.take(), trace.refused_by_proxy);
        let (may_be_done, is_sent) = (asked.may_be_done(&trace), trace.is_sent);
        let may_come_again = asked.repeatable || matches!(result, Err(Fault::Unprocessed(_)));
        let detail = Some(Detail::boxed(super::NAME, trace.detail));
        let error = match result {
            Ok(extract) => return Reply::Done(Performed { extract, ..Performed::ok(detail) }),
            Err(Fault::Exhausted(error)) if !may_be_done => return Reply::Exhausted(error),
            Err(fault @ Fault::Unprocessed(_)) => fault.into_error(),
            Err(fault) => unsure(fault.into_error(), &asked, is_sent),
        };
        let advice = match advised {
            _ if refused_by_proxy || may_be_done => Advice::Final,
            Some(advice) if matches!(error.kind, ErrorKind::HttpStatus | ErrorKind::Robots) => {
                advice
            }
            // Without a token, all others would fail, too.
            _ if error.kind == ErrorKind::Command => Advice::Stop,
            _ => retry::after_failure(error.kind, may_come_again),
        };
        Reply::Done(Performed { advice, ..Performed::failed(error, detail) })
    }

    /// What an item asks for itself. A disk that does not answer holds it up no longer than a server may.
    async fn own_of(&self, text: &str, index: u64) -> Result<Box<Own>, Fault> {
        let shared = &self.hub.shared;
        let found = async {
            match Own::of(text, index, shared).await {
                // Where no descriptor is left for a file, idle connections give theirs up.
                Err(Fault::Exhausted(_)) if self.hub.close_idle() => {
                    Own::of(text, index, shared).await
                }
                own => own,
            }
        };
        let found = match shared.spec.timeout {
            None => found.await,
            Some(limit) => within(pin!(found), limit, &*shared.clock).await.unwrap_or_else(|| {
                let limit = seconds(limit);
                let message = format!("the file to send could not be read within {limit}");
                Err(Fault::new(ErrorKind::Timeout, message))
            }),
        };
        found.map(Box::new)
    }

    async fn within_timeout(
        &self,
        item: &Item,
        asked: &Asked<'_>,
        target: Target,
        trace: &mut Trace,
    ) -> Result<Extracted, Fault> {
        let began_us = self.hub.shared.clock.now_us();
        trace.began_us.get_or_insert(began_us);
        let Some(timeout) = self.hub.shared.spec.timeout else {
            return self.follow(item, asked, target, trace).await;
        };
        let deadline = Instant::now() + timeout;
        let timer = self.timers.borrow_mut().pop();
        let mut timer = timer.unwrap_or_else(|| Box::pin(sleep_until(deadline)));
        if timer.deadline() > deadline {
            timer.as_mut().reset(deadline);
        }
        let result = {
            // Pinned here, since an argument of its size would be stored twice.
            let followed = pin!(self.follow(item, asked, target, trace));
            in_time(followed, timer.as_mut(), deadline, &*self.hub.shared.clock, began_us).await
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
    async fn follow(
        &self,
        item: &Item,
        asked: &Asked<'_>,
        mut target: Target,
        trace: &mut Trace,
    ) -> Result<Extracted, Fault> {
        let shared = &self.hub.shared;
        let spec = &shared.spec;
        let (mut foreign, mut sets_cookies) = (false, false);
        let (mut method, mut body) = (Cow::Borrowed(asked.method), asked.body);
        let mut without_content: Option<Box<Fields>> = None;
        loop {
            trace.detail.url = target.url();
            let cookie = self.cookie_for(&target, asked, foreign);
            let keyed = shared.access.keyed(&target, foreign);
            let request = Request {
                method: &method,
                target: keyed.as_ref().unwrap_or(&target),
                fields: without_content.as_deref().unwrap_or(asked.fields),
                common: asked.common && without_content.is_none(),
                body,
                repeatable: asked.repeatable,
                foreign,
                cookie,
            };
            let (mut head, mut exchange, come) = self.hub.ask(&request, trace).await?;
            trace.detail.status = Some(head.status);
            trace.detail.version = Some(head.version);
            sets_cookies |= self.cookies.is_none() && !head.cookies.is_empty();
            if let Some(jar) = &self.cookies {
                let set = head.cookies.iter().map(|cookie| &**cookie);
                jar.borrow_mut().take(set, &target, cookies::now_s());
            }
            if spec.max_redirects > 0
                && let Some(mut next) =
                    redirect::next(&target, head.status, head.location.as_deref())?
            {
                let whole = exchange.skip(come);
                trace.enter(Phase::Between);
                if trace.detail.redirects == spec.max_redirects {
                    let message = redirect::too_many(spec.max_redirects, sets_cookies);
                    return Err(Fault::new(ErrorKind::Redirect, message));
                }
                trace.detail.redirects += 1;
                self.put_back(&target, exchange, whole, trace);
                foreign = shared.access.authorize_next(&mut next, &target.origin, foreign);
                if !redirect::is_same_site(&target.origin, &next.origin) {
                    trace.led = Led::ToAnotherSite;
                } else if foreign {
                    trace.led = trace.led.max(Led::Abroad);
                }
                let then = method.after_redirect(head.status);
                if foreign && then == *method && body.is_some_and(|body| body.len() > 0) {
                    // The same without it would be another request, which may even succeed.
                    return Err(redirect::not_sent(head.status, &next.origin));
                }
                if foreign || then != *method {
                    // It was meant for this server, and for this method.
                    body = None;
                }
                if then != *method {
                    without_content = asked.fields.without_content().map(Box::new);
                }
                if let Some(robots) = &shared.robots {
                    Box::pin(self.may_follow(robots, &next, trace)).await?;
                }
                (method, target) = (Cow::Owned(then), next);
                continue;
            }
            trace.enter(Phase::Body);
            let accepted = spec.accept.contains(head.status);
            if !accepted && self.advise(&head, asked, &target, trace) {
                // It concerns all other items, so it must not wait for a body, which nobody keeps.
                let ends = trace.advice == Some(Advice::Stop);
                let mut error = answer::StatusError::new(&head, ends);
                let whole = exchange.skip_seeing(come, |data| error.see(data));
                trace.enter(Phase::Between);
                self.put_back(&target, exchange, whole, trace);
                return Err(Fault::Failed(error.into_error()));
            }
            let read = if *method == Method::HEAD {
                // A body that comes all the same is noticed, since it would pass for the next answer.
                exchange.skip(come);
                Ok(None)
            } else {
                self.read(item, &mut exchange, &head, come, trace).await
            };
            trace.enter(Phase::Between);
            self.hub.keep(&target.origin, exchange, trace.since_us());
            let body = match read {
                // It is not the answer that is wrong.
                Err(error) if trace.detail.body_error.is_some() => {
                    return Err(Fault::Failed(error));
                }
                _ if !accepted => return Err(Fault::Failed(answer::status_error(head.status))),
                read => read.map_err(Fault::Failed)?,
            };
            if shared.extracts.is_empty() {
                return Ok(Vec::new());
            }
            let answer = Answer { headers: std::mem::take(&mut head.asked), body };
            let taken = shared.extracts.take(answer).await.map_err(Fault::Failed)?;
            if let (Some(named), Some(next)) = (taken.next, &spec.next) {
                let url = follow::url(next, named, asked.url, &target, shared);
                trace.detail.next = Some(url.map_err(Fault::Failed)?);
            }
            return Ok(taken.fields);
        }
    }

    /// Notes what is advised after an answer of `target` whose status is not accepted; tells whether it concerns other items as
    /// well.
    fn advise(&self, head: &Head, asked: &Asked<'_>, target: &Target, trace: &mut Trace) -> bool {
        let shared = &self.hub.shared;
        let now_us = trace.since_us();
        let mut advice = retry::after_answer(head, &shared.spec, asked.repeatable, now_us);
        if let Advice::Pause { until_us, of } = &mut advice {
            shared.pauses.note(&target.origin, now_us, *until_us);
            *of = pauses::of_another_site(target, trace);
        }
        let is_of_all = matches!(advice, Advice::Pause { .. } | Advice::Stop);
        trace.advice = Some(advice);
        is_of_all
    }

    /// The `cookie` field of a request to `target`.
    fn cookie_for(&self, target: &Target, asked: &Asked<'_>, foreign: bool) -> Option<Vec<u8>> {
        let kept = self.cookies.as_ref()?.borrow_mut().header_for(target, cookies::now_s())?;
        // Cookies that the user gives go with every request.
        Some(match asked.fields.given_cookie(foreign) {
            Some(given) => [given.as_bytes(), &kept].join(&b"; "[..]),
            None => kept,
        })
    }

    /// Keeps the connection of a response whose body nobody wants, at once if the body has come as a `whole`.
    fn put_back(&self, target: &Target, exchange: Exchange, whole: bool, trace: &Trace) {
        if whole {
            self.hub.keep(&target.origin, exchange, trace.since_us());
        } else {
            self.hub.reclaim(&target.origin, exchange);
        }
    }

    /// Reads the body that follows `head`, measuring it, and puts it where it belongs; gives it if it is to be looked into.
    async fn read(
        &self,
        item: &Item,
        exchange: &mut Exchange,
        head: &answer::Head,
        come: Option<Piece<'_>>,
        trace: &mut Trace,
    ) -> Result<Option<Arc<Kept>>, ItemError> {
        let shared = &self.hub.shared;
        let spec = &shared.spec;
        let accepted = spec.accept.contains(head.status);
        let looks_into = accepted && shared.extracts.needs_body();
        let keep = looks_into || spec.body != BodyUse::Hash;
        let mut most = spec.max_body_size;
        let mut too_large: fn(u64) -> ItemError = decode::too_large;
        if looks_into && most > LOOKED_INTO {
            (most, too_large) = (LOOKED_INTO, too_large_to_look_into);
        }
        if spec.body.is_inline() && most > MOST_INLINE {
            (most, too_large) = (MOST_INLINE, too_large_for_record);
        }
        let mut file = shared.bodies.as_ref().map(|writer| writer.file(item));
        let hasher = self.hashers.borrow_mut().pop();
        let mut hasher = hasher.unwrap_or_default();
        let mut decoder = Decoder::new(&head.codings, most, keep, &mut hasher, &shared.windows);
        if decoder.is_identity() && exchange.left().is_some_and(|left| left > most) {
            return Err(too_large(most));
        }
        let detail = &mut *trace.detail;
        // What is looked into is kept whole, and written in one piece.
        let as_it_comes = if looks_into { None } else { file.as_mut() };
        let progress = Progress::default();
        let lent = &self.hub.lent;
        let read = {
            let read = exchange.body(lent, come, &mut decoder, detail, as_it_comes, &progress);
            spec.patience.body(pin!(read), &progress, &*shared.clock).await
        };
        if let Err(error) = read {
            detail.body_error = file.and_then(|mut file| file.failed());
            let is_too_large = error.kind == ErrorKind::TooLarge;
            return Err(if is_too_large { too_large(most) } else { error });
        }
        detail.blake3 = Some(decoder.hash());
        let kept = decoder.into_kept();
        self.hashers.borrow_mut().push(hasher);
        let Some(body) = kept.map(Arc::new) else { return Ok(None) };
        if let Some(file) = &mut file {
            match file.finish(body.clone()).await {
                Ok(name) => detail.body_file = Some(name.into()),
                Err(error) => {
                    detail.body_error = file.failed();
                    return Err(error);
                }
            }
        }
        let inline = match spec.body {
            BodyUse::Hash | BodyUse::Files(_) => Ok(None),
            BodyUse::Inline => Ok(Some(as_value(&body))),
            // Boxed, since it would make the future of every item larger.
            BodyUse::Json => {
                let answer = Answer { headers: head.asked.clone(), body: Some(body.clone()) };
                Box::pin(extract::whole(answer, shared.clock.clone())).await.map(Some)
            }
        };
        match inline {
            Ok(value) => detail.body = value,
            Err(error) => {
                // So that its user sees what came in its place.
                detail.body = Some(as_value(&body));
                return Err(error);
            }
        }
        Ok(looks_into.then_some(body))
    }
}

/// The failure of a request that was sent, where it may not be sent twice: without a whole answer nobody knows what it has done.
fn unsure(mut error: ItemError, asked: &Asked<'_>, is_sent: bool) -> ItemError {
    if is_sent && !asked.repeatable && error.kind.leaves_it_open() {
        error.message = format!("{}; it {}", error.message, ItemError::MAY_HAVE_BEEN_PROCESSED);
    }
    error
}

/// Cookies go back to their file when the session ends.
impl Drop for HttpSession {
    fn drop(&mut self) {
        let shared = &self.hub.shared;
        if let (Some(jar), Some(file)) = (&self.cookies, &shared.spec.cookie_file)
            && self.saves_cookies
            && let Err(message) = cookies::file::save(&file.path, &jar.borrow(), cookies::now_s())
        {
            (shared.tell)(message);
        }
    }
}

/// A body as a record has it: a text, or bytes as records have them elsewhere.
fn as_value(body: &Kept) -> Value {
    let bytes = body.join();
    if let Ok(text) = std::str::from_utf8(&bytes) {
        return Value::String(text.into());
    }
    let base64 = base64::engine::general_purpose::STANDARD.encode(&bytes);
    Value::Object(vec![("base64".into(), Value::String(base64.into()))])
}

/// The body is larger than what is looked into.
fn too_large_to_look_into(most: u64) -> ItemError {
    let message = format!(
        "the decoded body is larger than the {most} bytes that --extract, --each and --next look into"
    );
    ItemError::new(ErrorKind::TooLarge, message)
}

/// The body is larger than a record has room for.
fn too_large_for_record(most: u64) -> ItemError {
    let message = format!(
        "the decoded body is larger than the {most} bytes that --body puts into a record; --bodies DIR takes it"
    );
    ItemError::new(ErrorKind::TooLarge, message)
}

impl AsyncSession for HttpSession {
    fn perform<'a>(&'a self, item: &'a Item) -> PerformFuture<'a> {
        // So it is built in its box, where it is optimised. With `Box::pin` it was built on the stack, and its 2 kB were copied.
        let place = Box::new_uninit();
        let performed = Box::write(place, self.perform_item(item));
        Box::into_pin(performed)
    }
}
