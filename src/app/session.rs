//! One start of the engine, from connecting to its end.
//!
//! Everything that a start uses is made here and gone when it ends: the next start reads disk and broker
//! again. The order of the steps is the order of DESIGN's start rules; what they say is `core`'s business.

use super::broker;
use super::claim;
use super::disk::{self, Opened};
use super::exit::{CONFIG, Exit};
use super::feed::{FeedParts, feed};
use super::{old_lane, writer};
use crate::adapters::nats::connect::{Connection, NatsSettings};
use crate::adapters::nats::inspect::{self, Expectation};
use crate::adapters::nats::lane::{self, LaneTarget};
use crate::adapters::nats::source::{Source, SourceOptions};
use crate::adapters::nats::streams;
use crate::config::Config;
use crate::core::ids::{LaneSequence, Nanos, Position};
use crate::core::plan::compiled::Plan;
use crate::core::plan::spec::PlanSpec;
use crate::core::protocol::facts::{Asked, Broker, Checkpoint, Consent, GroupMark};
use crate::core::protocol::header::{LaneMessage, RunHeader, RunId};
use crate::core::protocol::refusal::Refusal;
use crate::core::protocol::start::{self, Start, StartKind, Until};
use crate::core::state::changes::State;
use crate::engine::ending::End;
use crate::engine::launch::{Engine, Parts};
use crate::engine::messages::{NextPlan, Publish};
use crate::engine::shard::Shard;
use crate::ports::stream::{BrokerError, LaneEvent};
use crate::telemetry::health::{Health, Phase};
use crate::telemetry::metrics::Metrics;
use actix::Addr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// How long the first start may wait for broker and store, unless the process is told otherwise.
const PATIENCE: Duration = Duration::from_secs(30);

/// The shards of the start that is running, for inspection.
pub type Running = Arc<Mutex<Vec<Addr<Shard>>>>;

/// What all starts of a process share.
pub struct Process {
    /// The configuration.
    pub config: Config,
    /// The broker.
    pub nats: NatsSettings,
    /// The flags.
    pub consent: Consent,
    /// How long the first start may wait for broker and store.
    pub patience: Duration,
    /// The metrics.
    pub metrics: Metrics,
    /// What `readyz` says.
    pub health: Health,
    /// Whether a start was ready since this was last asked.
    pub ready: AtomicBool,
    /// The shards, for inspection.
    pub running: Running,
    /// The random end of the run id.
    pub random: u32,
}

impl Process {
    /// A process that has not started the engine yet.
    pub fn new(config: Config, nats: NatsSettings, consent: Consent) -> Process {
        let metrics = Metrics::new();
        Process {
            config,
            nats,
            consent,
            patience: PATIENCE,
            health: Health::new(metrics.clone()),
            metrics,
            ready: AtomicBool::new(false),
            running: Running::default(),
            random: random(),
        }
    }

    /// Whether a start was ready since this was last asked.
    pub fn was_ready(&self) -> bool {
        self.ready.swap(false, Ordering::Relaxed)
    }
}

/// The random end of a run id: the standard library's hasher is seeded by the system.
fn random() -> u32 {
    use std::hash::{BuildHasher, Hasher, RandomState};
    // The cast keeps the low half.
    RandomState::new().build_hasher().finish() as u32
}

/// How a start ended.
#[derive(Debug)]
pub enum After {
    /// The process was asked to stop, and everything is out and in the state.
    Drained,
    /// Start again: at once, or after a pause when the world is at fault.
    Again {
        /// What happened, for the log.
        why: String,
        /// Whether it is worth waiting before.
        pause: bool,
    },
    /// Stop.
    Stop(Exit),
}

/// What a process remembers from start to start.
#[derive(Debug, Default)]
pub struct Memory {
    /// Its run id, fixed by the first start that reaches the broker.
    run: Option<RunId>,
    /// A position of the input that a start needed and did not find.
    hole: Option<Position>,
}

/// A start that is under way.
struct Under {
    engine: Engine,
    tasks: JoinSet<Option<End>>,
    connection: Connection,
    run: RunId,
    start: u64,
}

