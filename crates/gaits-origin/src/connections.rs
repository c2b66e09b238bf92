//! The connections of an origin: taken by one thread, dealt out to all threads in turn, and each served to its end by
//! the thread that got it. What requests are answered with is decided by the service.

use std::io;
use std::mem;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::loan::Loan;
use crate::script::{Ended, play};
use crate::service::{Connection, Scripted, Shared};
use crate::socket::Socket;

/// How long to leave new connections alone when the system has no room for one, which is when other connections or
/// other programs have to end first.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// Streams that one HTTP/2 connection may have open.
const MAX_STREAMS: u32 = 1024;

/// A connection on its way from the thread that accepted it to the one that serves it.
pub(crate) type Accepted = (std::net::TcpStream, SocketAddr);

/// The connections that one thread serves. When this is dropped, they are closed.
pub(crate) struct Connections {
    /// Which of the threads, from 0.
    thread: usize,
    shared: Arc<Shared>,
    tls: Option<TlsAcceptor>,
    tasks: JoinSet<()>,
}

impl Connections {
    pub(crate) fn new(thread: usize, shared: Arc<Shared>, tls: Option<TlsAcceptor>) -> Self {
        Self { thread, shared, tls, tasks: JoinSet::new() }
    }

    fn serve(&mut self, stream: TcpStream, peer: SocketAddr) {
        self.shared.counters.connection(self.thread);
        self.tasks.spawn(connect(stream, peer, self.tls.clone(), Arc::clone(&self.shared)));
        while self.tasks.try_join_next().is_some() {}
    }

    /// Takes connections for ever, and deals them out in turn to itself and to `others`.
    ///
    /// A listening socket for each thread would leave the dealing to the kernel, which does it by a hash of the
    /// addresses: of two connections both go to the same of two threads every other time.
    pub(crate) async fn accept(
        mut self,
        listener: TcpListener,
        others: Vec<UnboundedSender<Accepted>>,
    ) {
        let mut turn = 0;
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => {
                    match turn {
                        0 => self.serve(stream, peer),
                        // `into_std` takes it out of this thread's poller; the other thread puts it into its own. If
                        // either step fails, the connection or its thread is gone.
                        other => {
                            let _ = stream
                                .into_std()
                                .map(|stream| others[other - 1].send((stream, peer)));
                        }
                    }
                    turn = (turn + 1) % (others.len() + 1);
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
        }
    }

    /// Serves the connections that it is dealt, until the thread that deals them has ended.
    pub(crate) async fn take(mut self, mut dealt: UnboundedReceiver<Accepted>) {
        while let Some((stream, peer)) = dealt.recv().await {
            // An error means that this thread's poller has no memory left; the client sees the connection close.
            if let Ok(stream) = TcpStream::from_std(stream) {
                self.serve(stream, peer);
            }
        }
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
    let connection = Arc::new(Connection::new(shared, peer, socket.reset_handle()));
    match tls {
        None => serve(socket, connection).await,
        Some(tls) => {
            if let Ok(stream) = tls.accept(socket).await {
                serve(stream, connection).await;
            }
        }
    }
}

/// Lets hyper serve a connection, takes over where a reply is scripted, and gives it back if the reply leaves it whole.
async fn serve<S>(mut io: S, connection: Arc<Connection>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut early = Vec::new();
    loop {
        let (loan, mut back) = Loan::new(io, mem::take(&mut early), connection.unsent.clone());
        serve_http(loan, Arc::clone(&connection)).await;
        let (Some(scripted), Ok(stream)) = (connection.take_scripted(), back.try_recv()) else {
            return;
        };
        io = stream;
        let Scripted { steps, mut in_progress } = scripted;
        let count = |size| in_progress.log(|entry| entry.sent(size));
        match play(&mut io, &steps, &mut early, count).await {
            Ok(Ended::Kept) => {}
            Ok(Ended::Reset) => return connection.reset.order(),
            // The client is gone if it is not closed.
            Ok(Ended::Closed) | Err(_) => return,
        }
    }
}

async fn serve_http(
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
    // Errors are disconnected clients, malformed requests (which hyper has answered), faults and scripted replies.
    let _ = builder.serve_connection(TokioIo::new(io), service).await;
}
