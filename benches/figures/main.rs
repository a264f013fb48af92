//! The figures of `docs/benchmarks.md`, each section made by one command: run it with `scripts/bench`.
//!
//! One private server; competitors and variants take turns, each in a process of its own, and the order is turned
//! round after each round. No speed is asserted here, since absolute figures belong to one machine: only the number of
//! outputs is, and the exit code says whether it was right.

mod contest;
mod core;
mod document;
mod idle;
mod latency;
mod own;
mod plot;
mod process;
mod report;
mod restart;
mod scaling;
mod server;
mod stage;
mod usage;
mod usual;

use clap::{Parser, Subcommand};
use contest::Competitor;
use document::Section;
use report::{Report, Round};
use server::Server;
use sidestream::app::process::runtime as engines_runtime;
use stage::{Filling, Stage};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

/// What goes wrong here goes to a person, as words.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Measures, and prints a section of `docs/benchmarks.md`.
#[derive(Debug, Parser)]
#[command(name = "scripts/bench")]
struct Line {
    /// Puts the section and its plots into `docs`, too.
    #[arg(long, global = true)]
    write: bool,
    /// How often each competitor or variant runs.
    #[arg(long, global = true, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    rounds: u64,
    /// The server's binary.
    #[arg(long, global = true, env = "SIDESTREAM_NATS_SERVER", hide = true)]
    server: Option<PathBuf>,
    /// The bench of the core.
    #[arg(long, global = true, hide = true)]
    core: Option<PathBuf>,
    /// What was built with what, for the report.
    #[arg(long, global = true, hide = true, default_value = "")]
    build: String,
    /// `cargo bench` says it; it means nothing here.
    #[arg(long, global = true, hide = true)]
    bench: bool,
    #[command(subcommand)]
    what: What,
}

/// What to measure, and what this same program does as a competitor's process.
#[derive(Clone, Debug, Subcommand)]
enum What {
    /// The full job against a forwarder written the usual way, and against our own source and lane without a job.
    Forward {
        /// How many events the input stream holds.
        #[arg(long, default_value_t = 300_000, value_parser = clap::value_parser!(u64).range(1..))]
        events: u64,
        /// Without the stream that sources dead letters: to the server it is a consumer of the output stream.
        #[arg(long)]
        alone: bool,
    },
    /// The core alone, stage by stage, on one thread.
    Core,
    /// From stored in the input to stored in the output, at three rates.
    Latency {
        /// How long each rate lasts.
        #[arg(long, default_value_t = 20)]
        seconds: u64,
    },
    /// More shards, larger events, more users, a small cache.
    Scaling {
        /// How many events of the usual size.
        #[arg(long, default_value_t = 300_000)]
        events: u64,
        /// Inputs of more users are left out; there is one of 5,000,000.
        #[arg(long, default_value_t = 1_000_000)]
        users: u64,
    },
    /// Building, starting on and keeping a large state.
    Restart {
        /// How many users.
        #[arg(long, value_delimiter = ',', default_value = "1000000")]
        users: Vec<u64>,
    },
    /// An engine without events.
    Idle {
        /// For how long.
        #[arg(long, default_value_t = 30)]
        seconds: u64,
    },
    /// Whether memory stays flat at full speed with a working set four times the cache.
    Memory {
        /// For how long.
        #[arg(long, default_value_t = 30)]
        minutes: u64,
    },
    #[command(hide = true)]
    Usual(Job),
    #[command(hide = true)]
    Tuned(Job),
    #[command(hide = true)]
    Own(Job),
}

/// What a forwarder is told.
#[derive(Clone, Debug, clap::Args)]
struct Job {
    url: String,
    events: u64,
}

