//! A server's life: bind, serve on a thread of its own, stop.
//!
//! Never runs on the engine's threads: a shard's long slice delays no answer, and an answer no slice.

use actix_web::dev::ServerHandle;
use actix_web::http::KeepAlive;
use actix_web::web::ServiceConfig;
use actix_web::{App, HttpServer, rt};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// How a server treats its connections.
#[derive(Clone, Debug)]
pub(super) struct ConnectionManner {
    /// The thread's name.
    pub(super) thread: &'static str,
    /// The key of the configuration that says where it listens.
    pub(super) key: &'static str,
    /// Whether a connection stays for another request.
    pub(super) keep_alive: KeepAlive,
    /// How long a graceful stop waits for answers that are under way, in seconds.
    pub(super) stop_s: u64,
    /// Connections at a time; more wait until one ends.
    pub(super) connections: usize,
    /// How long a request's headers may take.
    pub(super) head_within: Duration,
}

/// The configured address cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {listen}, as {key} says")]
pub struct ListenError {
    /// The address as configured.
    pub listen: String,
    /// The key that says it.
    pub key: &'static str,
    /// What the system said.
    #[source]
    pub source: io::Error,
}

impl ListenError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        let key = self.key;
        match self.source.kind() {
            io::ErrorKind::AddrInUse => format!("another process listens there: stop it, or set {key} to another port"),
            io::ErrorKind::AddrNotAvailable => {
                format!("set {key} to an address of this machine, such as 127.0.0.1:8080")
            }
            io::ErrorKind::PermissionDenied => format!("set {key} to a port from 1024 on"),
            _ => format!("{key} is ADDRESS:PORT, such as 127.0.0.1:8080; port 0 takes a free one"),
        }
    }
}

/// A running server; dropping it stops it without waiting.
pub struct Server {
    handle: ServerHandle,
    thread: Option<thread::JoinHandle<()>>,
}

impl Server {
    /// Binds, starts to serve, and says at which address; connections are accepted when this returns.
    ///
    /// Needs no runtime of the caller's, and does not mind one.
    pub(super) fn open(
        listen: &str,
        manner: ConnectionManner,
        routes: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
    ) -> Result<(SocketAddr, Server), ListenError> {
        let key = manner.key;
        let failed = |source| ListenError { listen: listen.to_owned(), key, source };
        let listener = TcpListener::bind(listen).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (started, start) = mpsc::sync_channel(1);
        let thread = thread::Builder::new().name(manner.thread.to_owned());
        let thread = thread.spawn(move || serve(listener, &manner, routes, &started)).map_err(failed)?;
        // The thread answers before it serves; without an answer it is gone.
        let gone = |_| Err(io::Error::other("the HTTP server's thread ended"));
        let handle = start.recv().unwrap_or_else(gone).map_err(failed)?;
        Ok((address, Server { handle, thread: Some(thread) }))
    }

    /// Accepts nothing new, lets running answers finish for a while, and ends the thread.
    pub async fn stop(mut self) {
        self.handle.stop(true).await;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::warn!("the HTTP server's thread panicked");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The command is sent by the call itself; only waiting for it needs the future.
        drop(self.handle.stop(false));
    }
}

fn serve(
    listener: TcpListener,
    manner: &ConnectionManner,
    routes: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
    started: &mpsc::SyncSender<io::Result<ServerHandle>>,
) {
    let ended = rt::System::new().block_on(async {
        let server = HttpServer::new(move || App::new().configure(routes.clone()))
            .workers(1)
            .disable_signals()
            .keep_alive(manner.keep_alive)
            .max_connections(manner.connections)
            .client_request_timeout(manner.head_within)
            .shutdown_timeout(manner.stop_s)
            .listen(listener);
        let server = match server {
            Ok(server) => server.run(),
            Err(error) => return started.send(Err(error)).map_err(io::Error::other),
        };
        if started.send(Ok(server.handle())).is_err() {
            return Ok(());
        }
        server.await
    });
    if let Err(error) = ended {
        tracing::error!(%error, "the HTTP server ended");
    }
}
