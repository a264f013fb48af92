//! A process that writes checkpoints as the engine does, and what must be in the store after each.
//!
//! What checkpoint `n` changes follows from `n` alone, so that whoever judges a directory needs no notes of the run.

use super::recording::{self, Call};
use sidestream::app::disk;
use sidestream::config::StateSection;
use sidestream::core::ids::{KEY_GROUPS, KeyGroup, LaneSequence, Nanos, Position};
use sidestream::core::plan::layout::Layout;
use sidestream::core::record::{Checkpoint, StateEngine};
use sidestream::core::state::changes::GroupChanges;
use sidestream::engine::checkpointer;
use sidestream::generate::Random;
use sidestream::protocol::checkpoint::Ready;
use sidestream::protocol::cutter::Barrier;
use sidestream::protocol::facts::Disk;
use sidestream::protocol::writes::writes;
use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// The state directory's name in a root, and the file of what was reported durable.
pub const STATE: &str = "state";
pub const REPORTED: &str = "reported";
const ROOT: &str = "SIDESTREAM_TEST_POWER_ROOT";
const COUNT: &str = "SIDESTREAM_TEST_POWER_COUNT";
const WEIGHT: &str = "SIDESTREAM_TEST_POWER_WEIGHT";
const ENGINE: &str = "SIDESTREAM_TEST_POWER_ENGINE";
/// Keys of a group, times the weight.
const KEYS: u64 = 40;

/// Changes of a checkpoint, by key group and key; `None` removes the key.
pub type Changes = BTreeMap<u16, BTreeMap<Vec<u8>, Option<Vec<u8>>>>;

/// What a writer does: so many checkpoints of such a weight.
#[derive(Clone, Copy, Debug)]
pub struct Job {
    pub count: u64,
    /// 1: some 60 changes a checkpoint; the square of it is how much more there is.
    pub weight: u64,
    /// Into which database.
    pub engine: StateEngine,
}

/// The state directory in a root.
pub fn state(root: &Path, engine: StateEngine) -> StateSection {
    StateSection { path: root.join(STATE), engine, cache_rows: 1 }
}

/// What checkpoint `n` changes.
pub fn changes(n: u64, weight: u64) -> Changes {
    let mut random = Random::new(n);
    let mut groups = Changes::new();
    for _ in 0..(4 + random.below(12)) * weight {
        let group = random.below(u64::from(KEY_GROUPS)) as u16;
        for _ in 0..1 + random.below(8 * weight) {
            let key = [b"row ".as_slice(), &random.below(KEYS * weight).to_be_bytes()].concat();
            let most = if random.per_mille(20) { 3_000 } else { 300 };
            let length = 20 + random.index(most);
            let fill = random.bits().to_be_bytes();
            let value = n.to_be_bytes().into_iter().chain(fill.into_iter().cycle()).take(length).collect();
            groups.entry(group).or_default().insert(key, (!random.per_mille(100)).then_some(value));
        }
    }
    groups
}

/// Checkpoint `n`, without the groups that hold it already.
fn ready(n: u64, weight: u64, held: &BTreeMap<u16, u64>) -> Ready {
    let groups = changes(n, weight).into_iter().filter(|(group, _)| held.get(group).is_none_or(|mark| *mark < n));
    let groups = groups
        .map(|(group, changes)| GroupChanges { group: KeyGroup(group), changes: changes.into_iter().collect() })
        .collect();
    let at = Nanos(n as i64);
    Ready {
        barrier: Barrier { number: n, position: Position(n), stored_at: at, stream_time: at },
        lane: LaneSequence(n),
        groups,
    }
}

fn first_record() -> Checkpoint {
    let (none, zero) = (Position(0), Nanos(0));
    Checkpoint {
        position: none,
        lane: LaneSequence(0),
        stored_at: zero,
        stream_time: zero,
        input_created: zero,
        output_created: zero,
        origin: Position(1),
        plans: Vec::new(),
        layout: Layout::default(),
        gaps: 0,
        rewinds: Vec::new(),
    }
}

/// The marks of a directory's groups; a mark does not name its group, so they are read from the store.
pub fn marks(opened: &disk::OpenedState) -> BTreeMap<u16, u64> {
    use sidestream::core::record::{GroupMark, MARK_KEY};
    use sidestream::ports::store::Space;
    let mark = |group: KeyGroup| {
        let value = opened.store.get(Space::Group(group), &MARK_KEY).unwrap()?;
        Some((group.0, GroupMark::decode(&value).unwrap().position.0))
    };
    KeyGroup::all().filter_map(mark).collect()
}

/// S of an opened directory; 0 before there is one.
pub fn recorded(disk: &Disk) -> u64 {
    disk.checkpoint.as_ref().map_or(0, |record| record.position.0)
}

/// Not a test of its own: the process that `run` starts and the shim kills.
#[test]
fn checkpoint_writer() {
    let Some(root) = std::env::var_os(ROOT) else { return };
    let number = |name| std::env::var(name).unwrap().parse::<u64>().unwrap();
    let (count, weight) = (number(COUNT), number(WEIGHT));
    let root = Path::new(&root);
    let engine = std::env::var(ENGINE).unwrap();
    let (_, engine) = *StateEngine::NAMED.iter().find(|(name, _)| *name == engine).unwrap();
    let opened = disk::open(&state(root, engine)).unwrap();
    let mut reported = OpenOptions::new().create(true).append(true).open(root.join(REPORTED)).unwrap();
    let mut record = opened.disk.checkpoint.clone().unwrap_or_else(first_record);
    let held = marks(&opened);
    let first = record.position.0 + 1;
    for n in first..first + count {
        let (steps, next) = writes(ready(n, weight, &held), &record, None);
        checkpointer::carry_out(opened.store.as_ref(), steps).unwrap();
        record = next;
        // One call: a cut between a number and its line's end would let the next writer's number grow onto it.
        reported.write_all(format!("{n}\n").as_bytes()).unwrap();
    }
}

/// Runs the writer over a root, with the shim's environment or without.
pub fn run(root: &Path, job: Job, environment: &[(&str, String)]) {
    let mut command = writer(root, job);
    let status = command.envs(environment.iter().map(|(key, value)| (key, value))).status().unwrap();
    assert!(status.success(), "the writer ended with {status}");
}

/// The writer's command.
pub fn writer(root: &Path, job: Job) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "power::writer::checkpoint_writer", "--nocapture"]);
    command.env(ROOT, root).env(COUNT, job.count.to_string()).env(WEIGHT, job.weight.to_string());
    command.env(ENGINE, job.engine.name());
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command
}

/// Runs it under the shim: what it did.
pub fn record(shim: &Path, root: &Path, job: Job) -> Vec<Call> {
    let records = root.with_extension("records");
    run(root, job, &recording::environment(shim, root, &records, 0));
    let calls = recording::read(&records);
    std::fs::remove_file(records).unwrap();
    calls
}
