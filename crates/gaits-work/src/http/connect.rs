//! Opens connections: name, address, TCP, a proxy's tunnel, TLS, and which HTTP is spoken.
//!
//! Limit: one at a time; keeps nothing.

use super::dial::{Begun, Located};
use super::fault::Fault;
use super::proxy::Proxy;
use super::route::{Endpoint, Route};
use super::shared::Shared;
use super::target::Origin;
use super::tls::{self, Alpn, Connectors};
use super::trace::{Phase, Trace};
use super::trust::Trust;
use super::wire::{Ciphertext, Wire};
use super::withheld::withheld;
use super::words::seconds;
use super::{h1, h2};
use crate::deadline::within;
use gaits_core::{ErrorKind, SessionScope};
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use tokio_rustls::client::TlsStream;

/// Opens connections for one hub.
pub(super) struct Opener {
    shared: Arc<Shared>,
    connectors: Connectors,
}

/// A connection that was just opened.
pub(super) enum Opened {
    Http1(Box<h1::Connection>),
    Http2(h2::Connection),
}

/// A way whose names are being looked up.
struct Start<'a> {
    begun: Begun<'a>,
    /// The origin, where a proxy is told its address.
    far: Option<(Endpoint, Located)>,
}

impl Opener {
    pub(super) fn new(shared: Arc<Shared>, scope: SessionScope) -> Self {
        Self { shared, connectors: Connectors::new(scope) }
    }

    /// Opens a connection to `origin` on `route` within the connect timeout, which begins when the name is asked for.
    /// Where no file descriptor is left, `make_room` may close some; it tells whether it has.
    pub(super) async fn open(
        &self,
        origin: &Origin,
        route: &Route,
        alpn: Alpn,
        make_room: impl FnMut() -> bool,
        trace: &mut Trace,
    ) -> Result<Opened, Fault> {
        let dialer = &self.shared.dialer;
        // A proxy that is told an address has us look the origin's name up.
        let far = match &route.proxy {
            Some(proxy) if proxy.wants_address() => {
                let endpoint = Endpoint::of(origin);
                let located = dialer.locate(&endpoint, trace).await;
                Some((endpoint, located))
            }
            _ => None,
        };
        let start = Start { begun: dialer.begin(&route.hop, trace).await, far };
        let opening = self.open_begun(start, origin, route, alpn, make_room, trace);
        let Some(limit) = self.shared.spec.connect_timeout else {
            return opening.await;
        };
        if let Some(opened) = within(pin!(opening), limit, &*self.shared.clock).await {
            return opened;
        }
        let (phase, limit) = (trace.phase(), seconds(limit));
        let message =
            format!("no connection to {} within {limit}: still {phase}", origin.authority);
        Err(Fault::new(ErrorKind::ConnectTimeout, message))
    }

    async fn open_begun(
        &self,
        Start { begun, far }: Start<'_>,
        origin: &Origin,
        route: &Route,
        alpn: Alpn,
        mut make_room: impl FnMut() -> bool,
        trace: &mut Trace,
    ) -> Result<Opened, Fault> {
        let dialer = &self.shared.dialer;
        let ip = match far {
            // Boxed, as below.
            Some((endpoint, located)) => {
                Some(Box::pin(dialer.address(located, &endpoint, &mut make_room, trace)).await?)
            }
            None => None,
        };
        let mut wire = dialer.reach(begun, &mut make_room, trace).await?;
        if let Some(proxy) = &route.proxy {
            wire = Box::pin(self.through(proxy, route, origin, ip, wire, trace)).await?;
        }
        let opened = if route.encrypted {
            // Boxed, since a handshake would make the future of every item larger.
            Box::pin(self.encrypt(origin, wire, alpn, trace)).await?
        } else if route.assumes_http2() && alpn == Alpn::Any {
            Opened::Http2(h2::Connection::open(wire).await?)
        } else {
            Opened::Http1(Box::new(h1::Connection::new(wire)))
        };
        trace.enter(Phase::Between);
        Ok(opened)
    }

    async fn encrypt(
        &self,
        origin: &Origin,
        wire: Wire,
        alpn: Alpn,
        trace: &mut Trace,
    ) -> Result<Opened, Fault> {
        let stream = self.handshake(origin, wire, alpn, trace).await?;
        let speaks_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        let wire = Wire::tls(stream);
        Ok(if speaks_http2 {
            Opened::Http2(h2::Connection::open(wire).await?)
        } else {
            Opened::Http1(Box::new(h1::Connection::new(wire)))
        })
    }

