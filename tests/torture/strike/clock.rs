//! The engine's wall clock jumps by hours; nobody else's does. Outcomes must not depend on it, nor must progress.

use super::Blow;
use crate::engine::PATIENCE;
use crate::harness::wait::wait_within;
use crate::plan::Step;
use crate::world::World;
use std::time::Instant;

/// Jumps by 1 to 12 hours while the engine works, and back; half of the time a start falls between.
pub fn jump(world: &mut World, step: &Step, direction: i64) -> Blow {
    let lag = world.under_load();
    let hours = direction * (1 + step.force as i64 * 12 / 1_000);
    let control = world.engine().shim.as_ref().expect("a control");
    control.put_clock(hours);
    wait_within(PATIENCE, "a reading of the clock", || (control.readings() > 0).then_some(()));
    world.recovered("a jump of the clock", Instant::now());
    let mut readings = world.engine().shim.as_ref().expect("a control").readings();
    if step.seed.is_multiple_of(2) {
        world.kill_engine();
        let state = world.engine().state.clone();
        let engine = world.launch_under(&step.starts[0], &state, &[], |control| control.put_clock(hours));
        world.put_to_work(engine);
        world.recovered("a start under another clock", Instant::now());
        readings += world.engine().shim.as_ref().expect("a control").readings();
    }
    world.engine().shim.as_ref().expect("a control").put_clock(0);
    Blow::over(format!("{readings} readings were {hours} h off, with {lag} events waiting"))
}