fn main() -> ExitCode {
    let line = Line::parse();
    let runtime = match &line.what {
        // On as many threads as the engine's clients have.
        What::Own(_) => Ok(engines_runtime()),
        _ => tokio::runtime::Builder::new_multi_thread().enable_all().build(),
    };
    let done = runtime.map_err(Failure::from).and_then(|runtime| {
        runtime.block_on(async {
            match &line.what {
                What::Usual(job) => play(usual::forward(&job.url, job.events, false)).await,
                What::Tuned(job) => play(usual::forward(&job.url, job.events, true)).await,
                What::Own(job) => play(own::forward(&job.url, job.events)).await,
                _ => bench(&line).await,
            }
        })
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Forwards, then waits to be ended, so that the figures of this process can still be read.
async fn play(role: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    // Listened to from the start: the end may be asked for before the last ack is out.
    let mut end = signal(SignalKind::terminate())?;
    role.await?;
    end.recv().await;
    Ok(())
}

/// Sets the stage, measures, and clears everything away whatever happens.
async fn bench(line: &Line) -> Result<(), Failure> {
    let binary = line.server.as_deref().ok_or("no server: run scripts/bench, or set SIDESTREAM_NATS_SERVER")?;
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let load = usage::load();
    // Below target/, because a system's own directory for such things may be memory, and this is about files.
    let home = tempfile::Builder::new().prefix("bench-").tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let mut server = Server::start(binary, home.path()).await?;
    let result = tokio::select! {
        result = measure(line, &server, home.path()) => result,
        _ = interrupt.recv() => Err("interrupted".into()),
        _ = terminate.recv() => Err("terminated".into()),
    };
    // The processes of competitors ended with the future that held them; the directory goes after its last user.
    server.stop().await;
    drop(home);
    let mut section = result?;
    section.text.push_str(&report::machine(&line.build, &server.version, load));
    println!("\n{}", section.text);
    if line.write {
        section.write()?;
    }
    Ok(())
}

async fn measure(line: &Line, server: &Server, home: &Path) -> Result<Section, Failure> {
    let mut stage = Stage::new(server, home).await?;
    let (name, (text, plots)) = match &line.what {
        What::Forward { events, alone } => {
            stage.dead_letters = !alone;
            let name = if *alone { "forward-alone" } else { "forward" };
            (name, (compete(&mut stage, *events, line.rounds).await?, Vec::new()))
        }
        What::Core => {
            let bench = line.core.as_deref().ok_or("the bench of the core is missing: run scripts/bench core")?;
            ("core", (core::section(bench).await?, Vec::new()))
        }
        What::Latency { seconds } => ("latency", latency::section(&mut stage, *seconds).await?),
        What::Scaling { events, users } => {
            ("scaling", scaling::section(&mut stage, *events, line.rounds, *users).await?)
        }
        What::Restart { users } => ("restart", (restart::section(&mut stage, users).await?, Vec::new())),
        What::Idle { seconds } => ("idle", (idle::section(&mut stage, *seconds).await?, Vec::new())),
        What::Memory { minutes } => ("memory", idle::memory(&mut stage, *minutes).await?),
        What::Usual(_) | What::Tuned(_) | What::Own(_) => return Err("that is a role, not a section".into()),
    };
    Ok(Section { name, text, plots })
}

async fn compete(stage: &mut Stage, events: u64, rounds: u64) -> Result<String, Failure> {
    stage.fill(&Filling::plain(events)).await?;
    let mut competitors = vec![Competitor::Job, Competitor::Usual, Competitor::Tuned, Competitor::Own];
    let mut report = Report { events, dead_letters: stage.dead_letters, rounds: Vec::new() };
    for number in 1..=rounds {
        let mut round = Round::default();
        for competitor in &competitors {
            let figures = contest::run(*competitor, stage, number).await?;
            let (rate, seconds) = (figures.rate(), figures.seconds);
            eprintln!("bench: round {number}: {competitor}: {rate:.0} events/s, {seconds:.2} s");
            round.runs.push((*competitor, figures));
        }
        report.rounds.push(round);
        // Whoever runs first meets a disk and a server in another state than who runs last.
        competitors.reverse();
    }
    match report.complaints().next() {
        Some(complaint) => Err(complaint.into()),
        None => Ok(report.markdown()),
    }
}
