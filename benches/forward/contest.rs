//! One run of one competitor: a process of its own, from its start to the last output in the stream.
//!
//! Starting the process is part of the time, for every competitor alike.

use crate::Failure;
use crate::stage::{DEAD_LETTERS, Stage};
use crate::usage;
use async_nats::jetstream::stream::Stream;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

/// How often the output stream is asked for its end.
const POLL: Duration = Duration::from_millis(20);
/// Without a new output for this long, a competitor is called stuck.
const PATIENCE: Duration = Duration::from_secs(60);

/// Who competes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Competitor {
    /// `sidestream run` with the shipped configuration.
    Job,
    /// The usual forwarder.
    Usual,
    /// Our own source and lane.
    Own,
}

impl std::fmt::Display for Competitor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Competitor::Job => "full job",
            Competitor::Usual => "usual forwarder",
            Competitor::Own => "own source and lane",
        })
    }
}

/// What one run came to.
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    /// Events of the input.
    pub events: u64,
    /// Outputs in the stream after the competitor had ended.
    pub outputs: u64,
    /// From the start of the process to the last output.
    pub seconds: f64,
    /// From the start of the process to the first output that was seen.
    pub first_ms: f64,
    /// CPU time of the competitor.
    pub cpu_s: Option<f64>,
    /// CPU time of the server meanwhile.
    pub server_cpu_s: Option<f64>,
    /// The competitor's largest resident memory.
    pub peak_mib: Option<f64>,
}

impl Figures {
    /// Events a second.
    pub fn rate(&self) -> f64 {
        self.events as f64 / self.seconds
    }

    /// CPU time for one event, the server's share included, in microseconds.
    pub fn cpu_us_per_event(&self) -> Option<f64> {
        Some((self.cpu_s? + self.server_cpu_s?) * 1e6 / self.events as f64)
    }
}

/// Runs a competitor over the whole input into a fresh output stream, which is gone afterwards.
pub async fn run(competitor: Competitor, stage: &Stage, number: u64) -> Result<Figures, Failure> {
    // The job's streams, so that nothing but the job lies between it and our own forwarder.
    let dead_letters = competitor != Competitor::Usual;
    let output = stage.open_output(dead_letters).await?;
    let place = stage.home.join(format!("{number}-{competitor:?}"));
    std::fs::create_dir(&place)?;
    let figures = race(competitor, stage, &output, &place).await;
    let figures = figures.map_err(|error| format!("{competitor}: {error}\n{}", tail(&place.join("log"))))?;
    if dead_letters {
        let dead = stage.context.get_stream(DEAD_LETTERS).await?.get_info().await?.state.messages;
        if dead > 0 {
            return Err(format!("{competitor}: {dead} dead letters, none expected").into());
        }
    }
    stage.close_output(dead_letters).await?;
    std::fs::remove_dir_all(&place)?;
    Ok(figures)
}

async fn race(competitor: Competitor, stage: &Stage, output: &Stream, place: &Path) -> Result<Figures, Failure> {
    let server_before = usage::cpu_seconds(stage.server_pid);
    let began = Instant::now();
    let mut child = start(competitor, stage, place)?;
    let pid = child.id().ok_or("the process ended at once")?;
    let (mut last, mut first_at, mut moved) = (0, None, began);
    while last < stage.events {
        sleep(POLL).await;
        let now = output.get_info().await?.state.last_sequence;
        if now > last {
            (last, moved) = (now, Instant::now());
            first_at = first_at.or(Some(moved));
        }
        if last < stage.events {
            if let Some(status) = child.try_wait()? {
                return Err(format!("the process ended early: {status}").into());
            }
            if moved.elapsed() > PATIENCE {
                return Err(format!("no new output for {} s after {last}", PATIENCE.as_secs()).into());
            }
        }
    }
    let server_after = usage::cpu_seconds(stage.server_pid);
    let (cpu_s, peak_mib) = (usage::cpu_seconds(pid), usage::peak_mib(pid));
    end(child, pid).await?;
    // Asked again, because what came too many may have come late.
    let state = output.get_info().await?.state;
    Ok(Figures {
        events: stage.events,
        outputs: state.last_sequence.max(state.messages),
        seconds: (moved - began).as_secs_f64(),
        first_ms: first_at.map_or(0.0, |first| (first - began).as_secs_f64() * 1e3),
        cpu_s,
        server_cpu_s: server_before.zip(server_after).map(|(before, after)| after - before),
        peak_mib,
    })
}

fn start(competitor: Competitor, stage: &Stage, place: &Path) -> Result<Child, Failure> {
    let log = std::fs::File::create(place.join("log"))?;
    let mut command = match competitor {
        Competitor::Job => {
            let mut command = Command::new(env!("CARGO_BIN_EXE_sidestream"));
            command.arg("run").arg("--config").arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("config.toml"));
            for (key, value) in [
                ("nats.url", stage.url.as_str()),
                ("http.listen", "127.0.0.1:0"),
                ("state.path", &place.join("state").to_string_lossy()),
            ] {
                command.arg("--set").arg(format!("{key}={value}"));
            }
            command
        }
        Competitor::Usual | Competitor::Own => {
            let role = if competitor == Competitor::Usual { "usual" } else { "own" };
            let mut command = Command::new(std::env::current_exe()?);
            command.args([role, &stage.url, &stage.events.to_string()]);
            command
        }
    };
    let child = command
        .env_remove("SIDESTREAM_NATS_URL")
        .env_remove("SIDESTREAM_LOG")
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .process_group(0)
        .kill_on_drop(true)
        .spawn()?;
    Ok(child)
}

/// Asks a process to end and waits until it has, which it must do without an error.
async fn end(mut child: Child, pid: u32) -> Result<(), Failure> {
    // The process has not been waited for, so the number is still its own.
    let asked = Command::new("sh").arg("-c").arg(format!("kill -TERM {pid}")).status().await?;
    if !asked.success() {
        return Err("the process ended by itself".into());
    }
    let status = timeout(PATIENCE, child.wait()).await.map_err(|_| "the process does not end")??;
    if status.success() { Ok(()) } else { Err(format!("the process ended badly: {status}").into()) }
}

/// The last lines of a log.
fn tail(log: &PathBuf) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().rev().take(15).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}
