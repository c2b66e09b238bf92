//! Items that obey robots.txt: it is read over the connections of their session, with the start of the item that reads it. It leaves
//! no record.
//!
//! Limit: what it says is for `robots` to judge.

use super::super::answer::status_error;
use super::super::decode::Decoder;
use super::super::exchange::Exchange;
use super::super::fault::Fault;
use super::super::method::Method;
use super::super::patience::Progress;
use super::super::redirect;
use super::super::request::Request;
use super::super::retry;
use super::super::robots::{self, Answered, MOST_READ, MOST_REDIRECTS, Robots, Rules, Unreadable};
use super::super::shared::Shared;
use super::super::target::{Origin, Target};
use super::super::trace::{Phase, Trace};
use super::super::words::seconds;
use super::super::{answer, lent::Piece};
use super::HttpSession;
use crate::deadline::within;
use gaits_core::{Advice, ErrorKind, Item, ItemError, Performed, Reply};
use std::pin::pin;

impl HttpSession {
    /// Whether `item` may ask for `target` now. Not if it has read the robots.txt, or has waited for that: the first has used
    /// its start for another request, and the others would all be sent at once. So that the limits hold, each is put back.
    ///
    /// # Errors
    /// It may not; holds what it is answered with.
    pub(super) async fn may_ask(
        &self,
        robots: &Robots,
        item: &Item,
        target: &Target,
    ) -> Result<(), Reply> {
        let failed =
            |error, advice| Reply::Done(Performed { advice, ..Performed::failed(error, None) });
        let (rules, was_known) =
            self.rules(robots, target, false).await.map_err(|why| match why {
                Unreadable::Failed(error, advice) => failed(error, advice),
                Unreadable::Exhausted(error) => Reply::Exhausted(error),
            })?;
        let allowed = rules.allow(target).await;
        allowed.map_err(|error| failed(error, Advice::Final))?;
        if rules.apart_us() > item.apart_us {
            let (error, advice) = rules.wait(&target.origin);
            return Err(failed(error, advice));
        }
        // One that has come back is not put back a second time, should the rules be forgotten again meanwhile.
        if !was_known && item.put_back_by != std::process::id() {
            let message = format!("its turn has passed with {}", robots::of(&target.origin));
            return Err(failed(ItemError::new(ErrorKind::Robots, message), Advice::Again));
        }
        Ok(())
    }

    /// Whether an item may go on to `next`, where a redirect leads. Its robots.txt is asked for with secrets only where `next` would
    /// get them too. A delay that the other host asks for is not kept: it is not the one that the item waits for.
    pub(super) async fn may_follow(
        &self,
        robots: &Robots,
        next: &Target,
        trace: &mut Trace,
    ) -> Result<(), Fault> {
        let (rules, _) =
            self.rules(robots, next, trace.is_abroad()).await.map_err(|why| match why {
                Unreadable::Failed(error, advice) => {
                    // It is another host that wants to be left alone.
                    let is_pause = matches!(advice, Advice::Pause { .. });
                    trace.advice = Some(if is_pause { Advice::Retry } else { advice });
                    Fault::Failed(error)
                }
                Unreadable::Exhausted(error) => Fault::Exhausted(error),
            })?;
        rules.allow(next).await.map_err(|error| {
            trace.advice = Some(Advice::Final);
            Fault::Failed(error)
        })
    }

    /// The rules of `target`'s host, and whether they were known already. A `foreign` host is sent no secrets.
    async fn rules(
        &self,
        robots: &Robots,
        target: &Target,
        foreign: bool,
    ) -> Result<(Rules, bool), Unreadable> {
        let clock = &*self.hub.shared.clock;
        robots.rules(&target.origin, foreign, clock, self.read_robots(target, foreign)).await
    }

