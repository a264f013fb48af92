//! The process itself: signals of a terminal, limits of the system, and last words in JSON.

use super::{bare_on, behind};
use crate::harness::bed::Bed;
use crate::harness::engine::Engine;
use crate::harness::load::{Load, school};
use crate::harness::streams::OUTPUT;
use crate::harness::wait::{DEADLINE, wait_until};
use crate::server::Server;
use serde_json::Value;
use std::process::{Command, Output};

#[test]
fn a_hangup_drains() {
    let mut bed = Bed::new();
    let load = Load::ahead(bed.server.address(), school(68, 20), 5_000);
    let engine = bed.engine("state", &[("engine.checkpoint_interval_ms", "3600000")]);
    wait_until("the lane to grow", || bed.lane_has(2_000).then_some(()));
    engine.signal("-HUP");
    let (code, log) = engine.exited(DEADLINE);
    assert_eq!(code, Some(0), "{log}");
    let lane = bed.last(OUTPUT);
    let mut again = bed.engine("state", &[]);
    again.wait_for_log("already_out");
    assert_eq!((again.start_says("already_out"), again.start_says("lane_last")), (Some(0), Some(lane)));
    load.stop();
    bed.finish();
    again.drain();
    bed.assert_clean();
}

#[test]
fn under_nohup_a_hangup_changes_nothing() {
    let mut bed = Bed::new();
    let mut engine = Engine::of("nohup", behind("trap '' HUP", &bed, &[]));
    engine.wait_for_log("ready");
    engine.signal("-HUP");
    bed.finish();
    assert!(engine.runs());
    assert_eq!(engine.drain().matches("stopping: ").count(), 1, "only SIGTERM was heard");
}

#[test]
fn too_few_open_files_are_named_before_anything_begins() {
    let bed = bare_on(Server::start());
    for files in ["16", "32"] {
        let Output { status, stderr, .. } = behind(&format!("ulimit -n {files}"), &bed, &[]).output().unwrap();
        let said = String::from_utf8(stderr).unwrap();
        assert_eq!(status.code(), Some(69), "{said}");
        assert!(said.contains("RLIMIT_NOFILE") && said.contains(files) && !said.contains("panicked"), "{said}");
    }
}

#[test]
fn with_a_json_log_the_last_words_are_json_too() {
    let said = |arguments: &[&str]| -> (i32, Vec<Value>) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sidestream"));
        let config = concat!(env!("CARGO_MANIFEST_DIR"), "/config.toml");
        command.args(["run", "--log", "json", "--config", config, "--set", "http.listen=127.0.0.1:0"]).args(arguments);
        let Output { status, stderr, .. } = command.env_remove("SIDESTREAM_NATS_URL").output().unwrap();
        let text = String::from_utf8(stderr).unwrap();
        let line = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        (status.code().unwrap(), text.lines().map(line).collect())
    };
    let dir = tempfile::tempdir().unwrap();
    let state = format!("state.path={}", dir.path().join("state").display());
    for (arguments, code) in [
        (vec!["--nats-url", "nats://127.0.0.1:1", "--patience-s", "0", "--set", &*state], 69),
        (vec!["--set", "engine.shards=1000"], 78),
        (vec!["--no-such-flag"], 64),
    ] {
        let (ended, lines) = said(&arguments);
        let last = lines.last().unwrap();
        assert_eq!((ended, last["code"].as_i64()), (code, Some(i64::from(code))), "{last}");
        assert!(last["error"].as_str().is_some_and(|error| !error.is_empty()) && last.get("hint").is_some(), "{last}");
    }
}