/// Runs one start to its end. `number` counts the starts of this process from 1.
pub async fn session(process: &Process, memory: &mut Memory, number: u64, stop: &mut watch::Receiver<bool>) -> After {
    process.health.set(Phase::Connecting);
    let begun = tokio::select! {
        begun = begin(process, memory, number) => begun,
        _ = stop.wait_for(|stop| *stop) => return After::Drained,
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

async fn begin(process: &Process, memory: &mut Memory, number: u64) -> Result<Under, After> {
    let config = &process.config;
    let source = Connection::open(&process.nats, "source").await.map_err(broker_failed)?;
    let lane = Connection::open(&process.nats, "lane").await.map_err(broker_failed)?;
    suits(process, &lane).await?;
    let path = config.state.path.clone();
    let opened = blocking(move || disk::open(&path)).await?;
    let gathered = broker::gather(&lane, &config.input.stream, &config.output.stream, &opened.disk, memory.hole).await;
    let (facts, server_time) = gathered.map_err(broker_failed)?;
    let run = memory.run.get_or_insert_with(|| RunId::new(server_time, process.random)).clone();
    let asked = Asked { run: run.clone(), plan: config.plan.clone(), consent: process.consent };
    let start = start::decide(&opened.disk, &facts, &asked).map_err(|refusal| After::Stop(refusal.into()))?;
    announce(process, &start, &facts);
    let (parts, header) = prepare(process, start.clone(), &facts, opened, &run, number).await?;
    let (engine, publishes) = Engine::launch(parts);
    if let Ok(mut running) = process.running.lock() {
        running.clone_from(&engine.shards);
    }
    let mut tasks = JoinSet::new();
    tasks.spawn(claim::claim(process.nats.clone(), config.output.stream.clone(), run.clone()));
    // The source mends its own connection; the lane's never is: what was in flight on it is unknown.
    watch_trouble(&mut tasks, &lane);
    open_lane(process, &mut tasks, &lane, &start, header, &engine, publishes).await.map_err(broker_failed)?;
    read_old(process, &mut tasks, &source, &start, &engine).await.map_err(broker_failed)?;
    let stream = config.input.stream.clone();
    let interest = streams::info(&source, &stream).await.map_err(broker_failed)?.is_interest();
    // One name an output stream: engines that follow each other go on with the same consumer.
    let durable = interest.then(|| format!("sidestream-{}", config.output.stream));
    let options = SourceOptions { durable, ..SourceOptions::default() };
    let messages = Source::open(&source, &stream, start.after, options).await.map_err(broker_failed)?;
    tasks.spawn(feed(FeedParts {
        connection: source,
        stream,
        source: messages,
        intake: engine.intake.clone(),
        permits: engine.permits.clone(),
        start: start.clone(),
        recovered: engine.recovered.clone(),
        created: facts.input.created,
        durable: engine.durable.clone(),
        accept_gap: process.consent.accept_gap,
        metrics: process.metrics.clone(),
    }));
    Ok(Under { engine, tasks, connection: lane, run, start: number })
}

/// The streams are there and suit; what does not is for the operator to mend.
async fn suits(process: &Process, lane: &Connection) -> Result<(), After> {
    let unsuitable = inspect::unsuitable(lane, &streams_of(&process.config)).await.map_err(broker_failed)?;
    match unsuitable.into_iter().next() {
        None => Ok(()),
        Some(finding) => Err(After::Stop(Exit::new(CONFIG, finding.what, finding.hint))),
    }
}

/// What the configuration expects of the server.
pub fn streams_of(config: &Config) -> Expectation {
    Expectation {
        input: config.input.stream.clone(),
        output: config.output.stream.clone(),
        subjects: vec![config.plan.output_subject.wildcard(), config.plan.dead_subject.wildcard()],
        max_bytes: config.plan.max_bytes,
    }
}

/// Everything that the engine is made of: plan, record, state.
async fn prepare(
    process: &Process,
    start: Start,
    facts: &Broker,
    opened: Opened,
    run: &RunId,
    number: u64,
) -> Result<(Parts, RunHeader), After> {
    let config = &process.config;
    let path = config.state.path.clone();
    let resume = start.kind == StartKind::Resume;
    let Opened { store, disk } =
        if resume { opened } else { blocking(move || disk::begin_anew(&path, opened)).await? };
    let running = start.plan.clone();
    let spec_of = |fingerprint: &str| -> Option<PlanSpec> {
        let configured = config.plan.fingerprint() == fingerprint;
        if configured { Some(config.plan.clone()) } else { disk.plans.get(fingerprint).cloned() }
    };
    let spec =
        spec_of(&running.plan).ok_or_else(|| After::Stop(Refusal::NoPlanText { plan: running.plan.clone() }.into()))?;
    let plan = Arc::new(Plan::compile(spec.clone(), &start.layout));
    let record = Checkpoint {
        position: start.after,
        lane: start.base_lane,
        stored_at: start.stored_at,
        stream_time: start.stream_time,
        input_created: facts.input.created,
        output_created: facts.output.created,
        origin: start.origin,
        plans: start.plans.clone(),
        layout: plan.layout.clone(),
        gaps: start.gaps,
    };
    let next_plan = match &start.until {
        Some(Until::OwnOutput(next) | Until::Position(_, next)) => spec_of(next).map(|spec| NextPlan {
            fingerprint: next.clone(),
            text: spec.text(),
            layout: plan.layout.extended(&spec),
        }),
        None => None,
    };
    let mut plans: Vec<PlanSpec> = disk.plans.values().cloned().collect();
    plans.push(spec);
    // No event proves B: zero stands for a time that is not known.
    let floor = GroupMark { position: start.base, stored_at: Nanos(0), lane: start.base_lane };
    let (first, known) = (record.clone(), disk.plans.contains_key(&running.plan));
    let shards = if config.engine.shards == 0 {
        std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
    } else {
        config.engine.shards
    };
    let (cache_rows, window, after) = (config.state.cache_rows, plan.dedup_window, start.after);
    let store_of = store.clone();
    let states: Vec<State> = blocking(move || {
        if !resume {
            disk::write_first(store_of.as_ref(), &plans, &first, &floor)?;
        } else if !known {
            disk::write_plans(store_of.as_ref(), &plans)?;
        }
        disk::load(store_of.as_ref(), shards, cache_rows, window, after)
    })
    .await?;
    let header =
        RunHeader { run: run.clone(), start: number, plan: running.plan, origin: start.origin, since: running.since };
    process.metrics.accepted_gaps(start.gaps);
    let parts = Parts {
        plan,
        start,
        states,
        store,
        record,
        next_plan,
        checkpoint_interval: Duration::from_millis(config.engine.checkpoint_interval_ms),
        slices_in_flight: config.engine.max_in_flight_slices,
        metrics: process.metrics.clone(),
    };
    Ok((parts, header))
}

async fn open_lane(
    process: &Process,
    tasks: &mut JoinSet<Option<End>>,
    connection: &Connection,
    start: &Start,
    header: RunHeader,
    engine: &Engine,
    publishes: mpsc::Receiver<Publish>,
) -> Result<(), BrokerError> {
    let config = &process.config;
    let input = &config.input.stream;
    let target = LaneTarget { input_stream: input.clone(), run: header.to_string(), after: start.lane_last };
    let (sender, acks) = lane::open(connection, target).await?;
    tasks.spawn(writer::write(sender, publishes));
    tasks.spawn(writer::listen(acks, engine.sequencer.clone()));
    Ok(())
}

/// Reads back the part of the lane that recovery passes over.
async fn read_old(
    process: &Process,
    tasks: &mut JoinSet<Option<End>>,
    connection: &Connection,
    start: &Start,
    engine: &Engine,
) -> Result<(), BrokerError> {
    if start.lane_last <= start.base_lane {
        return Ok(());
    }
    let options = SourceOptions { headers_only: true, ..SourceOptions::default() };
    let after = Position(start.base_lane.0);
    let source = Source::open(connection, &process.config.output.stream, after, options).await?;
    tasks.spawn(old_lane::read(source, start.lane_last, engine.sequencer.clone()));
    Ok(())
}

/// A connection that fails ends the start.
fn watch_trouble(tasks: &mut JoinSet<Option<End>>, connection: &Connection) {
    let mut trouble = connection.trouble();
    tasks.spawn(async move {
        let seen = trouble.wait_for(Option::is_some).await.ok()?.clone()?;
        Some(End::Broker(BrokerError::Transient(seen.to_string())))
    });
}

/// Waits for the first reason to end, passing a wish to stop on to the engine.
async fn wait(process: &Process, under: &mut Under, stop: &mut watch::Receiver<bool>) -> End {
    let Under { engine, tasks, .. } = under;
    let mut recovered = engine.recovered.clone();
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
            Ok(_) = recovered.wait_for(|recovered| *recovered), if !ready => {
                ready = true;
                if !draining {
                    process.health.set(Phase::Ready);
                    process.ready.store(true, Ordering::Relaxed);
                    tracing::info!("ready: everything that was in the output stream is accounted for");
                }
            }
        }
    }
}

