//! The world of a round on three servers: the cluster, the load, the engine at work, and what is counted.
//!
//! An engine that ends by itself fails no round at once: it is counted, with its words, and started again, so that
//! a run tells how often that happens.

use super::count::Count;
use super::pauses::Span;
use super::plan::{Round, Step};
use crate::engine::{Engine, Launch};
use crate::harness::cluster::{Cluster, SERVERS};
use crate::harness::steady::{Steady, now_ns};
use crate::harness::streams::{self, INPUT};
use crate::harness::wait::{try_within, wait_within};
use crate::harness::wire::Wire;
use crate::plan::Start;
use crate::world::{RECOVERY, Tools};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// One round's world. The engine comes first, so that it is gone before its servers.
pub struct World {
    engine: Option<Engine>,
    pub load: Option<Steady>,
    pub count: Count,
    pub spans: Vec<Span>,
    pub tools: Arc<Tools>,
    pub dir: PathBuf,
    pub cluster: Cluster,
    wire: Option<Wire>,
    journal: File,
    start: Start,
    urls: String,
    engines: u32,
}

impl World {
    /// New streams with three replicas on a new cluster, an engine, and its load of so many events a second.
    pub fn new(tools: Arc<Tools>, dir: &Path, round: &Round, rate: u64) -> World {
        fs::create_dir_all(dir).unwrap();
        fs::write(dir.join("plan.txt"), round.to_string()).unwrap();
        let cluster = Cluster::start_proxied();
        cluster.create_streams(SERVERS);
        let order = (0..SERVERS).map(|n| cluster.url((n + round.first) % SERVERS));
        let urls = order.collect::<Vec<_>>().join(",");
        let servers = (0..SERVERS).map(|n| cluster.address(n)).collect();
        let (shards, interval_ms) = (round.shards, round.interval_ms);
        let start = Start { shards, interval_ms, slices: 4, cache_rows: 1_000_000, direct: true };
        let mut world = World {
            engine: None,
            load: Some(Steady::start(servers, round.seed, rate)),
            count: Count::default(),
            spans: Vec::new(),
            tools,
            dir: dir.to_owned(),
            cluster,
            wire: None,
            journal: File::create(dir.join("journal.txt")).unwrap(),
            start,
            urls,
            engines: 0,
        };
        world.launch(&[]);
        world
    }

    /// Writes a line into the round's journal.
    pub fn note(&mut self, line: &str) {
        let at = self.tools.began.elapsed().as_secs_f64();
        writeln!(self.journal, "{at:9.3} {line}").unwrap();
    }

    /// Starts an engine on the state of the one before.
    pub fn launch(&mut self, flags: &[&str]) {
        self.engines += 1;
        let state = self.dir.join("state");
        let (binary, config) = (&self.tools.binary, &self.tools.config);
        let launch = Launch { binary, config, dir: &self.dir, url: &self.urls, state: &state, flags, shim: None };
        let engine = Engine::launch(self.engines, launch, &self.start);
        self.note(&format!("engine {} starts {flags:?}", engine.number));
        self.engine = Some(engine);
    }

    /// The engine at work.
    pub fn engine(&mut self) -> &mut Engine {
        self.engine.as_mut().expect("an engine is at work")
    }

    /// Kills the engine, and starts it again.
    pub fn kill_engine(&mut self) {
        if self.refused().is_none() {
            self.engine().kill();
            self.note("engine killed");
            self.count.engine_kills += 1;
        }
        self.launch(&[]);
    }

    /// Counts an engine that has ended by itself: its exit and last words.
    fn refused(&mut self) -> Option<String> {
        let status = self.engine().ended()?;
        let tail = self.engine().tail();
        let last: Vec<&str> = tail.lines().rev().take(2).collect();
        let words = format!("engine {} ended by itself, {status}: {}", self.engines, last.join(" / "));
        self.note(&words);
        self.count.refusals.push(words.clone());
        Some(words)
    }

    /// Starts the engine again if it has ended by itself.
    pub fn keep_running(&mut self) {
        if self.refused().is_some() {
            self.launch(&[]);
        }
    }

    /// Asks a server that can answer until it does.
    pub fn ask<T>(&mut self, mut question: impl FnMut(&mut Wire) -> io::Result<T>) -> T {
        wait_within(RECOVERY, "an answer of the cluster", || {
            let wire = self.wire.get_or_insert_with(|| self.cluster.wire());
            let answer = question(wire).ok();
            if answer.is_none() {
                self.wire = None;
            }
            answer
        })
    }

    /// Lets time pass while a fault is at work.
    pub fn for_a_while(&mut self, time: Duration) {
        let _ = try_within(time, || {
            self.keep_running();
            None::<()>
        });
    }

    /// Carries out a fault between two times at which all is well, and notes the span.
    pub fn strike(&mut self, step: &Step) {
        let from_ns = now_ns();
        self.note(&format!("{step} begins"));
        super::strike::strike(self, step);
        self.note("healed");
        self.recovered();
        let (fault, until_ns) = (step.fault, now_ns());
        self.spans.push(Span { fault, from_ns, until_ns });
        self.note(&format!("{} over after {:.1} s", fault.name(), (until_ns - from_ns) as f64 / 1e9));
    }

    /// Waits until all replicas follow, and the engine is well.
    pub fn recovered(&mut self) {
        self.cluster.wait_until_whole();
        self.caught_up();
    }

    /// Waits until the engine is ready and has done what the input holds now.
    pub fn caught_up(&mut self) {
        let end = self.ask(|wire| streams::last(wire, INPUT));
        wait_within(RECOVERY, "an engine that is well", || {
            self.keep_running();
            (self.engine().is_ready() && self.ask(streams::cause) > end).then_some(())
        });
    }

    /// Lines of all engines' logs that tell of a rebuild.
    pub fn rebuilds(&self) -> Vec<String> {
        let logs = (1..=self.engines).map(|n| fs::read_to_string(self.dir.join(format!("engine-{n:03}.log"))));
        let lines = logs.flat_map(|log| log.unwrap_or_default().lines().map(str::to_owned).collect::<Vec<_>>());
        lines.filter(|line| line.contains("rebuild") || line.contains("set aside")).collect()
    }
}
