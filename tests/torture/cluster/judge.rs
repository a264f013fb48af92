//! The verdict on a round on three servers: the oracle's counts, the program's own audit, rebuilds, and pauses.

use super::pauses;
use super::world::World;
use crate::harness::bed::oracle;
use crate::harness::dump::dump;
use crate::harness::load::try_publish_last;
use crate::harness::streams::{self, INPUT, OUTPUT};
use crate::harness::wait::wait_within;
use crate::world::RECOVERY;
use std::process::{Command, Stdio};

/// Ends the load, lets the engine finish and drain, and counts everything.
pub fn judge(world: &mut World) {
    let acknowledged = world.load.take().map_or_else(Vec::new, |load| load.stop());
    let end = world.ask(try_publish_last);
    wait_within(RECOVERY, "the last output", || {
        world.keep_running();
        (world.ask(streams::cause) >= end).then_some(())
    });
    world.engine().signal("-TERM");
    let code = world.engine().exit_code(RECOVERY);
    assert_eq!(code, 0, "the drain: {}", world.engine().tail());
    let (input, output) = (world.dir.join("input.ndjson"), world.dir.join("output.ndjson"));
    world.count.events = world.ask(|wire| dump(wire, INPUT, &input));
    world.count.outputs = world.ask(|wire| dump(wire, OUTPUT, &output));
    world.count.pauses = pauses::around(&world.spans, &pauses::stored(&output), &acknowledged);
    world.count.rebuilds = world.rebuilds();
    let (clean, report) = oracle(&world.tools.config, &input, &output);
    world.note(&format!("oracle: {report}"));
    for line in report.lines().filter(|line| !line.starts_with(' ')).skip(1) {
        if let Some((sort, count)) = line.split_once(": ") {
            world.count.wrong.insert(sort.to_owned(), count.trim().parse().unwrap_or(1));
        }
    }
    assert!(clean || !world.count.wrong.is_empty(), "the oracle says: {report}");
    audit(world);
}

/// The program's own audit must find every output and nothing else.
fn audit(world: &mut World) {
    let mut command = Command::new(&world.tools.binary);
    command.args(["audit", "--complete", "--json", "--config"]).arg(&world.tools.config);
    command.args(["--nats-url", &world.cluster.urls()]);
    command.arg("--set").arg(format!("state.path={}", world.dir.join("no-state").display()));
    command.env_remove("SIDESTREAM_NATS_URL").env_remove("SIDESTREAM_LOG").stdin(Stdio::null());
    let run = command.output().unwrap();
    let said = String::from_utf8_lossy(&run.stdout).into_owned();
    world.note(&format!("audit ended by {}: {said} {}", run.status, String::from_utf8_lossy(&run.stderr)));
    let report: serde_json::Value = serde_json::from_str(&said).unwrap_or_default();
    let found = (report["verdict"].as_str(), report["checked"].as_u64());
    if found != (Some("clean"), Some(world.count.outputs)) {
        world.count.wrong.insert("audit".to_owned(), 1);
    }
}
