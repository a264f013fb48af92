//! One start of the engine, from connecting to its end.
//!
//! Everything that a start uses is made here and gone when it ends: the next start reads disk and broker
//! again. The order of the steps is the order of DESIGN's start rules; what they say is `core`'s business.

use super::claim;
use super::disk::{self, OpenedState};
use super::exit::{CONFIG, Exit};
use super::feed::{FeedParts, feed};
use super::judged::{JudgedStart, judged};
use super::process::{Process, streams_of};
use super::verdict::{SessionEnd, broker_failed, judge, not_there, store_failed};
use super::writer::{self, Writing};
use super::{look, old_lane, readiness, settings_watch, ticks};
use crate::adapters::nats::connect::{Connection, Trouble};
use crate::adapters::nats::heard::Heard;
use crate::adapters::nats::inspect;
use crate::adapters::nats::lane::LaneTarget;
use crate::adapters::nats::source::{Source, SourceOptions, durable_name};
use crate::adapters::nats::streams;
use crate::core::ids::{KEY_GROUPS, Position};
use crate::core::plan::compiled::Plan;
use crate::core::state::changes::State;
use crate::engine::ending::End;
use crate::engine::launch::{Engine, EngineParts};
use crate::engine::{restore, rewrite};
use crate::ports::stream::{BrokerError, Denial};
use crate::protocol::epoch;
use crate::protocol::facts::Broker;
use crate::protocol::header::{RunHeader, RunId};
use crate::protocol::memory::Memory;
use crate::protocol::prepare::{Prepared, header, prepare};
use crate::protocol::reopen::Own;
use crate::protocol::start::{Start, StartKind};
use crate::telemetry::health::Phase;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// A start that is under way.
struct Under {
    engine: Engine,
    tasks: JoinSet<Option<End>>,
    connection: Connection,
    run: RunId,
    start: u64,
}

/// Runs one start to its end. `number` counts the starts of this process from 1.
pub async fn session(
    process: &Process,
    memory: &mut Memory,
    number: u64,
    stop: &mut watch::Receiver<bool>,
) -> SessionEnd {
    process.health.set(Phase::Connecting);
    let begun = tokio::select! {
        begun = begin(process, memory, number) => begun,
        _ = stop.wait_for(|stop| *stop) => return SessionEnd::Drained,
    };
    let mut under = match begun {
        Ok(under) => under,
        Err(after) => return after,
    };
    let end = wait(process, &mut under, stop).await;
    if let Ok(mut running) = process.running.lock() {
        running.clear();
    }
    under.tasks.shutdown().await;
    let Under { engine, connection, run, start, .. } = under;
    // Joining the threads waits for what they are at; that must not hold up a worker.
    let _ = tokio::task::spawn_blocking(move || engine.stop()).await;
    judge(process, memory, &connection, (&run, start), end).await
}

async fn begin(process: &Process, memory: &mut Memory, number: u64) -> Result<Under, SessionEnd> {
    let config = &process.config;
    let (source, lane) = connect(process, memory).await?;
    let JudgedStart { opened, facts, run, start } = judged(process, memory, &lane, number).await?;
    announce(process, &start, &facts);
    process.metrics.disk(opened.store.disk_bytes());
    let parts = assemble(process, start.clone(), &facts, opened).await?;
    let header = header(&start, &run, number);
    // All that may fail comes before the actors: once they run, only `Engine::stop` ends them.
    let input = open_input(process, &source, &start, &parts.plan).await.map_err(broker_failed)?;
    let old = open_old(process, &source, &start).await.map_err(broker_failed)?;
    let writing = writing(process, &lane, (&start, &facts), header).open().await.map_err(broker_failed)?;
    let handed = Arc::new(AtomicU64::new(start.lane_last.0));
    let (engine, publishes) = Engine::launch(parts);
    if let Ok(mut running) = process.running.lock() {
        running.clone_from(&engine.shards);
    }
    let mut tasks = JoinSet::new();
    tasks.spawn(claim::claim(process.nats.clone(), config.output.stream.clone(), run.clone()));
    // The source mends its own connection; the lane's never is: what was in flight on it is unknown.
    watch_trouble(&mut tasks, &lane);
    tasks.spawn(writer::write(writing, publishes, handed.clone(), engine.sequencer.clone()));
    let answered = Heard::default();
    tasks.spawn(look::watch(look::Watched {
        connection: source.clone(),
        input: config.input.stream.clone(),
        output: config.output.stream.clone(),
        handed,
        heard: input.heard(),
        answered: answered.clone(),
        metrics: process.metrics.clone(),
    }));
    let (expected, metrics) = (streams_of(config), process.metrics.clone());
    tasks.spawn(settings_watch::watch(source.clone(), expected, settings_watch::LOOK, metrics));
    // A replay never moves time on: what still waits at its end is outside of it.
    if let Some(subject) = config.plan.tick_subject.clone().filter(|_| process.replay.is_none()) {
        let clock = ticks::TickTarget { nats: process.nats.clone(), stream: config.input.stream.clone(), subject };
        tasks.spawn(ticks::tick(clock, process.metrics.clone()));
    }
    tasks.spawn(readiness::watch(process.health.clone(), process.metrics.clone(), answered));
    if let Some(old) = old {
        tasks.spawn(old_lane::read(old, start.lane_last, engine.sequencer.clone()));
    }
    tasks.spawn(feed(FeedParts {
        connection: source,
        stream: config.input.stream.clone(),
        source: input,
        intake: engine.intake.clone(),
        permits: engine.permits.clone(),
        start: start.clone(),
        recovered: engine.recovered.clone(),
        created: facts.input.created,
        durable: engine.durable.clone(),
        accept_gap: process.consent.accept_gap,
        replay: process.replay.clone(),
        metrics: process.metrics.clone(),
    }));
    Ok(Under { engine, tasks, connection: lane, run, start: number })
}

