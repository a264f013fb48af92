//! A cluster with both streams, engines over it, and the oracle's verdict at the end.

use crate::harness::bed::oracle;
use crate::harness::cluster::{Cluster, SERVERS};
use crate::harness::dump::{dump, each};
use crate::harness::engine::Engine;
use crate::harness::load::{publish, try_publish_last};
use crate::harness::page::page;
use crate::harness::steady::{Steady, longest_gap};
use crate::harness::streams::{self, INPUT, OUTPUT};
use crate::harness::wait::{DEADLINE, try_within, wait_within};
use crate::harness::wire::Wire;
use sidestream::generate::School;
use std::io;
use std::path::{Path, PathBuf};

/// Cluster, streams and directory of one test.
pub struct Stage {
    pub cluster: Cluster,
    pub dir: tempfile::TempDir,
    pub config: PathBuf,
    wire: Option<Wire>,
}

impl Stage {
    /// Both streams with so many replicas on a cluster whose servers reach each other directly.
    pub fn new(replicas: usize) -> Stage {
        Stage::on(Cluster::start(), replicas)
    }

    /// Both streams on this cluster.
    pub fn on(cluster: Cluster, replicas: usize) -> Stage {
        cluster.create_streams(replicas);
        Stage::of(cluster)
    }

    /// A cluster that has its streams already.
    pub fn of(cluster: Cluster) -> Stage {
        let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("config.toml");
        Stage { cluster, dir: tempfile::tempdir().unwrap(), config, wire: None }
    }

    /// Where an engine of this name keeps its state.
    pub fn state(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// An engine that knows all servers.
    pub fn engine(&self, sets: &[(&str, &str)]) -> Engine {
        self.engine_at(&self.cluster.urls(), sets)
    }

    /// An engine that knows these servers.
    pub fn engine_at(&self, url: &str, sets: &[(&str, &str)]) -> Engine {
        let state = self.state("state").display().to_string();
        let base = [("nats.url", url), ("http.listen", "127.0.0.1:0"), ("state.path", &*state)];
        let all: Vec<(String, String)> =
            base.iter().chain(sets).map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Engine::start("state", &self.config, &all)
    }

    /// What an engine says of its readiness: the status and the reason; 0 without an answer.
    pub fn readiness(engine: &Engine) -> (u16, String) {
        page(engine.address().parse().unwrap(), "/readyz").unwrap_or_default()
    }

    /// Asks a server that can answer until it does.
    pub fn ask<T>(&mut self, mut question: impl FnMut(&mut Wire) -> io::Result<T>) -> T {
        wait_within(DEADLINE, "an answer of the cluster", || {
            let wire = self.wire.get_or_insert_with(|| self.cluster.wire());
            match question(wire) {
                Ok(answer) => Some(answer),
                Err(_) => {
                    self.wire = None;
                    None
                }
            }
        })
    }

    /// The last sequence of a stream.
    pub fn last(&mut self, stream: &str) -> u64 {
        self.ask(|wire| streams::last(wire, stream))
    }

    /// Waits until the output has at least so many messages.
    pub fn grown(&mut self, outputs: u64) {
        wait_within(DEADLINE, &format!("the output to grow to {outputs}"), || {
            (self.last(OUTPUT) >= outputs).then_some(())
        });
    }

    /// Publishes so many events to an input that has a leader, and waits until they are stored.
    pub fn publish(&mut self, school: &mut School, count: u64) {
        self.cluster.leader(INPUT);
        publish(&mut self.cluster.wire(), school, count).unwrap();
    }

    /// Publishes an event that surely has an output, and waits until the output stream ends with it. What a load sent without
    /// waiting for an answer may be stored behind it, on servers that were frozen: then one more is published.
    pub fn finish(&mut self) {
        loop {
            let end = self.ask(try_publish_last);
            let mut cause = 0;
            let reached = try_within(2 * DEADLINE, || {
                cause = self.ask(streams::cause);
                (cause >= end).then_some(())
            });
            let input = self.last(INPUT);
            assert!(reached.is_some(), "the output ends at position {cause}, and not {end}; the input at {input}");
            if cause == end && input == end {
                return;
            }
        }
    }

    /// So many events a second, to whichever server acknowledges them.
    pub fn load(&self, seed: u64, rate: u64) -> Steady {
        Steady::start((0..SERVERS).map(|server| self.cluster.address(server)).collect(), seed, rate)
    }

    /// The longest time in seconds between two messages of a stream in this span, by when the server stored them.
    pub fn pause(&mut self, stream: &str, from_ns: u64, until_ns: u64) -> f64 {
        let mut times = Vec::new();
        let note = |_, time_ns, _| {
            times.push(time_ns);
            Ok(())
        };
        each(&mut self.cluster.wire(), stream, note).unwrap();
        longest_gap(&times, from_ns, until_ns)
    }

    /// The names beside the state directory that begin as it does: one for each directory that was set aside.
    pub fn state_directories(&self) -> Vec<String> {
        let names = std::fs::read_dir(self.dir.path()).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with("state")).collect()
    }

    /// An engine that has drained: nothing was rebuilt or set aside, and both streams are exact.
    pub fn assert_undisturbed(&mut self, log: &str) {
        assert!(!log.contains("rebuild") && !log.contains("set aside"), "{log}");
        assert_eq!(self.state_directories(), ["state"]);
        self.assert_clean();
    }

    /// Dumps both streams and asks the oracle; returns how many events and outputs there are.
    pub fn assert_clean(&mut self) -> (u64, u64) {
        let (input, output) = (self.dir.path().join("input.ndjson"), self.dir.path().join("output.ndjson"));
        self.cluster.wait_until_whole();
        let events = self.ask(|wire| dump(wire, INPUT, &input));
        let outputs = self.ask(|wire| dump(wire, OUTPUT, &output));
        let (clean, report) = oracle(&self.config, &input, &output);
        assert!(clean, "{report}");
        (events, outputs)
    }
}
