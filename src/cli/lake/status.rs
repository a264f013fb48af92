//! `sidestream lake status`: how far the lake is, from its own log.

use crate::app::exit::Exit;
use crate::app::lake::{log, store};
use crate::cli::options::Options;
use crate::cli::text::{json_line, say};
use clap::Args;
use serde_json::json;

/// Says how far the lake is; asks no server.
#[derive(Debug, Args)]
#[command(after_help = "Example: sidestream lake status --json")]
pub struct Status {
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

impl Status {
    pub(super) fn run(self, options: &Options) -> Result<(), Exit> {
        let config = options.load()?;
        let store = store::reading(&config)?;
        let entries = log::all(&*store)?;
        let files = || entries.iter().flat_map(|entry| &entry.files);
        let (count, rows) = (files().count(), files().map(|file| file.rows).sum::<u64>());
        let bytes: u64 = files().filter_map(|file| file.bytes).sum();
        let newest = entries.last();
        let to = newest.and_then(|newest| newest.to).map(|to| to.to_string());
        let at =
            newest.and_then(|newest| jiff::Timestamp::from_millisecond(newest.at_ms).ok()).map(|at| at.to_string());
        if self.json {
            return json_line(&json!({
                "entries": entries.len(), "files": count, "rows": rows, "bytes": bytes, "to": to, "published_at": at,
                "epoch": newest.map(|newest| newest.epoch), "writer": newest.map(|newest| &newest.writer),
            }));
        }
        say(&format!("{} entries, {count} files, {rows} rows, {bytes} bytes", entries.len()))?;
        match (to, at) {
            (Some(to), Some(at)) => say(&format!("up to row {to} (rewinds:position:n), published at {at}")),
            _ => say("no row is published yet"),
        }
    }
}
