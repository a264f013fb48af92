//! `sidestream lake find`: the events of one key, in their order, with no other program.

use crate::app::exit::{Exit, NO};
use crate::app::lake::find::{FindRequest, find};
use crate::app::lake::store;
use crate::cli::options::Options;
use crate::cli::text::say;
use clap::Args;

/// Prints the events of one key as they are stored, one a line.
#[derive(Debug, Args)]
#[command(
    after_help = "Example: sidestream lake find --key 4fa2 --from 2026-11-01T00:00:00Z --to 2026-12-01T00:00:00Z"
)]
pub struct Find {
    /// The key.
    #[arg(long)]
    key: String,
    /// Only events from this time on (RFC 3339).
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<jiff::Timestamp>,
    /// Only events before this time (RFC 3339).
    #[arg(long, value_name = "TIME", value_parser = time)]
    to: Option<jiff::Timestamp>,
}

fn time(text: &str) -> Result<jiff::Timestamp, String> {
    text.parse().map_err(|_| format!("`{text}` is no time: write it such as 2026-11-29T12:00:00Z"))
}

impl Find {
    pub(super) fn run(self, options: &Options) -> Result<(), Exit> {
        let config = options.load()?;
        let store = store::reading(&config)?;
        let micros = |time: jiff::Timestamp| time.as_microsecond();
        let wanted = FindRequest { key: self.key, from_us: self.from.map(micros), to_us: self.to.map(micros) };
        let mut said = Ok(());
        let found = find(&*store, &wanted, &mut |text| {
            said = say(&String::from_utf8_lossy(text));
            said.is_ok()
        })?;
        said?;
        if found == 0 {
            return Err(Exit::new(NO, format!("no event of key {} is stored", wanted.key), ""));
        }
        Ok(())
    }
}
