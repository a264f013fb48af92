//! A live engine's past to replay, the command, and what stands in both lanes.

use crate::harness::bed::Bed;
use crate::harness::command::{Ran, begin, ended};
use crate::harness::dump::each;
use crate::harness::load::{publish, school};
use crate::harness::streams::{INPUT, OUTPUT, api, last};
use crate::harness::wait::wait_until;
use crate::harness::wire::Message;
use serde_json::{Value, json};
use std::process::Child;

/// The replay's stream unless a test names another.
pub const LANE: &str = "ENRICHED_REPLAY";

/// A column more, and an enrichment that shows it instead of the shipped ones.
pub const CITY: &[(&str, &str)] = &[
    ("tables.user.columns.city", "properties.city"),
    ("enrich", r#"[{ kinds = ["lesson"], on_miss = "null", add = { city = "user.city", country = "user.country" } }]"#),
];

/// One outcome of a lane.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    pub position: u64,
    pub subject: String,
    pub headers: Vec<(String, String)>,
    pub payload: Vec<u8>,
}

/// Server, streams, and a past.
pub struct Stage {
    pub bed: Bed,
}

impl Stage {
    /// So many events of a hard school, which a live engine has processed before it was stopped.
    pub fn school(events: u64) -> Stage {
        let mut bed = Bed { sets: vec![("engine.shards", "2")], ..Bed::new() };
        publish(&mut bed.wire, &mut school(7, 60), events).unwrap();
        let mut stage = Stage { bed };
        stage.run_live();
        stage
    }

    /// No events yet.
    pub fn empty() -> Stage {
        Stage { bed: Bed { sets: vec![("engine.shards", "2")], ..Bed::new() } }
    }

    /// Runs the live engine to the input's end, which it marks with an event of its own, and stops it.
    pub fn run_live(&mut self) {
        let engine = self.bed.engine("state", &[]);
        self.bed.finish();
        engine.drain();
    }

    /// Publishes users with a country and a city, five of them in turn, and after each a lesson.
    pub fn users(&mut self, from: u64, count: u64) {
        for n in from..from + count {
            let user = n % 5;
            let events = [
                (
                    "user",
                    format!(
                        r#"{{"title":"user","event_uuid":"u{n}","properties":{{"uuid":"u{user}","country":"k{n}","city":"c{n}"}}}}"#
                    ),
                ),
                (
                    "lesson",
                    format!(
                        r#"{{"title":"lesson","event_uuid":"l{n}","properties":{{"user_uuid":"u{user}","language":"pt"}}}}"#
                    ),
                ),
            ];
            for (kind, event) in events {
                self.bed.wire.publish(&format!("events.{kind}"), &[], event.as_bytes()).unwrap();
            }
        }
        self.bed.wire.flush().unwrap();
        let end = 2 * (from + count - 1);
        wait_until("events to be stored", || (self.last(INPUT) >= end).then_some(()));
    }

    /// Runs `sidestream replay` to its end.
    pub fn replay(&self, arguments: &[&str]) -> Ran {
        ended(self.begin(arguments))
    }

    /// The same where it must succeed.
    pub fn replayed(&self, arguments: &[&str]) -> Ran {
        let ran = self.replay(arguments);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        ran
    }

    /// Starts `sidestream replay`.
    pub fn begin(&self, arguments: &[&str]) -> Child {
        begin(&self.bed, &[&["replay", "--log-filter", "info"], arguments].concat(), "")
    }

    /// The audit of the default replay, which must be clean and complete, and how many outputs it checked.
    pub fn audit(&self) -> u64 {
        let directory = self.directory(LANE);
        let ran = ended(begin(&self.bed, &["audit", "--complete", "--json", "--replay", &directory], ""));
        let report: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{ran:?}"));
        assert_eq!((ran.code, &report["unchecked"]), (Some(0), &json!(0)), "{report}");
        report["checked"].as_u64().unwrap()
    }

    /// Where a replay into a stream keeps its state unless it is told otherwise.
    pub fn directory(&self, lane: &str) -> String {
        format!("{}-replay-{lane}", self.bed.state("state").display())
    }

    pub fn last(&mut self, stream: &str) -> u64 {
        last(&mut self.bed.wire, stream).unwrap()
    }

    /// Every stream of the server with its last sequence.
    pub fn streams(&mut self) -> Vec<(String, u64)> {
        let reply = self.api("STREAM.LIST", json!({}));
        let streams = reply["streams"].as_array().unwrap().iter();
        let of = |stream: &Value| {
            let name = stream["config"]["name"].as_str().unwrap().to_owned();
            (name, stream["state"]["last_seq"].as_u64().unwrap())
        };
        let mut all: Vec<_> = streams.map(of).collect();
        all.sort();
        all
    }

    /// A call of the server's API that succeeds.
    pub fn api(&mut self, call: &str, body: Value) -> Value {
        let reply = api(&mut self.bed.wire, call, &body).unwrap();
        assert!(reply.get("error").is_none(), "{call}: {reply}");
        reply
    }

    /// When an event was stored, as the server writes it.
    pub fn stored_at(&mut self, position: u64) -> String {
        let reply = self.api(&format!("STREAM.MSG.GET.{INPUT}"), json!({ "seq": position }));
        reply["message"]["time"].as_str().unwrap().to_owned()
    }

    /// The outcomes of a lane; subjects without `prefix`, headers without what differs from run to run.
    pub fn outcomes(&mut self, stream: &str, prefix: &str) -> Vec<Outcome> {
        let mut all = Vec::new();
        let read = each(&mut self.bed.wire, stream, |_, _, message| {
            all.push(outcome(message, prefix));
            Ok(())
        });
        assert_eq!(read.unwrap(), all.len() as u64);
        all
    }

    /// The live outcomes that satisfy a condition.
    pub fn live(&mut self, holds: impl Fn(&Outcome) -> bool) -> Vec<Outcome> {
        let all = self.outcomes(OUTPUT, "");
        all.into_iter().filter(|outcome| holds(outcome)).collect()
    }

    /// The input subjects of all positions, from 1.
    pub fn subjects(&mut self) -> Vec<String> {
        let mut all = Vec::new();
        each(&mut self.bed.wire, INPUT, |_, _, message| {
            all.push(message.subject);
            Ok(())
        })
        .unwrap();
        all
    }
}

fn outcome(message: Message, prefix: &str) -> Outcome {
    let position = message.headers.iter().find(|(name, _)| name == "Sidestream-Position").unwrap();
    let position = position.1.rsplit(':').nth(1).unwrap().parse().unwrap();
    let own = |name: &str| name == "Sidestream-Run" || name.starts_with("Nats-");
    let subject = message.subject.strip_prefix(prefix).unwrap_or_else(|| panic!("{message:?}")).to_owned();
    let headers = message.headers.into_iter().filter(|(name, _)| !own(name)).collect();
    Outcome { position, subject, headers, payload: message.payload }
}
