//! What operators meet around the engine: logins that come and go, streams that are not there yet, limits and signals of
//! the system. The real program and the real server.

mod access;
mod domain;
mod imports;
mod jwt;
mod process;
mod waiting;

use crate::harness::bed::Bed;
use crate::harness::engine::Engine;
use crate::harness::streams;
use crate::harness::wire::Wire;
use crate::server::Server;
use std::path::Path;
use std::process::Command;

/// A bed over a server of its own with empty streams, for a wire that needs no login.
fn bed_on(server: Server) -> Bed {
    let mut bed = bare_on(server);
    streams::create(&mut bed.wire);
    bed
}

/// The same without streams.
fn bare_on(server: Server) -> Bed {
    let wire = Wire::connect(server.address()).unwrap();
    bare_with(server, wire)
}

/// The same with a wire that has logged in.
fn bare_with(server: Server, wire: Wire) -> Bed {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("config.toml");
    Bed { server, wire, dir: tempfile::tempdir().unwrap(), config, sets: Vec::new() }
}

/// The engine behind a line of a shell, such as `ulimit -n 16`.
fn behind(line: &str, bed: &Bed, more: &[&str]) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{line}; exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_sidestream"), "run"]);
    command.arg("--config").arg(&bed.config).args(more);
    command.env_remove("SIDESTREAM_NATS_URL").env_remove("SIDESTREAM_LOG").env("NO_COLOR", "1");
    for (key, value) in bed.sets_of("state", &[]) {
        command.arg("--set").arg(format!("{key}={value}"));
    }
    command
}

/// The status and the words of `/readyz`.
fn ready(engine: &Engine) -> (bool, String) {
    page(engine, "/readyz")
}

/// Whether a page is served with 200, and its text.
fn page(engine: &Engine, page: &str) -> (bool, String) {
    sidestream::app::inspect::ask_health(engine.address().parse().unwrap(), page).unwrap()
}
