//! `sidestream replay`: a range of the input once more, into a stream of its own.
//!
//! Says what it does and leaves the doing to `commands::replay`. Results go to standard output, progress to standard error.

mod dry;
mod shape;

use super::options::{Options, connect_to_streams, nats_settings};
use super::run::on_actors;
use super::signals;
use super::text::ProgressLine;
use crate::adapters::directory::lock::Lock;
use crate::adapters::nats::connect::Connection;
use crate::adapters::nats::streams;
use crate::app::exit::{Exit, UNAVAILABLE, USAGE};
use crate::app::process::Process;
use crate::app::run::run;
use crate::commands::replay::compare::{ComparedWith, compare};
use crate::commands::replay::promote::promote;
use crate::commands::replay::{run as replay, settle};
use crate::config::{Config, stream_name};
use crate::protocol::replay::request::{ReplayOptions, ReplayRequest};
use crate::protocol::replay::tempo::Pace;
use clap::Args;
use shape::Summary;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Between two looks at the figures.
const LOOK: Duration = Duration::from_millis(200);

/// Reprocesses a range of the input into another stream, beside the live engine; the same command goes on after a kill.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sidestream replay --config new.toml --diff         the whole input, compared with what was published
  sidestream replay --from 2026-11-21T12:00:00Z --subject 'events.lesson' --to LESSONS_AGAIN --rate 500
  sidestream replay --dry-run --diff --json          publishes nothing")]
pub struct Replay {
    /// The first event: a position, or a time such as 2026-11-21T12:00:00Z [default: the input's first event].
    #[arg(long, value_name = "WHERE")]
    from: Option<String>,
    /// The last event: a position, or a time up to which events were stored [default: the input's last event now].
    #[arg(long, value_name = "WHERE")]
    until: Option<String>,
    /// Only events of these subjects have outcomes; `*` is one token, `>` at the end one or more.
    #[arg(long, value_name = "FILTER")]
    subject: Option<String>,
    /// The stream that takes the outcomes, made if it is missing [default: <output.stream>_REPLAY].
    #[arg(long, value_name = "STREAM")]
    to: Option<String>,
    /// What stands before every output subject [default: replay, or replay.STREAM with --to].
    #[arg(long, value_name = "PREFIX")]
    subject_prefix: Option<String>,
    /// Where the replay keeps its request and its state [default: <state.path>-replay-<STREAM>].
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,
    /// Begin with a copy of this state directory, or of the `live` one, instead of the input's first event.
    #[arg(long, value_name = "DIR")]
    from_state: Option<String>,
    /// Events of the range a second.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), conflicts_with = "pace")]
    rate: Option<u64>,
    /// max, original (as the events were stored), or a multiple of it such as 10x.
    #[arg(long, value_name = "PACE", value_parser = Pace::parse)]
    pace: Option<Pace>,
    /// Compare the outcomes with what was published before.
    #[arg(long)]
    diff: bool,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
    /// Publish nothing and keep nothing: work the outcomes out in memory.
    #[arg(long, conflicts_with_all = ["from_state", "state_dir", "rate", "pace", "promote", "accept_gap"])]
    dry_run: bool,
    /// When the replay is complete, put its state in the place of the live one; the live engine must be stopped.
    #[arg(long)]
    promote: bool,
    /// Go on although events that are needed are gone; they are counted.
    #[arg(long)]
    accept_gap: bool,
}

impl Replay {
    pub(super) fn run(self, options: &Options) -> Result<(), Exit> {
        if let Some(to) = &self.to {
            stream_name(to).map_err(|fault| Exit::new(USAGE, fault, "name a stream with --to"))?;
        }
        let config = options.load()?;
        // What the log tells at its usual level would run through the bar.
        let filter = options.log_filter.clone().unwrap_or("warn".to_owned());
        Options { log_filter: Some(filter), ..options.clone() }.init_log()?;
        on_actors(async move {
            let connection = connect_to_streams(&config, "replay").await?;
            if self.dry_run {
                return dry::run(&connection, &config, &self.given(), self.diff, self.json).await;
            }
            let stop = signals::stop().map_err(|error| Exit::new(UNAVAILABLE, error.to_string(), ""))?;
            self.replay(&connection, &config, stop).await
        })
    }

