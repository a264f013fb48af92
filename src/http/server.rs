//! The engine's own server: what its pages show, and how it treats whoever looks at them.

pub use super::listener::{ListenError, Server};

use super::listener::ConnectionManner;
use super::pages::routes;
use super::state::StateLookup;
use crate::telemetry::health::Health;
use crate::telemetry::metrics::Metrics;
use actix_web::http::KeepAlive;
use actix_web::web::Data;
use std::net::SocketAddr;
use std::time::Duration;

/// How long a graceful stop waits for answers that are under way; the look-up of a state may take longer.
const STOP_S: u64 = 2;
/// What the library takes when it is told nothing.
const CONNECTIONS: usize = 25_000;
const HEAD_WITHIN: Duration = Duration::from_secs(5);

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

impl Server {
    /// Serves the pages.
    pub fn start(listen: &str, deps: Deps) -> Result<(SocketAddr, Server), ListenError> {
        let manner = ConnectionManner {
            thread: "http",
            key: "http.listen",
            // A scraper's idle connection would hold up every stop, and it calls too rarely to gain from one.
            keep_alive: KeepAlive::Disabled,
            stop_s: STOP_S,
            connections: CONNECTIONS,
            head_within: HEAD_WITHIN,
        };
        let deps = Data::new(deps);
        Server::open(listen, manner, move |config| {
            config.app_data(deps.clone());
            routes(config);
        })
    }
}
