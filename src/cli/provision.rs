//! `sidestream provision`: creates the streams of the configuration that are not there, and never alters one.
//!
//! Says for each stream whether it was created, was there, or would be refused by an engine.

use super::options::{Options, block_on, connect, patiently};
use crate::adapters::nats::connect::Connection;
use crate::adapters::nats::provision::{self as streams, ProvisionOutcome};
use crate::adapters::nats::wanted::WantedStream;
use crate::app::exit::{CONFIG, Exit};
use crate::app::wanted::wanted;
use crate::config::Config;
use clap::Args;

/// Creates the input, output and dead-letter streams, and the one that remembers redrives, where they are missing.
#[derive(Debug, Args)]
#[command(after_help = "Example: sidestream provision --replicas 3")]
pub struct Provision {
    /// Copies of each stream in a cluster, over `replicas` in [input.provision] and its like; 1 where neither is there.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=5))]
    replicas: Option<u64>,
    /// Only say what would be created.
    #[arg(long)]
    plan: bool,
}

impl Provision {
    pub(super) fn run(self, options: &Options) -> Result<(), Exit> {
        let config = options.load()?;
        let replicas = self.replicas.and_then(|replicas| usize::try_from(replicas).ok());
        let wanted = wanted(&config, replicas);
        if self.plan {
            return plan(&config, &wanted);
        }
        let mut outcomes = vec![ProvisionOutcome::Skipped; wanted.len()];
        block_on(patiently(async || {
            let connection = connect(&config, "provision").await?;
            Ok(streams::go_on(&connection, &wanted, &mut outcomes).await?)
        }))?;
        for line in lines(&wanted, outcomes)? {
            println!("{line}");
        }
        Ok(())
    }
}

/// Says what would be created and how, and what is there.
fn plan(config: &Config, wanted: &[WantedStream]) -> Result<(), Exit> {
    let outcomes = block_on(patiently(async || {
        let connection = connect(config, "provision").await?;
        Ok(streams::plan(&connection, wanted).await?)
    }))?;
    let missing: Vec<bool> = outcomes.iter().map(|outcome| *outcome == ProvisionOutcome::Skipped).collect();
    let there: Vec<_> =
        wanted.iter().zip(outcomes).filter(|(_, outcome)| *outcome != ProvisionOutcome::Skipped).collect();
    let (there, outcomes): (Vec<WantedStream>, Vec<_>) =
        there.into_iter().map(|(stream, outcome)| (stream.clone(), outcome)).unzip();
    for line in lines(&there, outcomes)? {
        println!("{line}");
    }
    for (stream, _) in wanted.iter().zip(missing).filter(|(_, missing)| *missing) {
        println!("stream {}: would be created", stream.name);
        println!("  {}", stream.words());
    }
    Ok(())
}

/// Creates the streams; a line for each.
pub(super) async fn provision(connection: &Connection, config: &Config) -> Result<Vec<String>, Exit> {
    let wanted = wanted(config, None);
    lines(&wanted, streams::provision(connection, &wanted).await?)
}

/// A stream that would be refused is an error that lists the reasons.
fn lines(wanted: &[WantedStream], outcomes: Vec<ProvisionOutcome>) -> Result<Vec<String>, Exit> {
    let mut lines = Vec::new();
    let mut refused = Vec::new();
    for (stream, outcome) in wanted.iter().zip(outcomes) {
        let name = &stream.name;
        match outcome {
            ProvisionOutcome::Created => lines.push(format!("stream {name}: created")),
            ProvisionOutcome::Unchanged(remarks) => {
                lines.push(format!("stream {name}: unchanged"));
                lines.extend(remarks.iter().map(|remark| format!("  note: {remark}")));
            }
            ProvisionOutcome::Skipped => refused.push(format!("stream {name}: not created")),
            ProvisionOutcome::Unsuitable(reasons) => refused.extend(reasons),
        }
    }
    if refused.is_empty() {
        return Ok(lines);
    }
    lines.append(&mut refused);
    let message = format!("an engine would refuse a stream that is there; nothing was changed\n{}", lines.join("\n"));
    Err(Exit::new(CONFIG, message, "change the stream as said above, or name another one in the configuration"))
}
