//! Streams of three copies on three servers, made and read by the program itself.

use crate::harness::cluster::Cluster;
use crate::harness::engine::Engine;
use crate::harness::load::publish_last;
use crate::harness::streams;
use crate::harness::wait::wait_until;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

fn sets(cluster: &Cluster, dir: &Path) -> Vec<(String, String)> {
    [
        ("nats.url", cluster.urls()),
        ("http.listen", "127.0.0.1:0".to_owned()),
        ("state.path", dir.join("state").display().to_string()),
        ("input.provision.retention", "interest".to_owned()),
        ("output.provision.replicas", "3".to_owned()),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .to_vec()
}

fn config() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config.toml")
}

fn sidestream(sets: &[(String, String)], arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sidestream"));
    command.args(arguments).arg("--config").arg(config()).env_remove("SIDESTREAM_NATS_URL");
    for (key, value) in sets {
        command.arg("--set").arg(format!("{key}={value}"));
    }
    let output = command.output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

/// A young cluster leaves the first request for a stream unanswered now and then; a replicated interest stream takes
/// only consumers with as many copies as it has; and the events before the first start are still there at it.
#[test]
fn an_interest_input_of_three_copies_is_provisioned_checked_read_and_audited() {
    let cluster = Cluster::start();
    let dir = tempfile::tempdir().unwrap();
    let mut sets = sets(&cluster, dir.path());
    let placed = [&sets[..], &[("input.provision.placement_tags".to_owned(), "[\"none\"]".to_owned())]].concat();
    let (code, said) = sidestream(&placed, &["provision", "--replicas", "3"]);
    assert!(code == Some(78) && said.contains("placement_tags"), "no server has such a tag: {said}");
    let (code, said) = sidestream(&sets, &["provision", "--replicas", "3"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(said.matches(": created").count(), 4, "{said}");

    let mut wire = cluster.wire();
    let info =
        |wire: &mut crate::harness::wire::Wire, call: &str| -> Value { streams::api(wire, call, &json!({})).unwrap() };
    let event = publish_last(&mut wire);
    assert_eq!(info(&mut wire, "STREAM.INFO.EVENTS")["state"]["messages"], 1, "kept for the engine");
    let (code, said) = sidestream(&sets, &["check", "--connect"]);
    assert_eq!(code, Some(0), "{said}");
    for call in ["STREAM.INFO.EVENTS", "STREAM.INFO.ENRICHED", "STREAM.INFO.ENRICHED_REDRIVES"] {
        assert_eq!(info(&mut wire, call)["config"]["num_replicas"], 3, "{call}");
    }
    let consumer = info(&mut wire, "CONSUMER.INFO.EVENTS.sidestream-ENRICHED");
    assert_eq!(consumer["cluster"]["replicas"].as_array().map(Vec::len), Some(2), "{consumer}");

    let engine = Engine::start("interest", &config(), &sets);
    wait_until("the output", || (streams::cause(&mut wire).ok()? == event).then_some(()));
    engine.kill();
    sets.retain(|(key, _)| !key.contains("provision"));
    let (code, said) = sidestream(&sets, &["audit"]);
    assert!(code == Some(0) || code == Some(1) && said.contains("audit:"), "the streams are read: {code:?} {said}");
}
