//! What a large state costs: starting on it, building it anew, keeping it.
//!
//! Every user signs up once, so that users are rows.

use crate::Failure;
use crate::process::{Process, generate};
use crate::report::{median, row, thousands};
use crate::stage::{Filling, Stage};
use crate::usage;
use sidestream::generate::SchoolOptions;
use std::path::Path;
use tokio::time::Instant;

/// How often the engine is started on the finished state.
const RESTARTS: usize = 5;

/// What one number of users came to.
struct Found {
    built_s: f64,
    written: Option<u64>,
    disk: u64,
    first_ms: f64,
    ready_ms: f64,
    resident_mib: Option<f64>,
    rebuilt_s: f64,
}

/// Runs over states of these many users.
pub async fn section(stage: &mut Stage, users: &[u64]) -> Result<String, Failure> {
    let mut text = String::new();
    let head = [
        "rows",
        "built in",
        "state on disk, bytes a row",
        "written, bytes a row",
        "restart, ready after",
        "restart, first output after",
        "peak memory",
        "rebuilt in",
    ];
    row(&mut text, &head.map(str::to_owned));
    row(&mut text, &head.map(|_| "---:".to_owned()));
    for &users in users {
        let found = with(stage, users).await?;
        let each = |bytes: u64| format!("{:.0}", bytes as f64 / users as f64);
        let cells = [
            thousands(users as f64),
            format!("{:.1} s", found.built_s),
            each(found.disk),
            found.written.map_or_else(String::new, each),
            format!("{:.0} ms", found.ready_ms),
            format!("{:.0} ms", found.first_ms),
            found.resident_mib.map_or_else(String::new, |mib| format!("{mib:.0} MiB")),
            format!("{:.1} s", found.rebuilt_s),
        ];
        eprintln!("bench: restart: {}", cells.join(", "));
        row(&mut text, &cells);
    }
    text.push_str(&format!(
        "\n* One row of five columns a user, and one id a row within the de-duplication window; built and rebuilt from an \
         input of one event a user. A restart is a drained engine started again: until it is ready, and until the output \
         of an event that was published then is stored; medians of {RESTARTS}. Written: what the process handed to the \
         disk while it built the state.\n"
    ));
    Ok(text)
}

async fn with(stage: &mut Stage, users: u64) -> Result<Found, Failure> {
    let school = SchoolOptions { users, enrol_first: true, ..SchoolOptions::default() };
    stage.fill(&Filling { events: users, school, bytes: 0 }).await?;
    let mut output = stage.open_output().await?;
    let place = stage.place(&format!("restart-{users}"))?;
    let mut job = Process::job(&stage.url, &place, &[])?;
    stage.wait_for(&mut output, users, &mut job).await?;
    let built_s = job.began.elapsed().as_secs_f64();
    let written = usage::written_bytes(job.pid);
    job.end().await?;
    let disk = size(&place.join("state"))?;
    let (mut first, mut ready, mut resident) = (Vec::new(), Vec::new(), None);
    let mut events = users;
    for _ in 0..RESTARTS {
        let mut job = Process::job(&stage.url, &place, &[])?;
        job.ready().await?;
        ready.push(job.began.elapsed().as_secs_f64() * 1e3);
        let published = Instant::now();
        generate(&stage.url, &place, "max", 1, events).await?;
        // The publisher's own start is no part of the restart.
        let publishing = published.elapsed();
        events += 1;
        stage.wait_for(&mut output, events, &mut job).await?;
        first.push((job.began.elapsed() - publishing).as_secs_f64() * 1e3);
        resident = usage::peak_mib(job.pid);
        job.end().await?;
    }
    std::fs::remove_dir_all(place.join("state"))?;
    let mut job = Process::job(&stage.url, &place, &[])?;
    job.ready_within(std::time::Duration::from_secs(1_800)).await?;
    let rebuilt_s = job.began.elapsed().as_secs_f64();
    job.end().await?;
    stage.close_output().await?;
    std::fs::remove_dir_all(&place)?;
    let middle = |values: Vec<f64>| median(values.into_iter()).unwrap_or_default();
    Ok(Found {
        built_s,
        written,
        disk,
        first_ms: middle(first),
        ready_ms: middle(ready),
        resident_mib: resident,
        rebuilt_s,
    })
}

/// The bytes of all files below a directory.
fn size(directory: &Path) -> Result<u64, Failure> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let kind = entry.metadata()?;
        bytes += if kind.is_dir() { size(&entry.path())? } else { kind.len() };
    }
    Ok(bytes)
}
