//! Options of `gaits origin`.

use super::values;
use super::within::within;
use crate::exit::Trouble;
use anyhow::Context as _;
use clap::Args;
use gaits_origin::{AccessLog, Config, Faults, RetryAfter, Script, Tail};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// `gaits origin`.
#[derive(Debug, Args)]
#[command(after_help = SOME_ENDPOINTS, after_long_help = ENDPOINTS)]
pub(crate) struct OriginArgs {
    /// Listen on this port, 0: any free one
    #[arg(short, long, value_name = "N", default_value_t = 8080, value_parser = within(0..=u16::MAX))]
    port: u16,

    /// Listen on this address
    #[arg(long, value_name = "ADDR", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    bind: IpAddr,

    /// Serve on this many threads [default: one a core, at most 4]
    #[arg(long, value_name = "N", value_parser = within(NonZeroUsize::MIN..=NonZeroUsize::MAX))]
    #[arg(hide_short_help = true)]
    threads: Option<NonZeroUsize>,

    /// Answer each request after this long
    #[arg(long, value_name = "TIME", default_value = "0", value_parser = values::duration)]
    latency: Duration,

    /// Vary each latency by up to this much
    ///
    /// It is made shorter or longer at random.
    #[arg(long, value_name = "TIME", default_value = "0", value_parser = values::duration)]
    jitter: Duration,

    /// Hold a share for longer: 0.01:2s is one in 100
    ///
    /// One in a hundred takes 2 s or more, then. How much longer follows a Pareto distribution of shape 1.5 from the
    /// time given to ten times that: two of three are below twice the time.
    #[arg(long, value_name = "SHARE:TIME", value_parser = tail)]
    tail: Option<Tail>,

    /// Bytes a second on each connection: 500kB
    #[arg(long, value_name = "SIZE", value_parser = bandwidth)]
    bandwidth: Option<NonZeroU64>,

    /// Serve this many at once at most; others queue
    #[arg(long, value_name = "N", value_parser = within(NonZeroUsize::MIN..=NonZeroUsize::MAX))]
    capacity: Option<NonZeroUsize>,

    /// Requests a second; others are refused with 429
    ///
    /// Their answer has a Retry-After.
    #[arg(long, value_name = "N/S", value_parser = per_second)]
    rate_limit: Option<f64>,

    /// Break responses: reset:0.01,503:0.05
    ///
    /// Each fault with its probability, as in reset:0.01,truncate:0.01,stall:0.01,503:0.05. `reset` resets the
    /// connection, `truncate` closes it in mid-body, `stall` sends nothing more, and a status from 400 to 599 comes in
    /// place of the real response.
    #[arg(long = "fault", value_name = "FAULTS", default_value = "none")]
    faults: Faults,

    /// Let a 429 or 503 of --fault say when to retry: seconds, date:SECONDS, none, or any text
    ///
    /// `date:60` is the date in a minute, `date:-60` that of a minute ago. Other text is sent as it is.
    #[arg(long, value_name = "VALUE", default_value = "1", allow_hyphen_values = true)]
    #[arg(hide_short_help = true)]
    retry_after: RetryAfter,

    /// Reply with raw bytes, as this file of JSON says
    ///
    /// For each path, it has the steps of the reply: {"/path": [{"send": "HTTP/1.1 204 Fine\r\n\r\n"}]}. Steps are
    /// `send`, `base64`, `zeros`, `gzip_zeros`, `encode`, `chunked`, `repeat`, `drip`, `wait_ms`, `close`, `drop`,
    /// `reset` and `stall`; a path may have a reply for its first request, its second, and so on. docs/origin.md has
    /// the format. With a script, no HTTP/2 is offered over TLS.
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,

    /// Draw jitter, tails, faults and data from this seed
    #[arg(long, value_name = "N", default_value_t = 0, hide_short_help = true)]
    #[arg(value_parser = within(0..=u64::MAX))]
    seed: u64,

    /// Speak TLS, with a certificate made for this run
    #[arg(long)]
    tls: bool,

    /// Write the certificate to trust to this file, for --cacert
    #[arg(long, value_name = "FILE", requires = "tls", hide_short_help = true)]
    pub(crate) ca_out: Option<PathBuf>,

