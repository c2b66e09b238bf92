//! How long a server may be silent or slow: until its name is resolved, in the TLS handshake, until its answer begins, and in the
//! middle of a body.
//!
//! What counts in a body is its data: the framing around it, such as chunks that hold nothing, moves nothing. Time in which gaits
//! itself holds a body up, say because a disk is slow, counts for nobody, nor does time in which the process was stopped.
//! Limit: knows neither the time-out of the whole item nor that of connecting.

use super::target::Origin;
use super::words::seconds;
use crate::deadline::within;
use gaits_core::{Clock, ErrorKind, ItemError};
use serde::{Deserialize, Serialize};
use std::cell::Cell;
use std::collections::VecDeque;
use std::pin::{Pin, pin};
use std::time::Duration;

/// Into how many steps a time is divided at whose ends it is looked. A silence is noticed when it has lasted as long as it may,
/// and a step at most.
const STEPS: u32 = 4;

/// How long a server may be silent or slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Patience {
    /// How long a name server may take to tell a host's addresses, once it is asked.
    pub dns: Option<Duration>,
    /// How long a TLS handshake may take.
    pub tls: Option<Duration>,
    /// How long the head of the answer may take to come, once the request is sent. Interim answers (1xx) are none.
    pub first_byte: Option<Duration>,
    /// For how long no data of a body may come.
    pub stall: Option<Duration>,
    /// How fast a body must come.
    pub least_rate: Option<LeastRate>,
}

/// How fast a body must come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeastRate {
    /// Bytes a second, as they come over the wire.
    pub bytes_per_s: u64,
    /// The time over which they are averaged. A body that is whole before is never too slow.
    pub over: Duration,
}

/// How a body comes along.
#[derive(Debug, Default)]
pub(super) struct Progress {
    bytes: Cell<u64>,
    /// Whether it is not the server that is waited for.
    held: Cell<bool>,
    /// Whether that has been so since it was last asked.
    was_held: Cell<bool>,
}

impl Progress {
    /// So many bytes of data have come.
    pub(super) fn add(&self, bytes: usize) {
        self.bytes.set(self.bytes.get() + bytes as u64);
    }

    /// Whether something else is waited for than the server, from now on.
    pub(super) fn hold(&self, held: bool) {
        self.held.set(held);
        self.was_held.set(true);
    }

    fn take_held(&self) -> bool {
        self.was_held.replace(self.held.get()) || self.held.get()
    }
}

impl Patience {
    /// Waits for the addresses of `host`.
    pub(super) async fn dns<T>(
        &self,
        addresses: impl Future<Output = T>,
        host: &str,
        clock: &dyn Clock,
    ) -> Result<T, ItemError> {
        let Some(limit) = self.dns else { return Ok(addresses.await) };
        // Boxed, since few have such a limit.
        Box::pin(async { within(pin!(addresses), limit, clock).await }).await.ok_or_else(|| {
            let limit = seconds(limit);
            let message = format!("could not resolve host {host}: no answer within {limit}");
            ItemError::new(ErrorKind::Dns, message)
        })
    }

    /// Waits for the TLS handshake with `server`.
    pub(super) async fn tls<T>(
        &self,
        handshake: impl Future<Output = T>,
        server: &Origin,
        clock: &dyn Clock,
    ) -> Result<T, ItemError> {
        let Some(limit) = self.tls else { return Ok(handshake.await) };
        within(pin!(handshake), limit, clock).await.ok_or_else(|| {
            let (server, limit) = (&server.authority, seconds(limit));
            let message = format!("the TLS handshake with {server} took longer than {limit}");
            ItemError::new(ErrorKind::ConnectTimeout, message)
        })
    }

