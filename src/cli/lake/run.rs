//! `sidestream lake run`: the lake's writer by itself.
//!
//! Prints its address as the first line on standard output, as `run` does; with --once it has none.

use crate::app::exit::{Exit, UNAVAILABLE};
use crate::app::lake::job::LakeJob;
use crate::app::lake::run::{apart, run};
use crate::app::process::Process;
use crate::cli::options::{Options, block_on, nats_settings};
use crate::cli::run::deps;
use crate::cli::{run::on_actors, signals};
use crate::http::server::Server;
use crate::protocol::facts::Consent;
use crate::telemetry::health::Phase;
use clap::Args;
use std::io::Write;

/// Stores what the output stream holds, until it is stopped.
#[derive(Debug, Args)]
#[command(after_help = "Example: sidestream lake run --config config.toml
Once, for what is there now: sidestream lake run --once")]
pub struct LakeRunCommand {
    /// Store what the output stream holds now, and end.
    #[arg(long)]
    once: bool,
    /// Go on although rows that are not stored yet are gone from the output stream; the lake's log says which.
    #[arg(long)]
    accept_gap: bool,
}

impl LakeRunCommand {
    pub(super) fn run(self, options: &Options) -> Result<(), Exit> {
        let config = options.load()?;
        options.init_log()?;
        let nats = nats_settings(&config);
        let process = Process::new(config.clone(), nats.clone(), Consent::default());
        let job = LakeJob::new(&config, nats, process.metrics.clone())?;
        let job = LakeJob { once: self.once, accept_gap: self.accept_gap, ..job };
        if self.once {
            return block_on(async {
                let stop = signals::stop().map_err(|error| Exit::new(UNAVAILABLE, error.to_string(), ""))?;
                run(&job, stop).await
            });
        }
        on_actors(async move {
            let stop = signals::stop().map_err(|error| Exit::new(UNAVAILABLE, error.to_string(), ""))?;
            let (address, server) = Server::start(&config.http.listen.to_string(), deps(&process))
                .map_err(|error| Exit::new(UNAVAILABLE, error.to_string(), error.hint()))?;
            println!("http://{address}");
            // A program that reads the first line gets it now, even through a pipe.
            let _ = std::io::stdout().flush();
            process.health.set(Phase::Ready);
            let ended = match apart(job, stop) {
                Ok(ended) => ended.await.unwrap_or_else(|_| Err(Exit::broken("the lake's thread panicked"))),
                Err(error) => Err(Exit::new(UNAVAILABLE, format!("no thread: {error}"), "")),
            };
            server.stop().await;
            ended
        })
    }
}
