//! The faults of a cluster, carried out: each proves by the servers' own word that it struck, and heals.

use super::fault::Fault;
use super::plan::Step;
use super::world::World;
use crate::harness::cluster::SERVERS;
use crate::harness::streams::{INPUT, OUTPUT};
use crate::harness::wait::wait_within;
use crate::world::RECOVERY;
use std::time::Duration;

/// How long an engine may be back before the next fault of the same step.
const BREATH: Duration = Duration::from_millis(500);

/// Strikes, and heals what was struck.
pub fn strike(world: &mut World, step: &Step) {
    match step.fault {
        Fault::KillOutputLeader => killed(world, step, &[leader(world, OUTPUT)]),
        Fault::KillInputLeader => killed(world, step, &[leader(world, INPUT)]),
        Fault::KillMetaLeader => {
            let meta = wait_within(RECOVERY, "a leader of the cluster", || world.cluster.meta_leader());
            killed(world, step, &[meta]);
        }
        Fault::KillConsumerServer => killed(world, step, &[consumer_server(world)]),
        Fault::FreezeOutputLeader => frozen(world, step, &[leader(world, OUTPUT)]),
        Fault::FreezeInputLeader => frozen(world, step, &[leader(world, INPUT)]),
        Fault::FreezeConsumerServer => frozen(world, step, &[consumer_server(world)]),
        Fault::StepDownOutput => stepped_down(world, step, OUTPUT),
        Fault::StepDownInput => stepped_down(world, step, INPUT),
        Fault::CutOffOutputLeader => cut_off(world, step, leader(world, OUTPUT)),
        Fault::CutOffInputLeader => cut_off(world, step, leader(world, INPUT)),
        Fault::CutOffFollower => cut_off(world, step, world.cluster.follower(OUTPUT)),
        Fault::QuorumKilled => killed(world, step, &two(world)),
        Fault::QuorumFrozen => frozen(world, step, &two(world)),
        Fault::AllKilled => killed(world, step, &[0, 1, 2]),
        Fault::RollingRestart => rolling(world, step),
        Fault::LameDuck => ended(world, step, leader(world, OUTPUT), "-USR2"),
        Fault::ScaleOutput => scaled(world, step, OUTPUT),
        Fault::ScaleInput => scaled(world, step, INPUT),
        Fault::StoreWiped => wiped(world, step),
        Fault::EngineKill => world.kill_engine(),
        Fault::StoreRolledBack => unreachable!("a store is rolled back in a round of its own"),
    }
}

fn leader(world: &World, stream: &str) -> usize {
    world.cluster.leader(stream)
}

fn consumer_server(world: &World) -> usize {
    wait_within(RECOVERY, "the input's consumer", || world.cluster.consumer_server(INPUT))
}

/// The leader of the output and one server more.
fn two(world: &World) -> [usize; 2] {
    let first = leader(world, OUTPUT);
    [first, (first + 1) % SERVERS]
}

/// The engine's part of a fault, in the middle of it.
fn meanwhile(world: &mut World, step: &Step) {
    world.for_a_while(step.lasts / 2);
    if step.with_engine_kill {
        world.kill_engine();
    }
    world.for_a_while(step.lasts - step.lasts / 2);
}

fn killed(world: &mut World, step: &Step, servers: &[usize]) {
    world.note(&format!("servers {servers:?} killed"));
    servers.iter().for_each(|server| world.cluster.kill(*server));
    meanwhile(world, step);
    servers.iter().for_each(|server| world.cluster.restart(*server));
}

fn frozen(world: &mut World, step: &Step, servers: &[usize]) {
    world.note(&format!("servers {servers:?} stopped"));
    servers.iter().for_each(|server| world.cluster.freeze(*server));
    meanwhile(world, step);
    servers.iter().for_each(|server| world.cluster.thaw(*server));
}

fn cut_off(world: &mut World, step: &Step, server: usize) {
    world.note(&format!("server {server} cut off"));
    world.cluster.cut_off(server);
    meanwhile(world, step);
    world.cluster.heal(server);
}

fn stepped_down(world: &mut World, step: &Step, stream: &str) {
    let leader = world.cluster.step_down(stream);
    world.note(&format!("{stream} is led by server {leader} now"));
    meanwhile(world, step);
}

fn ended(world: &mut World, step: &Step, server: usize, signal: &str) {
    world.note(&format!("server {server} gets {signal}"));
    world.cluster.end(server, signal);
    meanwhile(world, step);
    world.cluster.restart(server);
}

/// Every server ends and comes back, one after the other, as an upgrade does it.
fn rolling(world: &mut World, step: &Step) {
    for server in 0..SERVERS {
        world.cluster.end(server, "-TERM");
        world.cluster.restart(server);
        world.cluster.wait_until_whole();
        world.for_a_while(BREATH);
    }
    meanwhile(world, step);
}

/// One replica, and three again.
fn scaled(world: &mut World, step: &Step, stream: &str) {
    world.cluster.scale(stream, 1);
    world.for_a_while(BREATH);
    meanwhile(world, step);
    world.cluster.scale(stream, SERVERS);
}

/// The output's leader loses its disk, and comes back with an empty one.
fn wiped(world: &mut World, step: &Step) {
    let server = leader(world, OUTPUT);
    world.note(&format!("server {server} loses its store"));
    world.cluster.kill(server);
    world.cluster.replace_store(server, None);
    meanwhile(world, step);
    world.cluster.restart(server);
}
