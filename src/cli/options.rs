//! The options that every command takes, and what they come to: a configuration and a way to the broker.
//!
//! Reads the environment; nothing below the command line does.

use crate::adapters::nats::connect::{Connection, NatsSettings, TlsSettings};
use crate::adapters::nats::prefix::{self, Prefixes};
use crate::adapters::nats::streams;
use crate::app::command_patience;
use crate::app::exit::{CONFIG, Exit, UNAVAILABLE, USAGE};
use crate::app::process::PATIENCE;
use crate::config::{Api, Config, Overrides};
use crate::core::plan::spec::PlanSpec;
use crate::telemetry::log::{LogFormat, init, line};
use clap::{ArgAction, Args};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::Instant;

/// Between two attempts of a command.
const PAUSE: Duration = Duration::from_millis(250);

/// Options of every command.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// The configuration file; of several, each is laid over those before it.
    #[arg(long, global = true, value_name = "FILE", default_value = "config.toml", action = ArgAction::Append)]
    pub config: Vec<PathBuf>,
    /// Overrides one setting, such as `--set nats.url=nats://10.0.0.7:4222`; may be repeated.
    #[arg(long = "set", global = true, value_name = "KEY=VALUE", value_parser = key_value)]
    pub sets: Vec<(String, String)>,
    /// The server's address, over the one of the configuration.
    #[arg(long, global = true, value_name = "URL", env = "SIDESTREAM_NATS_URL", hide_env_values = true)]
    pub nats_url: Option<String>,
    /// How log lines are written, to standard error.
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text")]
    pub log: LogFormat,
    /// Which log lines are written, in the notation of tracing's EnvFilter.
    #[arg(long, global = true, value_name = "FILTER", env = "SIDESTREAM_LOG")]
    pub log_filter: Option<String>,
}

fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write KEY=VALUE, such as nats.url=nats://127.0.0.1:4222")?;
    Ok((key.trim().to_owned(), value.trim().to_owned()))
}

impl Options {
    /// The checked configuration; its warnings go to standard error.
    pub fn load(&self) -> Result<Config, Exit> {
        self.load_from(&self.config)
    }

    /// The plans of configurations from before a change.
    pub fn load_older(&self, paths: &[PathBuf]) -> Result<Vec<PlanSpec>, Exit> {
        paths.iter().map(|path| Ok(self.load_from(std::slice::from_ref(path))?.plan)).collect()
    }

    /// The first file.
    pub fn path(&self) -> &Path {
        self.config.first().map_or(Path::new("config.toml"), PathBuf::as_path)
    }

    fn load_from(&self, paths: &[PathBuf]) -> Result<Config, Exit> {
        let (config, warnings) = Config::load_layers(paths, &self.overrides())
            .map_err(|error| Exit::new(CONFIG, format!("the configuration is not valid\n\n{error}"), ""))?;
        for warning in warnings {
            match self.log {
                LogFormat::Json => eprintln!("{}", line("WARN", &warning.to_string(), &[])),
                LogFormat::Text => eprintln!("warning: {warning}"),
            }
        }
        Ok(config)
    }

    /// What is laid over the configuration file.
    pub fn overrides(&self) -> Overrides {
        // What is no Unicode can stand in no value.
        let variables = std::env::vars_os();
        let variables =
            variables.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Overrides { nats_url: self.nats_url.clone(), variables: variables.collect(), sets: self.sets.clone() }
    }

    /// Starts logging.
    pub fn init_log(&self) -> Result<(), Exit> {
        init(self.log, self.log_filter.as_deref()).map_err(|error| Exit::new(USAGE, error.to_string(), error.hint()))
    }
}

/// The adapter's settings from those of the configuration.
pub fn nats_settings(config: &Config) -> NatsSettings {
    let nats = &config.nats;
    NatsSettings {
        url: nats.url.0.clone(),
        credentials_file: nats.credentials_file.clone(),
        nkey_file: nats.nkey_file.clone(),
        user: nats.user.clone(),
        password_file: nats.password_file.clone(),
        tls: nats.tls.as_ref().map(|tls| TlsSettings {
            ca_file: tls.ca_file.clone(),
            cert_file: tls.cert_file.clone(),
            key_file: tls.key_file.clone(),
            first: tls.first,
        }),
        token_file: nats.token_file.clone(),
        api: prefixes(config),
        inbox_prefix: nats.inbox_prefix.clone(),
        connect_timeout: nats.connect_timeout,
        request_timeout: nats.request_timeout,
        discover_servers: nats.discover_servers,
    }
}

/// Where the JetStream API of each stream answers.
fn prefixes(config: &Config) -> Prefixes {
    let of = |api: &Option<Api>| match api.as_ref().or(config.nats.api.as_ref()) {
        None => prefix::API.to_owned(),
        Some(Api::Domain(domain)) => prefix::of_domain(domain),
        Some(Api::Prefix(prefix)) => prefix.clone(),
    };
    Prefixes {
        account: of(&None),
        input: Some((config.input.stream.clone(), of(&config.input.api))),
        output: of(&config.output.api),
    }
}

/// Connects for a command that does one thing and ends.
pub async fn connect(config: &Config, purpose: &str) -> Result<Connection, Exit> {
    let settings = nats_settings(config);
    Ok(command_patience::patiently(async || Connection::open(&settings, purpose).await).await?)
}

/// The same for a command that reads the streams: waits for their leaders, as a run does.
pub async fn connect_to_streams(config: &Config, purpose: &str) -> Result<Connection, Exit> {
    let connection = connect(config, purpose).await?;
    for stream in [&config.input.stream, &config.output.stream] {
        let found = command_patience::patiently(async || streams::find(&connection, stream).await).await;
        // What waiting does not mend is said by whoever needs the stream.
        if let Err(error) = found
            && error.is_transient()
        {
            return Err(error.into());
        }
    }
    Ok(connection)
}

/// Does the work of a command again while the broker is not available, for as long as a first start of `run` would.
pub async fn patiently<T>(mut work: impl AsyncFnMut() -> Result<T, Exit>) -> Result<T, Exit> {
    let end = Instant::now() + PATIENCE;
    loop {
        match work().await {
            Err(exit) if exit.code == UNAVAILABLE && Instant::now() + PAUSE < end => tokio::time::sleep(PAUSE).await,
            result => return result,
        }
    }
}

/// Runs a command's work on a runtime of its own.
pub fn block_on<T>(work: impl Future<Output = Result<T, Exit>>) -> Result<T, Exit> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Exit::new(UNAVAILABLE, format!("no runtime: {error}"), ""))?;
    runtime.block_on(work)
}
