//! The state directory while the engine is down: gone, spoiled in a part of its files, or an older copy of itself.

use super::Blow;
use crate::harness::wait::wait_within;
use crate::plan::Step;
use crate::volume;
use crate::world::{RECOVERY, World};
use sidestream::generate::Random;
use std::fs;
use std::time::Instant;

/// The directory is gone: everything is computed again from the input.
pub fn deleted(world: &mut World, step: &Step) -> Blow {
    let lag = world.under_load();
    world.kill_engine();
    let state = world.engine().state.clone();
    fs::remove_dir_all(&state).unwrap();
    let healed = Instant::now();
    world.start(&step.starts[0]);
    world.recovered("a lost state", healed);
    assert!(world.engine().log().contains("rebuild"), "no rebuild: {}", world.engine().tail());
    Blow { proof: format!("the directory was removed, {lag} events waiting; the log says rebuild"), healed }
}

/// Garbage lies over a part of one of sled's files: it is set aside, or the damage lies where nothing is.
pub fn corrupted(world: &mut World, step: &Step) -> Blow {
    let lag = world.under_load();
    world.kill_engine();
    let state = world.engine().state.clone();
    let what = volume::spoil(&state, &mut Random::new(step.seed));
    world.note(&what);
    let healed = Instant::now();
    world.start(&step.starts[0]);
    world.recovered(&format!("a spoiled state ({what})"), healed);
    let aside = if world.engine().log().contains("set aside") { "set aside" } else { "not set aside" };
    Blow { proof: format!("{what}: {aside}, {lag} events waiting"), healed }
}

/// A copy of the directory takes its place after the engine has gone on.
pub fn swapped(world: &mut World, step: &Step) -> Blow {
    let lag = world.under_load();
    world.kill_engine();
    let (state, copy) = (world.engine().state.clone(), world.volume.state("copy"));
    volume::copy(&state, &copy);
    world.start(&step.starts[1]);
    world.recovered("a copy of the state", Instant::now());
    let before = world.engine().start_says("after").expect("a start in the log");
    world.surge();
    // Only once the disk is ahead of the copy is the copy an older one.
    let reached = wait_within(RECOVERY, "a checkpoint", || {
        world.engine().metric("sidestream_checkpoint_position").filter(|position| *position > before)
    });
    world.kill_engine();
    fs::remove_dir_all(&state).unwrap();
    fs::rename(&copy, &state).unwrap();
    let healed = Instant::now();
    world.start(&step.starts[0]);
    world.recovered("an older state", healed);
    let after = world.engine().start_says("after").expect("a start in the log");
    assert_eq!(after, before, "the start that follows an older copy: {}", world.engine().tail());
    Blow { proof: format!("a start after {after} where {reached} had been reached, {lag} events waiting"), healed }
}
