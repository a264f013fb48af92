//! A disk without room under the state directory: the engine waits, says so, and goes on by itself.
//!
//! The largest file that the process may write stands for the disk: the kernel refuses what is longer, as a full disk does,
//! and the limit can be lifted while the process runs.

use crate::harness::bed::Bed;
use crate::harness::engine::Engine;
use crate::harness::load::{publish, school};
use crate::harness::wait::wait_until;
use crate::http::client::get;
use std::process::Command;

/// Starts an engine whose files may have so many KiB. A soft limit: whoever started the process may lift it.
fn limited(bed: &Bed, kib: u32, engine: &str) -> Engine {
    let mut command = Command::new("bash");
    // The signal would end the process before the error reaches it.
    command.arg("-c").arg(format!("trap '' XFSZ; ulimit -S -f {kib}; exec \"$0\" \"$@\""));
    command.arg(env!("CARGO_BIN_EXE_sidestream")).arg("run").arg("--config").arg(&bed.config);
    command.env_remove("SIDESTREAM_NATS_URL").env_remove("SIDESTREAM_LOG").env("NO_COLOR", "1").env("FAILPOINTS", "");
    for (key, value) in bed.sets_of("state", &[("state.engine", engine)]) {
        command.arg("--set").arg(format!("{key}={value}"));
    }
    Engine::of("limited", command)
}

/// There is room again.
fn lift(engine: &Engine) {
    let pid = engine.pid().to_string();
    assert!(Command::new("prlimit").args(["--pid", &pid, "--fsize=unlimited"]).status().unwrap().success());
}

fn waits_and_goes_on(engine: &str, kib: u32, events: u64) {
    let mut bed = Bed::new();
    let mut process = limited(&bed, kib, engine);
    publish(&mut bed.wire, &mut school(9, 0), events).unwrap();
    process.wait_for_log("no room on the disk of the state directory");
    let address = process.address().to_owned();
    wait_until("a health page that says so", || {
        let page = get(address.parse().unwrap(), "/readyz");
        (page.status == 503 && page.body.contains("no room")).then_some(())
    });
    assert!(process.runs());
    lift(&process);
    bed.finish();
    let log = process.drain();
    assert!(!log.contains("set aside"), "{log}");
    bed.assert_clean();
}

#[test]
fn a_full_disk_under_sled_is_waited_for() {
    waits_and_goes_on("sled", 512, 6_000);
}

#[test]
fn a_full_disk_at_the_first_start_is_waited_for() {
    waits_and_goes_on("sled", 1, 100);
    // Its journal has 64 MiB from the beginning.
    waits_and_goes_on("fjall", 512, 100);
}
