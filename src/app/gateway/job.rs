//! What a gateway is given.

use crate::adapters::nats::connect::NatsSettings;
use crate::app::exit::{CONFIG, Exit};
use crate::config::{Config, GatewaySection};
use crate::telemetry::health::Health;
use crate::telemetry::metrics::Metrics;

/// The work of one gateway.
#[derive(Clone)]
pub struct GatewayJob {
    /// The configuration.
    pub config: Config,
    /// Its `[gateway]`.
    pub gateway: GatewaySection,
    /// The broker.
    pub nats: NatsSettings,
    /// The metrics.
    pub metrics: Metrics,
    /// Where a process that is nothing but a gateway says how it is.
    pub health: Option<Health>,
}

impl GatewayJob {
    /// Of a configuration; refuses one without `[gateway]`.
    pub fn new(config: &Config, nats: NatsSettings, metrics: Metrics) -> Result<GatewayJob, Exit> {
        let Some(gateway) = config.gateway.clone() else {
            let hint = "add it, such as `[gateway]` with `listen = \"127.0.0.1:8081\"`";
            return Err(Exit::new(CONFIG, "the configuration has no [gateway]", hint));
        };
        Ok(GatewayJob { config: config.clone(), gateway, nats, metrics, health: None })
    }
}
