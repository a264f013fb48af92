//! `[engine]`, `[state]` and `[http]`: the process and its surroundings.
//!
//! Nothing here opens a file or a socket: what the names lead to is found out at start.

use super::super::given::GivenSetting;
use super::super::place::Placed;
use super::super::places::ConfigPlaces;
use super::super::section::SectionReader;
use super::super::settings::{EngineSection, HttpSection, StateSection};
use super::paths::path;
use crate::core::ids::KEY_GROUPS;
use crate::core::plan::check::{KeyPath, MAX_WAITING, MAX_WAITING_WHY};
use crate::core::plan::spec::{PlanSpec, UnknownKinds};
use crate::core::record::StateEngine;
use std::net::SocketAddr;
use std::path::PathBuf;

/// The section; what becomes of unknown kinds, and how many events may wait, belongs to the plan.
pub(super) fn engine(
    mut section: SectionReader<'_, '_>,
    plan: &mut PlanSpec,
    places: &mut ConfigPlaces,
) -> Option<EngineSection> {
    let most = u64::from(KEY_GROUPS);
    let why = "0 stands for one per core; a shard without a key group of its own would idle";
    let shards = section.integer("shards", 0..=most, why).or(0);
    let why = "below 10 ms the disk does nothing else, beyond an hour a restart repeats too much";
    let interval = section.integer("checkpoint_interval_ms", 10..=3_600_000, why).or(1000);
    let why = "more slices hide the server's latency, at the price of memory";
    let slices = section.integer("max_in_flight_slices", 1..=1024, why).or(16);
    let words =
        [("forward", UnknownKinds::Forward), ("dead_letter", UnknownKinds::DeadLetter), ("drop", UnknownKinds::Drop)];
    if let Some(chosen) = section.choice("unknown_kinds", &words).value() {
        plan.unknown_kinds = chosen;
    }
    let waiting = section.integer("max_waiting", MAX_WAITING, MAX_WAITING_WHY);
    let waiting = places.take(&KeyPath::of(["engine", "max_waiting"]), waiting);
    plan.max_waiting = waiting.and_then(|most| u32::try_from(most).ok());
    section.finish();
    let shards = usize::try_from(shards?).ok()?;
    let max_in_flight_slices = usize::try_from(slices?).ok()?;
    Some(EngineSection { shards, checkpoint_interval_ms: interval?, max_in_flight_slices })
}

pub(super) fn state(mut section: SectionReader<'_, '_>) -> Option<StateSection> {
    let path = path(&mut section, "path").or(PathBuf::from("state"));
    let engine = section.choice("engine", &StateEngine::NAMED).or(StateEngine::default());
    let why = "all shards share this number of rows in memory";
    let rows = section.integer("cache_rows", 1..=1_000_000_000, why).or(1_000_000);
    section.finish();
    Some(StateSection { path: path?, engine: engine?, cache_rows: usize::try_from(rows?).ok()? })
}

pub(super) fn http(mut section: SectionReader<'_, '_>) -> Option<HttpSection> {
    let listen: GivenSetting<SocketAddr> = section.parsed("listen", |text| {
        text.parse().map_err(|_| {
            format!("`{text}` is no socket address: write an IP address and a port, such as `127.0.0.1:8080`")
        })
    });
    let state = section.choice("state", &[("local", false), ("open", true)]);
    if let (Some(listen), Some(Placed { value: true, place })) = (listen.valid(), state.valid())
        && !listen.value.ip().is_loopback()
    {
        let message = format!("`/state` shows the rows of every key to whoever reaches {}", listen.value);
        section.report.warn(*place, message, "leave `state` at \"local\": then only this machine may ask");
    }
    section.finish();
    let listen = listen.or(SocketAddr::from(([127, 0, 0, 1], 8080)))?;
    Some(HttpSection { listen, state_open: state.or(false)? })
}
