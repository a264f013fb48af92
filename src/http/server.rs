//! stand-in
#![allow(missing_docs)]
use crate::{http::health::Health, telemetry::metrics::Metrics};
use std::{net::SocketAddr, pin::Pin, sync::Arc};
pub type Inspect = Arc<
    dyn Fn(String) -> Pin<Box<dyn Future<Output = Result<Option<serde_json::Value>, String>> + Send>> + Send + Sync,
>;
pub struct Deps {
    pub metrics: Metrics,
    pub health: Health,
    pub inspect: Inspect,
}
pub struct Server(SocketAddr);
impl Server {
    pub fn start(a: SocketAddr, _: Deps) -> std::io::Result<Server> {
        Ok(Server(a))
    }
    pub fn address(&self) -> SocketAddr {
        self.0
    }
    pub async fn stop(self) {}
}
