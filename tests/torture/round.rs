//! One round: new streams, the blows of the plan, then everything healed, finished and judged.
//!
//! A round that fails keeps what is needed to look into it: plan, journal, logs, dumps and the state directories.

use crate::engine::PATIENCE;
use crate::harness::dump::dump_after;
use crate::harness::load::publish_last;
use crate::harness::streams::{INPUT, OUTPUT, api};
use crate::harness::wait::try_within;
use crate::harness::wire::Wire;
use crate::judge;
use crate::load::Load;
use crate::plan::Round;
use crate::record::Record;
use crate::strike::{gap, strike};
use crate::volume;
use crate::watch::{MOST_FILES, MOST_MEMORY_MIB};
use crate::world::{RECOVERY, Tools, World};
use serde_json::json;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// Runs a round in a directory of its own, which stays if it fails. `prove`: also spoil the lane for the judge.
pub fn run(tools: &Arc<Tools>, dir: &Path, round: &Round, prove: bool, tell: &dyn Fn(&str)) -> Result<Record, String> {
    let world = catch_unwind(AssertUnwindSafe(|| World::new(tools.clone(), dir, round)));
    let mut world = world.map_err(|panic| words(panic.as_ref()))?;
    match catch_unwind(AssertUnwindSafe(|| play(&mut world, round, prove, tell))) {
        Ok(()) => {
            let record = std::mem::take(&mut world.record);
            drop(world);
            std::fs::remove_dir_all(dir).map_err(|error| error.to_string())?;
            Ok(record)
        }
        Err(panic) => {
            let why = words(panic.as_ref());
            world.note(&format!("FAILED: {why}"));
            keep(&mut world);
            Err(why)
        }
    }
}

fn play(world: &mut World, round: &Round, prove: bool, tell: &dyn Fn(&str)) {
    world.load = Some(Load::start(world.server.address(), round.seed));
    let began = Instant::now();
    let state = world.volume.state("state");
    let engine = world.launch(&round.first, &state, &[]);
    world.begin(engine);
    world.recovered("the first start", began);
    for (n, step) in round.steps.iter().enumerate() {
        tell(&format!("{} of {}: {}", n + 1, round.steps.len(), step.fault.name()));
        if step.fault.is_alone() {
            return gap::round(world, step);
        }
        strike(world, step);
    }
    tell("the verdict");
    finish(world);
    let began = Instant::now();
    judge::judge(world);
    if prove {
        let spoiled = judge::prove_that_it_can_fail(&world.dir, &world.tools.config);
        world.note(&format!("oracle, of a lane that was spoiled on purpose: {spoiled}"));
        world.record.spoiled = Some(spoiled);
    }
    world.record.judged_s = began.elapsed().as_secs();
}

/// Heals everything, lets the engine finish, stops it, and looks at what it took of the machine.
pub fn finish(world: &mut World) {
    if let Some(load) = world.load.take() {
        load.stop();
    }
    world.proxy.restore();
    world.wire = Wire::connect(world.server.address()).unwrap();
    let end = publish_last(&mut world.wire);
    let reached = try_within(RECOVERY, || (world.cause() == end).then_some(()));
    assert!(reached.is_some(), "the lane stands at {} of {end}: {}", world.cause(), world.engine().tail());
    world.drain();
    let most = world.watch.most();
    world.record.most = most;
    world.note(&format!("at most {} MiB and {} open files in {} looks", most.memory_mib, most.files, most.looks));
    assert!(most.memory_mib <= MOST_MEMORY_MIB, "an engine took {} MiB", most.memory_mib);
    assert!(most.files <= MOST_FILES, "an engine had {} files open", most.files);
}

/// What a person needs to look into a failure: the rest of the directory is there already.
fn keep(world: &mut World) {
    let kept = catch_unwind(AssertUnwindSafe(|| {
        volume::copy(&world.volume.state(""), &world.dir.join("disk-kept"));
        world.server.resume();
        let wire = try_within(PATIENCE, || Wire::connect(world.server.address()).ok());
        world.wire = wire.expect("a connection");
        // In this order, so that every output's event is there although both streams may grow meanwhile.
        for (stream, name) in [(OUTPUT, "output.ndjson"), (INPUT, "input.ndjson")] {
            let info = api(&mut world.wire, &format!("STREAM.INFO.{stream}"), &json!({})).unwrap();
            let after = info["state"]["first_seq"].as_u64().unwrap().saturating_sub(1);
            dump_after(&mut world.wire, stream, after, &world.dir.join(name)).unwrap();
        }
    }));
    if kept.is_err() {
        world.note("not everything could be kept");
    }
}

/// The words of a panic.
pub fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without words".to_owned())
}
