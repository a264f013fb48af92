//! A small world for a refusal: few events, an engine that runs to their end, and one that is expected to refuse.

use crate::harness::bed::Bed;
use crate::harness::engine::Engine;
use crate::harness::load::publish_last;
use crate::harness::origin::{Origin, origins};
use crate::harness::streams::{INPUT, OUTPUT, api, last};
use crate::harness::wait::{DEADLINE, wait_until};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// No checkpoint unless the engine drains.
pub const SELDOM: (&str, &str) = ("engine.checkpoint_interval_ms", "60000");

/// Server, streams, and how many events were published.
pub struct Stage {
    pub bed: Bed,
    events: u64,
}

/// How an engine refused.
pub struct Refused {
    pub code: i32,
    /// What it said, from `error:` on.
    pub said: String,
}

impl Refused {
    /// Asserts exit code, message and hint; both may be given in part.
    pub fn is(&self, code: i32, message: &str, hint: &str) {
        let (error, hinted) = self.said.split_once("\nhint: ").unwrap_or_else(|| panic!("no hint: {}", self.said));
        assert_eq!(self.code, code, "{}", self.said);
        assert!(error.contains(message), "{error:?} has not {message:?}");
        assert!(hinted.contains(hint), "{hinted:?} has not {hint:?}");
    }
}

impl Stage {
    /// So many events in the input, and no engine yet.
    pub fn new(events: u64) -> Stage {
        let bed = Bed { sets: vec![("engine.shards", "2")], ..Bed::new() };
        let mut stage = Stage { bed, events: 0 };
        stage.publish(events);
        stage
    }

    /// The same, after an engine processed them and drained.
    pub fn processed(events: u64) -> Stage {
        let mut stage = Stage::new(events);
        stage.run(&[]);
        stage
    }

    /// Publishes more events; each has an output.
    pub fn publish(&mut self, count: u64) {
        for _ in 0..count {
            self.events += 1;
            let n = self.events;
            self.event(&format!(
                r#"{{"title":"user","event_uuid":"e{n}","properties":{{"uuid":"u{}","city":"c{n}"}}}}"#,
                n % 5
            ));
        }
    }

    /// Publishes one event as it is, and waits until it is stored.
    pub fn event(&mut self, json: &str) {
        let before = self.last();
        self.bed.wire.publish("events.any", &[], json.as_bytes()).unwrap();
        self.bed.wire.flush().unwrap();
        wait_until("an event to be stored", || (self.last() > before).then_some(()));
    }

    /// The last position of the input.
    pub fn last(&mut self) -> u64 {
        last(&mut self.bed.wire, INPUT).unwrap()
    }

    /// The lane's last sequence.
    pub fn lane_last(&mut self) -> u64 {
        last(&mut self.bed.wire, OUTPUT).unwrap()
    }

    /// Runs an engine to the input's end and drains it.
    pub fn run(&mut self, flags: &[&str]) -> String {
        let mut engine = self.engine(flags, &[]);
        engine.wait_for_log("ready:");
        self.until_done();
        engine.drain()
    }

    /// Runs an engine to the input's end and kills it before it has written a checkpoint.
    pub fn run_and_kill(&mut self, flags: &[&str], sets: &[(&str, &str)]) {
        let mut engine = self.engine(flags, &[&[SELDOM], sets].concat());
        engine.wait_for_log("ready:");
        self.until_done();
        engine.kill();
    }

    /// Starts an engine.
    pub fn engine(&self, flags: &[&str], sets: &[(&str, &str)]) -> Engine {
        Engine::armed("state", &self.bed.config, &self.bed.sets_of("state", sets), flags, "")
    }

    /// Waits until the lane has reached the input's end.
    pub fn until_done(&mut self) {
        let end = self.last();
        wait_until("the lane to reach the input's end", || (self.bed.cause() == end).then_some(()));
    }

    /// Starts an engine that ends by itself.
    pub fn refused(&self, flags: &[&str], sets: &[(&str, &str)]) -> Refused {
        self.refused_as("state", flags, sets)
    }

    /// The same with another state directory.
    pub fn refused_as(&self, name: &str, flags: &[&str], sets: &[(&str, &str)]) -> Refused {
        let (code, log) =
            Engine::armed(name, &self.bed.config, &self.bed.sets_of(name, sets), flags, "").exited(DEADLINE);
        let at = log.find("\nerror: ").map(|at| at + 1).or(log.find("error: ")).unwrap_or_else(|| panic!("{log}"));
        Refused { code: code.unwrap(), said: log[at..].trim_end().to_owned() }
    }

    /// A call of the server's API that succeeds.
    pub fn api(&mut self, call: &str, body: Value) -> Value {
        let reply = api(&mut self.bed.wire, call, &body).unwrap();
        assert!(reply.get("error").is_none(), "{call}: {reply}");
        reply
    }

    /// Retention takes everything of a stream before a sequence.
    pub fn purge(&mut self, stream: &str, before: u64) {
        self.api(&format!("STREAM.PURGE.{stream}"), json!({ "seq": before }));
    }

    /// Deletes one message.
    pub fn delete(&mut self, stream: &str, sequence: u64) {
        self.api(&format!("STREAM.MSG.DELETE.{stream}"), json!({ "seq": sequence }));
    }

    /// What the outputs say of themselves.
    pub fn origins(&mut self) -> Vec<Origin> {
        origins(&mut self.bed.wire)
    }

    /// The positions of all outputs.
    pub fn positions(&mut self) -> Vec<u64> {
        self.origins().iter().map(|output| output.position).collect()
    }

    /// The event directory goes away.
    pub fn lose_state(&self) {
        std::fs::remove_dir_all(self.bed.state("state")).unwrap();
    }

    /// A copy of a stream as the server has it on disk.
    pub fn copy(&mut self, stream: &str) -> PathBuf {
        self.bed.copy(stream)
    }

    /// Puts a copy in the stream's place: the server has lost what came after it.
    pub fn restore(&mut self, stream: &str, copy: &Path) {
        self.bed.restore(stream, copy);
    }

    /// Publishes an event that surely has an output, waits for it, and asks the oracle.
    pub fn finish_clean(&mut self, engine: Engine) {
        self.bed.finish();
        engine.drain();
        self.bed.assert_clean();
    }

    /// Publishes an event that surely has an output and waits for it; returns its position.
    pub fn own_output(&mut self) -> u64 {
        let end = publish_last(&mut self.bed.wire);
        self.until_done();
        end
    }
}
