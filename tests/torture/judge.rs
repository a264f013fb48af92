//! The verdict on a round: the oracle over full dumps of both streams, and the program's own audit.
//!
//! The oracle is a sequential program in another language that shares no code with the engine. That it can fail is
//! proved in every run, on a copy of a lane that was spoiled on purpose.

use crate::harness::bed::oracle;
use crate::harness::dump::dump;
use crate::harness::streams::{INPUT, OUTPUT};
use crate::world::World;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// Dumps both streams; oracle and audit must call them clean.
pub fn judge(world: &mut World) {
    let (input, output) = (world.dir.join("input.ndjson"), world.dir.join("output.ndjson"));
    let events = world.ask(|wire| dump(wire, INPUT, &input));
    let outputs = world.ask(|wire| dump(wire, OUTPUT, &output));
    (world.record.events, world.record.outputs) = (events, outputs);
    let (clean, report) = oracle(&world.tools.config, &input, &output);
    world.note(&format!("oracle: {report}"));
    assert!(clean, "the oracle says: {report}");
    audit(world, outputs);
}

/// Runs `sidestream audit --complete --json`, which must find every output and nothing else.
fn audit(world: &mut World, outputs: u64) {
    let mut command = Command::new(&world.tools.binary);
    command.args(["audit", "--complete", "--json", "--config"]).arg(&world.tools.config);
    command.args(["--nats-url", &world.server.url()]);
    command.arg("--set").arg(format!("state.path={}", world.dir.join("no-state").display()));
    command.env_remove("SIDESTREAM_NATS_URL").env_remove("SIDESTREAM_LOG").stdin(Stdio::null());
    let run = command.output().unwrap();
    let said = String::from_utf8_lossy(&run.stdout).into_owned();
    let words = format!("audit ended by {}: {said} {}", run.status, String::from_utf8_lossy(&run.stderr));
    world.note(&words);
    assert!(run.status.success(), "{words}");
    let report: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!((report["verdict"].as_str(), report["checked"].as_u64()), (Some("clean"), Some(outputs)), "{words}");
}

/// Spoils a copy of the lane in every way that the oracle must see, and returns what it says.
pub fn prove_that_it_can_fail(dir: &Path, config: &Path) -> String {
    let (input, output) = (dir.join("input.ndjson"), dir.join("output.ndjson"));
    let text = fs::read_to_string(&output).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let (all, last) = (lines.len(), lines[lines.len() - 1].clone());
    assert!(all > 100, "only {all} outputs");
    lines.swap(all * 2 / 5, all * 2 / 5 + 1);
    let payload = r#""payload_b64":"e"#;
    let altered = lines.iter().skip(all * 3 / 5).position(|line| line.contains(payload)).unwrap() + all * 3 / 5;
    lines[altered] = lines[altered].replace(payload, r#""payload_b64":"f"#);
    lines.remove(all - 1);
    lines.remove(all / 2);
    lines.insert(all / 5, lines[all / 5].clone());
    lines.remove(0);
    let position = r#""Sidestream-Position","EVENTS:"#;
    lines.push(last.replace(position, &format!("{position}9999")));
    let renumbered = lines.iter().enumerate().map(|(n, line)| {
        let rest = line.split_once(',').map_or("", |(_, rest)| rest);
        format!("{{\"seq\":{},{rest}\n", n + 1)
    });
    let spoiled = dir.join("spoiled.ndjson");
    fs::write(&spoiled, renumbered.collect::<String>()).unwrap();
    let (clean, report) = oracle(config, &input, &spoiled);
    let counts: Vec<&str> = report.lines().filter(|line| !line.starts_with(' ')).skip(1).collect();
    let expected = ["missing: 3", "doubled: 1", "out_of_order: 1", "different: 1", "unknown: 1"];
    assert!(!clean && counts == expected, "the oracle must see what was spoiled: {report}");
    counts.join(", ")
}
