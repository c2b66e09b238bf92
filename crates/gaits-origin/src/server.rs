//! The running server: its thread, its listening socket, and the connections it takes. What requests are answered with
//! is the service's affair.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use socket2::{Domain, Protocol, Type};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::config::Config;
use crate::counters::Counters;
use crate::service::{Connection, Shared};
use crate::socket::Socket;
use crate::tls::Tls;

/// Connections that may wait to be accepted; the system may allow fewer. Clients open thousands at once.
const BACKLOG: i32 = 4096;

/// How long to leave new connections alone when the system has no room for one, which is when other connections or
/// other programs have to end first.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// Streams that one HTTP/2 connection may have open.
const MAX_STREAMS: u32 = 1024;

/// A running server, on a thread of its own. Dropping it stops it and closes all its connections.
#[derive(Debug)]
pub struct Origin {
    addr: SocketAddr,
    tls: bool,
    ca_pem: Option<String>,
    counters: Arc<Counters>,
    stopper: Stopper,
    thread: Option<JoinHandle<()>>,
}

/// Stops an origin from anywhere, say on a signal while another thread is in [`Origin::wait`].
#[derive(Debug, Clone)]
pub struct Stopper(Arc<Notify>);

impl Stopper {
    /// Tells the origin to stop, and does not wait until it has.
    pub fn stop(&self) {
        self.0.notify_one();
    }
}

impl Origin {
    /// Starts a server. When this returns, it accepts connections.
    ///
    /// # Errors
    ///
    /// If the address cannot be listened on, a value of the configuration makes no sense
    /// ([`InvalidInput`](io::ErrorKind::InvalidInput)), or the system refuses a thread or a poller.
    pub fn start(config: Config) -> io::Result<Self> {
        config.check()?;
        let listener = listen(config.listen)?;
        let addr = listener.local_addr()?;
        let tls = if config.tls { Some(Tls::new(config.listen.ip())?) } else { None };
        let (acceptor, ca_pem) = tls.map(|tls| (tls.acceptor, tls.ca_pem)).unzip();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = {
            let _context = runtime.enter();
            TcpListener::from_std(listener)?
        };
        let counters = Arc::new(Counters::default());
        let tls = config.tls;
        let shared = Arc::new(Shared::new(config, Arc::clone(&counters)));
        let stopper = Stopper(Arc::new(Notify::new()));
        let stop = Arc::clone(&stopper.0);
        let thread =
            std::thread::Builder::new().name("gaits-origin".to_owned()).spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        () = stop.notified() => {}
                        () = accept(&listener, acceptor.as_ref(), &shared) => {}
                    }
                });
                // Here the runtime is dropped, and with it the streams of HTTP/2 connections, which are tasks as well.
            })?;
        Ok(Self { addr, tls, ca_pem, counters, stopper, thread: Some(thread) })
    }

    /// The address that it listens on, with the port that it got.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The URL of a path, with the address in figures: `http://127.0.0.1:8080/get`. An origin that listens on all
    /// addresses is given by the loopback one.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        let mut addr = self.addr;
        if addr.ip().is_unspecified() {
            addr.set_ip(if addr.is_ipv4() {
                Ipv4Addr::LOCALHOST.into()
            } else {
                Ipv6Addr::LOCALHOST.into()
            });
        }
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{addr}/{}", path.strip_prefix('/').unwrap_or(path))
    }

    /// The certificate, in PEM, that a client has to trust as a root; none without TLS. It is the authority's that
    /// signed the server's own, which is for `localhost`, 127.0.0.1, `::1` and the address listened on.
    #[must_use]
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// How many requests have come so far, each counted when its head has been read: the refused, the broken and the
    /// waiting ones included. Those that were no HTTP are not.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.counters.requests()
    }

    /// How many connections have been accepted so far.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.counters.connections()
    }

    /// The most requests that have been in service at the same time, those that waited for capacity not counted.
    #[must_use]
    pub fn max_in_service(&self) -> u64 {
        self.counters.max_in_service()
    }

    /// What stops this origin, to be kept elsewhere.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// Blocks until the origin has been stopped by a [`Stopper`].
    pub fn wait(mut self) {
        self.join();
    }

    fn join(&mut self) {
        if let Some(thread) = self.thread.take() {
            // A panic of that thread has been reported by its hook; it has stopped either way.
            let _ = thread.join();
        }
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.stopper.stop();
        self.join();
    }
}

fn listen(addr: SocketAddr) -> io::Result<std::net::TcpListener> {
    let socket =
        socket2::Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    // Elsewhere the option has another meaning: it would let two origins share a port.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&addr.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Takes connections for ever. When this is dropped, they are closed.
async fn accept(listener: &TcpListener, tls: Option<&TlsAcceptor>, shared: &Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                shared.counters.connection();
                connections.spawn(connect(stream, peer, tls.cloned(), Arc::clone(shared)));
            }
            // The client has gone already.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
                ) => {}
            // No file descriptor or no memory is left: the connection stays in the queue meanwhile.
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
        while connections.try_join_next().is_some() {}
    }
}

/// Serves one connection to its end. What goes wrong with it is the client's doing, or a fault that was asked for.
async fn connect(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    shared: Arc<Shared>,
) {
    // If it fails, the connection is gone already, and reading will show it.
    let _ = stream.set_nodelay(true);
    let socket = Socket::new(stream, shared.config.bandwidth);
    let connection = Arc::new(Connection { shared, peer: peer.ip(), reset: socket.reset_handle() });
    match tls {
        None => serve(socket, connection).await,
        Some(tls) => {
            if let Ok(stream) = tls.accept(socket).await {
                serve(stream, connection).await;
            }
        }
    }
}

async fn serve(
    io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    connection: Arc<Connection>,
) {
    let mut builder = Builder::new(TokioExecutor::new());
    // Not `pipeline_flush`: with it hyper 1.12 sets no bound to what it buffers of a body that outruns its client.
    // Copying a body behind its head costs less than `writev`: 8.7 to 9.3 against 9.7 to 10.0 µs of CPU for a /uuid, and
    // 0.37 to 0.43 against 0.46 to 0.53 ms for a megabyte.
    builder.http1().header_read_timeout(None).writev(false);
    builder.http2().max_concurrent_streams(MAX_STREAMS);
    let service = service_fn(move |request| {
        let connection = Arc::clone(&connection);
        async move { connection.serve(request).await }
    });
    // Errors are disconnected clients, malformed requests (which hyper has answered) and faults.
    let _ = builder.serve_connection(TokioIo::new(io), service).await;
}
