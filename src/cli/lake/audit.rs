//! `sidestream lake audit`: proves every row of the lake against the output stream, byte for byte.
//!
//! Exit code 0 only where nothing is wrong; rows that the stream does not have any more are counted, not wrong.

use crate::app::exit::{Exit, NO};
use crate::app::lake::audit::audit;
use crate::app::lake::job::LakeJob;
use crate::app::lake::store;
use crate::cli::options::{Options, block_on, connect_to_streams, nats_settings};
use crate::cli::text::{ProgressLine, json_line, say};
use crate::telemetry::metrics::Metrics;
use clap::Args;

/// Compares the lake's log, its files and the output stream.
#[derive(Debug, Args)]
#[command(after_help = "Example: sidestream lake audit --json")]
pub struct LakeAuditCommand {
    /// Print the report as one JSON object.
    #[arg(long)]
    json: bool,
}

impl LakeAuditCommand {
    pub(super) fn run(self, options: &Options) -> Result<(), Exit> {
        let config = options.load()?;
        let job = LakeJob::new(&config, nats_settings(&config), Metrics::new())?;
        let store = store::reading(&config)?;
        let report = block_on(async {
            let connection = connect_to_streams(&config, "lake-audit").await?;
            let line = ProgressLine::new(0, "messages");
            let report = audit(&job, &*store, &connection, &mut |read, total| line.of(read, total)).await?;
            line.clear();
            Ok(report)
        })?;
        if self.json {
            json_line(&report)?;
        } else {
            let verdict = if report.clean { "clean" } else { "NOT CLEAN" };
            say(&format!(
                "lake audit: {verdict}, {} rows in {} files of {} entries",
                report.rows, report.files, report.entries
            ))?;
            say(&format!("  proven against the output stream {}", report.proven))?;
            for (name, count) in [
                ("unproven", report.unproven),
                ("pending", report.pending),
                ("gaps", report.gaps),
                ("wrong", report.wrong),
            ] {
                if count > 0 {
                    say(&format!("  {name} {count}"))?;
                }
            }
            for finding in &report.findings {
                say(&format!("    {finding}"))?;
            }
        }
        if report.clean { Ok(()) } else { Err(Exit::new(NO, "", "")) }
    }
}
