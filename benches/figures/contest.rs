//! One run of one competitor: a process of its own, from its start to the last output in the stream.
//!
//! Starting the process is part of the time, for every competitor alike.

use crate::Failure;
use crate::process::Process;
use crate::stage::{DEAD_LETTERS, Stage};
use crate::usage;
use async_nats::jetstream::stream::Stream;
use std::path::Path;
use std::time::Duration;
use tokio::time::{Instant, sleep};

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
    /// The usual forwarder with larger pulls and room in its client.
    Tuned,
    /// Our own source and lane.
    Own,
}

impl std::fmt::Display for Competitor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Competitor::Job => "full job",
            Competitor::Usual => "usual forwarder",
            Competitor::Tuned => "usual, tuned",
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
    let output = stage.open_output().await?;
    let place = stage.home.join(format!("{number}-{competitor:?}"));
    std::fs::create_dir(&place)?;
    let figures = race(competitor, stage, &output, &place).await;
    let figures = figures.map_err(|error| format!("{competitor}: {error}"))?;
    if stage.dead_letters {
        let dead = stage.context.get_stream(DEAD_LETTERS).await?.get_info().await?.state.messages;
        if dead > 0 {
            return Err(format!("{competitor}: {dead} dead letters, none expected").into());
        }
    }
    stage.close_output().await?;
    std::fs::remove_dir_all(&place)?;
    Ok(figures)
}

async fn race(competitor: Competitor, stage: &Stage, output: &Stream, place: &Path) -> Result<Figures, Failure> {
    let server_before = usage::cpu_seconds(stage.server_pid);
    let mut process = match competitor {
        Competitor::Job => Process::job(&stage.url, place, &stage.settings)?,
        Competitor::Usual => Process::role("usual", &stage.url, stage.events, place)?,
        Competitor::Tuned => Process::role("tuned", &stage.url, stage.events, place)?,
        Competitor::Own => Process::role("own", &stage.url, stage.events, place)?,
    };
    let began = process.began;
    let (mut last, mut first_at, mut moved) = (0, None, began);
    while last < stage.events {
        sleep(POLL).await;
        let now = output.get_info().await?.state.last_sequence;
        if now > last {
            (last, moved) = (now, Instant::now());
            first_at = first_at.or(Some(moved));
        }
        if last < stage.events {
            process.is_running()?;
            if moved.elapsed() > PATIENCE {
                return Err(process.failure(&format!("no new output for {} s after {last}", PATIENCE.as_secs())));
            }
        }
    }
    let server_after = usage::cpu_seconds(stage.server_pid);
    let (cpu_s, peak_mib) = (process.cpu_s(), usage::peak_mib(process.pid));
    process.end().await?;
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
