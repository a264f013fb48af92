//! One command of the program, run to its end.

use super::bed::Bed;
use serde_json::Value;
use std::process::{Child, Command, Stdio};

/// How a command ended.
#[derive(Debug)]
pub struct Ran {
    /// The exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// Standard output as one JSON value a line.
    pub fn json(&self) -> Vec<Value> {
        let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.out.lines().map(parse).collect()
    }

    /// The same for a command that must have succeeded.
    pub fn lines(&self) -> Vec<Value> {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.json()
    }
}

/// Runs a command over a bed's configuration and server.
pub fn run(bed: &Bed, arguments: &[&str]) -> Ran {
    ended(begin(bed, arguments, ""))
}

/// Starts a command, with failpoints armed in the notation of the `fail` crate.
pub fn begin(bed: &Bed, arguments: &[&str], failpoints: &str) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sidestream"));
    command.args(arguments).arg("--config").arg(&bed.config);
    command.env_remove("SIDESTREAM_NATS_URL").env_remove("SIDESTREAM_LOG").env("NO_COLOR", "1");
    command.env("FAILPOINTS", failpoints);
    for (key, value) in bed.sets_of("state", &[]) {
        command.arg("--set").arg(format!("{key}={value}"));
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits for a command's end.
pub fn ended(command: Child) -> Ran {
    let output = command.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}
