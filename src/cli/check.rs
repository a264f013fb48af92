//! `sidestream check`: says everything that is wrong with the configuration, and with `--connect` the server.
//!
//! Changes nothing, on either side.

use super::options::{Options, block_on, connect, patiently};
use crate::adapters::nats::inspect::{Expectation, inspect};
use crate::app::exit::{CONFIG, Exit};
use crate::app::process::streams_of;
use crate::app::wanted::optional;
use clap::Args;

/// Checks the configuration, and with --connect the server and its streams.
#[derive(Debug, Args)]
#[command(after_help = "Example: sidestream check --config config.toml --connect")]
pub struct CheckCommand {
    /// Look at the server too: streams, limits, permissions, the newest outputs.
    #[arg(long)]
    connect: bool,
}

impl CheckCommand {
    pub(super) fn run(self, options: &Options) -> Result<(), Exit> {
        let config = options.load()?;
        println!("{}: fine, plan {}", options.path().display(), config.plan.fingerprint());
        if !self.connect {
            return Ok(());
        }
        let expected = Expectation { beside: optional(&config), ..streams_of(&config) };
        let findings = block_on(patiently(async || {
            let connection = connect(&config, "check").await?;
            Ok(inspect(&connection, &expected).await?)
        }))?;
        let mut faults = 0;
        for finding in findings {
            if finding.is_note() {
                println!("note   {}", finding.what);
                println!("       hint: {}", finding.hint);
            } else if finding.ok {
                println!("ok     {}", finding.what);
            } else {
                faults += 1;
                println!("WRONG  {}", finding.what);
                println!("       hint: {}", finding.hint);
            }
        }
        match faults {
            0 => Ok(()),
            1 => Err(Exit::new(CONFIG, "one thing does not suit", "")),
            n => Err(Exit::new(CONFIG, format!("{n} things do not suit"), "")),
        }
    }
}
