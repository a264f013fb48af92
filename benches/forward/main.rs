//! The full job beside forwarders that do no job at all, over the same filled stream: run it with `scripts/bench`.
//!
//! One private server and one filled file stream; the competitors take turns, each in a process of its own with a
//! fresh output stream, and the order is turned round after each round. No speed is asserted here, since absolute
//! figures belong to one machine: only the number of outputs is, and the exit code says whether it was right.

mod contest;
mod own;
mod report;
mod server;
mod stage;
mod usage;
mod usual;

use clap::{Parser, Subcommand};
use contest::Competitor;
use report::{Report, Round};
use server::Server;
use stage::Stage;
use std::path::PathBuf;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

/// What goes wrong here goes to a person, as words.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Measures the full job against bare forwarders over the same filled stream.
#[derive(Debug, Parser)]
#[command(name = "scripts/bench", args_conflicts_with_subcommands = true)]
struct Line {
    /// How many events the input stream holds.
    #[arg(long, default_value_t = 300_000, value_parser = clap::value_parser!(u64).range(1..))]
    events: u64,
    /// How often each competitor runs.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    rounds: u64,
    /// Adds a third competitor: Sidestream's own source and lane without a job between them.
    #[arg(long)]
    own: bool,
    /// Writes the report to this file, too.
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// The server's binary.
    #[arg(long, env = "SIDESTREAM_NATS_SERVER", hide = true)]
    server: Option<PathBuf>,
    /// What was built with what, for the report.
    #[arg(long, hide = true, default_value = "")]
    build: String,
    /// `cargo bench` says it; it means nothing here.
    #[arg(long, hide = true)]
    bench: bool,
    #[command(subcommand)]
    role: Option<Role>,
}

/// What this same program does as a competitor's process.
#[derive(Debug, Subcommand)]
enum Role {
    #[command(hide = true)]
    Usual(Job),
    #[command(hide = true)]
    Own(Job),
}

/// What a forwarder is told.
#[derive(Debug, clap::Args)]
struct Job {
    url: String,
    events: u64,
}

fn main() -> ExitCode {
    let line = Line::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let done = runtime.map_err(Failure::from).and_then(|runtime| {
        runtime.block_on(async {
            match &line.role {
                Some(role) => play(role).await.map(|()| true),
                None => bench(&line).await,
            }
        })
    });
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Forwards, then waits to be ended, so that the figures of this process can still be read.
async fn play(role: &Role) -> Result<(), Failure> {
    // Listened to from the start: the end may be asked for before the last ack is out.
    let mut end = signal(SignalKind::terminate())?;
    match role {
        Role::Usual(job) => usual::forward(&job.url, job.events).await?,
        Role::Own(job) => own::forward(&job.url, job.events).await?,
    }
    end.recv().await;
    Ok(())
}

/// Sets the stage, lets them compete, and clears everything away whatever happens.
async fn bench(line: &Line) -> Result<bool, Failure> {
    let binary = line.server.as_deref().ok_or("no server: run scripts/bench, or set SIDESTREAM_NATS_SERVER")?;
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    // Below target/, because a system's own directory for such things may be memory, and this is about files.
    let home = tempfile::Builder::new().prefix("bench-").tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let mut server = Server::start(binary, home.path()).await?;
    let result = tokio::select! {
        result = compete(line, &server, home.path()) => result,
        _ = interrupt.recv() => Err("interrupted".into()),
        _ = terminate.recv() => Err("terminated".into()),
    };
    // The processes of competitors ended with the future that held them; the directory goes after its last user.
    server.stop().await;
    drop(home);
    let report = result?;
    let text = report.markdown();
    println!("\n{text}");
    if let Some(file) = &line.markdown {
        std::fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()))?;
        eprintln!("bench: written to {}", file.display());
    }
    for complaint in report.complaints() {
        eprintln!("bench: {complaint}");
    }
    Ok(report.complaints().next().is_none())
}

async fn compete(line: &Line, server: &Server, home: &std::path::Path) -> Result<Report, Failure> {
    let load = usage::load();
    let stage = Stage::set(server, home, line.events).await?;
    let mut competitors = vec![Competitor::Job, Competitor::Usual];
    if line.own {
        competitors.push(Competitor::Own);
    }
    let mut rounds = Vec::new();
    for number in 1..=line.rounds {
        let mut round = Round::default();
        for competitor in &competitors {
            let figures = contest::run(*competitor, &stage, number).await?;
            let (rate, seconds) = (figures.rate(), figures.seconds);
            eprintln!("bench: round {number}: {competitor}: {rate:.0} events/s, {seconds:.2} s");
            round.runs.push((*competitor, figures));
        }
        rounds.push(round);
        // Whoever runs first meets a disk and a server in another state than who runs last.
        competitors.reverse();
    }
    Ok(Report { events: line.events, rounds, server: server.version.clone(), build: line.build.clone(), load })
}
