//! One round on three servers, from a new cluster to its verdict; what a failed one leaves stays on the disk.

use super::count::Count;
use super::fault::Fault;
use super::plan::Round;
use super::world::World;
use super::{judge, rolled_back};
use crate::harness::dump::dump_after;
use crate::harness::streams::{INPUT, OUTPUT};
use crate::world::Tools;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

/// Runs a round in a directory of its own, which stays unless all was clean. `prove`: also spoil a copy of the
/// output, to see that the oracle can fail.
pub fn run(
    tools: &Arc<Tools>,
    dir: &Path,
    round: &Round,
    rate: u64,
    prove: bool,
    tell: &dyn Fn(&str),
) -> Result<Count, String> {
    let world = catch_unwind(AssertUnwindSafe(|| World::new(tools.clone(), dir, round, rate)));
    let mut world = world.map_err(|panic| crate::round::words(panic.as_ref()))?;
    match catch_unwind(AssertUnwindSafe(|| play(&mut world, round, prove, tell))) {
        Ok(()) => {
            let count = std::mem::take(&mut world.count);
            drop(world);
            if count.is_clean() {
                std::fs::remove_dir_all(dir).map_err(|error| error.to_string())?;
            }
            Ok(count)
        }
        Err(panic) => {
            let why = crate::round::words(panic.as_ref());
            world.note(&format!("FAILED: {why}"));
            keep(&mut world);
            Err(format!("{why}; refusals so far: {:?}", world.count.refusals))
        }
    }
}

fn play(world: &mut World, round: &Round, prove: bool, tell: &dyn Fn(&str)) {
    world.recovered();
    for (n, step) in round.steps.iter().enumerate() {
        tell(&format!("{} of {}: {step}", n + 1, round.steps.len()));
        if step.fault == Fault::StoreRolledBack {
            return rolled_back::round(world);
        }
        world.strike(step);
    }
    tell("the verdict");
    judge::judge(world);
    if prove {
        let spoiled = crate::judge::prove_that_it_can_fail(&world.dir, &world.tools.config);
        world.note(&format!("oracle, of an output that was spoiled on purpose: {spoiled}"));
        world.count.spoiled = Some(spoiled);
    }
}

/// Dumps what there is of both streams.
fn keep(world: &mut World) {
    let kept = catch_unwind(AssertUnwindSafe(|| {
        let mut wire = world.cluster.wire();
        for (stream, name) in [(OUTPUT, "output.ndjson"), (INPUT, "input.ndjson")] {
            dump_after(&mut wire, stream, 0, &world.dir.join(name)).unwrap();
        }
    }));
    if kept.is_err() {
        world.note("not everything could be kept");
    }
}
