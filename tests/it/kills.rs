//! Whatever is killed, cut or deleted: nothing is lost, doubled or reordered.
//!
//! Every test ends with the oracle's verdict on the whole of both streams.

use crate::harness::bed::Bed;
use crate::harness::load::{Load, publish, school};
use crate::harness::streams::{INPUT, OUTPUT};
use crate::harness::wait::wait_until;
use crate::proxy::Proxy;
use sidestream::adapters::sled::SledStore;
use sidestream::core::ids::KeyGroup;
use sidestream::core::record::ROWS;
use sidestream::generate::Random;
use sidestream::ports::store::{Batch, Space, Store};
use std::path::Path;

/// How far the background load keeps the input ahead of the lane.
const LEAD: u64 = 6_000;

/// Waits until the lane has grown to this many outputs.
fn grown(bed: &mut Bed, outputs: u64) {
    wait_until(&format!("the lane to grow to {outputs}"), || bed.lane_has(outputs).then_some(()));
}

/// The same, with so much lag that it cannot be gone when the blow falls; returns the input's end.
fn under_load(bed: &mut Bed, outputs: u64) -> u64 {
    wait_until(&format!("the lane to grow to {outputs} under load"), || {
        let input = bed.last(INPUT);
        let lag = input.saturating_sub(bed.cause());
        (bed.lane_has(outputs) && lag > LEAD / 3).then_some(input)
    })
}

#[test]
fn the_engine_is_killed_twenty_five_times_under_load() {
    let mut bed = Bed::new();
    let mut random = Random::new(25);
    let load = Load::ahead(bed.server.address(), school(4, 40), LEAD);
    let (mut resumed, mut lagging) = (0, 0);
    for kill in 0..25 {
        let interval = ["10", "50", "1000"][random.index(3)];
        let shards = ["1", "2", "3"][random.index(3)];
        let sets = [("engine.checkpoint_interval_ms", interval), ("engine.shards", shards)];
        let mut engine = bed.engine("state", &sets);
        engine.wait_for_log("already_out");
        if kill % 5 == 4 {
            // Beside the 25: one while it recovers, before anything can have grown.
            engine.kill();
            engine = bed.engine("state", &sets);
            engine.wait_for_log("already_out");
        }
        resumed += u32::from(engine.start_says("after").unwrap() > 0);
        // State that is ahead of the lane would be rebuilt, and rightly so; it must never come to that.
        assert!(!engine.log().contains("rebuild"), "{}", engine.log());
        // What the start found, so that growth is this process's own work and not its predecessor's late bytes.
        let before = engine.start_says("lane_last").unwrap();
        let input = under_load(&mut bed, before + 1 + random.below(2_500));
        engine.kill();
        let (cause, lane) = (bed.cause(), bed.last(OUTPUT));
        // On a busy machine the lane may catch up before the blow falls.
        lagging += u32::from(cause < input);
        assert!(lane > before, "kill {kill}: the lane stood still at {before}");
    }
    load.stop();
    assert!(lagging > 12, "only {lagging} of 25 kills left something to do");
    assert!(resumed > 12, "only {resumed} of 25 starts had a checkpoint to go on from");
    let engine = bed.engine("state", &[]);
    bed.finish();
    engine.drain();
    bed.assert_clean();
}

#[test]
fn the_server_is_killed_five_times_under_load() {
    let mut bed = Bed::new();
    let mut random = Random::new(5);
    let load = Load::ahead(bed.server.address(), school(5, 40), LEAD);
    let mut engine = bed.engine("state", &[("engine.checkpoint_interval_ms", "50")]);
    for _ in 0..5 {
        let before = bed.last(OUTPUT);
        under_load(&mut bed, before + 1 + random.below(3_000));
        bed.server.restart();
        bed.reconnect();
        assert!(engine.runs());
    }
    load.stop();
    bed.finish();
    engine.drain();
    bed.assert_clean();
}

#[test]
fn a_lost_state_directory_is_rebuilt_from_the_input() {
    let mut bed = Bed::new();
    let mut school = school(6, 40);
    publish(&mut bed.wire, &mut school, 8_000).unwrap();
    let engine = bed.engine("state", &[]);
    grown(&mut bed, 4_000);
    engine.kill();
    std::fs::remove_dir_all(bed.state("state")).unwrap();
    publish(&mut bed.wire, &mut school, 2_000).unwrap();
    let engine = bed.engine("state", &[]);
    bed.finish();
    let log = engine.drain();
    assert!(log.contains("rebuild"), "{log}");
    bed.assert_clean();
}

