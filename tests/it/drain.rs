//! SIGTERM: what is in flight is finished, a checkpoint is taken, and the next start has nothing to repeat.

use crate::harness::bed::Bed;
use crate::harness::engine::Engine;
use crate::harness::load::{Load, publish, school};
use crate::harness::streams::{INPUT, OUTPUT};
use crate::harness::wait::wait_until;
use std::process::{Command, Stdio};
use std::time::Duration;

/// A service manager's patience is longer; ours is not.
const DRAINED_WITHIN: Duration = Duration::from_secs(10);

/// Sends SIGTERM and expects a clean end in time.
fn drain(engine: Engine) -> String {
    engine.signal("-TERM");
    let (code, log) = engine.exited(DRAINED_WITHIN);
    assert_eq!(code, Some(0), "{log}");
    log
}

#[test]
fn a_drain_under_full_load_takes_a_checkpoint_with_it() {
    let mut bed = Bed::new();
    let load = Load::ahead(bed.server.address(), school(15, 40), 20_000);
    for target in [3_000, 8_000, 12_000] {
        // The interval's own checkpoints are out of the way: what the next start finds is the drain's.
        let engine = bed.engine("state", &[("engine.checkpoint_interval_ms", "3600000")]);
        wait_until("the lane to grow", || bed.lane_has(target).then_some(()));
        drain(engine);
        let lane = bed.last(OUTPUT);
        let mut again = bed.engine("state", &[]);
        again.wait_for_log("already_out");
        let says = |name| again.start_says(name);
        assert_eq!((says("already_out"), says("lane_last")), (Some(0), Some(lane)), "{}", again.log());
        drain(again);
    }
    load.stop();
    let engine = bed.engine("state", &[]);
    bed.finish();
    drain(engine);
    bed.assert_clean();
}

#[test]
fn a_drain_under_a_generator_at_full_speed_ends_at_the_lanes_end() {
    let mut bed = Bed::new();
    // A head start, so that the engine is behind from its first event on.
    publish(&mut bed.wire, &mut school(17, 0), 30_000).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_sidestream"));
    command.args(["generate", "--count", "100000000", "--rate", "max"]).args(["--nats-url", &bed.server.url()]);
    let config = bed.config.display().to_string();
    let mut generator = command.args(["--config", &config]).stderr(Stdio::null()).spawn().unwrap();
    let mut first = bed.last(INPUT);
    wait_until("the generator to begin", || (bed.last(INPUT) > first).then_some(()));
    let mut engine = bed.engine("state", &[("engine.checkpoint_interval_ms", "3600000")]);
    wait_until("the lane to grow", || bed.lane_has(10_000).then_some(()));
    let (input, cause) = (bed.last(INPUT), bed.cause());
    assert!(input > cause + 5_000, "no lag: {cause} of {input}");
    drain(engine);
    // It came to an end although the input did not.
    first = bed.last(INPUT);
    wait_until("the generator to go on", || (bed.last(INPUT) > first).then_some(()));
    generator.kill().unwrap();
    generator.wait().unwrap();
    let (lane, cause) = (bed.last(OUTPUT), bed.cause());
    engine = bed.engine("state", &[]);
    engine.wait_for_log("already_out");
    let says = |name| engine.start_says(name);
    // Every event of these has an output: S is the position of the newest one, and nothing is to be compared.
    assert_eq!((says(" after="), says("lane_last="), says("already_out=")), (Some(cause), Some(lane), Some(0)));
    drain(engine);
}

#[test]
fn a_drain_during_a_rebuild_and_without_a_server_ends_in_time() {
    let mut bed = Bed::new();
    publish(&mut bed.wire, &mut school(16, 40), 15_000).unwrap();
    let engine = bed.engine("first", &[]);
    bed.finish();
    drain(engine);
    let mut rebuilding = bed.engine("second", &[]);
    rebuilding.wait_for_log("already_out");
    drain(rebuilding);
    let mut engine = bed.engine("second", &[]);
    engine.wait_for_log("ready:");
    bed.finish();
    bed.server.kill();
    engine.wait_for_log("starting again");
    drain(engine);
    bed.server.restart();
    bed.reconnect();
    let engine = bed.engine("second", &[]);
    bed.finish();
    drain(engine);
    bed.assert_clean();
}
