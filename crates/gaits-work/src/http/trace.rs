//! What is known of a request so far: the phase it is in, and what its record will say.
//!
//! Limit: measures; decides nothing.

use super::detail::HttpDetail;
use gaits_core::{Advice, Clock};
use std::fmt;
use std::sync::Arc;

/// What a request is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing that is measured.
    Between,
    /// The host's name waits until it can be asked for; part of resolving it.
    DnsQueue,
    Dns,
    Connect,
    /// A proxy connects to the origin; part of connecting.
    Proxy,
    Tls,
    FirstByte,
    Body,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Phase::Between => "preparing the request",
            Phase::DnsQueue => "waiting to resolve the host name (no name server was asked yet)",
            Phase::Dns => "resolving the host name",
            Phase::Connect => "connecting",
            Phase::Proxy => "waiting for the proxy to connect",
            Phase::Tls => "in the TLS handshake",
            Phase::FirstByte => "waiting for the response's head",
            Phase::Body => "reading the body",
        })
    }
}

/// How far redirects have led from the item's own origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Led {
    /// They have not.
    Nowhere,
    /// To another origin, which gets no secrets that are meant for the first.
    Abroad,
    /// To another site, so that what it wants does not concern the item's own.
    ToAnotherSite,
}

/// What is known of one item's requests so far. It outlives their future, so that an item that was given up
/// still tells how far it came.
pub(super) struct Trace {
    pub(super) detail: Box<HttpDetail>,
    clock: Arc<dyn Clock>,
    phase: Phase,
    since_us: u64,
    /// What the last answer advises, where its status is not accepted.
    pub(super) advice: Option<Advice>,
    /// Whether a proxy has refused the request in a way that another try would meet again.
    pub(super) refused_by_proxy: bool,
    /// Whether a request was sent, or began to be.
    pub(super) is_sent: bool,
    /// How far redirects have led.
    pub(super) led: Led,
    /// When the item was begun, on the clock of the run; none of what is asked for beside the items.
    pub(super) began_us: Option<u64>,
}

impl Trace {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        let (phase, since_us) = (Phase::Between, 0);
        Self {
            detail: Box::default(),
            clock,
            phase,
            since_us,
            advice: None,
            refused_by_proxy: false,
            is_sent: false,
            led: Led::Nowhere,
            began_us: None,
        }
    }

    /// Ends the present phase, adding its time to the record, and begins `next`.
    pub(super) fn enter(&mut self, next: Phase) {
        if self.phase != next {
            self.enter_at(next, self.clock.now_us());
        }
    }

    /// The same, where the time is known.
    pub(super) fn enter_at(&mut self, next: Phase, now_us: u64) {
        let spent_us = now_us.saturating_sub(self.since_us);
        let detail = &mut *self.detail;
        match self.phase {
            Phase::Between => {}
            Phase::DnsQueue | Phase::Dns => detail.dns_us += spent_us,
            Phase::Connect | Phase::Proxy => detail.connect_us += spent_us,
            Phase::Tls => detail.tls_us += spent_us,
            Phase::FirstByte => detail.first_byte_us += spent_us,
            Phase::Body => detail.body_us += spent_us,
        }
        self.is_sent |= next == Phase::FirstByte;
        self.phase = next;
        self.since_us = now_us;
    }

    /// When the present phase began, on the clock of the run.
    pub(super) const fn since_us(&self) -> u64 {
        self.since_us
    }

    /// Whether a redirect has led away from the item's origin.
    pub(super) const fn is_abroad(&self) -> bool {
        !matches!(self.led, Led::Nowhere)
    }

    pub(super) const fn phase(&self) -> Phase {
        self.phase
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gaits_core::ManualClock;

    #[test]
    fn phases_add_up_and_gaps_count_for_none() {
        let clock = Arc::new(ManualClock::default());
        let mut trace = Trace::new(clock.clone());
        clock.advance_us(5);
        for (phase, us) in [
            (Phase::DnsQueue, 4),
            (Phase::Dns, 1),
            (Phase::Connect, 2),
            (Phase::FirstByte, 3),
            (Phase::Between, 9),
            (Phase::FirstByte, 4),
            (Phase::Body, 7),
        ] {
            trace.enter(phase);
            clock.advance_us(us);
        }
        trace.enter(Phase::Between);
        let d = trace.detail;
        assert_eq!((d.dns_us, d.connect_us, d.tls_us, d.first_byte_us, d.body_us), (5, 2, 0, 7, 7));
    }
}
