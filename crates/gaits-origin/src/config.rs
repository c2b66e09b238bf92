//! What an origin is told to be. Holds and checks values; it opens nothing.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::{NonZeroU64, NonZeroUsize};
use std::time::Duration;

use crate::access_log::AccessLog;
use crate::faults::Faults;
use crate::limits::LONGEST;
use crate::retry_after::RetryAfter;
use crate::script::Script;

/// The most threads that may be asked for, far above what any machine has a use for.
const MOST_THREADS: usize = 1024;

/// How an origin listens, and how well or badly it serves.
///
/// The default is a plain, quick and faultless server on a free port of 127.0.0.1.
#[derive(Debug, Clone)]
pub struct Config {
    /// The address to listen on; port 0 takes any free one. Default: `127.0.0.1:0`.
    pub listen: SocketAddr,
    /// How many threads serve connections, from 1 to 1024. Connections are dealt out to them in turn. Sequence numbers,
    /// rate limit and capacity are those of the whole origin. Default: one.
    pub threads: NonZeroUsize,
    /// How long each request is held before it is answered, counted from when it is taken into service.
    /// The timer behind it has a resolution of one millisecond, and never fires early. Default: none.
    pub latency: Duration,
    /// How far the latency of one request may be from [`latency`](Self::latency), either way: drawn evenly from
    /// `latency - jitter ..= latency + jitter`, and never below zero. Default: none.
    pub jitter: Duration,
    /// A share of requests that takes much longer than the others. Default: none.
    pub tail: Option<Tail>,
    /// How many bytes a second each connection carries at most from the origin to its client: heads, bodies and what
    /// TLS adds. They are written in portions of ten milliseconds' worth, the first of them at once. All streams of an
    /// HTTP/2 connection share it. Default: any number.
    pub bandwidth: Option<NonZeroU64>,
    /// How many requests are served at the same time. The others queue, first come first served, across all
    /// connections. A request is in service until its response has been handed to the system, so a stalled one keeps
    /// its place until its client goes away; for ever, if the client had sent another request behind it (pipelined), for
    /// then hyper reads nothing more and does not see the end. Over HTTP/2, the end of a response may still wait in a
    /// queue then: for the bandwidth, for other streams, or for the client's window. Default: any number.
    pub capacity: Option<NonZeroUsize>,
    /// How many requests a second are let in; finite and above zero. What comes faster is refused at once with a 429
    /// and a `Retry-After` in whole seconds. A burst of one request plus a tenth of a second's worth is let through.
    /// Default: any number.
    pub rate_limit: Option<f64>,
    /// How often a response is broken, and in which way. Default: never.
    pub faults: Faults,
    /// What stands in the `Retry-After` field of a 429 or 503 that is a fault. Those of the rate limit say what is true
    /// instead. Default: one second.
    pub retry_after: RetryAfter,
    /// What jitter, faults and generated data are drawn from. Two origins with the same seed treat their n-th requests
    /// alike. Default: 0.
    pub seed: u64,
    /// Whether to speak TLS, with a certificate that the origin makes for itself. Default: no.
    pub tls: bool,
    /// What is sent, byte for byte, for some paths in place of responses. With a script, no HTTP/2 is offered over TLS.
    /// Default: nothing, but for what every origin has under `/hostile/`.
    pub script: Option<Script>,
    /// Where each request is written down when it has ended. Default: nowhere.
    pub access_log: Option<AccessLog>,
}

/// The slow ones among the requests: a share of them is held for longer than latency and jitter say.
///
/// How much longer follows a Pareto distribution of shape 1.5 from [`least`](Self::least) to ten times that: two of
/// three are below twice `least`, one in ten is above four times that.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Tail {
    /// How many of all requests, from 0 to 1.
    pub share: f64,
    /// How much longer they take at least.
    pub least: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            threads: NonZeroUsize::MIN,
            latency: Duration::ZERO,
            jitter: Duration::ZERO,
            tail: None,
            bandwidth: None,
            capacity: None,
            rate_limit: None,
            faults: Faults::default(),
            retry_after: RetryAfter::default(),
            seed: 0,
            tls: false,
            script: None,
            access_log: None,
        }
    }
}

impl Config {
    /// Finds the values that no server can be run with.
    pub(crate) fn check(&self) -> io::Result<()> {
        let invalid = |message: String| Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        if self.threads.get() > MOST_THREADS {
            return invalid(format!(
                "{} threads are more than {MOST_THREADS}: as many as the machine has cores are enough",
                self.threads
            ));
        }
        if let Some(rate) = self.rate_limit
            && !(rate.is_finite() && rate > 0.0)
        {
            return invalid(format!(
                "rate limit {rate} is not a finite number of requests a second above zero"
            ));
        }
        let tail = self.tail.unwrap_or_default();
        if !(0.0..=1.0).contains(&tail.share) {
            return invalid(format!("the tail's share {} is not a number from 0 to 1", tail.share));
        }
        for (name, value) in
            [("latency", self.latency), ("jitter", self.jitter), ("tail", tail.least)]
        {
            if value > LONGEST {
                return invalid(format!("{name} of {} s is longer than a year", value.as_secs()));
            }
        }
        self.faults.check().or_else(|error| invalid(error.to_string()))?;
        self.retry_after.check().or_else(|error| invalid(error.to_string()))
    }
}
