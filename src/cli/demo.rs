//! `sidestream demo`: the whole thing on a private server, from an empty disk to a clean audit.
//!
//! Everything it makes lives in one temporary directory and goes with it, unless it is kept.

mod private_server;
mod samples;
mod screen;

use super::audit::print;
use super::generate::{Rate, publish, rate, school};
use super::options::{Options, nats_settings};
use super::provision::provision;
use super::run::deps;
use super::text::ProgressLine;
use crate::adapters::nats::connect::Connection;
use crate::adapters::nats::publish::Publisher;
use crate::app::exit::{CONFIG, Exit, NO, UNAVAILABLE};
use crate::app::process::Process;
use crate::app::process::runtime;
use crate::app::run::run;
use crate::audit::report::AuditVerdict;
use crate::commands::audit::audit;
use crate::config::{Config, Overrides, SHIPPED};
use crate::http::server::Server;
use crate::protocol::facts::Consent;
use clap::Args;
use private_server::PrivateServer;
use screen::Screen;
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::watch;

/// How long the last outputs may take once the last event is in.
const CATCH_UP: Duration = Duration::from_secs(60);

/// Runs server, engine and a generated school on this machine, shows figures, and audits the result.
#[derive(Debug, Args)]
#[command(after_help = "Example: sidestream demo --seconds 10 --rate 1250")]
pub struct Demo {
    /// How long events are generated.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: u64,
    /// Events a second, or `max`.
    #[arg(long, default_value = "1250", value_parser = rate)]
    rate: Rate,
    /// Leave server and engine running until Ctrl-C.
    #[arg(long)]
    keep: bool,
    /// The nats-server program, 2.14 or later; scripts/demo finds or gets one.
    #[arg(long, value_name = "PATH", default_value = "nats-server", env = "SIDESTREAM_NATS_SERVER")]
    nats_server: PathBuf,
}

impl Demo {
    pub(super) fn run(self, options: &Options) -> Result<(), Exit> {
        // Log lines would run through the figures; what matters of them is shown there.
        let quiet =
            Options { log_filter: Some(options.log_filter.clone().unwrap_or("error".to_owned())), ..options.clone() };
        quiet.init_log()?;
        let overrides = options.overrides();
        actix::System::with_tokio_rt(runtime).block_on(async move {
            let stop = super::signals::stop().map_err(|error| Exit::new(UNAVAILABLE, error.to_string(), ""))?;
            let mut server = PrivateServer::start(&self.nats_server).await?;
            println!("nats-server {} on {}, files in {}", server.version(), server.url(), server.directory().display());
            let result = self.with_server(&server, overrides, stop).await;
            server.stop().await;
            result
        })
    }

    async fn with_server(
        &self,
        server: &PrivateServer,
        overrides: Overrides,
        mut stop: watch::Receiver<bool>,
    ) -> Result<(), Exit> {
        let config = configure(server, overrides)?;
        let connection = Connection::open(&nats_settings(&config), "demo").await?;
        for line in provision(&connection, &config).await? {
            println!("{line}");
        }
        let process = Process::new(config.clone(), nats_settings(&config), Consent::default());
        let (address, http) = Server::start(&config.http.listen.to_string(), deps(&process))
            .map_err(|error| Exit::new(UNAVAILABLE, error.to_string(), error.hint()))?;
        println!("engine on http://{address}, {} events a second for {} s\n", self.rate, self.seconds);
        let (end_engine, engine_stop) = watch::channel(false);
        let show = async {
            let shown = self.show(&connection, &config, &process, &format!("http://{address}"), &mut stop).await;
            // A receiver that is gone has ended already.
            let _ = end_engine.send(true);
            shown
        };
        let (ran, shown) = tokio::join!(run(&process, engine_stop), show);
        http.stop().await;
        // Why the engine ended says more than that its outputs did not come.
        ran.and(shown)
    }

    async fn show(
        &self,
        connection: &Connection,
        config: &Config,
        process: &Process,
        address: &str,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<(), Exit> {
        let screen = Screen::new(&process.metrics);
        let interrupted = tokio::select! {
            result = self.generate(connection, config) => { result?; false }
            () = screen.show() => false,
            _ = stop.wait_for(|stop| *stop) => true,
        };
        if interrupted {
            return Ok(());
        }
        tokio::select! {
            caught_up = tokio::time::timeout(CATCH_UP, samples::caught_up(connection, config)) => {
                caught_up.map_err(|_| Exit::new(UNAVAILABLE, "the engine did not catch up within a minute", "look at its log: --log-filter info"))??;
            }
            () = screen.show() => {}
            _ = stop.wait_for(|stop| *stop) => return Ok(()),
        }
        screen.last_line();
        samples::print(connection, config).await?;
        let line = ProgressLine::new(0, "messages");
        let report =
            audit(connection, config, &[], true, &mut |progress| line.of(progress.read, progress.total)).await?;
        line.clear();
        print(&report);
        println!("\nmetrics: {address}/metrics");
        if self.keep {
            println!("server {} and engine go on; Ctrl-C ends and removes both", config.nats.url.0);
            let _ = stop.wait_for(|stop| *stop).await;
        }
        match report.verdict {
            AuditVerdict::Clean => Ok(()),
            AuditVerdict::NotClean | AuditVerdict::NotChecked => {
                Err(Exit::new(NO, "the audit found faults", "please report them"))
            }
        }
    }

    async fn generate(&self, connection: &Connection, config: &Config) -> Result<(), Exit> {
        let mut publisher = Publisher::open(connection, &config.input.stream).await?;
        let mut school = school(1, 1_000, 0, self.rate);
        let end = tokio::time::Instant::now() + Duration::from_secs(self.seconds);
        publish(&mut publisher, &mut school, u64::MAX, self.rate, Some(end), &mut |_| {}).await
    }
}

/// The shipped configuration with the addresses and the state directory of the demo.
fn configure(server: &PrivateServer, overrides: Overrides) -> Result<Config, Exit> {
    let text = |value: &str| format!("{value:?}");
    let mut sets = vec![
        ("nats.url".to_owned(), text(server.url())),
        ("state.path".to_owned(), text(&server.directory().join("state").display().to_string())),
        ("http.listen".to_owned(), text("127.0.0.1:0")),
    ];
    sets.extend(overrides.sets);
    let (config, _) = Config::parse("config.toml", SHIPPED, &Overrides { sets, ..Overrides::default() })
        .map_err(|error| Exit::new(CONFIG, error.to_string(), ""))?;
    Ok(config)
}
