//! `sidestream state`: what the engine keeps of a key, and the whole of it as a file.
//!
//! `get` asks the running engine; where none runs, it opens the state directory itself. `export` and `import` open the
//! directory, so they need the engine stopped.

use super::options::Options;
use super::text::{ProgressLine, say};
use crate::app::exit::{Exit, NO, UNAVAILABLE, USAGE};
use crate::app::inspect;
use crate::commands::state_file::FileProgress;
use crate::commands::state_file::export::export;
use crate::commands::state_file::import::import;
use crate::commands::state_file::target::{WriteTarget, a_file};
use crate::config::{Config, did_you_mean};
use crate::core::state::view::StateQuery;
use clap::{Args, Subcommand};
use serde::Serialize;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Looks into the state, and takes it elsewhere.
#[derive(Debug, Subcommand)]
pub enum StateCommand {
    Get(Get),
    Export(Export),
    Import(Import),
}

/// Prints what is kept of one key, or a row of a global table, as JSON; exit code 1 when nothing is.
#[derive(Debug, Args)]
#[command(after_help = "Example: sidestream state get 0d6b0b2e-6f2c-4a0e-9f43-000000000001
         sidestream state get --table airline AA")]
pub struct Get {
    /// The key, such as a user's id; with `--table` what tells the table's rows apart.
    #[arg(value_name = "KEY", required_unless_present = "table")]
    key: Option<String>,
    /// A global table: its row instead of the rows of a key.
    #[arg(long, value_name = "TABLE")]
    table: Option<String>,
}

/// Writes the whole state into a file that an engine with any `state.engine` can import; the engine must be stopped.
#[derive(Debug, Args)]
#[command(after_help = "Example: sidestream state export school.state")]
pub struct Export {
    /// The new file; `-` is standard output.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print the progress and the result as a JSON object a line.
    #[arg(long)]
    json: bool,
}

/// Makes a state directory from a file, for the configured `state.engine`; the directory must be new or empty.
#[derive(Debug, Args)]
#[command(
    after_help = "Example: sidestream state import school.state --set state.engine=fjall --set state.path=state-fjall"
)]
pub struct Import {
    /// The file, which is checked as a whole first.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print the progress and the result as a JSON object a line.
    #[arg(long)]
    json: bool,
}

/// What a file holds, as JSON.
#[derive(Serialize)]
struct Done {
    event: &'static str,
    position: u64,
    entries: u64,
    bytes: u64,
    sum: String,
}

impl StateCommand {
    pub(super) fn run(self, options: &Options) -> Result<(), Exit> {
        match self {
            StateCommand::Get(get) => get.run(options),
            StateCommand::Export(command) => command.run(options),
            StateCommand::Import(command) => command.run(options),
        }
    }
}

impl Export {
    fn run(self, options: &Options) -> Result<(), Exit> {
        let config = options.load()?;
        let target = WriteTarget::of(self.file);
        let shown = ShownProgress { aside: target == WriteTarget::Stdout, ..ShownProgress::new(self.json) };
        let done = export(&config.state, &target, &mut |progress| shown.tell(progress))?;
        shown.done("exported", done.position.0, done.entries, done.bytes, done.sum)
    }
}

impl Import {
    fn run(self, options: &Options) -> Result<(), Exit> {
        a_file(&self.file, "an import reads it twice")?;
        let config = options.load()?;
        let shown = ShownProgress::new(self.json);
        let done = import(&config.state, &self.file, &mut |progress| shown.tell(progress))?;
        let account = done.account;
        shown.done("imported", done.position.0, account.entries, account.bytes, account.sum)
    }
}

/// How progress is shown: a line for people, or a JSON object a second.
struct ShownProgress {
    line: ProgressLine,
    json: Option<std::cell::Cell<Instant>>,
    /// Standard output has the file itself.
    aside: bool,
}

impl ShownProgress {
    fn new(json: bool) -> ShownProgress {
        ShownProgress {
            line: ProgressLine::new(0, "bytes"),
            json: json.then(|| std::cell::Cell::new(Instant::now())),
            aside: false,
        }
    }

    fn tell(&self, progress: FileProgress) {
        match &self.json {
            None => self.line.of(progress.done, progress.total),
            Some(last) if last.get().elapsed() >= Duration::from_secs(1) => {
                last.set(Instant::now());
                let FileProgress { done, total, entries } = progress;
                // A reader that has gone does not stop the work.
                let _ = self.print(&serde_json::json!({
                    "event": "progress", "bytes": done, "total_bytes": total, "entries": entries
                }));
            }
            Some(_) => {}
        }
    }

    fn done(&self, event: &'static str, position: u64, entries: u64, bytes: u64, sum: u64) -> Result<(), Exit> {
        self.line.clear();
        let sum = format!("{sum:016x}");
        match self.json {
            Some(_) => self.print(&Done { event, position, entries, bytes, sum }),
            None => {
                self.say(&format!("{event} {entries} entries, {bytes} bytes, as of position {position}; sum {sum}"))
            }
        }
    }

    fn print(&self, value: &impl Serialize) -> Result<(), Exit> {
        let text = serde_json::to_string(value);
        self.say(&text.map_err(|error| Exit::new(UNAVAILABLE, error.to_string(), ""))?)
    }

    fn say(&self, line: &str) -> Result<(), Exit> {
        if self.aside {
            eprintln!("{line}");
            return Ok(());
        }
        say(line)
    }
}

impl Get {
    /// What is asked for; of tables only those that are global, for a row of another one belongs to a key.
    fn ask(self, config: &Config) -> Result<StateQuery, Exit> {
        let Get { key, table } = self;
        let Some(table) = table else { return Ok(StateQuery::Key(key.unwrap_or_default())) };
        let tables = &config.plan.tables;
        match tables.get(&table) {
            Some(found) if found.scope.is_global() => Ok(StateQuery::Row { table, row: key }),
            Some(_) => {
                let what = format!("the rows of `{table}` are those of keys: it has no `scope = \"global\"`");
                Err(Exit::new(USAGE, what, "ask for a key: sidestream state get KEY"))
            }
            None => {
                let hint = did_you_mean(&table, "tables", tables.keys().map(String::as_str));
                Err(Exit::new(USAGE, format!("there is no table `{table}`"), hint))
            }
        }
    }

    fn run(self, options: &Options) -> Result<(), Exit> {
        let config = options.load()?;
        let ask = self.ask(&config)?;
        let found = match inspect::ask_running(config.http.listen, &ask)? {
            Some(answer) => answer,
            None => inspect::read_directory(&config, &ask)?,
        };
        let Some(found) = found else {
            let what = match &ask {
                StateQuery::Key(key) => format!("nothing is kept of key {key:?}"),
                StateQuery::Row { table, row: Some(row) } => format!("the table `{table}` has no row {row:?}"),
                StateQuery::Row { table, row: None } => format!("the table `{table}` has no row"),
            };
            return Err(Exit::new(NO, what, ""));
        };
        let text = serde_json::to_string_pretty(&found);
        println!("{}", text.map_err(|error| Exit::new(UNAVAILABLE, error.to_string(), ""))?);
        Ok(())
    }
}
