//! Options that say how long a server may be silent or slow.

use super::values::{self, Timeout};
use clap::Args;
use gaits::http::{LeastRate, Patience};
use std::time::Duration;

/// How long a server may be silent or slow.
#[derive(Debug, Args)]
#[command(next_help_heading = "Request")]
pub(super) struct PatienceArgs {
    /// Give up a host whose name is not resolved this long after a name server was asked
    ///
    /// The item fails with the error kind `dns`. Without it, or with 0, --connect-timeout alone counts, of which it is a part.
    #[arg(long, value_name = "TIME", value_parser = values::timeout, hide_short_help = true)]
    dns_timeout: Option<Timeout>,

    /// Give up a TLS handshake that takes longer
    ///
    /// The item fails with the error kind `connect_timeout`, and the message says that it was the handshake. Without it, or with
    /// 0, --connect-timeout alone counts, of which it is a part.
    #[arg(long, value_name = "TIME", value_parser = values::timeout, hide_short_help = true)]
    tls_timeout: Option<Timeout>,

    /// Give up a request whose answer has not begun this long after it was sent
    ///
    /// Interim answers (1xx) are no beginning. The item fails with the error kind `timeout`. Without it, or with 0, --timeout
    /// alone counts.
    #[arg(long, value_name = "TIME", value_parser = values::timeout, hide_short_help = true)]
    first_byte_timeout: Option<Timeout>,

    /// Give up a body of which nothing has come for this long
    ///
    /// The item fails with the error kind `stalled`.
    #[arg(long, value_name = "TIME", value_parser = values::timeout, hide_short_help = true)]
    stall_timeout: Option<Timeout>,

    /// Give up a body that comes more slowly than this, such as 10kB/s
    ///
    /// Averaged over --min-rate-time. The item fails with the error kind `stalled`.
    #[arg(long, value_name = "RATE", value_parser = bytes_per_second, hide_short_help = true)]
    min_rate: Option<u64>,

    /// Average --min-rate over this time; a body that is whole before is never too slow
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = averaged_over)]
    #[arg(requires = "min_rate", hide_short_help = true)]
    min_rate_time: Duration,
}

/// A duration that something comes in.
fn averaged_over(text: &str) -> Result<Duration, String> {
    match values::duration(text)? {
        Duration::ZERO => {
            Err("it is 0, in which nothing can come; give a time such as 10s".to_owned())
        }
        duration => Ok(duration),
    }
}

/// `1kB/s`; a second is meant if nothing is said.
fn bytes_per_second(text: &str) -> Result<u64, String> {
    let size = text.strip_suffix("/s").unwrap_or(text).trim();
    match values::size(size) {
        Ok(0) => Err("it is 0, which every body is faster than; leave it out".to_owned()),
        Ok(bytes) => Ok(bytes),
        Err(_) => Err(format!("`{text}` is not a rate such as 500/s, 10kB/s or 1MiB/s")),
    }
}

impl PatienceArgs {
    /// What they come to.
    pub(super) fn resolve(self) -> Patience {
        let over = self.min_rate_time;
        Patience {
            dns: self.dns_timeout.and_then(|timeout| timeout.0),
            tls: self.tls_timeout.and_then(|timeout| timeout.0),
            first_byte: self.first_byte_timeout.and_then(|timeout| timeout.0),
            stall: self.stall_timeout.and_then(|timeout| timeout.0),
            least_rate: self.min_rate.map(|bytes_per_s| LeastRate { bytes_per_s, over }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_of_bytes_is_a_size_a_second() {
        for (text, wanted) in
            [("500", 500), ("500/s", 500), ("10kB/s", 10_000), ("1MiB/s", 1 << 20)]
        {
            assert_eq!(bytes_per_second(text), Ok(wanted), "{text}");
        }
        for text in ["", "0", "0/s", "10kB/m", "fast", "-1/s"] {
            assert!(bytes_per_second(text).is_err(), "{text}");
        }
    }
}
