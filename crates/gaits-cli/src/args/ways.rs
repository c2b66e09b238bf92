//! Options that say how servers are reached.

use super::secret;
use crate::exit::Trouble;
use clap::{Args, ValueEnum};
use gaits::http::{Family, Fixed, NameService, Proxies, ProxyUrl, Version, Ways};
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
    #[arg(long, alias = "http1.1", conflicts_with = "http2", hide_short_help = true)]
    http1: bool,

    /// Speak HTTP/2 without TLS too
    ///
    /// For http:// URLs the server has to know HTTP/2: nothing is negotiated, as with curl's --http2-prior-knowledge. For
    /// https:// URLs it changes nothing: there, HTTP/2 is spoken where the server offers it. An HTTP proxy is asked for http://
    /// URLs over HTTP/1.1.
    #[arg(long, alias = "http2-prior-knowledge", hide_short_help = true)]
    http2: bool,

    /// Who tells the addresses of host names
    #[arg(long, value_enum, default_value_t = DnsArg::Servers, hide_short_help = true)]
    dns: DnsArg,

    /// Go through this proxy; '' for none; may be repeated
    ///
    /// http://HOST:PORT, https:// for a proxy that is spoken with over TLS, socks5://, or socks5h:// where the proxy looks names
    /// up. User and password stand in front of the host: http://USER:PASSWORD@HOST:PORT; then rather give env:NAME or @FILE, for
    /// a URL in an environment variable or a file. Without a scheme it is an HTTP proxy,
    /// without a port it is 1080, and 443 for https. Of several proxies, each host has its own, always the same; if that one
    /// can't be reached, the host's items fail. Without the option, the environment variables `http_proxy`, `https_proxy` and
    /// `all_proxy` name proxies, as for curl.
    #[arg(
        short = 'x',
        long,
        value_name = "URL",
        conflicts_with = "unix_socket",
        hide_short_help = true
    )]
    proxy: Vec<String>,

    /// Go to these hosts without a proxy, such as localhost,.example.com,10.0.0.0/8
    ///
    /// A domain stands for all below it too, and * for every host. Without the option, the environment variable `no_proxy`
    /// says it.
    #[arg(long, value_name = "LIST", alias = "noproxy", hide_short_help = true)]
    no_proxy: Option<String>,
}

/// How requests go to servers, and what the user should know about that.
type Resolved = Result<(Ways, Option<String>), Trouble>;

/// Who tells the addresses of host names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum DnsArg {
    /// /etc/hosts, then the name servers of /etc/resolv.conf: fast for many names
    Servers,
    /// The system (getaddrinfo), which also knows a VPN's rules, mDNS and nsswitch.conf
    System,
}

impl WaysArgs {
    /// What they come to, with what the environment says about proxies.
    pub(super) fn resolve(self) -> Resolved {
        let (proxies, notice) = self.proxies()?;
        let ways = Ways {
            proxies,
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
        };
        Ok((ways, notice))
    }

    fn proxies(&self) -> Result<(Proxies, Option<String>), Trouble> {
        let variable = |name: &str| Some(std::env::var_os(name)?.to_string_lossy().into_owned());
        let mut proxies = match &self.proxy[..] {
            [] if self.unix_socket.is_some() => Proxies::default(),
            [] => Proxies::of_environment(variable).map_err(|e| Trouble::Wrong(e.into()))?,
            [none] if none.is_empty() => Proxies::default(),
            given => {
                // Parsed here, since a password may stand in it, and clap repeats what it refuses.
                let parsed = given.iter().map(|proxy| {
                    let parsed = secret::find("--proxy", proxy)?.parse::<ProxyUrl>();
                    parsed.map_err(|error| Trouble::wrong(format!("--proxy: {error}")))
                });
                let parsed = parsed.collect::<Result<Vec<_>, _>>()?;
                Proxies { http: parsed.clone(), https: parsed, none_for: String::new() }
            }
        };
        proxies.none_for = match &self.no_proxy {
            Some(list) => list.clone(),
            None => Proxies::none_for_of_environment(variable),
        };
        // What the environment says is for all programs, and may be meant for another one.
        if self.no_proxy.is_some()
            && let Some(entry) = proxies.malformed_none_for()
        {
            return Err(Trouble::wrong(format!(
                "--no-proxy: `{entry}` is no domain such as .example.com, no address and no network such as 10.0.0.0/8; * stands \
                 alone"
            )));
        }
        let named = proxies.http.iter().chain(&proxies.https).next();
        let notice = named.filter(|_| self.proxy.is_empty() && proxies.are_used()).map(|proxy| {
            format!(
                "requests go through the proxy {proxy}, as the environment says; --proxy '' is for none"
            )
        });
        Ok((proxies, notice))
    }
}
