//! Which servers want to be left alone, as this process has heard: nothing is sent to them for an item that was begun before.
//!
//! An item may be begun, and wait for a connection or for another server's redirect, when a server asks for a pause. The run
//! takes back what was not begun, and begins nothing new; this is for those between.
//!
//! Limit: decides nothing about items that were begun later. These the run has let go.

use super::fault::Fault;
use super::request::Request;
use super::target::{Origin, Target, is_public};
use super::trace::{Led, Trace};
use gaits_core::{Advice, Clock, ErrorKind, Paced};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// How long a server is left alone that names no time, in microseconds. How long it is really left alone is for the run to decide.
const UNNAMED_US: u64 = 1_000_000;

/// When so many are remembered, those are forgotten whose time has passed.
const MANY: usize = 4_096;

/// Servers that have asked for a pause.
#[derive(Debug)]
pub(super) struct Pauses {
    /// Whether the run heeds them at all.
    heeded: bool,
    /// No pause was asked for or lasts after this time. So most requests need no look at the servers.
    latest_us: AtomicU64,
    servers: Mutex<HashMap<Box<str>, Pause>>,
}

/// What a server has asked for last. All times are in microseconds since the run began.
#[derive(Debug, Clone, Copy)]
struct Pause {
    asked_us: u64,
    until_us: u64,
}

impl Pauses {
    pub(super) fn new(heeded: bool) -> Self {
        Self { heeded, latest_us: AtomicU64::new(0), servers: Mutex::default() }
    }

    /// `server` has asked at `now_us` to be left alone until a time, if it has named one.
    pub(super) fn note(&self, server: &Origin, now_us: u64, until_us: Option<u64>) {
        if !self.heeded {
            return;
        }
        let until_us = until_us.unwrap_or(now_us.saturating_add(UNNAMED_US));
        let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        if servers.len() >= MANY {
            servers.retain(|_, pause| pause.until_us > now_us);
        }
        let pause = Pause { asked_us: now_us, until_us };
        let known = servers.entry(server.prefix().into()).or_insert(pause);
        known.asked_us = known.asked_us.max(now_us);
        known.until_us = known.until_us.max(until_us);
        self.latest_us.fetch_max(until_us.max(now_us), Ordering::Release);
    }

    /// Why `request` is not to be sent now, since its server wants to be left alone. Its item is then to wait for that.
    pub(super) fn hold_back(
        &self,
        request: &Request<'_>,
        trace: &mut Trace,
        clock: &dyn Clock,
    ) -> Option<Fault> {
        let began_us = trace.began_us?;
        // What has done something that must not be done twice goes on to its end.
        let must_go_on = trace.detail.redirects > 0 && !request.repeatable;
        let leads = is_led_there(trace).then(|| clock.now_us());
        let server = &request.target.origin;
        if must_go_on || !self.forbid(server, began_us, leads) {
            return None;
        }
        let of = of_another_site(request.target, trace);
        trace.advice = Some(Advice::Pause { until_us: None, of });
        let message = format!("not sent, since {server} wants to be left alone");
        Some(Fault::new(ErrorKind::HttpStatus, message))
    }

    /// Whether nothing may be sent to `server` now, for an item that was begun at `began_us`. If the run does not know that the
    /// item `leads` there, the item may have been begun in the middle of a pause.
    fn forbid(&self, server: &Origin, began_us: u64, leads: Option<u64>) -> bool {
        if self.latest_us.load(Ordering::Acquire) < began_us {
            return false;
        }
        let servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        servers.get(server.prefix()).is_some_and(|pause| {
            began_us < pause.asked_us || leads.is_some_and(|now_us| now_us < pause.until_us)
        })
    }
}

/// Whether the run does not know the item as one of the server that it has come to.
fn is_led_there(trace: &Trace) -> bool {
    trace.led == Led::ToAnotherSite
}

/// Whom an item is paced with that has come to `target`, where that is another site than its own.
pub(super) fn of_another_site(target: &Target, trace: &Trace) -> Option<Box<Paced>> {
    is_led_there(trace).then(|| {
        let key = target.origin.prefix();
        Box::new(Paced { key: key.into(), public: is_public(key) })
    })
}

#[cfg(test)]
mod tests {
    use super::super::target::Target;
    use super::*;

    #[test]
    fn what_was_begun_before_is_not_sent_and_what_is_led_there_waits_for_the_end() {
        let [a, b] = ["http://a.test/", "http://b.test/"]
            .map(|url| Target::parse(url, None).unwrap().origin);
        let pauses = Pauses::new(true);
        assert!(!pauses.forbid(&a, 0, None));
        pauses.note(&a, 100, Some(500));
        for (server, began_us, leads, forbidden) in [
            (&a, 99, None, true),
            // The run has let it go, and knows better.
            (&a, 100, None, false),
            (&a, 100, Some(499), true),
            (&a, 100, Some(500), false),
            (&b, 99, Some(100), false),
        ] {
            assert_eq!(pauses.forbid(server, began_us, leads), forbidden, "{server} {began_us}");
        }
        pauses.note(&b, 200, None);
        assert!(pauses.forbid(&b, 300, Some(200 + UNNAMED_US - 1)));
        assert!(!pauses.forbid(&b, 300, Some(200 + UNNAMED_US)));
    }

    #[test]
    fn where_pauses_are_not_heeded_all_is_sent() {
        let server = Target::parse("http://a.test/", None).unwrap().origin;
        let pauses = Pauses::new(false);
        pauses.note(&server, 100, Some(500));
        assert!(!pauses.forbid(&server, 0, Some(100)));
    }

    #[test]
    fn those_whose_time_has_passed_are_forgotten() {
        let pauses = Pauses::new(true);
        for number in 0..3 * MANY as u64 {
            let server = Target::parse(&format!("http://h{number}.test/"), None).unwrap().origin;
            pauses.note(&server, number, Some(number + 10));
        }
        let known = pauses.servers.lock().unwrap().len();
        assert!(known <= MANY, "{known}");
    }
}
