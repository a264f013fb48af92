//! The command line: one file a command, each with its arguments and `run`.
//!
//! Commands say what they do and leave the doing to `app`, `adapters` and `core`.

mod options;
mod run;
mod check;
mod new;
mod test;
mod catalog;
mod provision;
mod teardown;
mod generate;
mod state;
mod health;
mod audit;
mod dead_letters;
mod replay;
mod lake;
mod gateway;
mod demo;
mod signals;
mod limits;
mod last_words;
mod text;

use crate::app::exit::{Exit, USAGE};
use crate::telemetry::log::LogFormat;
use clap::{Parser, Subcommand};
use options::Options;
use std::process::ExitCode;

/// A stateful stream engine that runs beside a NATS server: every event enriched, in order, exactly once.
#[derive(Debug, Parser)]
#[command(name = "sidestream", version, about, max_term_width = 100)]
struct CommandLine {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::RunCommand),
    New(new::New),
    Check(check::CheckCommand),
    Test(test::TestCommand),
    Catalog(catalog::Catalog),
    Provision(provision::Provision),
    Teardown(teardown::Teardown),
    Demo(demo::Demo),
    Generate(generate::Generate),
    Audit(audit::AuditCommand),
    Replay(replay::Replay),
    Gateway(gateway::Gateway),
    #[command(subcommand)]
    Lake(lake::Lake),
    #[command(subcommand)]
    State(state::StateCommand),
    #[command(subcommand)]
    DeadLetters(dead_letters::DeadLetters),
    Health(health::HealthCommand),
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    #[cfg(feature = "failpoints")]
    let _scenario = fail::FailScenario::setup();
    // Named once and first: with a second provider compiled in, the first TLS connection would panic.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let line = match CommandLine::try_parse() {
        Ok(line) => line,
        Err(error) => {
            if error.use_stderr() && last_words::wanted(std::env::args_os()) == LogFormat::Json {
                last_words::report(LogFormat::Json, &Exit::new(USAGE, error.to_string().trim_end(), ""));
                return ExitCode::from(USAGE);
            }
            // Help and version are answers, not errors; clap prints each where it belongs.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { USAGE } else { 0 });
        }
    };
    match limits::enough_open_files().and_then(|()| carry_out(line.command, &line.options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(exit) => {
            last_words::report(line.options.log, &exit);
            ExitCode::from(exit.code)
        }
    }
}

fn carry_out(command: Command, options: &Options) -> Result<(), Exit> {
    match command {
        Command::Run(command) => command.run(options),
        Command::New(command) => command.run(),
        Command::Check(command) => command.run(options),
        Command::Test(command) => command.run(options),
        Command::Catalog(command) => command.run(options),
        Command::Provision(command) => command.run(options),
        Command::Teardown(command) => command.run(options),
        Command::Demo(command) => command.run(options),
        Command::Generate(command) => command.run(options),
        Command::Audit(command) => command.run(options),
        Command::Replay(command) => command.run(options),
        Command::Gateway(command) => command.run(options),
        Command::Lake(command) => command.run(options),
        Command::State(command) => command.run(options),
        Command::DeadLetters(command) => command.run(options),
        Command::Health(command) => command.run(options),
    }
}
