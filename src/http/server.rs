//! The server's life: bind, serve on a thread of its own, stop.
//!
//! Never runs on the engine's threads: a shard's long slice delays no scrape, and a scrape no slice.

use super::pages::routes;
use super::state::StateLookup;
use crate::telemetry::health::Health;
use crate::telemetry::metrics::Metrics;
use actix_web::dev::ServerHandle;
use actix_web::http::KeepAlive;
use actix_web::web::Data;
use actix_web::{App, HttpServer, rt};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc;
use std::thread;

/// How long a graceful stop waits for answers that are under way; the look-up of a state may take longer.
const STOP_S: u64 = 2;

/// What the pages show.
#[derive(Clone)]
pub struct Deps {
    /// For `/metrics`.
    pub metrics: Metrics,
    /// For `/healthz` and `/readyz`.
    pub health: Health,
    /// For `/state`.
    pub state: StateLookup,
    /// Whether `/state` answers other machines, too.
    pub state_open: bool,
}

/// The address in `http.listen` cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {listen}, as http.listen says")]
pub struct ListenError {
    /// The address as configured.
    pub listen: String,
    /// What the system said.
    #[source]
    pub source: io::Error,
}

impl ListenError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self.source.kind() {
            io::ErrorKind::AddrInUse => "another process listens there: stop it, or set http.listen to another port",
            io::ErrorKind::AddrNotAvailable => "set http.listen to an address of this machine, such as 127.0.0.1:8080",
            io::ErrorKind::PermissionDenied => "set http.listen to a port from 1024 on",
            _ => "http.listen is ADDRESS:PORT, such as 127.0.0.1:8080; port 0 takes a free one",
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
    pub fn start(listen: &str, deps: Deps) -> Result<(SocketAddr, Server), ListenError> {
        let failed = |source| ListenError { listen: listen.to_owned(), source };
        let listener = TcpListener::bind(listen).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (started, start) = mpsc::sync_channel(1);
        let thread = thread::Builder::new().name("http".to_owned());
        let thread = thread.spawn(move || serve(listener, deps, &started)).map_err(failed)?;
        // The thread answers before it serves; without an answer it is gone.
        let gone = |_| Err(io::Error::other("the HTTP server's thread ended"));
        let handle = start.recv().unwrap_or_else(gone).map_err(failed)?;
        Ok((address, Server { handle, thread: Some(thread) }))
    }

    /// Accepts nothing new, lets running answers finish for up to two seconds, and ends the thread.
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

fn serve(listener: TcpListener, deps: Deps, started: &mpsc::SyncSender<io::Result<ServerHandle>>) {
    let ended = rt::System::new().block_on(async {
        let deps = Data::new(deps);
        let server = HttpServer::new(move || App::new().app_data(deps.clone()).configure(routes))
            .workers(1)
            .disable_signals()
            // A scraper's idle connection would hold up every stop, and it calls too rarely to gain from one.
            .keep_alive(KeepAlive::Disabled)
            .shutdown_timeout(STOP_S)
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
