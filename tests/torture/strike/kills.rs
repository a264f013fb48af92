//! Kills, and orderly ends, each followed by a start with other settings.

use super::Blow;
use crate::harness::wait::{try_within, wait_within};
use crate::plan::Step;
use crate::world::{RECOVERY, World};
use sidestream::generate::Random;
use std::time::{Duration, Instant};

/// The engine dies under load, one to four times, each time after a while of its own.
pub fn engine(world: &mut World, step: &Step) -> Blow {
    let mut random = Random::new(step.seed);
    let times = 1 + step.force / 250;
    for n in 1..=times {
        let lag = world.under_load();
        world.for_a_while(Duration::from_millis(random.below(300)));
        world.kill_engine();
        let healed = Instant::now();
        world.start(&step.starts[n as usize % 2]);
        if n == times {
            return Blow { proof: format!("signal 9 ({times} times) with {lag} events waiting"), healed };
        }
        world.recovered("a kill", healed);
    }
    unreachable!("there is a last time")
}

/// The engine dies, and its successor on the same state dies while it starts or recovers.
pub fn engine_twice(world: &mut World, step: &Step) -> Blow {
    let lag = world.under_load();
    world.kill_engine();
    world.start(&step.starts[1]);
    let engine = world.engine();
    let _ = try_within(Duration::from_millis(step.force / 2), || engine.is_ready().then_some(()));
    let ready = engine.is_ready();
    world.kill_engine();
    let healed = Instant::now();
    world.start(&step.starts[0]);
    let when = if ready { "when it was ready" } else { "before it was ready" };
    Blow { proof: format!("signal 9 with {lag} events waiting, then its successor {when}"), healed }
}

/// The server dies under load and comes again after up to 2 s; half of the time it dies again soon.
pub fn server(world: &mut World, step: &Step) -> Blow {
    let lag = world.under_load();
    // Of two kills the second may find the engine waiting before it connects again.
    let noticed = world.engine().noticed();
    if step.seed.is_multiple_of(2) {
        world.kill_server();
        world.server.restart();
        world.for_a_while(Duration::from_millis(step.force));
    }
    let pid = world.kill_server();
    world.for_a_while(Duration::from_millis(2 * step.force));
    world.server.restart();
    let healed = Instant::now();
    assert!(world.engine().notices(noticed), "the engine did not notice: {}", world.engine().tail());
    let now = world.server.pid();
    Blow { proof: format!("server {pid} gone with {lag} events waiting, {now} came; the engine noticed"), healed }
}

/// Server and engine die together.
pub fn both(world: &mut World, step: &Step) -> Blow {
    let lag = world.under_load();
    let pid = world.kill_server();
    world.kill_engine();
    world.server.restart();
    let healed = Instant::now();
    world.start(&step.starts[0]);
    Blow { proof: format!("server {pid} gone and signal 9 with {lag} events waiting"), healed }
}

/// The engine is asked to stop under load.
pub fn drain(world: &mut World, step: &Step) -> Blow {
    let lag = world.under_load();
    world.drain();
    let healed = Instant::now();
    world.start(&step.starts[0]);
    Blow { proof: format!("exit code 0 after SIGTERM with {lag} events waiting"), healed }
}

/// The engine dies, and starts with another number of shards.
pub fn shards(world: &mut World, step: &Step) -> Blow {
    world.under_load();
    world.kill_engine();
    let healed = Instant::now();
    let before = world.engine().start.shards;
    let mut start = step.starts[0].clone();
    if start.shards == before {
        start.shards = before % 8 + 1;
    }
    world.start(&start);
    world.recovered("another number of shards", healed);
    // A shard shows itself with its first checkpoint.
    let shown = wait_within(RECOVERY, &format!("{} shards on the metrics page", start.shards), || {
        Some(world.engine().shards()).filter(|shown| *shown == start.shards as usize)
    });
    Blow { proof: format!("{before} shards became {shown}"), healed }
}