/// What an end means for the process.
async fn judge(
    process: &Process,
    memory: &mut Memory,
    lane: &Connection,
    (run, start): (&RunId, u64),
    end: End,
) -> After {
    match end {
        // Only the start rules can go on without it: they begin anew, knowing what is missing.
        End::Refused(Refusal::InputGone { from, .. }) if process.consent.accept_gap && memory.hole != Some(from) => {
            memory.hole = Some(from);
            After::Again { why: format!("the event at position {from} is missing"), pause: false }
        }
        End::Drained => After::Drained,
        End::PlanEnded => After::Again { why: "the configured plan takes over".to_owned(), pause: false },
        End::Refused(refusal) => After::Stop(refusal.into()),
        End::Store(error) => After::Stop(error.into()),
        End::Broken(what) => After::Stop(Exit::broken(what)),
        End::Broker(error) => broker_failed(error),
        End::Lane(LaneEvent::Refused { at, code, description }) => {
            process.metrics.lane_refused();
            refused(process, lane, (run, start), at, code, &description).await
        }
        End::Lane(event) => After::Again { why: format!("the lane's batch ended: {event:?}"), pause: true },
    }
}

/// The server refused a message of ours: who stands in its place?
async fn refused(
    process: &Process,
    lane: &Connection,
    (run, start): (&RunId, u64),
    at: LaneSequence,
    code: u64,
    description: &str,
) -> After {
    const WRONG_LAST_SEQUENCE: u64 = 10_071;
    let why = format!("the server refused output {at}: {description} ({code})");
    if code != WRONG_LAST_SEQUENCE {
        return After::Again { why, pause: true };
    }
    match streams::message_at(lane, &process.config.output.stream, at.0).await {
        Err(error) => broker_failed(error),
        Ok(None) => After::Again { why, pause: true },
        Ok(Some(message)) => match LaneMessage::read(&message) {
            None => After::Stop(Refusal::ForeignMessage { sequence: at }.into()),
            Some(found) if found.run.run > *run => {
                After::Stop(Refusal::NewerRun { run: found.run.run.to_string() }.into())
            }
            Some(found) => {
                let whose =
                    if found.run.run == *run { "an earlier start of ours" } else { "an engine that started earlier" };
                // Racing an earlier engine is won by being quick, not by waiting.
                let pause = found.run.run == *run && found.run.start == start;
                After::Again { why: format!("{why}: {whose} wrote it"), pause }
            }
        },
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
    let why = match start.kind {
        StartKind::Rebuild(why) => why,
        StartKind::Fresh => "first start",
        StartKind::Resume => "reading on from the last checkpoint",
    };
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

fn broker_failed(error: BrokerError) -> After {
    match error {
        BrokerError::Transient(why) => After::Again { why, pause: true },
        permanent => After::Stop(permanent.into()),
    }
}

/// Disk work off the async workers.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, crate::ports::store::StoreError> + Send + 'static,
) -> Result<T, After> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(|error| After::Stop(error.into())),
        Err(error) => Err(After::Stop(Exit::broken(error))),
    }
}
