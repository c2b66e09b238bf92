//! The running server: its threads and its listening socket. It starts and stops them; what comes in is served by
//! `connections`.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::thread::JoinHandle;

use socket2::{Domain, Protocol, Type};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::{Notify, mpsc};

use crate::access_log::{AccessLog, AccessLogError, LogWriter};
use crate::config::Config;
use crate::connections::Connections;
use crate::counters::Counters;
use crate::service::Shared;
use crate::tls::Tls;

/// Connections that may wait to be accepted; the system may allow fewer. Clients open thousands at once.
const BACKLOG: i32 = 4096;

/// A running server, on threads of its own. Dropping it stops it and closes all its connections; the access
/// log is then complete.
#[derive(Debug)]
pub struct Origin {
    addr: SocketAddr,
    tls: bool,
    ca_pem: Option<String>,
    counters: Arc<Counters>,
    stopper: Stopper,
    threads: Vec<JoinHandle<()>>,
    log: Option<LogWriter>,
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
        let http2 = config.script.is_none();
        let tls = if config.tls { Some(Tls::new(config.listen.ip(), http2)?) } else { None };
        let (acceptor, ca_pem) = tls.map(|tls| (tls.acceptor, tls.ca_pem)).unzip();
        // All that can fail is made before any thread starts.
        let count = config.threads.get();
        let runtimes: Vec<Runtime> = (0..count)
            .map(|_| tokio::runtime::Builder::new_current_thread().enable_all().build())
            .collect::<io::Result<_>>()?;
        let listener = {
            let _context = runtimes[0].enter();
            TcpListener::from_std(listener)?
        };
        let counters = Arc::new(Counters::new(count));
        let tls = config.tls;
        let log = config.access_log.clone().map(AccessLog::start).transpose()?;
        let (log, writer) = log.unzip();
        let stopper = Stopper(Arc::new(Notify::new()));
        let threads = Vec::with_capacity(count);
        let mut origin = Self {
            addr,
            tls,
            ca_pem,
            counters: Arc::clone(&counters),
            stopper,
            threads,
            log: writer,
        };
        // Made after `origin`, so dropped before it if a thread cannot be started: the log ends with its last user.
        let shared = Arc::new(Shared::new(config, counters, log));
        let mut others = Vec::new();
        let connections = |thread| Connections::new(thread, Arc::clone(&shared), acceptor.clone());
        let mut runtimes = runtimes.into_iter().enumerate();
        let first = runtimes.next();
        for (thread, runtime) in runtimes {
            let (deal, dealt) = mpsc::unbounded_channel();
            let connections = connections(thread);
            others.push(deal);
            // It ends when the first thread does, which holds the other end of its channel; so, too, if a thread cannot
            // be started.
            origin.spawn(thread, move || runtime.block_on(connections.take(dealt)))?;
        }
        if let Some((thread, runtime)) = first {
            let (connections, stop) = (connections(thread), Arc::clone(&origin.stopper.0));
            origin.spawn(thread, move || {
                runtime.block_on(async {
                    tokio::select! {
                        () = stop.notified() => {}
                        () = connections.accept(listener, others) => {}
                    }
                });
                // Here the runtime is dropped, and with it the streams of HTTP/2 connections, which are tasks as well.
            })?;
        }
        Ok(origin)
    }

    fn spawn(&mut self, thread: usize, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let name = format!("gaits-origin-{thread}");
        self.threads.push(std::thread::Builder::new().name(name).spawn(run)?);
        Ok(())
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

    /// How many of these connections each thread has got.
    #[must_use]
    pub fn connections_by_thread(&self) -> Vec<u64> {
        self.counters.connections_by_thread()
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

    /// Blocks until the origin has been stopped by a [`Stopper`] and its access log is complete.
    ///
    /// # Errors
    ///
    /// If lines of the access log could not be written.
    pub fn wait(mut self) -> Result<(), AccessLogError> {
        self.join()
    }

    fn join(&mut self) -> Result<(), AccessLogError> {
        for thread in self.threads.drain(..) {
            // A panic of that thread has been reported by its hook; it has stopped either way.
            let _ = thread.join();
        }
        self.log.take().map_or(Ok(()), LogWriter::finish)
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.stopper.stop();
        // Who wants to know of the access log calls `wait`.
        let _ = self.join();
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
