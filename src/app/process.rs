//! What all starts of a process share: configuration, flags, metrics, health.
//!
//! Lives as long as the process; what belongs to one start is in `session`.

use super::bounds::FeedBounds;
use super::claim;
use crate::adapters::nats::connect::NatsSettings;
use crate::adapters::nats::inspect::Expectation;
use crate::config::Config;
use crate::core::ids::Nanos;
use crate::engine::host::Address;
use crate::engine::shard::ShardHands;
use crate::protocol::facts::Consent;
use crate::telemetry::health::Health;
use crate::telemetry::metrics::Metrics;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// How long the first start may wait for broker and store, unless the process is told otherwise; commands wait as long.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The shards of the start that is running, for inspection.
pub type RunningShards = Arc<Mutex<Vec<Address<ShardHands>>>>;

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
    /// When the process began.
    pub began: Instant,
    /// The metrics.
    pub metrics: Metrics,
    /// What `readyz` says.
    pub health: Health,
    /// Whether a start wrote a checkpoint since this was last asked.
    pub advanced: AtomicBool,
    /// Whether a start of this process wrote a checkpoint: every permission was there at least once.
    pub proven: AtomicBool,
    /// Whether the server refused an output and none was confirmed since: the output stream is full, perhaps.
    pub stalled: AtomicBool,
    /// At most so many look at keys at a time.
    pub inspections: Arc<Semaphore>,
    /// The shards, for inspection.
    pub running: RunningShards,
    /// What makes this a replay: its end and its pace.
    pub replay: Option<Arc<FeedBounds>>,
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
            began: Instant::now(),
            health: Health::new(metrics.clone()),
            metrics,
            advanced: AtomicBool::new(false),
            proven: AtomicBool::new(false),
            stalled: AtomicBool::new(false),
            inspections: Arc::new(Semaphore::new(INSPECTIONS)),
            running: RunningShards::default(),
            replay: None,
            random: random(),
        }
    }

    /// How long the process has lived, by a clock that never steps.
    pub fn age(&self) -> Nanos {
        Nanos(i64::try_from(self.began.elapsed().as_nanos()).unwrap_or(i64::MAX))
    }

    /// Whether a start wrote a checkpoint since this was last asked.
    pub fn advanced(&self) -> bool {
        self.advanced.swap(false, Ordering::Relaxed)
    }
}

/// The random end of a run id: the standard library's hasher is seeded by the system.
pub fn random() -> u32 {
    use std::hash::{BuildHasher, Hasher, RandomState};
    // The cast keeps the low half.
    RandomState::new().build_hasher().finish() as u32
}

/// Looks at keys that may be under way at a time: the shards' mailboxes have room for them.
const INSPECTIONS: usize = 8;

/// What the configuration expects of the server.
pub fn streams_of(config: &Config) -> Expectation {
    Expectation {
        input: config.input.stream.clone(),
        input_subjects: config.input.subjects.clone(),
        output: config.output.stream.clone(),
        subjects: config.plan.lane_subjects(),
        input_published: config.gateway.iter().map(|gateway| gateway.subject.wildcard()).collect(),
        max_bytes: config.plan.max_bytes,
        claim: claim::subject(&config.output.stream),
        beside: Vec::new(),
    }
}

/// The runtime of a process that runs the engine: the broker's clients live on its workers, beside the actors.
///
/// They hand each other every message, and on one thread nobody is woken for that: on two cores one worker does the same
/// work with an eighth less of the engine's time than two. Four tasks carry messages, so never more than that.
pub fn runtime() -> tokio::runtime::Runtime {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let workers = cores.div_ceil(3).clamp(1, 4);
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.worker_threads(workers).enable_all().build().expect("a runtime can be built")
}