    /// Reads the robots.txt of `target`'s host.
    async fn read_robots(&self, target: &Target, foreign: bool) -> Result<Answered, Unreadable> {
        let shared = &self.hub.shared;
        let mut trace = Trace::new(shared.clock.clone());
        let answered = {
            let asking = pin!(self.ask_for_robots(target, foreign, &mut trace));
            match shared.spec.timeout {
                None => asking.await,
                Some(limit) => {
                    let answered = within(asking, limit, &*shared.clock).await;
                    answered.unwrap_or_else(|| {
                        let message = format!("no complete answer within {}", seconds(limit));
                        Err(Fault::new(ErrorKind::Timeout, message))
                    })
                }
            }
        };
        answered.map_err(|fault| {
            let url = robots::of(&target.origin);
            let explained = |error: ItemError| {
                let why = error.message;
                ItemError::new(
                    error.kind,
                    format!("can't read {url}, so nothing there may be asked for: {why}"),
                )
            };
            match fault {
                Fault::Exhausted(error) => Unreadable::Exhausted(error),
                fault => {
                    let error = fault.into_error();
                    let advice = match trace.advice {
                        _ if trace.refused_by_proxy => Advice::Final,
                        Some(advice) => advice,
                        None => retry::after_failure(error.kind, true),
                    };
                    Unreadable::Failed(explained(error), advice)
                }
            }
        })
    }

    async fn ask_for_robots(
        &self,
        target: &Target,
        mut foreign: bool,
        trace: &mut Trace,
    ) -> Result<Answered, Fault> {
        let shared = &self.hub.shared;
        let mut target = Target { path: robots::PATH.into(), ..target.clone() };
        let mut redirects = 0;
        loop {
            let keyed = shared.access.keyed(&target, foreign);
            let request = Request {
                method: &Method::GET,
                target: keyed.as_ref().unwrap_or(&target),
                fields: &shared.fields,
                common: true,
                body: None,
                repeatable: true,
                foreign,
                cookie: None,
            };
            let (head, mut exchange, come) = self.hub.ask(&request, trace).await?;
            if let 200..=299 = head.status {
                return self.take_robots(&target.origin, exchange, &head, come, trace).await;
            }
            let next = redirect::next(&target, head.status, head.location.as_deref());
            let whole = exchange.skip(come);
            trace.enter(Phase::Between);
            self.put_back(&target, exchange, whole, trace);
            if let Some(mut next) = next? {
                if redirects == MOST_REDIRECTS {
                    return Ok(Answered::Nothing);
                }
                redirects += 1;
                foreign = shared.access.authorize_next(&mut next, &target.origin, foreign);
                target = next;
                continue;
            }
            if head.status == 429 || head.status >= 500 {
                let now_us = shared.clock.now_us();
                trace.advice = Some(retry::after_answer(&head, &shared.spec, true, now_us));
                return Err(Fault::new(ErrorKind::Robots, status_error(head.status).message));
            }
            return Ok(Answered::Nothing);
        }
    }

    /// Reads the text that follows `head`; of a long one the beginning.
    async fn take_robots(
        &self,
        origin: &std::rc::Rc<Origin>,
        mut exchange: Exchange,
        head: &answer::Head,
        come: Option<Piece<'_>>,
        trace: &mut Trace,
    ) -> Result<Answered, Fault> {
        let Shared { spec, clock, windows, .. } = &*self.hub.shared;
        trace.enter(Phase::Body);
        let mut hasher = blake3::Hasher::new();
        let mut decoder = Decoder::new(&head.codings, MOST_READ, true, &mut hasher, windows);
        let progress = Progress::default();
        let read = {
            let (lent, detail) = (&self.hub.lent, &mut *trace.detail);
            let read = exchange.body(lent, come, &mut decoder, detail, None, &progress);
            spec.patience.body(pin!(read), &progress, &**clock).await
        };
        trace.enter(Phase::Between);
        match read {
            Ok(()) => self.hub.keep(origin, exchange, trace.since_us()),
            Err(error) if error.kind == ErrorKind::TooLarge => {}
            Err(error) => return Err(Fault::Failed(error)),
        }
        Ok(Answered::Text(decoder.take_kept().join().into_owned()))
    }
}
