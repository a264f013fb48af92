//! Processes that are stopped and go on: nothing is closed, nothing answers, and time-outs run out meanwhile.

use super::Blow;
use crate::harness::wait::try_within;
use crate::watch::state;
use crate::world::World;
use std::time::Duration;

/// How long bytes on their way may still arrive after a stop.
const SETTLES: Duration = Duration::from_millis(300);

/// The engine is stopped.
pub fn engine(world: &mut World, time: Duration) -> Blow {
    let lag = world.under_load();
    world.engine().signal("-STOP");
    world.for_a_while(SETTLES);
    let before = world.lane();
    world.for_a_while(time);
    let (pid, after) = (world.engine().pid(), world.lane());
    assert_eq!((state(pid), before), (Some('T'), after), "the engine is not stopped");
    world.engine().signal("-CONT");
    let seconds = time.as_secs_f64();
    Blow::over(format!("state T and no output for {seconds:.1} s with {lag} events waiting"))
}

/// The server is stopped; the engine must have noticed where that was long enough.
pub fn server(world: &mut World, time: Duration, noticed_by_then: bool) -> Blow {
    let lag = world.under_load();
    let noticed = world.engine().noticed();
    world.server.pause();
    let pid = world.server.pid();
    let stopped = try_within(SETTLES, || (state(pid) == Some('T')).then_some(()));
    assert!(stopped.is_some(), "the server is not stopped");
    world.for_a_while(time);
    assert_eq!(state(pid), Some('T'), "the server is not stopped");
    world.server.resume();
    let blow = Blow::over(format!("state T for {:.1} s with {lag} events waiting", time.as_secs_f64()));
    if noticed_by_then {
        assert!(world.engine().notices(noticed), "the engine did not notice: {}", world.engine().tail());
    }
    blow
}
