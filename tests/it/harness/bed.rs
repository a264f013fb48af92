//! A test's bed: a server with both streams, a directory, engines over them, and the oracle's verdict at the end.

use super::dump::{dump, each};
use super::engine::Engine;
use super::load::publish_last;
use super::streams::{self, INPUT, OUTPUT};
use super::wait::{DEADLINE, try_within};
use super::wire::{Message, Wire};
use crate::server::Server;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Server, streams and directory of one test.
pub struct Bed {
    pub server: Server,
    pub wire: Wire,
    pub dir: tempfile::TempDir,
    /// The configuration that engines and oracle read.
    pub config: PathBuf,
    /// Overrides that every engine gets.
    pub sets: Vec<(&'static str, &'static str)>,
}

impl Bed {
    /// A new server with empty streams, and the shipped configuration.
    pub fn new() -> Bed {
        Bed::with_config("config.toml")
    }

    /// The same with another configuration, named from the repository's root.
    pub fn with_config(config: &str) -> Bed {
        Bed::over(Server::start(), config)
    }

    /// The shipped configuration and empty streams on a server that lets us do everything without a login.
    pub fn on(server: Server) -> Bed {
        Bed::over(server, "config.toml")
    }

    fn over(server: Server, config: &str) -> Bed {
        let mut wire = Wire::connect(server.address()).unwrap();
        streams::create(&mut wire);
        let config = Path::new(env!("CARGO_MANIFEST_DIR")).join(config);
        Bed { server, wire, dir: tempfile::tempdir().unwrap(), config, sets: Vec::new() }
    }

    /// Where an engine of this name keeps its state.
    pub fn state(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Starts an engine with these overrides; its state directory is named after it.
    pub fn engine(&self, name: &str, sets: &[(&str, &str)]) -> Engine {
        Engine::start(name, &self.config, &self.sets_of(name, sets))
    }

    /// All overrides of an engine.
    pub fn sets_of(&self, name: &str, sets: &[(&str, &str)]) -> Vec<(String, String)> {
        let state = self.state(name).display().to_string();
        let url = self.server.url();
        let base = [("nats.url", &*url), ("http.listen", "127.0.0.1:0"), ("state.path", &*state)];
        let all: BTreeMap<&str, &str> =
            base.into_iter().chain(self.sets.iter().copied()).chain(sets.iter().copied()).collect();
        all.into_iter().map(|(key, value)| (key.into(), value.into())).collect()
    }

    /// Connects anew, after the server was killed.
    pub fn reconnect(&mut self) {
        self.wire = Wire::connect(self.server.address()).unwrap();
    }

    /// A copy of a stream as the server has it on disk.
    pub fn copy(&mut self, stream: &str) -> PathBuf {
        let last = self.last(stream);
        let copy = self.dir.path().join(format!("{stream}.copy-{last}"));
        self.down(|server| copy_dir(&server.stream_dir(stream), &copy));
        copy
    }

    /// Puts a copy in the stream's place: the server has lost what came after it.
    pub fn restore(&mut self, stream: &str, copy: &Path) {
        self.down(|server| {
            std::fs::remove_dir_all(server.stream_dir(stream)).unwrap();
            copy_dir(copy, &server.stream_dir(stream));
        });
    }

    /// Does something while the server is down.
    fn down(&mut self, work: impl FnOnce(&Server)) {
        self.server.kill();
        work(&self.server);
        self.server.restart();
        self.reconnect();
    }

    /// The position of the lane's newest message.
    pub fn cause(&mut self) -> u64 {
        streams::cause(&mut self.wire).unwrap()
    }

    /// The last sequence of a stream.
    pub fn last(&mut self, stream: &str) -> u64 {
        streams::last(&mut self.wire, stream).unwrap()
    }

    /// Whether the lane has at least so many outputs.
    pub fn lane_has(&mut self, outputs: u64) -> bool {
        self.last(OUTPUT) >= outputs
    }

    /// Publishes an event that surely has an output, and waits until the lane has it.
    pub fn finish(&mut self) -> u64 {
        let end = publish_last(&mut self.wire);
        let reached = try_within(DEADLINE, || (self.cause() == end).then_some(()));
        assert!(reached.is_some(), "the lane stands at {} of {end}, output {}", self.cause(), self.last(OUTPUT));
        end
    }

    /// The lane as it stands, without what differs from run to run.
    pub fn lane(&mut self) -> Vec<Message> {
        let mut lane = Vec::new();
        let read = each(&mut self.wire, OUTPUT, |_, _, mut message| {
            message.reply.clear();
            message.headers.retain(|(name, _)| name != "Sidestream-Run");
            lane.push(message);
            Ok(())
        });
        assert_eq!(read.unwrap(), lane.len() as u64);
        lane
    }

    /// Dumps both streams and asks the oracle; returns how many events and outputs there are.
    pub fn assert_clean(&mut self) -> (u64, u64) {
        let (input, output) = (self.dir.path().join("input.ndjson"), self.dir.path().join("output.ndjson"));
        let events = dump(&mut self.wire, INPUT, &input).unwrap();
        let outputs = dump(&mut self.wire, OUTPUT, &output).unwrap();
        let (clean, report) = oracle(&self.config, &input, &output);
        assert!(clean, "{report}");
        (events, outputs)
    }
}

fn copy_dir(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_dir(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The oracle's verdict on two dumps, and what it says.
pub fn oracle(config: &Path, input: &Path, output: &Path) -> (bool, String) {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/oracle.py");
    let mut command = Command::new("python3");
    command.arg("-B").arg(program).arg("--config").arg(config);
    let run = command.arg("--input").arg(input).arg("--output").arg(output).output();
    let run = run.expect("python3 runs the oracle");
    let said = String::from_utf8_lossy(&run.stdout).into_owned() + &String::from_utf8_lossy(&run.stderr);
    (run.status.success(), said)
}
