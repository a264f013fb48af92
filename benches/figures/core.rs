//! The core alone, stage by stage: what `cargo bench --bench core_step` measures, and how many instructions it takes.

use crate::Failure;
use crate::report::{row, thousands};
use std::path::Path;
use tokio::process::Command;

/// Stages in the order of an event's way; the names are those of the bench.
const STAGES: [(&str, &str); 7] = [
    ("decode", "decode: scan, kind, key, identity"),
    ("dedup", "dedup: look up and note the id"),
    ("apply", "apply: what the event makes of its rows"),
    ("join", "apply and join: the rows that are added"),
    ("encode", "apply, join and encode: the enriched bytes"),
    ("step", "the whole step, commit included"),
    ("whole", "everything: intake and step"),
];
/// Events in a slice of the bench.
const SLICE: f64 = 512.0;
/// Instructions are the difference of two runs of so many slices.
const SLICES: [u64; 2] = [20, 120];

/// Runs the bench and reads what criterion found.
pub async fn section(bench: &Path) -> Result<String, Failure> {
    let ran = Command::new(bench).arg("--bench").env("CRITERION_HOME", home()).status().await?;
    if !ran.success() {
        return Err("the bench of the core failed".into());
    }
    let counted = Command::new("valgrind").arg("--version").output().await.is_ok();
    let mut text = String::new();
    row(&mut text, &["stage", "ns an event", "events/s, one thread", "instructions an event"].map(str::to_owned));
    row(&mut text, &["---", "---:", "---:", "---:"].map(str::to_owned));
    for (stage, says) in STAGES {
        let ns = nanoseconds(stage)? / SLICE;
        let count = if counted { thousands(instructions(bench, stage).await?) } else { "no valgrind here".to_owned() };
        row(&mut text, &[says.to_owned(), format!("{ns:.0}"), thousands(1e9 / ns), count]);
    }
    text.push_str(
        "\n* One thread, the shipped configuration, the generator's events in slices of 512, every user known. Times are \
         criterion's means, instructions callgrind's (the difference of two runs).\n",
    );
    Ok(text)
}

fn home() -> std::path::PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("criterion")
}

fn nanoseconds(stage: &str) -> Result<f64, Failure> {
    let file = home().join("core, one thread").join(stage).join("new").join("estimates.json");
    let text = std::fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    let found: serde_json::Value = serde_json::from_slice(&text)?;
    found.pointer("/mean/point_estimate").and_then(serde_json::Value::as_f64).ok_or("criterion noted no mean".into())
}

async fn instructions(bench: &Path, stage: &str) -> Result<f64, Failure> {
    let mut counts = Vec::new();
    for slices in SLICES {
        let mut line = Command::new("valgrind");
        line.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(bench);
        let output = line.args(["--stage", stage, "--slices", &slices.to_string()]).output().await?;
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        let count = text.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse::<f64>().ok());
        counts.push(count.ok_or("callgrind counted nothing")?);
    }
    let [few, many] = SLICES.map(|slices| slices as f64 * SLICE);
    match counts[..] {
        [first, second] => Ok((second - first) / (many - few)),
        _ => Err("two counts were expected".into()),
    }
}
