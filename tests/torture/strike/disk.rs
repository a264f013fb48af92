//! The state disk: full, read-only, and with calls that fail. An engine waits for room; for the rest 69 is the exit code.
//!
//! Each fault is met twice: by the engine at work, and by one that starts while it lasts.

use super::Blow;
use crate::engine::{Engine, PATIENCE};
use crate::harness::wait::wait_within;
use crate::plan::Step;
use crate::shim::{Control, Fails};
use crate::world::World;
use std::time::Instant;

const UNAVAILABLE: i32 = 69;

/// The engine at work must end, and so must one that starts now; returns the first.
fn refused_twice(world: &mut World, step: &Step, set: impl FnOnce(&Control)) -> Engine {
    let code = world.exit_of_the_engine();
    assert_eq!(code, UNAVAILABLE, "{}", world.engine().tail());
    let state = world.engine().state.clone();
    let engine = world.launch_under(&step.starts[1], &state, &[], set);
    let first = world.put_to_work(engine);
    let code = world.exit_of_the_engine();
    assert_eq!(code, UNAVAILABLE, "{}", world.engine().tail());
    first
}

/// Not a byte is left: engines wait for room, and the one that waits when there is some goes on by itself.
pub fn full(world: &mut World, step: &Step) -> Blow {
    let lag = world.under_load();
    let written = world.volume.fill().expect("the disk can be filled");
    world.note(&format!("{written} bytes fill the disk"));
    waits_for_room(world);
    world.kill_engine();
    world.start(&step.starts[1]);
    waits_for_room(world);
    world.volume.free();
    let mib = written >> 20;
    Blow { proof: format!("{mib} MiB fill it, two engines waited, {lag} events waiting"), healed: Instant::now() }
}

/// The engine at work says that its disk is full, and lives.
fn waits_for_room(world: &mut World) {
    let engine = world.engine();
    let said = || engine.log().contains("no room on the disk").then_some(());
    wait_within(PATIENCE, "an engine that waits for room", said);
    assert_eq!(engine.ended(), None, "{}", engine.tail());
}

/// The disk is read-only when an engine starts.
pub fn read_only(world: &mut World, step: &Step) -> Blow {
    let lag = world.under_load();
    world.kill_engine();
    world.volume.read_only(true).expect("the disk can be made read-only");
    world.start(&step.starts[1]);
    let code = world.exit_of_the_engine();
    assert_eq!(code, UNAVAILABLE, "{}", world.engine().tail());
    assert!(world.engine().log().contains("Read-only file system"), "{}", world.engine().tail());
    world.volume.read_only(false).expect("the disk can be made writable");
    let healed = Instant::now();
    world.start(&step.starts[0]);
    Blow { proof: format!("a write was refused, an engine exited with 69, {lag} events waiting"), healed }
}

/// Every fsync, or every write at an offset, fails with EIO.
pub fn fails(world: &mut World, step: &Step, what: Fails) -> Blow {
    let lag = world.under_load();
    world.engine().shim.as_ref().expect("a control").fail(what);
    let first = refused_twice(world, step, |control| control.fail(what));
    let refused = |engine: &Engine| engine.shim.as_ref().expect("a control").refused();
    let refused = (refused(&first), refused(world.engine()));
    assert!(refused.0 > 0 && refused.1 > 0, "no call was refused: {refused:?}");
    let healed = Instant::now();
    world.start(&step.starts[0]);
    let proof = format!("{what:?} failed {} and {} times, two engines exited with 69", refused.0, refused.1);
    Blow { proof: format!("{proof}, {lag} events waiting"), healed }
}
