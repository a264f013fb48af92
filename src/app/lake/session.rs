//! One start of the lake's writer: from connecting to a fault of the world, or to its end.

use super::carry::{Carrier, stopped};
use super::interval::Interval;
use super::job::{LakeJob, follows};
use super::place::{self, ResumePlace};
use super::project::Projection;
use super::{log, root, store};
use crate::adapters::nats::connect::Connection;
use crate::adapters::nats::source::{Source, SourceOptions};
use crate::adapters::nats::streams;
use crate::app::exit::{CONFIG, Exit};
use crate::core::ids::Position;
use crate::ports::stream::StreamState;
use crate::protocol::header::RunId;
use crate::protocol::lake::cut::{IntervalLimits, MAX_FOLDERS, MAX_ROWS};
use crate::protocol::lake::row::{LakeMessage, LakeRow};
use crate::protocol::lake::writer::{LakeWriter, Stopped};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// Messages taken at a time.
const BATCH: usize = 2_000;
/// Between two looks at the age of what is spooled.
const LOOK: Duration = Duration::from_millis(250);

/// Runs one start to its end. `random` tells processes apart, and `mine` is the last epoch that this one claimed.
pub async fn session(
    job: &LakeJob,
    random: u32,
    mine: &mut Option<u64>,
    stop: &mut watch::Receiver<bool>,
) -> Result<(), Exit> {
    let connection = Connection::open(&job.nats, "lake").await?;
    let output = streams::state(&connection, &job.config.output.stream).await?;
    let input = streams::state(&connection, &job.config.input.stream).await?;
    let id = RunId::new(output.server_time, random).to_string();
    let store = store::open(&job.lake, &id)?;
    let store = &*store;
    store.probe()?;
    let names = (job.config.input.stream.as_str(), job.config.output.stream.as_str());
    let root = root::open(store, &id, names, &input)?;
    let (head, newest) = log::newest(store)?;
    let made = job.made();
    if let Some(newest) = &newest {
        follows(&newest.made, &made)?;
        // A fault of the world is no reason to take the lake back from a writer that came later.
        if mine.is_some_and(|mine| newest.epoch > mine) && !newest.writer.ends_with(&format!("{random:08x}")) {
            let (writer, epoch) = (newest.writer.clone(), newest.epoch);
            return Err(stopped(Stopped::Superseded { writer, epoch }));
        }
    }
    let projection = Projection::open(store, job.lake.delta.then(|| root.lake.clone()))?;
    let (writer, act) = LakeWriter::new(&id, made.clone(), head);
    let interval = Interval::new(&made, &job.lake.spool_path)?;
    let (planned, connection) = (Vec::new(), &connection);
    let mut carrier = Carrier { job, store, connection, writer, interval, planned, projection };
    carrier.carry(act).await?;
    *mine = Some(carrier.writer.head().epoch);
    store.sweep()?;
    let head = carrier.writer.head().clone();
    tracing::info!(writer = id, epoch = head.epoch, behind = head.to.map(|to| to.to_string()), "the lake is ours");
    let mut source = follow(&mut carrier, &output).await?;
    job.metrics.lake().runs(true);
    let ended = if job.once {
        once(&mut carrier, &mut source, output.last).await
    } else {
        on(&mut carrier, &mut source, stop).await
    };
    let _ = source.close().await;
    ended
}

/// Opens the output stream behind the newest row of the lake.
async fn follow(carrier: &mut Carrier<'_>, output: &StreamState) -> Result<Source, Exit> {
    let stream = &carrier.job.config.output.stream;
    let ResumePlace { after, gap } = place::behind(carrier.connection, stream, output, carrier.writer.head()).await?;
    if let Some(gone) = gap {
        let to = carrier.writer.head().to.map_or_else(String::new, |to| to.to_string());
        let what = format!("{stream} does not have all rows behind {to} any more: up to {gone} some may be gone");
        if !carrier.job.accept_gap {
            let hint = "`sidestream lake run --accept-gap` gives them up, and the lake's log says so; longer retention of the stream avoids it";
            return Err(Exit::new(CONFIG, what, hint));
        }
        tracing::warn!(what, "the rows are given up");
        if Some(gone) > carrier.writer.head().to {
            carrier.give_up(gone).await?;
        }
    }
    Ok(Source::open(carrier.connection, stream, Position(after), SourceOptions::default()).await?)
}

/// Stores what the stream held at the start, and ends.
async fn once(carrier: &mut Carrier<'_>, source: &mut Source, last: u64) -> Result<(), Exit> {
    let limits = limits(carrier.job);
    loop {
        let messages = source.next_until(BATCH, last).await?;
        if messages.is_empty() {
            return carrier.cut().await;
        }
        take(carrier, messages)?;
        if limits.reached(&carrier.interval.figures()) {
            carrier.cut().await?;
        }
    }
}

/// Follows the stream until it is time to stop. What is spooled then is read again by the next start.
async fn on(carrier: &mut Carrier<'_>, source: &mut Source, stop: &mut watch::Receiver<bool>) -> Result<(), Exit> {
    let limits = limits(carrier.job);
    loop {
        // Both may be let go of while they wait: the source loses nothing by it.
        let messages = tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => return Ok(()),
            messages = source.next_before(BATCH, Some(Instant::now() + LOOK)) => messages?,
        };
        take(carrier, messages)?;
        let figures = carrier.interval.figures();
        carrier.job.metrics.lake().spooled(figures.bytes, figures.age_s, source.pending());
        if limits.reached(&figures) {
            carrier.cut().await?;
        }
    }
}

fn take(carrier: &mut Carrier<'_>, messages: Vec<crate::core::event::StoredMessage>) -> Result<(), Exit> {
    for message in messages {
        match LakeRow::read(&message) {
            // A stream that was made again has rows that are stored already.
            LakeMessage::Row(row) if Some(row.id) <= carrier.writer.head().to => {}
            LakeMessage::Row(row) => {
                if carrier.interval.last.is_some_and(|(last, _)| row.id <= last) {
                    let what = format!("output {} is out of order: row {}", message.sequence, row.id);
                    return Err(Exit::broken(what));
                }
                carrier.interval.push(row, message.sequence)?;
            }
            LakeMessage::Marker | LakeMessage::Duplicate => {}
            LakeMessage::Foreign => {
                tracing::warn!(sequence = message.sequence, "a foreign message is not stored in the lake")
            }
        }
    }
    Ok(())
}

fn limits(job: &LakeJob) -> IntervalLimits {
    IntervalLimits {
        max_age_s: job.lake.max_age.as_secs(),
        max_spool_bytes: job.lake.max_spool_bytes,
        max_rows: MAX_ROWS,
        max_folders: MAX_FOLDERS,
    }
}