    /// Append a line of JSON for each request to this file
    ///
    /// `-` is standard output, after the URL. A line says when, from whom, what was asked for, the status, the bytes
    /// and microseconds it took, and how it ended: sent, broken by a fault, scripted, or gone, if the client left
    /// before.
    #[arg(long, value_name = "FILE")]
    access_log: Option<PathBuf>,

    /// Say nothing but the URL
    #[arg(short, long)]
    pub(crate) quiet: bool,

    /// Stop when standard input ends
    #[arg(long, hide = true)]
    pub(crate) until_stdin_ends: bool,
}

// Not `{n}` for a number: where clap shows this text, it puts a line break for it.
const SOME_ENDPOINTS: &str = "\
Endpoints: /uuid, /delay/{seconds}, /status/{code}, … --help has them all.";

// The same for all.
const ENDPOINTS: &str = "\
Endpoints: /uuid /get /post /put /patch /delete /headers /anything /delay/{seconds} /status/{code}
  /bytes/{count} /range/{count} /drip /redirect/{count} /redirect-to?url= /cookies
  /cookies/set?name=value /gzip /brotli /zstd /deflate /json /list?page= /sitemap.xml
  /basic-auth/{user}/{password}
  /hostile/{name}: replies that break HTTP/1.1, such as /hostile/bomb; /hostile lists them";

impl OriginArgs {
    /// What they come to; opens the file of `--access-log` and reads that of `--script`.
    pub(crate) fn config(&self) -> Result<Config, Trouble> {
        let access_log = match &self.access_log {
            None => None,
            Some(path) if path.as_os_str() == "-" => Some(AccessLog::writer(io::stdout())),
            Some(path) => Some(
                AccessLog::file(path)
                    .with_context(|| format!("can't write --access-log {}", path.display()))
                    .map_err(Trouble::Wrong)?,
            ),
        };
        let script = self.script.as_deref().map(script).transpose().map_err(Trouble::Wrong)?;
        Ok(Config {
            listen: SocketAddr::new(self.bind, self.port),
            threads: self.threads.unwrap_or_else(default_threads),
            latency: self.latency,
            jitter: self.jitter,
            tail: self.tail,
            bandwidth: self.bandwidth,
            capacity: self.capacity,
            rate_limit: self.rate_limit,
            faults: self.faults,
            retry_after: self.retry_after.clone(),
            seed: self.seed,
            tls: self.tls,
            script,
            access_log,
        })
    }
}

fn script(path: &Path) -> anyhow::Result<Script> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("can't read --script {}", path.display()))?;
    Script::parse(&text).with_context(|| format!("can't understand --script {}", path.display()))
}

/// One thread for each core that this process may use, and at most four: a server that is to be tried on should not be
/// what limits its client, nor take the whole of a large machine.
fn default_threads() -> NonZeroUsize {
    const MOST: NonZeroUsize = NonZeroUsize::new(4).expect("four is not zero");
    std::thread::available_parallelism().map_or(NonZeroUsize::MIN, |cores| cores.min(MOST))
}

/// Requests a second: `100`, `0.5`.
fn per_second(text: &str) -> Result<f64, String> {
    let number = text.trim().parse().ok();
    number.ok_or_else(|| format!("`{text}` is not a number of requests such as 100 or 0.5"))
}

/// A share of requests and how much longer they take at least: `0.01:2s`.
fn tail(text: &str) -> Result<Tail, String> {
    let wrong = || format!("`{text}` is not a share of requests and a time, such as 0.01:2s");
    let (share, least) = text.split_once(':').ok_or_else(wrong)?;
    let share: f64 = share.trim().parse().ok().ok_or_else(wrong)?;
    if !(0.0..=1.0).contains(&share) {
        return Err(format!("{}: a share is from 0 to 1", wrong()));
    }
    let least = values::duration(least.trim()).map_err(|why| format!("{}: {why}", wrong()))?;
    Ok(Tail { share, least })
}

/// A number of bytes a second; none at all would never end.
fn bandwidth(text: &str) -> Result<NonZeroU64, String> {
    NonZeroU64::new(values::size(text)?)
        .ok_or_else(|| "nothing could be sent with no bandwidth: give at least 1".to_owned())
}
