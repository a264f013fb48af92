//! `sidestream audit`: proves from the two streams alone that every output is right, or says which is not.
//!
//! Exit code 0 only for a clean verdict. Each further `--config` gives the text of an older plan.

use super::options::{Options, block_on, connect_to_streams};
use super::text::ProgressLine;
use crate::app::exit::{Exit, NO, UNAVAILABLE};
use crate::audit::report::{AuditReport, AuditVerdict};
use crate::commands::audit::audit;
use crate::commands::replay::{file, run as replay};
use clap::Args;
use std::path::PathBuf;

/// Recomputes every output from the input stream and compares it with the output stream.
#[derive(Debug, Args)]
#[command(after_help = "Example: sidestream audit --complete --json
After a change of the configuration: sidestream audit --config new.toml --old-config old.toml")]
pub struct AuditCommand {
    /// Count outputs that are still to come as faults.
    #[arg(long)]
    complete: bool,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
    /// A configuration from before a change, for what was published under it; may be repeated.
    #[arg(long, value_name = "FILE")]
    old_config: Vec<PathBuf>,
    /// Audit the stream of the replay that keeps its state in this directory instead.
    #[arg(long, value_name = "DIR")]
    replay: Option<PathBuf>,
}

impl AuditCommand {
    pub(super) fn run(self, options: &Options) -> Result<(), Exit> {
        let (mut config, older) = (options.load()?, options.load_older(&self.old_config)?);
        if let Some(directory) = &self.replay {
            let nothing = || Exit::new(NO, format!("{} holds no replay", directory.display()), "");
            let request = file::read(directory)?.ok_or_else(nothing)?;
            config = replay::config(&config, &request, directory);
        }
        let report = block_on(async {
            let connection = connect_to_streams(&config, "audit").await?;
            let line = ProgressLine::new(0, "messages");
            let report = audit(&connection, &config, &older, self.complete, &mut |progress| {
                line.of(progress.read, progress.total);
            })
            .await?;
            line.clear();
            Ok(report)
        })?;
        if self.json {
            let text = serde_json::to_string_pretty(&report);
            println!("{}", text.map_err(|error| Exit::new(UNAVAILABLE, error.to_string(), ""))?);
        } else {
            print(&report);
        }
        match report.verdict {
            AuditVerdict::Clean => Ok(()),
            AuditVerdict::NotClean => Err(Exit::new(NO, "", "")),
            AuditVerdict::NotChecked => Err(Exit::new(NO, "", "")),
        }
    }
}

/// The report for people.
pub(super) fn print(report: &AuditReport) {
    let verdict = match report.verdict {
        AuditVerdict::Clean => "clean",
        AuditVerdict::NotClean => "NOT CLEAN",
        AuditVerdict::NotChecked => "NOT CHECKED, nothing wrong was found",
    };
    println!("audit: {verdict}, {} outputs checked", report.checked);
    let counts = [
        ("missing", report.missing),
        ("doubled", report.doubled),
        ("out of order", report.out_of_order),
        ("different", report.different),
        ("unknown", report.unknown),
        ("unchecked", report.unchecked),
        ("pending", report.pending),
        ("rewound", report.rewound),
        ("reworded", report.reworded),
    ];
    for (name, count) in counts.iter().filter(|(_, count)| *count > 0) {
        println!("  {name:<13} {count}");
    }
    for (doubt, count) in &report.unchecked_because {
        println!("  {count} unchecked because {}", doubt.sentence());
    }
    if report.lacks_a_plan() {
        println!("  give the configuration from before the change too: sidestream audit --config NEW --old-config OLD");
    }
    for (finding, examples) in &report.examples {
        for example in examples {
            let position = example.position.map_or(String::new(), |position| format!(" position {position}"));
            let lane = example.lane_sequence.map_or(String::new(), |sequence| format!(" lane {sequence}"));
            println!("  {finding:?}:{position}{lane}: {}", example.what);
            for difference in &example.differences {
                println!("    {difference}");
            }
        }
    }
}
