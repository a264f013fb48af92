//! The gateway's server: who takes its requests, and its bounds.

use super::room::Room;
use super::routes::routes;
use crate::http::listener::{ConnectionManner, ListenError, Server};
use crate::protocol::gateway::answer::GatewayAnswer;
use crate::protocol::gateway::problem::RequestFault;
use crate::protocol::gateway::request::PublishRequest;
use crate::protocol::gateway::tokens::Sender;
use crate::telemetry::metrics::Metrics;
use actix_web::http::KeepAlive;
use actix_web::web::Data;
use futures_util::future::BoxFuture;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// How long a connection without a request is kept.
const KEPT: Duration = Duration::from_secs(15);
/// How long a request's headers may take.
const HEAD_WITHIN: Duration = Duration::from_secs(5);

/// Tells from a request's headers who sends it, or what is answered at once.
pub type Enter = dyn Fn(&PublishRequest) -> Result<Sender, GatewayAnswer> + Send + Sync;

/// Who takes the requests.
#[derive(Clone)]
pub struct Desk {
    /// Asked before the body is read.
    pub enter: Arc<Enter>,
    /// Takes a request with its body.
    pub take: Arc<dyn Fn(Sender, PublishRequest) -> BoxFuture<'static, GatewayAnswer> + Send + Sync>,
    /// Puts what was refused before into an answer.
    pub refuse: Arc<dyn Fn(&RequestFault) -> GatewayAnswer + Send + Sync>,
    /// Why nothing can be stored at this moment.
    pub trouble: Arc<dyn Fn() -> Option<String> + Send + Sync>,
    /// Where requests are counted.
    pub metrics: Metrics,
}

/// What the server bounds.
#[derive(Clone, Copy, Debug)]
pub struct ServerLimits {
    /// The largest body, unpacked, in bytes.
    pub body: usize,
    /// The bytes of all bodies that may be in hand at once.
    pub in_flight: usize,
    /// Connections at once.
    pub connections: usize,
    /// How long a body may take to come.
    pub within: Duration,
    /// How long a graceful stop waits for answers that are under way, in seconds.
    pub stop_s: u64,
}

/// What the routes share.
pub(super) struct RouteShared {
    pub(super) desk: Desk,
    pub(super) limits: ServerLimits,
    pub(super) room: Room,
}

/// Starts to serve, and says at which address.
pub fn start(listen: &str, desk: Desk, limits: ServerLimits) -> Result<(SocketAddr, Server), ListenError> {
    let manner = ConnectionManner {
        thread: "gateway-http",
        key: "gateway.listen",
        keep_alive: KeepAlive::Timeout(KEPT),
        stop_s: limits.stop_s,
        connections: limits.connections,
        head_within: HEAD_WITHIN,
    };
    let shared = Data::new(RouteShared { desk, limits, room: Room::new(limits.in_flight) });
    Server::open(listen, manner, move |config| {
        config.app_data(shared.clone());
        routes(config);
    })
}
