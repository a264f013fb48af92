//! `sidestream test`: runs cases of events over the configuration, without a broker, and shows what differs.
//!
//! Exit code 0 where every case is as it says, 1 where one is not, 78 where a case cannot be read.

use super::options::Options;
use super::text::{json_line, say};
use crate::app::exit::{Exit, NO, UNAVAILABLE};
use crate::commands::test::junit;
use crate::commands::test::report::Report;
use crate::commands::test::run::{Asked, run};
use clap::Args;
use std::path::PathBuf;

/// Runs the cases in files of `[[case]]` over the configuration; needs no broker.
#[derive(Debug, Args)]
#[command(after_help = "Example: sidestream test
Only one file, and what came out written into it: sidestream test --update tests/lessons.toml")]
pub struct Test {
    /// Files with cases; without any, `tests/*.toml` beside the configuration.
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Write what came out into the cases that fail, after showing it.
    #[arg(long)]
    update: bool,
    /// Fail where no case reaches a kind, a table, an enrichment or a reason of dead letters.
    #[arg(long)]
    strict: bool,
    /// Print the report as one line of JSON.
    #[arg(long)]
    json: bool,
    /// Write the report as JUnit's XML, too.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

impl Test {
    pub(super) fn run(self, options: &Options) -> Result<(), Exit> {
        let config = options.load()?;
        let asked = Asked { config_path: options.path(), files: &self.files, update: self.update };
        let report = run(&config, &asked)?;
        if let Some(path) = &self.junit {
            let failed = |error| Exit::new(UNAVAILABLE, format!("cannot write {}: {error}", path.display()), "");
            std::fs::write(path, junit::xml(&report)).map_err(failed)?;
        }
        if self.json {
            json_line(&report)?
        } else {
            print(&report)?
        }
        if report.failed > 0 {
            return Err(Exit::new(NO, "", ""));
        }
        if self.strict && !report.not_covered.is_empty() {
            return Err(Exit::new(
                NO,
                "not everything is covered",
                "write cases that reach what is named, or leave --strict away",
            ));
        }
        Ok(())
    }
}

fn print(report: &Report) -> Result<(), Exit> {
    for case in report.cases.iter().filter(|case| !case.passed) {
        say(&case.text())?;
    }
    for file in &report.updated {
        say(&format!("updated {file}"))?;
    }
    say(&report.summary())
}