#[test]
fn an_unreadable_state_directory_is_set_aside_and_rebuilt() {
    let mut bed = Bed::new();
    let mut school = school(7, 40);
    publish(&mut bed.wire, &mut school, 8_000).unwrap();
    let engine = bed.engine("state", &[]);
    grown(&mut bed, 4_000);
    engine.kill();
    let database = bed.state("state").join("db");
    let length = std::fs::metadata(&database).unwrap().len();
    std::fs::write(&database, vec![0xa5; length as usize]).unwrap();
    publish(&mut bed.wire, &mut school, 2_000).unwrap();
    let engine = bed.engine("state", &[]);
    bed.finish();
    let log = engine.drain();
    assert!(log.contains("set aside") && log.contains("rebuild"), "{log}");
    assert_eq!(entries(bed.dir.path()).len(), 2, "never deleted: {:?}", entries(bed.dir.path()));
    bed.assert_clean();
}

/// Damages what an engine has stored: every row but the first so many of each key group, which a start always reads.
fn damage_rows(path: &Path, but: usize) -> usize {
    let store = SledStore::open(path).unwrap();
    let mut damaged = Vec::new();
    for group in KeyGroup::all() {
        let mut rows = Vec::new();
        let visit = &mut |key: &[u8], _: &[u8]| {
            rows.push((group, key.to_vec()));
            true
        };
        store.scan(Space::Group(group), &ROWS, visit).unwrap();
        damaged.extend(rows.into_iter().skip(but));
    }
    for (group, key) in &damaged {
        store.apply(Space::Group(*group), &Batch { changes: vec![(key.clone(), Some(vec![0xff]))] }).unwrap();
    }
    store.sync().unwrap();
    damaged.len()
}

/// A state whose database is whole and holds damaged rows: found by the start that reads them all, or by a shard
/// that reads one later, when memory holds few.
fn damaged_rows_are_rebuilt(seed: u64, but: usize, sets: &[(&str, &str)]) {
    let mut bed = Bed::new();
    let mut school = school(seed, 40);
    publish(&mut bed.wire, &mut school, 8_000).unwrap();
    let engine = bed.engine("state", sets);
    grown(&mut bed, 4_000);
    engine.drain();
    assert!(damage_rows(&bed.state("state"), but) > 100);
    publish(&mut bed.wire, &mut school, 2_000).unwrap();
    let engine = bed.engine("state", sets);
    bed.finish();
    let log = engine.drain();
    let (before, after) = log.split_once("was set aside").unwrap_or_else(|| panic!("{log}"));
    let line = log.lines().find(|line| line.contains("was set aside")).unwrap_or_default();
    assert!(
        before.contains("already_out")
            && line.contains("state directory (state.path) is unreadable")
            && after.contains("rebuild"),
        "{log}"
    );
    assert_eq!(entries(bed.dir.path()).len(), 2, "never deleted: {:?}", entries(bed.dir.path()));
    bed.assert_clean();
}

#[test]
fn damage_that_shows_only_when_rows_are_read_is_set_aside_and_rebuilt() {
    damaged_rows_are_rebuilt(15, 0, &[]);
}

#[test]
fn damage_that_shows_only_under_way_is_set_aside_and_rebuilt() {
    let sets = [("state.cache_rows", "1"), ("engine.shards", "1"), ("engine.checkpoint_interval_ms", "20")];
    damaged_rows_are_rebuilt(16, 4, &sets);
}

/// The names in a directory that begin as the state directory does.
fn entries(directory: &Path) -> Vec<String> {
    let names = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with("state")).collect()
}

#[test]
fn the_number_of_shards_changes_over_a_kill() {
    let mut bed = Bed::new();
    let mut school = school(8, 40);
    publish(&mut bed.wire, &mut school, 8_000).unwrap();
    let engine = bed.engine("state", &[("engine.shards", "3"), ("engine.checkpoint_interval_ms", "50")]);
    grown(&mut bed, 4_000);
    engine.kill();
    publish(&mut bed.wire, &mut school, 2_000).unwrap();
    let engine = bed.engine("state", &[("engine.shards", "2")]);
    bed.finish();
    let log = engine.drain();
    assert!(!log.contains("rebuild"), "{log}");
    bed.assert_clean();
}

#[test]
fn the_connection_is_cut_and_left_half_open_under_load() {
    let mut bed = Bed::new();
    let mut random = Random::new(9);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let proxy = runtime.block_on(Proxy::start(bed.server.address()));
    let load = Load::ahead(bed.server.address(), school(9, 40), LEAD);
    let mut engine = bed.engine("state", &[("nats.url", &proxy.url()), ("engine.checkpoint_interval_ms", "50")]);
    for _ in 0..6 {
        let before = bed.last(OUTPUT);
        grown(&mut bed, before + 1 + random.below(3_000));
        proxy.cut();
    }
    let before = bed.last(OUTPUT);
    grown(&mut bed, before + 1_000);
    let starts = engine.log().matches("starting again").count();
    proxy.half_open();
    wait_until("a silent connection to be noticed", || {
        (engine.log().matches("starting again").count() > starts).then_some(())
    });
    // Now the old connection's bytes arrive as well, late.
    proxy.restore();
    let before = bed.last(OUTPUT);
    grown(&mut bed, before + 1_000);
    assert!(engine.runs());
    load.stop();
    bed.finish();
    engine.drain();
    bed.assert_clean();
}
