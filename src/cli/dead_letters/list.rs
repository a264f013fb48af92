//! `sidestream dead-letters list`: one line a dead letter, in the order of their positions.
//!
//! Changes nothing. An empty list is an answer like another: exit code 0.

use super::filters::Filters;
use super::shape::LetterShape;
use crate::app::exit::Exit;
use crate::cli::options::{Options, block_on, connect_to_streams};
use crate::cli::text::{ProgressLine, json_line, say};
use crate::commands::dead_letters::many;
use clap::Args;

/// Lists dead letters: a table for people, a JSON object a line with --json.
#[derive(Debug, Args)]
#[command(after_help = "Example: sidestream dead-letters list --reason not_json --reason no_key --since 2h")]
pub struct ListCommand {
    #[command(flatten)]
    filters: Filters,
    /// At most so many, the lowest positions first.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Print a JSON object a line.
    #[arg(long)]
    json: bool,
}

impl ListCommand {
    pub(super) fn run(self, options: &Options) -> Result<(), Exit> {
        let config = options.load()?;
        let (filter, json, limit) = (self.filters.filter(), self.json, self.limit.unwrap_or(u64::MAX));
        let mut listed = 0;
        block_on(async {
            let connection = connect_to_streams(&config, "dead-letters").await?;
            let line = ProgressLine::new(0, "dead letters");
            let shown = many::list(&connection, &config, filter, &mut |entry, progress| {
                let shape = LetterShape::of(&entry.found, entry.redriven.as_ref());
                line.aside(|| match json {
                    true => json_line(&shape),
                    false if listed == 0 => say(&LetterShape::head()).and_then(|()| say(&shape.line())),
                    false => say(&shape.line()),
                })?;
                listed += 1;
                line.of(progress.read, progress.total);
                Ok(listed < limit)
            })
            .await;
            line.clear();
            shown
        })?;
        if listed == 0 {
            eprintln!("no such dead letters");
        }
        Ok(())
    }
}
