//! Coming in: a server of the list that refuses the login, that takes connections and never answers, or that is too old.

use super::stage::Stage;
use crate::harness::cluster::Cluster;
use crate::harness::streams::{INPUT, OUTPUT};
use crate::harness::wait::wait_until;
use std::io::Write;
use std::net::TcpListener;
use std::process::Command;
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
    // A leader of the cluster that is stopped costs NATS an election, which is not the engine's time.
    let meta = wait_until("a leader of the cluster", || stage.cluster.meta_leader());
    let stopped = (meta + 1) % 3;
    stage.cluster.freeze(stopped);
    for stream in [INPUT, OUTPUT] {
        stage.cluster.leader(stream);
    }
    let urls = [stopped, meta, (meta + 2) % 3].map(|server| stage.cluster.url(server)).join(",");
    for _ in 0..3 {
        let began = Instant::now();
        let mut engine = stage.engine_at(&urls, &[]);
        engine.wait_for_log("ready: ");
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}: {}", began.elapsed(), engine.log());
        engine.drain();
    }
    stage.cluster.thaw(stopped);
}

/// The last server tells every client of an address at which an older one greets, as a server that is not upgraded yet.
#[test]
fn an_older_server_of_the_cluster_is_named_before_it_leads_a_stream() {
    let older = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = older.local_addr().unwrap();
    std::thread::spawn(move || {
        for client in older.incoming() {
            let _ = client.unwrap().write_all(b"INFO {\"server_id\":\"OLD\",\"version\":\"2.12.8\"}\r\n");
        }
    });
    let advertised = |server| if server == 2 { format!("client_advertise: \"{at}\"") } else { String::new() };
    let stage = Stage::on(Cluster::start_with(false, advertised), 3);
    let mut command = Command::new(env!("CARGO_BIN_EXE_sidestream"));
    command.args(["check", "--connect", "--config"]).arg(&stage.config).args(["--nats-url", &stage.cluster.url(0)]);
    command.env_remove("SIDESTREAM_NATS_URL").env_remove("SIDESTREAM_LOG");
    let run = command.output().unwrap();
    let said = String::from_utf8(run.stdout).unwrap();
    assert!(said.contains(&format!("WRONG  the server at {at} is nats-server 2.12.8")), "{said}");
    assert!(said.contains("servers greet as nats-server 2.14 or later"), "{said}");
    assert_eq!(run.status.code(), Some(78), "{said}");
}
