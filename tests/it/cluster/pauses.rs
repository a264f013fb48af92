//! How long outputs pause around a fault, by the times at which the server stored them.
//!
//! The bounds leave room for a busy machine; docs/production.md has what was measured on a quiet one.

use super::stage::Stage;
use crate::harness::engine::Engine;
use crate::harness::steady::now_ns;
use crate::harness::streams::{INPUT, OUTPUT};
use crate::harness::wait::{wait_until, wait_within};
use std::time::Duration;

/// Events a second.
const RATE: u64 = 1_000;
/// Outputs that come before a fault, and after it until it is over.
const SOME: u64 = 1_500;

/// Strikes under load; returns how many seconds the longest pause of the outputs was longer than the input's own.
///
/// The input pauses where its servers stored nothing: that is the cluster's part, or the machine's.
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
    let pause = stage.pause(OUTPUT, from, until);
    let servers = stage.pause(INPUT, from, until);
    println!("outputs paused for {pause:.2} s, the input for {servers:.2} s");
    pause - servers
}

#[test]
fn a_planned_change_of_the_outputs_leader_costs_no_timeout() {
    let apart = |stage: &mut Stage| stage.cluster.let_lead(OUTPUT, 0);
    let pause = pause(41, apart, |stage, _| {
        for _ in 0..3 {
            stage.cluster.step_down(OUTPUT);
            let before = stage.last(OUTPUT);
            stage.grown(before + SOME / 2);
        }
    });
    assert!(pause < 5.0, "{pause} s");
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

#[test]
fn events_are_read_again_soon_after_the_server_of_the_consumer_dies() {
    let together = |stage: &mut Stage| {
        stage.cluster.let_lead(OUTPUT, 2);
        stage.cluster.let_lead(INPUT, 2);
    };
    let pause = pause(43, together, |stage, engine| {
        // The consumer lives on any of the three. Starting again makes another one, until it is apart from the leaders
        // and the engine, and from the leader of the cluster: without that one no server makes a consumer at all, and
        // its election would be measured with the engine's pause.
        let lives = |stage: &Stage| wait_until("the consumer", || stage.cluster.consumer_server(INPUT));
        let mut server = lives(stage);
        while server == 2 || stage.cluster.meta_leader() == Some(server) {
            engine.signal("-TERM");
            wait_until("the engine's end", || (!engine.runs()).then_some(()));
            *engine = stage.engine_at(&stage.cluster.url(2), &[("engine.shards", "2")]);
            let before = stage.last(OUTPUT);
            stage.grown(before + SOME);
            server = lives(stage);
        }
        stage.cluster.kill(server);
    });
    assert!(pause < 7.0, "{pause} s");
}

#[test]
fn an_engine_whose_outputs_nobody_confirms_is_not_ready_and_says_why() {
    let mut stage = Stage::new(3);
    stage.cluster.let_lead(OUTPUT, 0);
    stage.cluster.let_lead(INPUT, 1);
    let load = stage.load(44, RATE);
    let engine = stage.engine_at(&stage.cluster.url(2), &[]);
    stage.grown(SOME);
    wait_until("ready", || (Stage::readiness(&engine).0 == 200).then_some(()));
    // Two of three: nobody can take over, so that this lasts until the test ends it.
    stage.cluster.freeze(0);
    stage.cluster.freeze(1);
    // A page that did not come in time, as on a busy machine, says nothing: only the engine's own word counts.
    let (_, why) = wait_within(Duration::from_secs(10), "an engine that is not ready", || {
        Some(Stage::readiness(&engine)).filter(|(status, _)| *status == 503)
    });
    assert!(why.len() > 10, "{why}");
    stage.cluster.thaw(0);
    stage.cluster.thaw(1);
    wait_until("ready again", || (Stage::readiness(&engine).0 == 200).then_some(()));
    load.stop();
    stage.finish();
    let log = engine.drain();
    stage.assert_undisturbed(&log);
}
