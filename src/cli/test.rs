//! `sidestream test`: runs cases of events over the configuration, without a broker, and shows what differs.
//!
//! Exit code 0 where every case is as it says, 1 where one is not, 78 where a case cannot be read. `record` makes a case of
//! events of the input stream, and is the only part that asks a server.

use super::options::{Options, block_on, connect, patiently};
use super::text::{json_line, say};
use crate::app::exit::{Exit, NO, UNAVAILABLE};
use crate::commands::test::junit;
use crate::commands::test::record::{RecordRequest, record};
use crate::commands::test::report::TestReport;
use crate::commands::test::run::{TestRequest, run};
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Runs the cases in files of `[[case]]` over the configuration; needs no broker.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Example: sidestream test
Only one file, and what came out written into it: sidestream test --update tests/lessons.toml"
)]
pub struct TestCommand {
    #[command(subcommand)]
    part: Option<TestPart>,
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

#[derive(Debug, Subcommand)]
enum TestPart {
    Record(RecordCommand),
}

/// Makes a case of events of the input stream, with what comes of them over an empty state.
#[derive(Debug, Args)]
#[command(
    after_help = "Example: sidestream test record --from 4711 --until 4720 --case 'a lesson from last week' tests/seen.toml
All that one user did: sidestream test record --key 5f5b8851-51af-2058-8905-efddbb32d9eb --case 'Ana'"
)]
struct RecordCommand {
    /// The first event: a position, or a time such as 2026-11-21T12:00:00Z [default: the input's first event].
    #[arg(long, value_name = "WHERE")]
    from: Option<String>,
    /// The last event: a position, or a time up to which events were stored [default: the input's last event now].
    #[arg(long, value_name = "WHERE")]
    until: Option<String>,
    /// Only the events of this key.
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// The name of the case.
    #[arg(long, value_name = "NAME")]
    case: String,
    /// The file that the case is added to; without one it goes to standard output.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

impl TestCommand {
    pub(super) fn run(self, options: &Options) -> Result<(), Exit> {
        if let Some(TestPart::Record(part)) = self.part {
            return part.run(options);
        }
        let config = options.load()?;
        let asked = TestRequest { config_path: options.path(), files: &self.files, update: self.update };
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
            let hint = "write cases that reach what is named, or leave --strict away";
            return Err(Exit::new(NO, "not everything is covered", hint));
        }
        Ok(())
    }
}

impl RecordCommand {
    fn run(self, options: &Options) -> Result<(), Exit> {
        let config = options.load()?;
        let RecordCommand { from, until, key, case, file } = self;
        let wanted = RecordRequest { from, until, key, name: case, file };
        let text = block_on(patiently(async || {
            let connection = connect(&config, "test").await?;
            record(&connection, &config, &wanted).await
        }))?;
        match &wanted.file {
            None => say(text.trim_end()),
            Some(file) => {
                say(&format!("added the case to {}: `sidestream test {}` runs it", file.display(), file.display()))
            }
        }
    }
}

fn print(report: &TestReport) -> Result<(), Exit> {
    for case in report.cases.iter().filter(|case| !case.passed) {
        say(&case.text())?;
    }
    for file in &report.updated {
        say(&format!("updated {file}"))?;
    }
    say(&report.summary())
}
