//! `sidestream dead-letters redrive`: publishes the events of dead letters into the input stream once more.
//!
//! Says of each what became of it; exit code 0 when none of them could not be redriven.

use super::filters::Filters;
use super::shape::time;
use crate::app::exit::{Exit, NO, USAGE};
use crate::cli::options::{Options, block_on, connect_to_streams};
use crate::cli::text::{ProgressLine, json_line, say};
use crate::commands::dead_letters::many::{self, Which};
use crate::commands::dead_letters::redrive::{RedriveOutcome, RedriveRequest};
use crate::commands::state_file::target::a_file;
use crate::protocol::redrive::letter::LetterName;
use clap::Args;
use serde::Serialize;
use std::path::PathBuf;

/// Publishes dead letters into the input stream again, in the order of their positions, each once.
#[derive(Debug, Args)]
#[command(after_help = "Example: sidestream dead-letters redrive 4711 --edited event.json")]
pub struct Redrive {
    /// The positions of the events, or POSITION:N for one of several dead letters; or --all.
    #[arg(value_name = "POSITION")]
    positions: Vec<LetterName>,
    /// All dead letters that the filters take.
    #[arg(long, conflicts_with_all = ["positions", "again", "edited"])]
    all: bool,
    #[command(flatten)]
    filters: Filters,
    /// Publish the bytes of this file in place of the event's own; with one position.
    #[arg(long, value_name = "FILE")]
    edited: Option<PathBuf>,
    /// Redrive once more what was redriven before.
    #[arg(long)]
    again: bool,
    /// At most so many events a second.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    rate: u64,
    /// Only say what would be done.
    #[arg(long)]
    dry_run: bool,
    /// Print a JSON object a line.
    #[arg(long)]
    json: bool,
}

/// What became of one, as JSON.
#[derive(Serialize)]
struct Said<'a> {
    position: u64,
    /// Which of the position's outcomes it is, where it has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<u32>,
    outcome: &'static str,
    #[serde(rename = "as", skip_serializing_if = "Option::is_none")]
    as_position: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
}

/// How many came to what.
#[derive(Default)]
struct Count {
    redriven: u64,
    before: u64,
    not: u64,
}

impl Redrive {
    pub(super) fn run(self, options: &Options) -> Result<(), Exit> {
        let usage = |what: &str| Err(Exit::new(USAGE, what, "`sidestream dead-letters redrive --help` has an example"));
        if !self.all && !self.filters.is_empty() {
            return usage("filters go with --all, not with positions");
        }
        if !self.all && self.positions.is_empty() {
            return usage("say which dead letters: their positions, or --all for all that the filters take");
        }
        if let Some(file) = &self.edited {
            a_file(file, "the bytes of an edited event are read by name")?;
        }
        if self.edited.is_some() && self.positions.len() != 1 {
            return usage("--edited goes with exactly one position");
        }
        let edited = self.edited.as_ref().map(|file| {
            let read = std::fs::read(file).map(bytes::Bytes::from);
            read.map_err(|error| {
                Exit::new(USAGE, format!("{}: {error}", file.display()), "name a file that can be read")
            })
        });
        let ask = RedriveRequest { edited: edited.transpose()?, again: self.again, dry_run: self.dry_run };
        let which = match self.all {
            true => Which::All(self.filters.filter()),
            false => Which::Named(self.positions),
        };
        let config = options.load()?;
        let (json, rate) = (self.json, self.rate);
        let mut count = Count::default();
        block_on(async {
            let connection = connect_to_streams(&config, "dead-letters").await?;
            let line = ProgressLine::new(0, "dead letters");
            let done =
                many::redrive(&connection, &config, which, rate, &ask, &mut |name, outcome, progress| {
                    count.add(outcome);
                    let said = said(name, outcome);
                    line.aside(|| {
                        if json { json_line(&said) } else { say(&format!("position {name}: {}", words(outcome))) }
                    })?;
                    line.of(progress.read, progress.total);
                    Ok(())
                })
                .await;
            line.clear();
            done
        })?;
        let Count { redriven, before, not } = count;
        let would = if self.dry_run { "would be redriven" } else { "redriven" };
        eprintln!("{redriven} {would}, {before} had been before, {not} cannot be");
        if not > 0 { Err(Exit::new(NO, "", "")) } else { Ok(()) }
    }
}

impl Count {
    fn add(&mut self, outcome: &RedriveOutcome) {
        match outcome {
            RedriveOutcome::Published(_) | RedriveOutcome::WouldPublish { .. } => self.redriven += 1,
            RedriveOutcome::Already { .. } | RedriveOutcome::Completed(_) | RedriveOutcome::WouldComplete(_) => {
                self.before += 1
            }
            RedriveOutcome::Cannot(_) => self.not += 1,
        }
    }
}

fn said(name: LetterName, outcome: &RedriveOutcome) -> Said<'_> {
    let plain =
        |outcome| Said { position: name.position.0, n: name.n, outcome, as_position: None, at: None, why: None };
    match outcome {
        RedriveOutcome::Published(position) => Said { as_position: Some(position.0), ..plain("published") },
        RedriveOutcome::Already { position, at } => {
            Said { as_position: Some(position.0), at: Some(time(*at)), ..plain("already") }
        }
        RedriveOutcome::Completed(position) => Said { as_position: Some(position.0), ..plain("completed") },
        RedriveOutcome::WouldPublish { again } => Said { why: again.as_deref(), ..plain("would_publish") },
        RedriveOutcome::WouldComplete(position) => Said { as_position: Some(position.0), ..plain("would_complete") },
        RedriveOutcome::Cannot(why) => Said { why: Some(why), ..plain("cannot") },
    }
}

fn words(outcome: &RedriveOutcome) -> String {
    match outcome {
        RedriveOutcome::Published(position) => format!("published as position {position}"),
        RedriveOutcome::Already { position, at } => {
            format!("nothing done: redriven before, as position {position} ({})", time(*at))
        }
        RedriveOutcome::Completed(position) => {
            format!("nothing published: another redrive had, as position {position}; its result is written now")
        }
        RedriveOutcome::WouldPublish { again: None } => "would be published".to_owned(),
        RedriveOutcome::WouldPublish { again: Some(why) } => {
            format!("would be published, and be a dead letter again: {why}")
        }
        RedriveOutcome::WouldComplete(position) => {
            format!("is there already, as position {position}; only its result would be written")
        }
        RedriveOutcome::Cannot(why) => format!("cannot be redriven: {why}"),
    }
}
