//! Faults and ordinary work on three servers under load: exact afterwards, nothing rebuilt, nobody needed.

use super::stage::Stage;
use crate::harness::cluster::Cluster;
use crate::harness::load::school;
use crate::harness::streams::{INPUT, OUTPUT, input, output};
use crate::harness::wait::{try_within, wait_until};
use serde_json::json;
use std::time::Duration;

/// Events a second.
const RATE: u64 = 1_000;
/// Outputs between two blows.
const SOME: u64 = 1_000;

/// An engine under load while something is done to its cluster, and the verdict.
fn undisturbed(mut stage: Stage, seed: u64, strike: impl FnOnce(&mut Stage)) {
    let load = stage.load(seed, RATE);
    let mut engine = stage.engine(&[("engine.shards", "2"), ("engine.checkpoint_interval_ms", "100")]);
    stage.grown(SOME);
    strike(&mut stage);
    let before = stage.last(OUTPUT);
    stage.grown(before + SOME);
    assert!(engine.runs(), "{}", engine.log());
    load.stop();
    stage.finish();
    let log = engine.drain();
    stage.assert_undisturbed(&log);
}

#[test]
fn two_of_three_servers_are_away_for_twelve_seconds() {
    undisturbed(Stage::new(3), 51, |stage| {
        let leader = stage.cluster.leader(OUTPUT);
        let away = [leader, (leader + 1) % 3];
        away.iter().for_each(|server| stage.cluster.kill(*server));
        assert!(try_within(Duration::from_secs(12), || None::<()>).is_none());
        away.iter().for_each(|server| stage.cluster.restart(*server));
    });
}

#[test]
fn every_server_is_restarted_one_after_the_other() {
    undisturbed(Stage::new(3), 52, |stage| {
        for (server, signal) in [(0, "-TERM"), (1, "-USR2"), (2, "-TERM")] {
            stage.cluster.end(server, signal);
            stage.cluster.restart(server);
            stage.cluster.wait_until_whole();
        }
    });
}

#[test]
fn streams_of_one_replica_get_three_and_one_again() {
    undisturbed(Stage::new(1), 53, |stage| {
        for replicas in [3, 1, 3] {
            for stream in [OUTPUT, INPUT] {
                stage.cluster.scale(stream, replicas);
                let before = stage.last(OUTPUT);
                stage.grown(before + SOME / 2);
            }
        }
    });
}

/// An input that keeps an event until it is acknowledged, with three replicas: so must its consumer have them.
#[test]
fn an_interest_input_of_three_replicas_survives_a_kill_and_is_empty_at_the_end() {
    let cluster = Cluster::start();
    let mut config = input();
    config["retention"] = json!("interest");
    cluster.create_stream(config, 3);
    cluster.create_stream(output(), 3);
    let mut stage = Stage::of(cluster);
    let engine = stage.engine(&[("engine.checkpoint_interval_ms", "50")]);
    wait_until("the engine's consumer", || stage.cluster.consumer_server(INPUT));
    let mut school = school(54, 0);
    stage.publish(&mut school, 2_000);
    stage.finish();
    let killed = stage.cluster.leader(INPUT);
    stage.cluster.kill(killed);
    stage.publish(&mut school, 2_000);
    stage.finish();
    stage.cluster.restart(killed);
    stage.cluster.wait_until_whole();
    wait_until("everything acknowledged", || {
        (stage.cluster.info(INPUT)?["state"]["messages"].as_u64() == Some(0)).then_some(())
    });
    let log = engine.drain();
    assert!(!log.contains("rebuild") && !log.contains("set aside"), "{log}");
}
