//! The cluster of these tests does what it is told: each fault is seen from outside before a test relies on it.

use super::stage::Stage;
use crate::harness::cluster::Cluster;
use crate::harness::load::{publish_last, school};
use crate::harness::streams::{INPUT, OUTPUT, last};
use crate::harness::wait::wait_until;
use crate::harness::wire::Wire;
use std::time::Duration;

#[test]
fn an_engine_on_three_servers_is_exact() {
    let mut stage = Stage::new(3);
    stage.publish(&mut school(3, 40), 3_000);
    let engine = stage.engine_at(&stage.cluster.url(2), &[]);
    stage.finish();
    assert!(stage.cluster.consumer_server(INPUT).is_some());
    engine.drain();
    assert_eq!(stage.assert_clean().0, 3_001);
}

#[test]
fn leaders_change_by_kill_step_down_and_choice_and_streams_by_scale() {
    let mut cluster = Cluster::start();
    cluster.create_streams(3);
    let killed = cluster.leader(INPUT);
    cluster.kill(killed);
    assert_ne!(cluster.leader(INPUT), killed);
    cluster.restart(killed);
    cluster.wait_until_whole();
    cluster.step_down(OUTPUT);
    for server in 0..3 {
        cluster.let_lead(INPUT, server);
        assert_eq!(cluster.leader(INPUT), server);
    }
    let frozen = cluster.follower(INPUT);
    cluster.freeze(frozen);
    publish_last(&mut cluster.wire());
    cluster.thaw(frozen);
    cluster.scale(INPUT, 1);
    cluster.scale(INPUT, 3);
    assert_eq!(last(&mut cluster.wire(), INPUT).unwrap(), 1);
}

#[test]
fn a_server_that_is_cut_off_answers_clients_and_hears_no_server() {
    let mut cluster = Cluster::start_proxied();
    cluster.create_streams(3);
    let old = cluster.leader(INPUT);
    cluster.cut_off(old);
    let new = cluster.leader(INPUT);
    assert_ne!(new, old);
    publish_last(&mut cluster.wire());
    let stale = || last(&mut Wire::connect_within(cluster.address(old), Duration::from_secs(2))?, INPUT);
    assert_eq!(wait_until("a stale answer", || stale().ok()), 0, "the old leader cannot know");
    cluster.heal(old);
    cluster.wait_until_whole();
    wait_until("the old leader to catch up", || {
        (last(&mut Wire::connect(cluster.address(old)).ok()?, INPUT).ok()? == 1).then_some(())
    });
}

#[test]
fn a_store_is_wiped_or_rolled_back_and_a_server_leaves_in_lame_duck_mode() {
    let mut cluster = Cluster::start();
    cluster.create_streams(3);
    publish_last(&mut cluster.wire());
    let kept = tempfile::tempdir().unwrap();
    cluster.end(0, "-USR2");
    cluster.keep_store(0, &kept.path().join("store"));
    cluster.restart(0);
    cluster.wait_until_whole();
    publish_last(&mut cluster.wire());
    cluster.end(0, "-TERM");
    cluster.replace_store(0, Some(&kept.path().join("store")));
    cluster.restart(0);
    cluster.wait_until_whole();
    cluster.kill(0);
    cluster.replace_store(0, None);
    cluster.restart(0);
    cluster.wait_until_whole();
    assert_eq!(last(&mut cluster.wire(), INPUT).unwrap(), 2);
}
