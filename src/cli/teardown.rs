//! `sidestream teardown`: takes away what `provision` and `run` made, after it has said what that is and a person agreed.

use super::options::{Options, block_on, connect, patiently};
use super::text::say;
use crate::adapters::directory::lock::is_held;
use crate::adapters::nats::teardown::{delete, look};
use crate::adapters::nats::wanted::{Role, WantedStream};
use crate::app::exit::{Exit, NO, OWNED, UNAVAILABLE, USAGE};
use crate::app::wanted::wanted;
use crate::config::Config;
use clap::Args;
use std::io::{BufRead, IsTerminal};

/// Deletes the output, dead-letter and redrive streams of the configuration; with --input and --state those too.
#[derive(Debug, Args)]
#[command(after_help = "Example: sidestream teardown --plan")]
pub struct Teardown {
    /// Only say what would be deleted.
    #[arg(long, conflicts_with = "yes")]
    plan: bool,
    /// Ask nobody.
    #[arg(long)]
    yes: bool,
    /// The input stream with all its events, too.
    #[arg(long)]
    input: bool,
    /// The state directory, too.
    #[arg(long)]
    state: bool,
}

/// What goes, in the order in which it goes.
struct TeardownPlan {
    streams: Vec<(WantedStream, Option<u64>)>,
    state: bool,
}

impl Teardown {
    pub(super) fn run(self, options: &Options) -> Result<(), Exit> {
        let config = options.load()?;
        let path = &config.state.path;
        if is_held(path).map_err(|error| Exit::new(UNAVAILABLE, error.to_string(), ""))? {
            let what = format!("an engine runs with the state directory {}", path.display());
            return Err(Exit::new(OWNED, what, "stop it first"));
        }
        let mut streams = wanted(&config, None);
        streams.retain(|stream| self.input || !matches!(stream.role, Role::Input { .. }));
        // The output goes behind those that source it, and the input last: an interruption leaves what a new attempt can read.
        streams.sort_by_key(|stream| match stream.role {
            Role::DeadLetters { .. } | Role::Redrives { .. } => 0,
            Role::Output { .. } => 1,
            Role::Input { .. } => 2,
        });
        let held = block_on(patiently(async || {
            let connection = connect(&config, "teardown").await?;
            Ok(look(&connection, &streams).await?)
        }))?;
        let plan =
            TeardownPlan { streams: streams.into_iter().zip(held).collect(), state: self.state && path.is_dir() };
        plan.show(&config)?;
        if self.plan || plan.is_empty() {
            return Ok(());
        }
        if !self.yes {
            agreed(&config.output.stream)?;
        }
        block_on(patiently(async || {
            let connection = connect(&config, "teardown").await?;
            for (stream, _) in plan.streams.iter().filter(|(_, held)| held.is_some()) {
                delete(&connection, &stream.name).await?;
            }
            Ok(())
        }))?;
        if plan.state {
            std::fs::remove_dir_all(path)
                .map_err(|error| Exit::new(UNAVAILABLE, format!("{}: {error}", path.display()), "delete it by hand"))?;
        }
        say("deleted")
    }
}

impl TeardownPlan {
    fn is_empty(&self) -> bool {
        !self.state && self.streams.iter().all(|(_, held)| held.is_none())
    }

    fn show(&self, config: &Config) -> Result<(), Exit> {
        for (stream, held) in &self.streams {
            say(&match held {
                Some(messages) => format!("stream {}: would be deleted with {messages} messages", stream.name),
                None => format!("stream {}: not there", stream.name),
            })?;
        }
        if self.state {
            say(&format!("state {}: would be deleted", config.state.path.display()))?;
        }
        Ok(())
    }
}

/// Has a person type the output stream's name.
fn agreed(output: &str) -> Result<(), Exit> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return Err(Exit::new(USAGE, "nobody is there to agree", "run it on a terminal, or with --yes"));
    }
    eprintln!("This cannot be undone. Type the output stream's name to go on:");
    let mut typed = String::new();
    stdin.lock().read_line(&mut typed).map_err(|error| Exit::new(UNAVAILABLE, error.to_string(), ""))?;
    if typed.trim() == output { Ok(()) } else { Err(Exit::new(NO, "nothing was deleted: another name was typed", "")) }
}
