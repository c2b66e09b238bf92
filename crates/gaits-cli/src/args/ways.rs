//! Options that say how servers are reached.

use clap::{Args, ValueEnum};
use gaits::http::{Family, Fixed, NameService, Version, Ways};
use std::path::PathBuf;

/// How servers are reached.
#[derive(Debug, Args)]
#[command(next_help_heading = "Connection")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(super) struct WaysArgs {
    /// Connect to this address instead of looking the host up; may be repeated
    ///
    /// For URLs with this host and port only; * is every host. Several addresses are separated by commas, and the connection
    /// goes to one that answers. The certificate is still checked for the host of the URL.
    #[arg(long, value_name = "HOST:PORT:ADDRESS", hide_short_help = true)]
    resolve: Vec<Fixed>,

    /// Connect to IPv4 addresses only
    #[arg(short = '4', long, conflicts_with = "ipv6", hide_short_help = true)]
    ipv4: bool,

    /// Connect to IPv6 addresses only
    #[arg(short = '6', long, hide_short_help = true)]
    ipv6: bool,

    /// Make all connections to this Unix socket, whatever the host is
    #[arg(long, value_name = "PATH", conflicts_with = "resolve", hide_short_help = true)]
    unix_socket: Option<PathBuf>,

    /// Speak HTTP/1.1 only
    ///
    /// Without it, HTTP/2 is spoken over TLS where the server offers it.
    #[arg(long, conflicts_with = "http2", hide_short_help = true)]
    http1: bool,

    /// Speak HTTP/2 without TLS too
    ///
    /// For http:// URLs the server has to know HTTP/2: nothing is negotiated, as with curl's --http2-prior-knowledge. For
    /// https:// URLs it changes nothing: there, HTTP/2 is spoken where the server offers it.
    #[arg(long, hide_short_help = true)]
    http2: bool,

    /// Who tells the addresses of host names
    #[arg(long, value_enum, default_value_t = DnsArg::Servers, hide_short_help = true)]
    dns: DnsArg,
}

/// Who tells the addresses of host names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum DnsArg {
    /// /etc/hosts, then the name servers of /etc/resolv.conf: fast for many names
    Servers,
    /// The system (getaddrinfo), which also knows a VPN's rules, mDNS and nsswitch.conf
    System,
}

impl WaysArgs {
    /// What they come to.
    pub(super) fn resolve(self) -> Ways {
        Ways {
            fixed: self.resolve,
            family: match (self.ipv4, self.ipv6) {
                (true, _) => Family::V4,
                (_, true) => Family::V6,
                _ => Family::Any,
            },
            unix_socket: self.unix_socket,
            version: match (self.http1, self.http2) {
                (true, _) => Version::Http1,
                (_, true) => Version::Http2,
                _ => Version::Any,
            },
            names: match self.dns {
                DnsArg::Servers => NameService::Servers,
                DnsArg::System => NameService::System,
            },
        }
    }
}
