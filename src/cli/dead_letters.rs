//! `sidestream dead-letters`: looks at the events that could not be processed, and publishes them once more.
//!
//! Each subcommand has its file; what they share of the notation stands in `filters` and `shape`.

mod filters;
mod shape;
mod list;
mod show;
mod redrive;

use super::options::Options;
use crate::app::exit::Exit;
use clap::Subcommand;

/// Lists, shows and redrives dead letters.
#[derive(Debug, Subcommand)]
pub enum DeadLetters {
    List(list::ListCommand),
    Show(show::Show),
    Redrive(redrive::Redrive),
}

impl DeadLetters {
    pub(super) fn run(self, options: &Options) -> Result<(), Exit> {
        match self {
            DeadLetters::List(list) => list.run(options),
            DeadLetters::Show(show) => show.run(options),
            DeadLetters::Redrive(redrive) => redrive.run(options),
        }
    }
}
