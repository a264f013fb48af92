//! The work: checkpoints as the engine writes them, a start's loading, and a shard's reading of single keys.
//!
//! A row has a key of 36 characters as a user's id has, a row name and four columns, about 170 bytes with all names. Rows
//! are written in an order that has nothing to do with the keys' order in the store, as events come.

use super::Failure;
use serde_json::json;
use sidestream::app::disk;
use sidestream::config::StateSection;
use sidestream::core::columns::Columns;
use sidestream::core::ids::{KeyGroup, LaneSequence, Nanos, Position};
use sidestream::core::plan::layout::Layout;
use sidestream::core::record::{Checkpoint, RowName, StateEngine, encode_row};
use sidestream::core::state::changes::GroupChanges;
use sidestream::engine::{checkpointer, restore};
use sidestream::generate::Random;
use sidestream::protocol::checkpoint::Ready;
use sidestream::protocol::cutter::Barrier;
use sidestream::protocol::prepare::IdsOf;
use sidestream::protocol::writes::writes;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

/// What a process is told.
#[derive(Debug, clap::Args)]
pub struct Job {
    engine: String,
    path: PathBuf,
    rows: u64,
    checkpoint: u64,
}

impl Job {
    fn state(&self) -> Result<StateSection, Failure> {
        let engine = StateEngine::NAMED.iter().find(|(name, _)| *name == self.engine).ok_or("no such engine")?.1;
        Ok(StateSection { path: self.path.clone(), engine, cache_rows: 1 })
    }
}

/// The key of row `n`: scattered by its hash, so `n` may simply count.
fn key(n: u64) -> String {
    format!("0d6b0b2e-6f2c-4a0e-9f43-{n:012}")
}

/// Adds what writes row `n` for the `version`th time.
fn row(n: u64, version: u64, groups: &mut BTreeMap<KeyGroup, GroupChanges>) -> Result<usize, Failure> {
    let key = key(n);
    let texts = [
        format!("\"plan-{}\"", n % 7),
        format!("\"2026-11-21T11:45:{:02}Z\"", version % 60),
        format!("{}", n.wrapping_mul(version + 1)),
        "\"Europe/Berlin\"".to_owned(),
    ];
    let columns: Vec<(u16, &[u8])> = texts.iter().enumerate().map(|(id, text)| (id as u16, text.as_bytes())).collect();
    let columns = Columns::default().merged(columns);
    let group = KeyGroup::of(&key);
    let changes = &mut groups.entry(group).or_insert_with(|| GroupChanges { group, changes: Vec::new() }).changes;
    let before = changes.len();
    encode_row(&RowName { key: &key, table: 0, row: Some("es") }, &columns, u16::from(version > 0), changes)?;
    let new = changes.get(before..).unwrap_or_default();
    Ok(new.iter().map(|(key, value)| key.len() + value.as_ref().map_or(0, Vec::len)).sum())
}

/// Inserts all rows, then changes half as many, a checkpoint at a time.
pub fn write(job: &Job) -> Result<(), Failure> {
    let opened = disk::open(&job.state()?)?;
    let store = opened.store.as_ref();
    let (zero, mut number) = (Nanos(0), 0);
    let mut record = Checkpoint {
        position: Position(0),
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
    };
    let (mut slowest, mut bytes) = (0.0_f64, 0);
    let mut random = Random::new(1);
    let mut phase = |versions: u64, count: u64| -> Result<f64, Failure> {
        let (mut done, mut seconds) = (0, 0.0);
        while done < count {
            let upto = count.min(done + job.checkpoint);
            let mut groups = BTreeMap::new();
            for n in done..upto {
                let n = if versions == 0 { n } else { random.below(job.rows) };
                bytes += row(n, versions, &mut groups)?;
            }
            number += 1;
            done = upto;
            let at = Nanos(number as i64);
            let barrier = Barrier { number, position: Position(number), stored_at: at, stream_time: at };
            let ready = Ready { barrier, lane: LaneSequence(number), groups: groups.into_values().collect() };
            let (steps, next) = writes(ready, &record, None);
            // Making rows is not the store's work.
            let began = Instant::now();
            checkpointer::carry_out(store, steps)?;
            let took = began.elapsed().as_secs_f64();
            (seconds, slowest, record) = (seconds + took, slowest.max(took), next);
        }
        Ok(count as f64 / seconds)
    };
    let inserts = phase(0, job.rows)?;
    let updates = phase(1, job.rows / 2)?;
    let rows = job.rows + job.rows / 2;
    drop(opened);
    let disk = sidestream::adapters::directory::files::bytes(&job.path);
    say(&json!({
        "inserts_per_s": inserts,
        "updates_per_s": updates,
        "slowest_s": slowest,
        "write_peak_mib": peak_mib(),
        "amplification": written().map(|written| written / bytes as f64),
        "bytes_per_row": disk as f64 / job.rows as f64,
        "row_bytes": bytes as f64 / rows as f64,
    }))
}

/// Opens the directory and loads every row, as a start whose cache holds them all.
pub fn load(job: &Job) -> Result<(), Failure> {
    let began = Instant::now();
    let opened = disk::open(&job.state()?)?;
    let open = began.elapsed().as_secs_f64();
    let record = opened.disk.checkpoint.as_ref().ok_or("no checkpoint")?;
    let cache = usize::try_from(job.rows)? * 2;
    let states = restore::load(opened.store.as_ref(), 2, cache, IdsOf::default(), record.position)?;
    let load = began.elapsed().as_secs_f64();
    let rows: usize = states.iter().map(|state| state.rows.rows()).sum();
    if rows as u64 != job.rows {
        return Err(format!("{rows} rows of {}", job.rows).into());
    }
    say(&json!({ "open_s": open, "load_s": load, "load_peak_mib": peak_mib() }))
}

/// Reads the rows of single keys, as a shard does for keys that are not in memory.
pub fn read(job: &Job) -> Result<(), Failure> {
    const KEYS: u64 = 100_000;
    let opened = disk::open(&job.state()?)?;
    let mut random = Random::new(2);
    let began = Instant::now();
    for _ in 0..KEYS {
        let key = key(random.below(job.rows));
        if restore::stored_rows(opened.store.as_ref(), &key)?.len() != 1 {
            return Err(format!("{key} has not its row").into());
        }
    }
    let per_s = KEYS as f64 / began.elapsed().as_secs_f64();
    say(&json!({ "reads_per_s": per_s, "read_peak_mib": peak_mib() }))
}

/// The bytes that this process has had written to disks, as Linux counts them.
fn written() -> Option<f64> {
    let io = std::fs::read_to_string("/proc/self/io").ok()?;
    io.lines().find_map(|line| line.strip_prefix("write_bytes: "))?.trim().parse().ok()
}

/// The most memory that this process has had resident.
fn peak_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024.0)
}

fn say(figures: &serde_json::Value) -> Result<(), Failure> {
    println!("{}", serde_json::to_string(figures)?);
    Ok(())
}
