//! Coming in: a server of the list that refuses the login, or that takes connections and never answers.

use super::stage::Stage;
use crate::harness::cluster::Cluster;
use crate::harness::streams::{INPUT, OUTPUT};
use std::time::{Duration, Instant};

/// Starts, so that the server that refuses is surely among the first that are tried.
const STARTS: usize = 6;

/// Everybody is somebody in the streams' account; the engine's user is unknown to the last server.
fn accounts(server: usize) -> String {
    let engine = if server == 2 { "" } else { ", { user: engine, password: right }" };
    format!(
        "accounts {{ A {{ jetstream: enabled, users: [{{ user: tests, password: tests }}{engine}] }} }}\nno_auth_user: tests"
    )
}

#[test]
fn a_login_that_one_of_three_servers_refuses_is_tried_at_the_others() {
    let mut stage = Stage::on(Cluster::start_with(false, accounts), 3);
    let file = stage.dir.path().join("password");
    std::fs::write(&file, "right\n").unwrap();
    let file = file.display().to_string();
    let sets = [("nats.user", "engine"), ("nats.password_file", &*file)];
    let urls = [2, 0, 1].map(|server| stage.cluster.url(server)).join(",");
    for start in 0..STARTS {
        let mut engine = stage.engine_at(&urls, &sets);
        engine.wait_for_log("ready: ");
        stage.finish();
        let log = engine.drain();
        assert!(!log.contains("error: "), "start {start}: {log}");
    }
    stage.assert_clean();
}

#[test]
fn a_stopped_server_in_the_list_costs_a_start_no_more_than_a_moment() {
    let mut stage = Stage::new(3);
    stage.cluster.freeze(0);
    for stream in [INPUT, OUTPUT] {
        stage.cluster.leader(stream);
    }
    let urls = [0, 1, 2].map(|server| stage.cluster.url(server)).join(",");
    for _ in 0..3 {
        let began = Instant::now();
        let mut engine = stage.engine_at(&urls, &[]);
        engine.wait_for_log("ready: ");
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}: {}", began.elapsed(), engine.log());
        engine.drain();
    }
    stage.cluster.thaw(0);
}
