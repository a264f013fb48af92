//! `sidestream run`: the engine as a service.
//!
//! Prints its address as the first line on standard output; everything else is log.

use super::gateway::OpenGateway;
use super::options::{Options, nats_settings};
use super::signals;
use crate::app::exit::{Exit, UNAVAILABLE};
use crate::app::lake::job::LakeJob;
use crate::app::lake::run as lake;
use crate::app::process::{self, Process};
use crate::app::run::run;
use crate::core::state::view::StateQuery;
use crate::engine::launch::Engine;
use crate::http::server::{Deps, Server};
use crate::protocol::facts::Consent;
use clap::Args;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How long an engine that has ended waits for the lake beside it.
const LAKE_ENDS: Duration = Duration::from_secs(10);

/// Runs the engine until it is stopped.
#[derive(Debug, Args)]
#[command(after_help = "Example: sidestream run --config config.toml --set http.listen=127.0.0.1:0")]
pub struct RunCommand {
    /// Go on although events or outputs that are needed are gone; they are counted.
    #[arg(long)]
    accept_gap: bool,
    /// Go on although the input stream lost events that were processed: new events take their positions, and a message in
    /// the output stream says from where on.
    #[arg(long)]
    accept_rewind: bool,
    /// After a change of tables, keys or de-duplication: apply the new configuration to the whole input.
    #[arg(long, conflicts_with = "keep_state")]
    rebuild_state: bool,
    /// After a change of tables, keys or de-duplication: keep the state, new columns fill from now on.
    #[arg(long)]
    keep_state: bool,
    /// Seconds after which a first start gives up on broker and store; for tests.
    #[arg(long, hide = true, value_name = "SECONDS", default_value_t = 30)]
    patience_s: u64,
}

impl RunCommand {
    pub(super) fn run(self, options: &Options) -> Result<(), Exit> {
        let config = options.load()?;
        options.init_log()?;
        let consent = Consent {
            accept_gap: self.accept_gap,
            rebuild_state: self.rebuild_state,
            keep_state: self.keep_state,
            accept_rewind: self.accept_rewind,
        };
        let listen = config.http.listen;
        let nats = nats_settings(&config);
        let mut process = Process::new(config, nats, consent);
        process.patience = Duration::from_secs(self.patience_s);
        on_actors(async move {
            let stop = signals::stop().map_err(|error| Exit::new(UNAVAILABLE, error.to_string(), ""))?;
            let (address, server) = Server::start(&listen.to_string(), deps(&process))
                .map_err(|error| Exit::new(UNAVAILABLE, error.to_string(), error.hint()))?;
            println!("http://{address}");
            // A program that reads the first line gets it now, even through a pipe.
            let _ = std::io::stdout().flush();
            let gateway = OpenGateway::beside(&process)?;
            let lake = beside(&process, &stop)?;
            let result = run(&process, stop).await;
            if let Some(gateway) = gateway {
                gateway.stop().await;
            }
            if let Some((stop, lake)) = lake {
                // It may finish what it is publishing, for a while: what it does not finish is carried out by the next one.
                let _ = stop.send(true);
                let _ = tokio::time::timeout(LAKE_ENDS, lake).await;
            }
            server.stop().await;
            result
        })
    }
}

/// Starts the lake's writer beside the engine, where there is a lake; it stops with the engine.
fn beside(process: &Process, stop: &watch::Receiver<bool>) -> Result<Option<Beside>, Exit> {
    if process.config.lake.is_none() {
        return Ok(None);
    }
    let job = LakeJob::new(&process.config, process.nats.clone(), process.metrics.clone())?;
    let (ended, mut stops) = (watch::channel(false), stop.clone());
    let (ends, stopped) = ended;
    let asked = ends.clone();
    tokio::spawn(async move {
        let _ = stops.wait_for(|stop| *stop).await;
        let _ = asked.send(true);
    });
    let lake = lake::beside(job, stopped).map_err(|error| Exit::new(UNAVAILABLE, format!("no thread: {error}"), ""))?;
    Ok(Some((ends, lake)))
}

/// How the lake's writer is stopped, and its end.
type Beside = (watch::Sender<bool>, tokio::task::JoinHandle<()>);

/// What the HTTP server shows of a process.
pub(super) fn deps(process: &Process) -> Deps {
    let (running, inspections) = (process.running.clone(), process.inspections.clone());
    Deps {
        metrics: process.metrics.clone(),
        health: process.health.clone(),
        state_open: process.config.http.state_open,
        state: Arc::new(move |ask: StateQuery| {
            let shards = running.lock().map(|shards| shards.clone()).unwrap_or_default();
            let permit = inspections.clone().try_acquire_owned();
            Box::pin(async move {
                let _permit = permit.map_err(|_| "too many look at keys at once")?;
                Engine::inspect(&shards, ask).await
            })
        }),
    }
}

/// Runs a command that runs the engine.
pub(super) fn on_actors<T>(work: impl Future<Output = T>) -> T {
    actix::System::with_tokio_rt(process::runtime).block_on(work)
}
