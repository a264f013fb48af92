//! More engines than one: the one that started later goes on, the others end with 75 and do no harm.

use super::Blow;
use crate::engine::{Engine, PATIENCE};
use crate::harness::wait::wait_within;
use crate::plan::Step;
use crate::world::World;
use std::fs;
use std::time::Instant;

const OWNED: i32 = 75;

/// A successor on a state directory of its own; the one before is returned.
fn succeed(world: &mut World, step: &Step) -> Engine {
    let state = world.volume.state(&format!("state-{:x}", step.seed));
    let successor = world.launch(&step.starts[0], &state, &[]);
    world.put_to_work(successor)
}

/// The engine must end with 75; its state directory goes.
fn overtaken(world: &mut World, mut engine: Engine) {
    let code = world.exit_of(&mut engine);
    assert_eq!(code, OWNED, "engine {}: {}", engine.number, engine.tail());
    fs::remove_dir_all(&engine.state).unwrap();
}

/// An engine wakes up after its successor took over, or after that one died, too.
pub fn zombie(world: &mut World, step: &Step, alone: bool) -> Blow {
    let lag = world.under_load();
    world.engine().signal("-STOP");
    let mut sleeper = succeed(world, step);
    world.recovered("a successor", Instant::now());
    if alone {
        world.kill_engine();
    }
    sleeper.signal("-CONT");
    overtaken(world, sleeper);
    let healed = Instant::now();
    if alone {
        world.start(&step.starts[1]);
    }
    let how = if alone { "after its successor's death" } else { "beside its successor" };
    Blow { proof: format!("woke up {how} and exited with 75, {lag} events waiting at its stop"), healed }
}

/// A successor starts while the engine works.
pub fn successor(world: &mut World, step: &Step) -> Blow {
    let lag = world.under_load();
    let before = succeed(world, step);
    let began = Instant::now();
    overtaken(world, before);
    Blow { proof: format!("the earlier engine exited with 75, {lag} events waiting"), healed: began }
}

/// Two engines start at once, one of them on the state of an engine that was killed.
pub fn at_once(world: &mut World, step: &Step) -> Blow {
    let lag = world.under_load();
    world.kill_engine();
    let healed = Instant::now();
    world.start(&step.starts[1]);
    let mut other = succeed(world, step);
    let first_ended = wait_within(PATIENCE, "the end of one of two engines", || {
        let ended = (other.ended().is_some(), world.engine().ended().is_some());
        assert_ne!(ended, (true, true), "both ended: {}\n{}", other.tail(), world.engine().tail());
        (ended.0 || ended.1).then_some(ended.0)
    });
    let loser = if first_ended { other } else { world.put_to_work(other) };
    let (gone, stays) = (loser.number, world.engine().number);
    overtaken(world, loser);
    Blow { proof: format!("engine {gone} exited with 75, {stays} went on, {lag} events waiting"), healed }
}

/// A second engine on the state directory of the one at work.
pub fn same_directory(world: &mut World, step: &Step) -> Blow {
    let lag = world.under_load();
    let state = world.engine().state.clone();
    let mut intruder = world.launch(&step.starts[1], &state, &[]);
    let code = world.exit_of(&mut intruder);
    assert_eq!(code, OWNED, "{}", intruder.tail());
    assert!(intruder.log().contains("another process"), "{}", intruder.tail());
    Blow::over(format!("the second engine exited with 75, {lag} events waiting"))
}
