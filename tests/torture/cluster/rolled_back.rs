//! A round in which the servers lose what they acknowledged, as after a power cut of two of three.
//!
//! Judged apart: what NATS loses nobody can keep. The engine must notice it and name it, and go on only when a
//! person has said so; it must never go on in silence.

use super::world::World;
use crate::harness::cluster::SERVERS;
use crate::harness::streams::{self, INPUT, OUTPUT};
use crate::harness::wait::{try_within, wait_within};
use crate::world::RECOVERY;
use std::time::Duration;

/// How long each of the two stretches of load lasts, of which the second is lost.
const STRETCH: Duration = Duration::from_secs(4);
/// Words by which an engine names a lost tail.
const NAMED: &[&str] = &["lost its tail", "the input stream ends at", "the output stream ends at", "--accept-rewind"];

/// One server sleeps while the other two acknowledge, then one of those two gets an old store back.
pub fn round(world: &mut World) {
    let [sleeps, rolled, stays] = order(world);
    let kept = world.dir.join("kept-store");
    world.cluster.kill(rolled);
    world.cluster.keep_store(rolled, &kept);
    world.cluster.restart(rolled);
    world.recovered();
    world.for_a_while(STRETCH);
    world.cluster.kill(sleeps);
    world.caught_up();
    world.for_a_while(STRETCH);
    if let Some(load) = world.load.take() {
        load.stop();
    }
    let (input, output) = ends(world);
    let processed = world.ask(streams::cause);
    world.note(&format!("acknowledged: {input} events, {output} outputs"));
    world.cluster.freeze(stays);
    world.cluster.kill(rolled);
    world.cluster.replace_store(rolled, Some(&kept));
    world.cluster.restart(rolled);
    world.cluster.restart(sleeps);
    let (found_input, found_output) = ends(world);
    let lost = (input.saturating_sub(found_input), output.saturating_sub(found_output));
    let named = try_within(RECOVERY, || {
        let log = world.engine().log();
        NAMED.iter().find(|words| log.contains(**words))
    });
    // An end comes right behind the words, or not at all.
    let ended = named.and_then(|_| try_within(STRETCH, || world.engine().ended()));
    let tail = world.engine().tail();
    world.cluster.thaw(stays);
    let what = format!("{} events and {} outputs that were acknowledged are gone", lost.0, lost.1);
    match named {
        Some(words) => {
            let how = ended.map_or_else(|| "it goes on".to_owned(), |status| status.to_string());
            world.count.rolled_back.push(format!("{what}; the engine named it ({words:?}): {how}"));
        }
        // An event that nobody has seen leaves no trace: its loss is the publisher's to notice.
        None if processed <= found_input && lost.1 == 0 => {
            world.count.rolled_back.push(format!("{what}: nothing to name"))
        }
        None => {
            world.count.wrong.insert("silent".to_owned(), 1);
            world.count.rolled_back.push(format!("{what}; SILENT: {tail}"));
        }
    }
}

/// The server that sleeps, the one whose store is rolled back, and the one that knows better and is away.
fn order(world: &World) -> [usize; SERVERS] {
    let leader = world.cluster.leader(OUTPUT);
    [(leader + 1) % SERVERS, (leader + 2) % SERVERS, leader]
}

/// The last sequences of both streams, by two servers that agree.
fn ends(world: &mut World) -> (u64, u64) {
    wait_within(RECOVERY, "leaders of both streams", || world.cluster.info(INPUT).and(world.cluster.info(OUTPUT)));
    (world.ask(|wire| streams::last(wire, INPUT)), world.ask(|wire| streams::last(wire, OUTPUT)))
}