    fn given(&self) -> ReplayOptions {
        ReplayOptions {
            from: self.from.clone(),
            until: self.until.clone(),
            subject: self.subject.clone(),
            prefix: self.subject_prefix.clone(),
            to: self.to.clone(),
            from_state: self.from_state.clone(),
        }
    }

    async fn replay(&self, connection: &Connection, config: &Config, stop: watch::Receiver<bool>) -> Result<(), Exit> {
        let directory = self.directory(config)?;
        settle::apart(config, &directory)?;
        // Held to the end: two processes must not settle or run the same replay.
        let _lock = Lock::take(&directory)?;
        let mut request = settle::settle(connection, config, &directory, &self.given()).await?;
        shape::announce(&request, &directory);
        let began = Instant::now();
        let before = request.completed.is_some();
        let mut events = 0;
        if request.completed.is_none() {
            let pace = self.rate.map(Pace::Rate).or(self.pace).unwrap_or_default();
            let own = replay::config(config, &request, &directory);
            let process = replay::process(own, nats_settings(config), &request, pace, self.accept_gap);
            run_to_the_end(&process, &request, stop).await?;
            let Some(position) = replay::completed(&process) else {
                println!("{}", shape::interrupted(&process, &request));
                return Ok(());
            };
            settle::complete(connection, &mut request, &directory, position).await?;
            events = process.metrics.figures().received;
        }
        let Some(completed) = request.completed else { return Err(Exit::broken("a complete replay is not")) };
        let mut summary = Summary::new(&request, completed, events, began.elapsed());
        if before && request.until.is_none() {
            let last = streams::state(connection, &config.input.stream).await?.last;
            summary.newer = shape::NotCovered::of(&request, last, &directory);
        }
        if self.diff {
            let line = ProgressLine::new(request.emit().until.0, "positions compared");
            let mut after = ComparedWith::lane(connection, &request).await?;
            let compared = compare(connection, &request, &mut after, &mut |position| line.at(position.0)).await;
            line.clear();
            after.close().await;
            summary.diff = Some(compared?);
        }
        summary.print(self.json)?;
        if self.promote {
            let promoted = promote(connection, config, &request, &directory).await?;
            shape::promoted(&promoted, config, self.json);
        }
        Ok(())
    }

    fn directory(&self, config: &Config) -> Result<PathBuf, Exit> {
        if let Some(directory) = &self.state_dir {
            return Ok(directory.clone());
        }
        let to = self.to.clone().unwrap_or_else(|| settle::default_lane(config));
        // A stream's name is a safe file name.
        let mut name = config.state.path.as_os_str().to_owned();
        name.push(format!("-replay-{to}"));
        Ok(PathBuf::from(name))
    }
}

/// Runs the engine until the range's end, or until it is asked to stop.
async fn run_to_the_end(process: &Process, request: &ReplayRequest, stop: watch::Receiver<bool>) -> Result<(), Exit> {
    tokio::select! {
        ended = run(process, stop) => ended,
        // Never ends by itself.
        () = watch_progress(process, request) => Ok(()),
    }
}

/// A line, and the position at which it began; it goes when nobody shows it any more.
struct ShownLine(Option<(u64, ProgressLine)>);

impl Drop for ShownLine {
    fn drop(&mut self) {
        if let Some((_, line)) = &self.0 {
            line.clear();
        }
    }
}

/// Shows how far the process is until it is dropped.
async fn watch_progress(process: &Process, request: &ReplayRequest) {
    let until = request.emit().until.0;
    let mut line = ShownLine(None);
    let mut look = tokio::time::interval(LOOK);
    loop {
        look.tick().await;
        let figures = process.metrics.figures();
        // Where this process began is known once a start has read the state.
        let begun = figures.received > 0 || figures.checkpoint_position > 0;
        let position = figures.input_position.min(until);
        if line.0.is_none() && begun {
            let from = position.saturating_sub(figures.received);
            line.0 = Some((from, ProgressLine::new(until.saturating_sub(from), "events")));
        }
        if let Some((from, line)) = &line.0 {
            line.at(position.saturating_sub(*from));
        }
    }
}