    /// Speaks TLS over `wire` with `server`, which may be a proxy.
    async fn handshake(
        &self,
        server: &Origin,
        wire: Wire,
        alpn: Alpn,
        trace: &mut Trace,
    ) -> Result<TlsStream<Ciphertext>, Fault> {
        trace.enter(Phase::Tls);
        let name = tls::server_name(server)?;
        let Shared { spec, clock, tls, .. } = &*self.shared;
        let shaken = async {
            // The first one waits for the roots.
            let connector = self.connectors.get(tls, alpn, server.stranger).await?;
            let shaken = connector.connect(name, Ciphertext::of(wire, server.stranger)).await;
            shaken.map_err(|e| {
                let e = if server.stranger { withheld(e) } else { e };
                tls::handshake_error(server, &e)
            })
        };
        spec.patience.tls(shaken, server, &**clock).await.map_err(Fault::Failed)?
    }

    /// Goes on from `proxy`, to which `wire` leads, until HTTP or TLS can be spoken with `origin`, or HTTP with the proxy in
    /// its place.
    async fn through(
        &self,
        proxy: &Proxy,
        route: &Route,
        origin: &Origin,
        ip: Option<IpAddr>,
        mut wire: Wire,
        trace: &mut Trace,
    ) -> Result<Wire, Fault> {
        if proxy.is_encrypted() {
            let shaken = self.handshake(&proxy.origin, wire, Alpn::Proxy, trace).await;
            let stream = shaken.map_err(|fault| self.of_proxy(fault))?;
            wire = Wire::tls(stream);
        }
        if route.asked().is_some() {
            return Ok(wire);
        }
        trace.enter(Phase::Proxy);
        proxy.open(wire, origin, ip, trace).await
    }

    /// What went wrong with TLS to a proxy, for those who have asked that no certificate is checked.
    fn of_proxy(&self, fault: Fault) -> Fault {
        match fault {
            Fault::Failed(mut error)
                if error.kind == ErrorKind::Tls && self.shared.spec.trust == Trust::Insecure =>
            {
                error.message.push_str(
                    "; --insecure is about servers: a proxy's certificate must be trusted, and SSL_CERT_FILE=FILE in the environment \
                     names those that are",
                );
                Fault::Failed(error)
            }
            fault => fault,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::target::Target;
    use super::super::tls::Tls;
    use super::super::{HttpSpec, HttpWork};
    use super::*;
    use gaits_core::{ItemError, ManualClock};
    use rustls_native_certs::CertificateResult;
    use std::sync::{Mutex, mpsc};
    use std::time::Duration;
    use tokio::net::TcpListener;
    use tokio::runtime::{Builder, LocalOptions};

    /// What opens connections as `spec` says, with these roots for the system's.
    fn opener(
        spec: &HttpSpec,
        clock: Arc<ManualClock>,
        system: impl Fn() -> CertificateResult + Send + Sync + 'static,
    ) -> Opener {
        let work = HttpWork::new(spec, clock).unwrap();
        let mut shared = Arc::into_inner(work.shared).unwrap();
        shared.tls = Tls::with_system_roots(system);
        Opener::new(Arc::new(shared), SessionScope::Loop)
    }

    /// Why `opener` opens no connection to a server that hangs up when it has accepted one.
    fn failure(opener: &Opener, trace: &mut Trace) -> ItemError {
        let mut builder = Builder::new_current_thread();
        let runtime = builder.enable_all().build_local(LocalOptions::default()).unwrap();
        let failed = runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("https://{}/", listener.local_addr().unwrap());
            let origin = Target::parse(&url, None).unwrap().origin;
            let route = opener.shared.routes.to(&origin);
            let opening = opener.open(&origin, &route, Alpn::Any, || false, trace);
            let hanging_up = async { drop(listener.accept().await.unwrap()) };
            match tokio::join!(opening, hanging_up).0 {
                Ok(_) => panic!("it is open"),
                Err(fault) => fault.into_error(),
            }
        });
        // The roots may still be being loaded.
        runtime.shutdown_background();
        failed
    }

    #[test]
    fn to_load_the_roots_is_a_part_of_tls_and_not_of_connecting() {
        let clock = Arc::new(ManualClock::default());
        let loading = clock.clone();
        let opener = opener(&HttpSpec::default(), clock.clone(), move || {
            loading.advance_us(7);
            CertificateResult::default()
        });
        let mut trace = Trace::new(clock);
        assert_eq!(failure(&opener, &mut trace).kind, ErrorKind::Tls);
        trace.enter(Phase::Between);
        assert_eq!((trace.detail.connect_us, trace.detail.tls_us), (0, 7));
    }

    #[test]
    fn the_connect_timeout_holds_while_the_roots_are_loaded() {
        let (go_on, may_go_on) = mpsc::channel::<()>();
        let may_go_on = Mutex::new(may_go_on);
        let clock = Arc::new(ManualClock::default());
        let limit = Some(Duration::from_millis(1));
        let spec = HttpSpec { connect_timeout: limit, ..HttpSpec::default() };
        let opener = opener(&spec, clock.clone(), move || {
            // The test ends this when the time is up.
            assert!(may_go_on.lock().unwrap().recv().is_err());
            CertificateResult::default()
        });
        assert_eq!(failure(&opener, &mut Trace::new(clock)).kind, ErrorKind::ConnectTimeout);
        drop(go_on);
    }
}
