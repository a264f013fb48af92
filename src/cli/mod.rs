//! The command line: one file a command, each with its arguments and `run`.
//!
//! Commands say what they do and leave the doing to `app`, `adapters` and `core`.

mod options;
mod run;
mod check;
mod provision;
mod generate;
mod state;
mod health;
mod audit;
mod dead_letters;
mod replay;
mod demo;
mod signals;
mod text;

use crate::app::exit::{Exit, USAGE};
use clap::{Parser, Subcommand};
use options::Options;
use std::process::ExitCode;

/// A stateful stream engine that runs beside a NATS server: every event enriched, in order, exactly once.
#[derive(Debug, Parser)]
#[command(name = "sidestream", version, about, max_term_width = 100)]
struct Line {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Run),
    Check(check::Check),
    Provision(provision::Provision),
    Demo(demo::Demo),
    Generate(generate::Generate),
    Audit(audit::Audit),
    Replay(replay::Replay),
    #[command(subcommand)]
    State(state::State),
    #[command(subcommand)]
    DeadLetters(dead_letters::DeadLetters),
    Health(health::Health),
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    #[cfg(feature = "failpoints")]
    let _scenario = fail::FailScenario::setup();
    // Named once and first: with a second provider compiled in, the first TLS connection would panic.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let line = match Line::try_parse() {
        Ok(line) => line,
        Err(error) => {
            // Help and version are answers, not errors; clap prints each where it belongs.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { USAGE } else { 0 });
        }
    };
    let result = match line.command {
        Command::Run(command) => command.run(&line.options),
        Command::Check(command) => command.run(&line.options),
        Command::Provision(command) => command.run(&line.options),
        Command::Demo(command) => command.run(&line.options),
        Command::Generate(command) => command.run(&line.options),
        Command::Audit(command) => command.run(&line.options),
        Command::Replay(command) => command.run(&line.options),
        Command::State(command) => command.run(&line.options),
        Command::DeadLetters(command) => command.run(&line.options),
        Command::Health(command) => command.run(&line.options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(exit) => {
            report(&exit);
            ExitCode::from(exit.code)
        }
    }
}

fn report(exit: &Exit) {
    if !exit.message.is_empty() {
        eprintln!("error: {exit}");
    }
    if !exit.hint.is_empty() {
        eprintln!("hint: {}", exit.hint);
    }
}
