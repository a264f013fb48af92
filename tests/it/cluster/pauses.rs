//! How long outputs pause around a fault, by the times at which the server stored them.
//!
//! The bounds leave room for a busy machine; docs/production.md has what was measured on a quiet one.

use super::stage::Stage;
use crate::harness::engine::Engine;
use crate::harness::steady::now_ns;
use crate::harness::streams::{INPUT, OUTPUT};

/// Events a second.
const RATE: u64 = 1_000;
/// Outputs that come before a fault, and after it until it is over.
const SOME: u64 = 1_500;

/// Strikes under load; returns the longest pause of the outputs in seconds.
fn pause(seed: u64, prepare: fn(&mut Stage), strike: fn(&mut Stage, &mut Engine)) -> f64 {
    let mut stage = Stage::new(3);
    prepare(&mut stage);
    let load = stage.load(seed, RATE);
    let mut engine = stage.engine_at(&stage.cluster.url(2), &[("engine.shards", "2")]);
    stage.grown(SOME);
    let from = now_ns();
    strike(&mut stage, &mut engine);
    let before = stage.last(OUTPUT);
    stage.grown(before + SOME);
    let until = now_ns();
    for server in 0..3 {
        if !stage.cluster.well().any(|well| well == server) {
            stage.cluster.restart(server);
        }
    }
    load.stop();
    stage.finish();
    let log = engine.drain();
    stage.assert_undisturbed(&log);
    stage.pause(from, until)
}

#[test]
fn a_killed_leader_of_the_output_pauses_for_no_longer_than_its_election() {
    let apart = |stage: &mut Stage| {
        stage.cluster.let_lead(OUTPUT, 0);
        stage.cluster.let_lead(INPUT, 1);
    };
    let pause = pause(42, apart, |stage, _| stage.cluster.kill(0));
    assert!(pause < 13.0, "{pause} s");
}
