//! `sidestream catalog`: which kinds and fields a range of the input has, or what differs from a saved catalogue.
//!
//! The catalogue and the differences go to standard output. Exit code 1 where something differs.

use super::options::{Options, block_on, connect};
use super::text::{ProgressLine, say};
use crate::app::exit::{Exit, NO};
use crate::commands::catalog::compare::compare;
use crate::commands::catalog::read::{CatalogRequest, read, saved};
use clap::Args;
use std::path::PathBuf;

/// Lists the kinds and fields of the input's events as JSON, or what differs from such a list.
#[derive(Debug, Args)]
#[command(after_help = "Example: sidestream catalog > catalog.json
What has changed since then: sidestream catalog --from 2026-11-29T00:00:00Z --check catalog.json")]
pub struct Catalog {
    /// The first event: a position, or a time such as 2026-11-21T12:00:00Z [default: the input's first event].
    #[arg(long, value_name = "WHERE")]
    from: Option<String>,
    /// The last event: a position, or a time up to which events were stored [default: the input's last event now].
    #[arg(long, value_name = "WHERE")]
    until: Option<String>,
    /// Only one of N positions, the first one of the range included.
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u64).range(1..))]
    every: u64,
    /// Show values, too, the first three of a field that differ; what the configuration masks stays masked.
    #[arg(long, conflicts_with = "check")]
    examples: bool,
    /// Instead of the catalogue, print what differs from the one in this file.
    #[arg(long, value_name = "FILE")]
    check: Option<PathBuf>,
}

impl Catalog {
    pub(super) fn run(self, options: &Options) -> Result<(), Exit> {
        let config = options.load()?;
        let before = self.check.as_deref().map(saved).transpose()?;
        let Catalog { from, until, every, examples, check: _ } = self;
        let wanted = CatalogRequest { from, until, every, examples };
        let now = block_on(async {
            let connection = connect(&config, "catalog").await?;
            let line = ProgressLine::new(0, "positions");
            let now = read(&connection, &config, &wanted, &mut |done, total| line.of(done, total)).await;
            line.clear();
            now
        })?;
        let Some(before) = before else { return say(&now.print()) };
        let differences = compare(&before, &now);
        for difference in &differences {
            say(difference)?;
        }
        if differences.is_empty() { Ok(()) } else { Err(Exit::new(NO, "", "")) }
    }
}
