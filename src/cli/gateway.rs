//! `sidestream gateway`: events over HTTP into the input stream, without an engine.
//!
//! Prints the address of its pages as the first line on standard output, as `run` does, and that of the gateway as the second.

use super::options::{Options, nats_settings};
use super::run::{deps, on_actors};
use super::signals;
use crate::app::exit::{Exit, UNAVAILABLE};
use crate::app::gateway::job::GatewayJob;
use crate::app::gateway::run::{RunningGateway, start};
use crate::app::process::Process;
use crate::http::gateway::server::{self, Desk, ServerLimits};
use crate::http::server::Server;
use crate::protocol::facts::Consent;
use crate::telemetry::health::Phase;
use clap::Args;
use std::io::Write;
use std::sync::Arc;

/// How long the gateway beside an engine lets running answers finish when the engine has ended, in seconds.
const BESIDE_STOP_S: u64 = 3;

/// Takes events over HTTP, and answers once the input stream has confirmed them.
#[derive(Debug, Args)]
#[command(after_help = "Example: sidestream gateway --config config.toml --set gateway.listen=127.0.0.1:8081
Beside an engine of the same configuration: --set http.listen=127.0.0.1:0, or only `sidestream run`, which has it inside")]
pub struct Gateway {}

impl Gateway {
    pub(super) fn run(self, options: &Options) -> Result<(), Exit> {
        let config = options.load()?;
        options.init_log()?;
        let process = Process::new(config.clone(), nats_settings(&config), Consent::default());
        let job = GatewayJob::new(&config, nats_settings(&config), process.metrics.clone())?;
        let job = GatewayJob { health: Some(process.health.clone()), ..job };
        on_actors(async move {
            let mut stop = signals::stop().map_err(|error| Exit::new(UNAVAILABLE, error.to_string(), ""))?;
            let (address, pages) = Server::start(&config.http.listen.to_string(), deps(&process))
                .map_err(|error| Exit::new(UNAVAILABLE, error.to_string(), error.hint()))?;
            println!("http://{address}");
            let within = job.gateway.ack_timeout.as_secs() + 1;
            let open = OpenGateway::start(job, within)?;
            let _ = stop.wait_for(|stop| *stop).await;
            process.health.set(Phase::Draining);
            open.stop().await;
            pages.stop().await;
            Ok(())
        })
    }
}

/// A gateway that is open.
pub(super) struct OpenGateway {
    server: Server,
    running: RunningGateway,
}

impl OpenGateway {
    /// Opens the gateway of a process that runs an engine, where it is configured.
    pub(super) fn beside(process: &Process) -> Result<Option<OpenGateway>, Exit> {
        if process.config.gateway.is_none() {
            return Ok(None);
        }
        let job = GatewayJob::new(&process.config, process.nats.clone(), process.metrics.clone())?;
        OpenGateway::start(job, BESIDE_STOP_S).map(Some)
    }

    /// Opens a gateway, and says where; `stop_s` is how long its end may take.
    fn start(job: GatewayJob, stop_s: u64) -> Result<OpenGateway, Exit> {
        let gateway = job.gateway.clone();
        let metrics = job.metrics.clone();
        let running = start(job)?;
        let limits = ServerLimits {
            body: gateway.max_body_bytes,
            in_flight: gateway.max_in_flight_bytes,
            connections: gateway.max_connections,
            within: gateway.request_timeout,
            stop_s,
        };
        let service = running.service.clone();
        let (entering, taking, refusing) = (service.clone(), service.clone(), service.clone());
        let desk = Desk {
            enter: Arc::new(move |head| entering.enter(head)),
            take: Arc::new(move |sender, request| {
                let service = taking.clone();
                Box::pin(async move { service.take(sender, request).await })
            }),
            refuse: Arc::new(move |fault| refusing.refused(fault)),
            trouble: Arc::new(move || service.trouble()),
            metrics,
        };
        let (address, server) = server::start(&gateway.listen.to_string(), desk, limits)
            .map_err(|error| Exit::new(UNAVAILABLE, error.to_string(), error.hint()))?;
        println!("gateway http://{address}");
        let _ = std::io::stdout().flush();
        tracing::info!(%address, "the gateway listens");
        Ok(OpenGateway { server, running })
    }

    /// Takes nothing new, and lets running answers finish for a while.
    pub(super) async fn stop(self) {
        self.server.stop().await;
        drop(self.running);
    }
}
