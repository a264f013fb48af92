//! `sidestream lake files`: the files that the log names, for programs that read only what is published.

use crate::app::exit::Exit;
use crate::app::lake::{job, log, store};
use crate::cli::options::Options;
use crate::cli::text::{json_line, say};
use crate::protocol::lake::table::LakeTable;
use clap::Args;

/// Lists the published files, a path a line.
#[derive(Debug, Args)]
#[command(after_help = "Example: sidestream lake files
As JSON objects with rows, bytes and folders: sidestream lake files --json")]
pub struct Files {
    /// The dead letters' files instead of the events'.
    #[arg(long)]
    dead_letters: bool,
    /// Print a JSON object a line.
    #[arg(long)]
    json: bool,
}

impl Files {
    pub(super) fn run(self, options: &Options) -> Result<(), Exit> {
        let config = options.load()?;
        let store = store::reading(&config)?;
        let place = &job::section(&config)?.place;
        let table = if self.dead_letters { LakeTable::DeadLetters } else { LakeTable::Events };
        for number in log::numbers(&*store)? {
            let (entry, _) = log::read(&*store, number)?;
            for file in entry.files.iter().filter(|file| file.table == table) {
                match self.json {
                    true => json_line(file)?,
                    false => say(&place.of(&file.path))?,
                }
            }
        }
        Ok(())
    }
}
