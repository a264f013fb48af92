//! `sidestream lake sql`: asks DuckDB about what is published, through views that are made from the log.
//!
//! DuckDB is no part of this program: its own command is used where it is on PATH, else Python's module.

use crate::app::exit::{Exit, NO, UNAVAILABLE};
use crate::app::lake::access::access;
use crate::app::lake::views::views;
use crate::app::lake::{job, log, store};
use crate::cli::options::Options;
use crate::cli::text::say;
use crate::config::LakePlace;
use clap::Args;
use std::io::Write;
use std::process::{Command, Stdio};

/// What Python runs: the views, then the question. DuckDB makes the JSON, since Python would need a package more for times.
const PYTHON: &str = "import duckdb, sys
views, question = sys.stdin.read().split('\\0')
connection = duckdb.connect()
connection.execute(views)
for row in connection.execute('select to_json(answer) from (' + question.strip().rstrip(';') + ') answer').fetchall():
    print(row[0])
";

/// Answers a question in SQL about the views `events`, `dead_letters` and `commits`.
#[derive(Debug, Args)]
#[command(after_help = "Example: sidestream lake sql \"select kind, count(*) from events group by kind\"
The views alone, for a DuckDB of your own: sidestream lake sql --print")]
pub struct Sql {
    /// The question.
    #[arg(required_unless_present = "print")]
    question: Option<String>,
    /// Print the statements that make the views, and ask nothing.
    #[arg(long)]
    print: bool,
}

impl Sql {
    pub(super) fn run(self, options: &Options) -> Result<(), Exit> {
        let config = options.load()?;
        let store = store::reading(&config)?;
        let place = match &job::section(&config)?.place {
            LakePlace::Folder(path) => LakePlace::Folder(std::path::absolute(path).unwrap_or_else(|_| path.clone())),
            bucket => bucket.clone(),
        };
        let views = access(&place, self.print)? + &views(&place, &log::all(&*store)?);
        let Some(question) = self.question.filter(|_| !self.print) else { return say(views.trim_end()) };
        let runs = |program: &str, arguments: &[&str]| {
            let found = Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
            found.is_ok_and(|status| status.success())
        };
        let (mut command, input) = if runs("duckdb", &["--version"]) {
            let mut command = Command::new("duckdb");
            command.arg("-jsonlines");
            (command, format!("{views}{question};\n"))
        } else if runs("python3", &["-c", "import duckdb"]) {
            let mut command = Command::new("python3");
            command.args(["-c", PYTHON]);
            (command, format!("{views}\0{question}"))
        } else {
            let hint = "put the command `duckdb` on PATH, or install Python's package: python3 -m pip install duckdb; `--print` shows the views";
            return Err(Exit::new(UNAVAILABLE, "there is no DuckDB", hint));
        };
        let failed = |error: std::io::Error| Exit::new(UNAVAILABLE, format!("DuckDB: {error}"), "");
        let mut asked = command.stdin(Stdio::piped()).spawn().map_err(failed)?;
        if let Some(mut stdin) = asked.stdin.take() {
            // A program that ends before it has read all says why by itself.
            let _ = stdin.write_all(input.as_bytes());
        }
        match asked.wait().map_err(failed)?.success() {
            true => Ok(()),
            false => Err(Exit::new(NO, "DuckDB did not answer the question", "")),
        }
    }
}
