//! How name servers are spoken to: as hickory does it, but with fewer sockets.
//!
//! Hickory sends a question over UDP three times within a second if no answer comes, each time from another socket and
//! all of them left open. For many names whose servers are silent that is too much, for the name server too.

use hickory_resolver::config::{ConnectionConfig, ProtocolConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::udp::UdpClientStream;
use hickory_resolver::{ConnectionProvider, PoolContext};
use std::net::{IpAddr, SocketAddr};

/// How often a question is sent over UDP, as long as its time-out (5 s, if `resolv.conf` does not say otherwise) lasts.
const MAX_SENT: u8 = 2;

/// After how many milliseconds without an answer it is sent again.
const SEND_AGAIN_MS: u64 = 1000;

/// Opens sockets on tokio's runtime.
#[derive(Clone, Default)]
pub(super) struct Sockets(TokioRuntimeProvider);

impl ConnectionProvider for Sockets {
    type Conn = <TokioRuntimeProvider as ConnectionProvider>::Conn;
    type FutureConn = <TokioRuntimeProvider as ConnectionProvider>::FutureConn;
    type RuntimeProvider = TokioRuntimeProvider;

    fn new_connection(
        &self,
        ip: IpAddr,
        config: &ConnectionConfig,
        cx: &PoolContext,
    ) -> Result<Self::FutureConn, NetError> {
        if !matches!(config.protocol, ProtocolConfig::Udp) {
            return self.0.new_connection(ip, config, cx);
        }
        let stream = UdpClientStream::builder(SocketAddr::new(ip, config.port), self.0.clone())
            .with_timeout(Some(cx.options.timeout))
            .with_max_retries(MAX_SENT)
            .with_retry_interval_floor(SEND_AGAIN_MS)
            .with_bind_addr(config.bind_addr);
        Ok(Box::pin(async move { Ok(stream.exchange()) }))
    }

    fn runtime_provider(&self) -> &Self::RuntimeProvider {
        &self.0
    }
}