/// A connection for the input and one for the output, where both streams are there and suit.
async fn connect(process: &Process, memory: &Memory) -> Result<(Connection, Connection), SessionEnd> {
    let source = Connection::open(&process.nats, "source").await.map_err(broker_failed)?;
    let lane = Connection::open(&process.nats, "lane").await.map_err(broker_failed)?;
    if memory.run.is_none() {
        are_there(process, &lane).await?;
    }
    suits(process, &lane).await?;
    Ok((source, lane))
}

/// The way to the lane, behind what the start found there.
fn writing(process: &Process, lane: &Connection, (start, facts): (&Start, &Broker), header: RunHeader) -> Writing {
    let stream = process.config.output.stream.clone();
    let input_stream = epoch::stream(&process.config.input.stream, &start.rewinds);
    // The newest one alone, so that an output's headers have a bounded size.
    let rewinds = start.rewinds.last().map(|newest| epoch::list(&[*newest]));
    let target = LaneTarget { input_stream, rewinds, run: header.to_string(), after: start.lane_last };
    let own = Own { header, created: facts.output.created, began_after: start.lane_last };
    Writing { connection: lane.clone(), stream, target, own }
}

/// The input behind the start's position.
async fn open_input(
    process: &Process,
    connection: &Connection,
    start: &Start,
    plan: &Plan,
) -> Result<Source, BrokerError> {
    let stream = &process.config.input.stream;
    let interest = streams::info(connection, stream).await?.is_interest();
    // A replay refuses such an input: its consumer would hold events back.
    let durable = (interest && process.replay.is_none()).then(|| durable_name(&process.config.output.stream));
    let reserved_headers = plan.spec.reads_reserved_headers();
    let options = SourceOptions { durable, reserved_headers, ..SourceOptions::default() };
    Source::open(connection, stream, start.after, options).await
}

/// The part of the lane that recovery passes over; `None` when there is none.
async fn open_old(process: &Process, connection: &Connection, start: &Start) -> Result<Option<Source>, BrokerError> {
    if start.lane_last <= start.base_lane {
        return Ok(None);
    }
    let options = SourceOptions { headers_only: true, ..SourceOptions::default() };
    let after = Position(start.base_lane.0);
    Source::open(connection, &process.config.output.stream, after, options).await.map(Some)
}

/// Both streams exist: a process may be started before they are made.
async fn are_there(process: &Process, lane: &Connection) -> Result<(), SessionEnd> {
    let config = &process.config;
    for (role, stream) in [("input", &config.input.stream), ("output", &config.output.stream)] {
        if streams::find(lane, stream).await.map_err(broker_failed)?.is_none() {
            return Err(not_there(role, stream));
        }
    }
    Ok(())
}

/// The streams are there and suit; what does not is for the operator to mend.
async fn suits(process: &Process, lane: &Connection) -> Result<(), SessionEnd> {
    let unsuitable = inspect::unsuitable(lane, &streams_of(&process.config)).await.map_err(broker_failed)?;
    match unsuitable.into_iter().next() {
        None => Ok(()),
        Some(finding) => Err(SessionEnd::Stop(Exit::new(CONFIG, finding.what, finding.hint))),
    }
}