    /// Waits for an answer to begin. `is_sent` tells whether the request has been sent as a whole: the time runs from then on.
    pub(super) async fn first_byte<T>(
        &self,
        mut answer: Pin<&mut impl Future<Output = T>>,
        is_sent: impl Fn() -> bool,
        clock: &dyn Clock,
    ) -> Result<T, ItemError> {
        let Some(limit) = self.first_byte else { return Ok(answer.await) };
        let mut sent = is_sent();
        loop {
            // Boxed, since few have such a limit.
            if let Some(answer) = Box::pin(within(answer.as_mut(), limit, clock)).await {
                return Ok(answer);
            }
            if sent {
                let limit = seconds(limit);
                let message = format!("the answer has not begun within {limit} of the request");
                return Err(ItemError::new(ErrorKind::Timeout, message));
            }
            sent = is_sent();
        }
    }

    /// Waits for the body whose `progress` this is.
    pub(super) async fn body<T>(
        &self,
        body: Pin<&mut impl Future<Output = Result<T, ItemError>>>,
        progress: &Progress,
        clock: &dyn Clock,
    ) -> Result<T, ItemError> {
        if self.stall.is_none() && self.least_rate.is_none() {
            return body.await;
        }
        // Boxed, since few have such a limit.
        let mut body = Box::pin(self.unless_slow(body, progress, clock));
        Box::pin(self.unless_silent(body.as_mut(), progress, clock)).await
    }

    async fn unless_silent<T>(
        &self,
        mut body: Pin<&mut impl Future<Output = Result<T, ItemError>>>,
        progress: &Progress,
        clock: &dyn Clock,
    ) -> Result<T, ItemError> {
        let Some(limit) = self.stall else { return body.await };
        let (mut seen, mut idle) = (progress.bytes.get(), 0);
        while idle < STEPS {
            if let Some(end) = within(body.as_mut(), limit / STEPS, clock).await {
                return end;
            }
            let now = progress.bytes.get();
            idle = if now == seen && !progress.held.get() { idle + 1 } else { 0 };
            seen = now;
        }
        let limit = seconds(limit);
        let message = format!("no data for {limit}, after {seen} bytes of the body");
        Err(ItemError::new(ErrorKind::Stalled, message))
    }

