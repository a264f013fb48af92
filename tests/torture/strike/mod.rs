//! The blows: each does its fault under load, proves that it struck, heals, and leaves an engine at work.
//!
//! What a blow allows (an exit code, a rebuild) is asserted here and nowhere else; everything else is a failure. The
//! verdict on the streams comes at the round's end.

mod clock;
mod disk;
pub mod gap;
mod kills;
mod network;
mod rivals;
mod state;
mod stops;

use crate::fault::Fault;
use crate::plan::Step;
use crate::record::Struck;
use crate::world::World;
use std::time::{Duration, Instant};

/// A blow that struck: how that is known, and when the fault was over.
pub struct Blow {
    pub proof: String,
    pub healed: Instant,
}

impl Blow {
    /// A fault that is over now.
    fn over(proof: String) -> Blow {
        Blow { proof, healed: Instant::now() }
    }
}

/// Strikes once, and waits until the engine is well again.
pub fn strike(world: &mut World, step: &Step) {
    let name = step.fault.name();
    world.note(&format!("{name} begins"));
    let blow = blow(world, step);
    let recovered = world.recovered(name, blow.healed);
    world.volume.sweep();
    world.note(&format!("{name} struck: {}; well after {:.1} s", blow.proof, recovered.as_secs_f64()));
    world.record.struck.push(Struck { fault: step.fault, proof: blow.proof, recovered });
}

fn blow(world: &mut World, step: &Step) -> Blow {
    match step.fault {
        Fault::EngineKill => kills::engine(world, step),
        Fault::EngineKillTwice => kills::engine_twice(world, step),
        Fault::ServerKill => kills::server(world, step),
        Fault::BothKill => kills::both(world, step),
        Fault::EngineDrain => kills::drain(world, step),
        Fault::ShardsChange => kills::shards(world, step),
        Fault::EngineStopShort => stops::engine(world, short(step)),
        Fault::EngineStopLong => stops::engine(world, long(step)),
        Fault::ServerStopShort => stops::server(world, short(step), false),
        Fault::ServerStopLong => stops::server(world, long(step), true),
        Fault::NetCut => network::cut(world, step),
        Fault::NetHalfOpenShort => network::half_open(world, step, short(step), false),
        Fault::NetHalfOpenLong => network::half_open(world, step, long(step), true),
        Fault::NetDelay => network::delay(world, step),
        Fault::NetRefuse => network::refuse(world, step),
        Fault::SwallowAcks => network::swallow_acks(world, step),
        Fault::SwallowDeliveries => network::swallow_deliveries(world, step),
        Fault::DiskFull => disk::full(world, step),
        Fault::DiskReadOnly => disk::read_only(world, step),
        Fault::FsyncFails => disk::fails(world, step, crate::shim::Fails::Syncs),
        Fault::WriteFails => disk::fails(world, step, crate::shim::Fails::Writes),
        Fault::StateDeleted => state::deleted(world, step),
        Fault::StateCorrupted => state::corrupted(world, step),
        Fault::StateSwapped => state::swapped(world, step),
        Fault::ClockForward => clock::jump(world, step, 1),
        Fault::ClockBackward => clock::jump(world, step, -1),
        Fault::Zombie => rivals::zombie(world, step, false),
        Fault::ZombieAlone => rivals::zombie(world, step, true),
        Fault::Successor => rivals::successor(world, step),
        Fault::EnginesAtOnce => rivals::at_once(world, step),
        Fault::SameDirectory => rivals::same_directory(world, step),
        Fault::RetentionOvertakes => unreachable!("it has a round of its own"),
    }
}

/// 1 to 3 s: no time-out runs out.
fn short(step: &Step) -> Duration {
    Duration::from_millis(1_000 + 2 * step.force)
}

/// 12.5 to 15.5 s: the lane's patience, a batch's life and the source's patience are over by then.
fn long(step: &Step) -> Duration {
    Duration::from_millis(12_500 + 3 * step.force)
}
