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
/// Instructions are the difference of two runs of so many slices. They do not depend on how many ids there are.
const SLICES: [u64; 2] = [20, 120];
const COUNTED_IDS: &str = "40000";
/// Fewer and more ids than the million that the stages are measured with: everything is measured with so many, too.
const OTHER_IDS: [&str; 2] = ["100000", "10000000"];
/// Over so many times 16 slices.
const ROUNDS: &str = "400";

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
    let mut others = Vec::new();
    for ids in OTHER_IDS {
        let ns = everything(bench, ids).await?;
        others.push(format!("with {} ids {ns:.0} ns", thousands(ids.parse()?)));
    }
    text.push_str(&format!(
        "\n* One thread, the shipped configuration, the generator's events in slices of 512, every user known, a million ids \
         in the window of de-duplication; a barrier every 250 slices takes the changes and lets old ids go. Times are \
         criterion's means, instructions callgrind's (the difference of two runs). Everything {}.\n",
        others.join(", "),
    ));
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

/// The mean time of intake and step with so many ids, in nanoseconds an event.
async fn everything(bench: &Path, ids: &str) -> Result<f64, Failure> {
    let mut line = Command::new(bench);
    line.args(["--ids", ids, "--stage", "whole", "--slices", "16", "--rounds", ROUNDS]);
    let text = String::from_utf8_lossy(&line.output().await?.stdout).into_owned();
    let mean = text.rsplit_once(": ").and_then(|(_, says)| says.split_once(' ')).map(|(number, _)| number);
    Ok(mean.ok_or("the bench of the core printed no time")?.parse()?)
}

async fn instructions(bench: &Path, stage: &str) -> Result<f64, Failure> {
    let mut counts = Vec::new();
    for slices in SLICES {
        let mut line = Command::new("valgrind");
        line.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(bench);
        line.args(["--ids", COUNTED_IDS, "--stage", stage, "--slices", &slices.to_string()]);
        let output = line.output().await?;
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