/// Everything that the engine is made of: plan, record, state.
async fn assemble(
    process: &Process,
    start: Start,
    facts: &Broker,
    opened: OpenedState,
) -> Result<EngineParts, SessionEnd> {
    let config = &process.config;
    let prepared = prepare(&start, facts, &config.plan, &opened.disk);
    let Prepared { plan, first, record, next_plan, ids } =
        prepared.map_err(|refusal| SessionEnd::Stop(refusal.into()))?;
    let state = config.state.clone();
    let (resumes, record_of) = (start.kind == StartKind::Resume, record.clone());
    let store = blocking(move || {
        if !resumes {
            return disk::begin_anew(&state, opened, &first, &record_of);
        }
        rewrite::write_first(opened.store.as_ref(), &first, &record_of)?;
        Ok(opened.store)
    })
    .await?;
    let shards = if config.engine.shards == 0 {
        std::thread::available_parallelism().map_or(1, |cores| cores.get().min(usize::from(KEY_GROUPS)))
    } else {
        config.engine.shards
    };
    let (cache_rows, after) = (config.state.cache_rows, start.after);
    let store_of = store.clone();
    let states: Vec<State> = blocking(move || restore::load(store_of.as_ref(), shards, cache_rows, ids, after)).await?;
    process.metrics.accepted_gaps(start.gaps);
    process.metrics.accepted_rewinds(epoch::count(&start.rewinds));
    Ok(EngineParts {
        plan: Arc::new(plan),
        start,
        states,
        store,
        record,
        next_plan,
        checkpoint_interval: Duration::from_millis(config.engine.checkpoint_interval_ms),
        slices_in_flight: config.engine.max_in_flight_slices,
        metrics: process.metrics.clone(),
    })
}

/// A connection that fails ends the start.
fn watch_trouble(tasks: &mut JoinSet<Option<End>>, connection: &Connection) {
    let mut trouble = connection.trouble();
    tasks.spawn(async move {
        let seen = trouble.wait_for(Option::is_some).await.ok()?.clone()?;
        Some(End::Broker(match &seen {
            Trouble::Refused(words) if words.contains("Permissions Violation") => BrokerError::Denied {
                by: Denial::Permission,
                what: seen.to_string(),
                hint: "give this user the permissions that `sidestream check --connect` names".to_owned(),
            },
            _ => BrokerError::Transient(seen.to_string()),
        }))
    });
}

/// Waits for the first reason to end, passing a wish to stop on to the engine.
async fn wait(process: &Process, under: &mut Under, stop: &mut watch::Receiver<bool>) -> End {
    let Under { engine, tasks, .. } = under;
    let mut recovered = engine.recovered.clone();
    let mut durable = engine.durable.clone();
    let (mut ready, mut draining) = (false, false);
    let mut report = tokio::time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            // The engine's own word first: it knows best why the others stopped.
            biased;
            Some(end) = engine.ended.recv() => return end,
            Some(result) = tasks.join_next() => match result {
                Ok(Some(end)) => return end,
                Ok(None) => {}
                Err(error) => return End::Broken(format!("a task died: {error}")),
            },
            _ = stop.wait_for(|stop| *stop), if !draining => {
                draining = true;
                process.health.set(Phase::Draining);
                engine.drain().await;
            }
            _ = report.tick(), if !ready && !draining => {
                if let Phase::Recovering { why, total, .. } = process.health.phase() {
                    let done = total.saturating_sub(process.metrics.figures().lag);
                    process.health.set(Phase::Recovering { why, done, total });
                }
            }
            Ok(()) = durable.changed() => {
                process.advanced.store(true, Ordering::Relaxed);
                process.proven.store(true, Ordering::Relaxed);
                // A checkpoint means confirmed outputs: whatever was refused before is over.
                if process.stalled.swap(false, Ordering::Relaxed) && ready && !draining {
                    process.health.set(Phase::Ready);
                }
            }
            Ok(_) = recovered.wait_for(|recovered| *recovered), if !ready => {
                ready = true;
                if !draining && !process.stalled.load(Ordering::Relaxed) {
                    process.health.set(Phase::Ready);
                    tracing::info!("ready: everything that was in the output stream is accounted for");
                }
            }
        }
    }
}

fn announce(process: &Process, start: &Start, facts: &Broker) {
    let kind = match start.kind {
        StartKind::Fresh => "fresh",
        StartKind::Resume => "resume",
        StartKind::Rebuild(_) => "rebuild",
    };
    process.metrics.started(&start.kind);
    process.metrics.restored(start.after);
    process.metrics.input_begins(start.after, facts.input.last);
    let why = match start.kind {
        StartKind::Rebuild(why) => why,
        StartKind::Fresh => "first start",
        StartKind::Resume => "reading on from the last checkpoint",
    };
    if start.is_unseen() {
        tracing::info!("the plan of the configuration begins at position {}", start.plan.since);
    }
    let total = facts.input.last.saturating_sub(start.after.0);
    process.health.set(Phase::Recovering { why: why.to_owned(), done: 0, total });
    tracing::info!(
        kind,
        why,
        after = start.after.0,
        base = start.base.0,
        lane_last = start.lane_last.0,
        already_out = start.lane_last.0 - start.base_lane.0.min(start.lane_last.0),
        "start"
    );
}

/// Disk work off the async workers.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, crate::ports::store::StoreError> + Send + 'static,
) -> Result<T, SessionEnd> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(store_failed),
        Err(error) => Err(SessionEnd::Stop(Exit::broken(error))),
    }
}