    async fn unless_slow<T>(
        &self,
        mut body: Pin<&mut impl Future<Output = Result<T, ItemError>>>,
        progress: &Progress,
        clock: &dyn Clock,
    ) -> Result<T, ItemError> {
        let Some(LeastRate { bytes_per_s, over }) = self.least_rate else { return body.await };
        // What had come at the ends of the last steps.
        let mut seen = VecDeque::from([progress.bytes.get()]);
        loop {
            if let Some(end) = within(body.as_mut(), over / STEPS, clock).await {
                return end;
            }
            if progress.take_held() {
                seen.clear();
            }
            let now = progress.bytes.get();
            seen.push_back(now);
            if seen.len() <= STEPS as usize {
                continue;
            }
            let came = now - seen.pop_front().unwrap_or_default();
            if (came as f64) < bytes_per_s as f64 * over.as_secs_f64() {
                let (over, wanted) = (seconds(over), bytes_per_s);
                let message = format!(
                    "too slow: {came} bytes of the body in {over}, less than {wanted} bytes/s"
                );
                return Err(ItemError::new(ErrorKind::Stalled, message));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::target::Target;
    use super::*;
    use gaits_core::ManualClock;
    use std::future::pending;
    use std::pin::pin;
    use tokio::time::{Instant, sleep};

    const SECOND: Duration = Duration::from_secs(1);

    /// A body that gets so many bytes each second, for so many seconds, and then no more; it ends if it is told to.
    async fn body(
        progress: &Progress,
        each: usize,
        times: u32,
        ends: bool,
    ) -> Result<(), ItemError> {
        for _ in 0..times {
            sleep(SECOND).await;
            progress.add(each);
        }
        if ends { Ok(()) } else { pending().await }
    }

    async fn awaited(
        patience: Patience,
        each: usize,
        times: u32,
        ends: bool,
    ) -> Result<(), ItemError> {
        let progress = Progress::default();
        let body = body(&progress, each, times, ends);
        patience.body(pin!(body), &progress, &ManualClock::default()).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_server_and_a_handshake_are_given_their_time() {
        let (dns, tls) = (Some(2 * SECOND), Some(3 * SECOND));
        let patience = Patience { dns, tls, ..Patience::default() };
        let server = Target::parse("https://a.test:444/", None).unwrap().origin;
        let clock = ManualClock::default();
        assert_eq!(patience.dns(sleep(SECOND), "a.test", &clock).await, Ok(()));
        assert_eq!(patience.tls(sleep(2 * SECOND), &server, &clock).await, Ok(()));
        let late = patience.dns(pending::<()>(), "a.test", &clock).await.unwrap_err();
        assert_eq!(late.to_string(), "dns: could not resolve host a.test: no answer within 2 s");
        let late = patience.tls(pending::<()>(), &server, &clock).await.unwrap_err();
        assert_eq!(late.kind, ErrorKind::ConnectTimeout);
        assert_eq!(late.message, "the TLS handshake with a.test:444 took longer than 3 s");
        let unlimited = Patience::default();
        assert_eq!(unlimited.dns(sleep(900 * SECOND), "a.test", &clock).await, Ok(()));
        assert_eq!(unlimited.tls(sleep(900 * SECOND), &server, &clock).await, Ok(()));
    }

    fn stall(limit: Duration) -> Patience {
        Patience { stall: Some(limit), ..Patience::default() }
    }

    fn rate(bytes_per_s: u64, over: Duration) -> Patience {
        let least_rate = Some(LeastRate { bytes_per_s, over });
        Patience { least_rate, ..Patience::default() }
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_noticed_when_it_has_lasted_and_data_ends_it() {
        assert_eq!(awaited(stall(2 * SECOND), 1, 20, true).await, Ok(()));
        let began = Instant::now();
        let error = awaited(stall(2 * SECOND), 5, 3, false).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Stalled);
        assert_eq!(error.message, "no data for 2 s, after 15 bytes of the body");
        let took = began.elapsed();
        assert!(took >= 5 * SECOND && took <= 6 * SECOND, "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_must_come_as_fast_as_is_wanted_on_average() {
        assert_eq!(awaited(rate(10, 4 * SECOND), 10, 20, true).await, Ok(()));
        // It is whole before it could be judged.
        assert_eq!(awaited(rate(1_000, 8 * SECOND), 1, 3, true).await, Ok(()));
        let error = awaited(rate(11, 4 * SECOND), 10, 20, true).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Stalled);
        assert!(
            error.message.ends_with(" bytes of the body in 4 s, less than 11 bytes/s"),
            "{error}"
        );
        let error = awaited(rate(10, 4 * SECOND), 10, 20, false).await.unwrap_err();
        assert!(error.message.starts_with("too slow: "), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_gaits_itself_holds_up_is_nobodys_silence() {
        let progress = Progress::default();
        let held = async {
            progress.hold(true);
            sleep(20 * SECOND).await;
            progress.hold(false);
            Ok(())
        };
        let both = Patience { stall: Some(2 * SECOND), ..rate(10, 2 * SECOND) };
        assert_eq!(both.body(pin!(held), &progress, &ManualClock::default()).await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_begins_in_time_counted_from_when_the_request_is_sent() {
        let patience = Patience { first_byte: Some(2 * SECOND), ..Patience::default() };
        let clock = ManualClock::default();
        assert_eq!(patience.first_byte(pin!(async { 7 }), || true, &clock).await, Ok(7));
        let began = Instant::now();
        let late = patience.first_byte(pin!(pending::<()>()), || true, &clock).await.unwrap_err();
        assert_eq!(late.kind, ErrorKind::Timeout);
        assert_eq!(late.message, "the answer has not begun within 2 s of the request");
        assert!(began.elapsed() < 3 * SECOND);
        let began = Instant::now();
        let is_sent = || began.elapsed() > 9 * SECOND;
        patience.first_byte(pin!(pending::<()>()), is_sent, &clock).await.unwrap_err();
        assert!(began.elapsed() > 11 * SECOND);
    }
}
