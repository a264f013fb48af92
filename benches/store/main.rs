//! The state stores beside each other on the same work: run it with `scripts/bench store`.
//!
//! Each engine writes, is opened again and is read in processes of its own, so that memory and input/output belong to it
//! alone. No speed is asserted, since absolute figures belong to one machine; that every row is there is.

mod work;

use clap::{Parser, Subcommand};
use serde_json::Value;
use sidestream::core::record::StateEngine;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use work::Job;

/// What goes wrong here goes to a person, as words.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Measures the state engines on the same rows.
#[derive(Debug, Parser)]
#[command(name = "scripts/bench store", args_conflicts_with_subcommands = true)]
struct Line {
    /// How many rows are kept.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1_000..))]
    rows: u64,
    /// How many rows a checkpoint changes.
    #[arg(long, default_value_t = 50_000, value_parser = clap::value_parser!(u64).range(100..))]
    checkpoint: u64,
    /// Writes the report to this file, too.
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// What was built with what, for the report.
    #[arg(long, hide = true, default_value = "")]
    build: String,
    /// `cargo bench` says it; it means nothing here.
    #[arg(long, hide = true)]
    bench: bool,
    #[command(subcommand)]
    role: Option<Role>,
}

/// What this same program does as a process of its own.
#[derive(Debug, Subcommand)]
enum Role {
    #[command(hide = true)]
    Write(Job),
    #[command(hide = true)]
    Load(Job),
    #[command(hide = true)]
    Read(Job),
}

fn main() -> ExitCode {
    let line = Line::parse();
    let done = match &line.role {
        Some(Role::Write(job)) => work::write(job),
        Some(Role::Load(job)) => work::load(job),
        Some(Role::Read(job)) => work::read(job),
        None => bench(&line),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn bench(line: &Line) -> Result<(), Failure> {
    // Below target/, because a system's own directory for such things may be memory, and this is about files.
    let home = tempfile::Builder::new().prefix("bench-").tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let mut figures = Vec::new();
    for (name, _) in StateEngine::NAMED {
        let state = home.path().join(name);
        let mut all = serde_json::Map::new();
        for role in ["write", "load", "read"] {
            let Value::Object(said) = run(line, role, name, &state)? else { return Err("no figures".into()) };
            eprintln!("bench: {name}: {role}: {}", Value::Object(said.clone()));
            all.extend(said);
        }
        figures.push(all);
        // The next one needs the room.
        std::fs::remove_dir_all(&state)?;
    }
    let text = report(line, &figures);
    println!("\n{text}");
    if let Some(file) = &line.markdown {
        std::fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    Ok(())
}

/// Runs one part of the work in a process and returns its figures.
fn run(line: &Line, role: &str, engine: &str, state: &Path) -> Result<Value, Failure> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args([role, engine]).arg(state).args([line.rows.to_string(), line.checkpoint.to_string()]);
    let output = command.stderr(std::process::Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("{engine}: {role} ended with {}", output.status).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// A row of the report: what it says, the figure's name, and its decimals.
const REPORT: &[(&str, &str, usize)] = &[
    ("new rows a second", "inserts_per_s", 0),
    ("changed rows a second (as many changes as half the rows, any rows)", "updates_per_s", 0),
    ("slowest checkpoint, s", "slowest_s", 2),
    ("peak resident while writing, MiB", "write_peak_mib", 0),
    ("written to the disk for each byte of rows", "amplification", 1),
    ("bytes on disk a row when writing ends", "bytes_per_row", 0),
    ("bytes of a row itself, key and value", "row_bytes", 0),
    ("open, s", "open_s", 2),
    ("open and load all rows into memory, s", "load_s", 2),
    ("peak resident with all rows in memory, MiB", "load_peak_mib", 0),
    ("rows of one key from the store, keys a second", "reads_per_s", 0),
    ("peak resident while reading so, MiB", "read_peak_mib", 0),
];

fn report(line: &Line, figures: &[serde_json::Map<String, Value>]) -> String {
    let mut text = format!("{} rows, {} changes a checkpoint", line.rows, line.checkpoint);
    if !line.build.is_empty() {
        text.push_str(&format!("; {}", line.build));
    }
    text.push_str("\n\n| |");
    StateEngine::NAMED.iter().for_each(|(name, _)| text.push_str(&format!(" {name} |")));
    text.push_str("\n|---|");
    StateEngine::NAMED.iter().for_each(|_| text.push_str("---:|"));
    for &(words, name, decimals) in REPORT {
        text.push_str(&format!("\n| {words} |"));
        for figures in figures {
            let figure = figures.get(name).and_then(Value::as_f64);
            let shown = figure.map_or("?".to_owned(), |figure| format!("{figure:.decimals$}"));
            text.push_str(&format!(" {shown} |"));
        }
    }
    text.push('\n');
    text
}
