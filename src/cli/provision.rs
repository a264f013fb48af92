//! `sidestream provision`: creates the streams of the configuration, and never alters one.
//!
//! Says for each stream whether it was created, is as wanted, or how it differs.

use super::options::{Options, block_on, connect};
use crate::adapters::nats::connect::Connection;
use crate::adapters::nats::provision::{self as streams, Outcome, Role, Wanted};
use crate::adapters::nats::redrives;
use crate::app::exit::{CONFIG, Exit};
use crate::config::Config;
use clap::Args;

/// Creates the input, output and dead-letter streams, and the one that remembers redrives.
#[derive(Debug, Args)]
#[command(after_help = "Example: sidestream provision --replicas 3")]
pub struct Provision {
    /// Copies of each stream in a cluster.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=5))]
    replicas: u64,
}

impl Provision {
    pub(super) fn run(self, options: &Options) -> Result<(), Exit> {
        let config = options.load()?;
        block_on(async {
            let connection = connect(&config, "provision").await?;
            for line in provision(&connection, &config, self.replicas as usize).await? {
                println!("{line}");
            }
            Ok(())
        })
    }
}

/// Creates the streams; a line for each. A stream that differs is an error that lists the differences.
pub(super) async fn provision(connection: &Connection, config: &Config, replicas: usize) -> Result<Vec<String>, Exit> {
    let wanted = wanted(config);
    let outcomes = streams::provision(connection, &wanted, replicas).await?;
    let mut lines = Vec::new();
    let mut differences = Vec::new();
    for (stream, outcome) in wanted.iter().zip(outcomes) {
        let name = &stream.name;
        match outcome {
            Outcome::Created => lines.push(format!("stream {name}: created")),
            Outcome::Unchanged => lines.push(format!("stream {name}: unchanged")),
            Outcome::Skipped => differences.push(format!("stream {name}: not created")),
            Outcome::Different(list) => {
                differences.extend(list.iter().map(|difference| format!("stream {name}: {difference}")));
            }
        }
    }
    if differences.is_empty() {
        return Ok(lines);
    }
    lines.append(&mut differences);
    let message = format!("a stream is not as the configuration wants it; nothing was changed\n{}", lines.join("\n"));
    Err(Exit::new(CONFIG, message, "change the stream or the configuration, or name another stream"))
}

fn wanted(config: &Config) -> Vec<Wanted> {
    let dead = config.plan.dead_subject.wildcard();
    let output = config.output.stream.clone();
    let subjects = vec![config.plan.output_subject.wildcard(), dead.clone()];
    let mut wanted = vec![
        Wanted { name: config.input.stream.clone(), role: Role::Input { subjects: config.input.subjects.clone() } },
        Wanted { name: output.clone(), role: Role::Output { subjects } },
    ];
    if let Some(name) = config.dead_letters.stream.clone() {
        wanted.push(Wanted { name, role: Role::DeadLetters { from: output.clone(), filter: dead } });
    }
    wanted.push(redrives::wanted(&output));
    wanted
}
