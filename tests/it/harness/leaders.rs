//! Who leads what in a cluster, and how its streams are made, moved and changed: by the servers' own API.
//!
//! An answer counts only when it comes from the servers that can answer for the whole; while there is none, these
//! questions wait for it.

use super::cluster::{Cluster, SERVERS, SILENCE};
use super::streams::{INPUT, OUTPUT, api, input, output};
use super::wait::{DEADLINE, wait_within};
use super::wire::Wire;
use serde_json::{Value, json};
use std::time::Duration;

/// Behind this time without a word a replica is not taken for current, whatever the answer calls it.
const HEARD_WITHIN_NS: u64 = 1_500_000_000;

impl Cluster {
    /// Makes both streams with so many replicas each, and waits until each has its leader.
    pub fn create_streams(&self, replicas: usize) {
        for stream in [input(), output()] {
            self.create_stream(stream, replicas);
        }
    }

    /// Makes one stream from a configuration, and waits until it has a leader and all replicas.
    pub fn create_stream(&self, mut config: Value, replicas: usize) {
        config["num_replicas"] = json!(replicas);
        let name = config["name"].as_str().unwrap().to_owned();
        self.call(&format!("STREAM.CREATE.{name}"), &config);
        self.wait_for_replicas(&name);
    }

    /// One call of the API that must succeed; asked again until somebody answers.
    pub fn call(&self, call: &str, body: &Value) -> Value {
        let mut last = String::new();
        let answer = super::wait::try_within(DEADLINE, || match self.try_call(call, body) {
            // Without a leader of the cluster; not enough servers heard yet; no servers to place it yet.
            Some(answer) if answer.get("error").is_some() => {
                last = answer.to_string();
                let code = answer["error"]["err_code"].as_u64();
                assert!(matches!(code, Some(10_008 | 10_005 | 10_074)), "{call}: {answer}");
                None
            }
            answer => answer,
        });
        answer.unwrap_or_else(|| panic!("{call}: no answer within {DEADLINE:?}; the last: {last}"))
    }

    /// The same, asked once; `None` without an answer.
    pub fn try_call(&self, call: &str, body: &Value) -> Option<Value> {
        let server = self.well().next()?;
        let mut wire = Wire::connect_within(self.address(server), SILENCE).ok()?;
        api(&mut wire, call, body).ok()
    }

    /// What the stream's leader says of it; `None` while there is none.
    pub fn info(&self, stream: &str) -> Option<Value> {
        let info = self.try_call(&format!("STREAM.INFO.{stream}"), &json!({}))?;
        info["cluster"]["leader"].is_string().then_some(info)
    }

    /// The server that leads a stream; waits until there is one.
    pub fn leader(&self, stream: &str) -> usize {
        let what = format!("a leader of {stream}");
        wait_within(DEADLINE, &what, || {
            self.well()
                .find(|server| {
                    // A leader that was killed or cut off may still be named for a moment: the leader itself must say so.
                    let wire = Wire::connect_within(self.address(*server), SILENCE);
                    let said = wire
                        .ok()
                        .and_then(|mut wire| api(&mut wire, &format!("STREAM.INFO.{stream}"), &json!({})).ok());
                    let led = |info: &Value| info["cluster"]["leader"].as_str().and_then(|name| self.named(name));
                    said.as_ref().and_then(led).is_some_and(|leader| self.well().any(|well| well == leader))
                })
                .and_then(|_| self.named(self.info(stream)?["cluster"]["leader"].as_str()?))
        })
    }

    /// A server that does not lead this stream and can answer.
    pub fn follower(&self, stream: &str) -> usize {
        let leader = self.leader(stream);
        self.well().find(|server| *server != leader).expect("a server beside the leader")
    }

    /// The server that keeps a stream's only consumer; `None` while there is none, or no answer.
    pub fn consumer_server(&self, stream: &str) -> Option<usize> {
        let list = self.try_call(&format!("CONSUMER.LIST.{stream}"), &json!({}))?;
        let consumers = list["consumers"].as_array()?;
        // The newest: one that was given up lives on for a while.
        let newest = consumers.iter().max_by_key(|consumer| consumer["created"].as_str().map(str::to_owned))?;
        self.named(newest["cluster"]["leader"].as_str()?)
    }

    /// Waits until a stream has a leader that has heard all its other replicas just now, and they follow.
    pub fn wait_for_replicas(&self, stream: &str) {
        let what = format!("all replicas of {stream}");
        wait_within(2 * DEADLINE, &what, || {
            let info = self.info(stream)?;
            let wanted = info["config"]["num_replicas"].as_u64()? as usize;
            let replicas = info["cluster"]["replicas"].as_array().map_or(&[][..], Vec::as_slice);
            let follows = |replica: &Value| {
                replica["current"].as_bool() == Some(true)
                    && replica["active"].as_u64().is_some_and(|age| age < HEARD_WITHIN_NS)
            };
            (replicas.len() + 1 == wanted && replicas.iter().all(follows)).then_some(())
        });
    }

    /// Asks a stream's leader to step down, and waits until another server leads it; returns who. The one that stepped down may
    /// be elected again: then it is asked once more.
    pub fn step_down(&self, stream: &str) -> usize {
        let before = self.leader(stream);
        wait_within(DEADLINE, "another leader", || {
            self.try_call(&format!("STREAM.LEADER.STEPDOWN.{stream}"), &json!({}))?;
            let another = || Some(self.leader(stream)).filter(|leader| *leader != before);
            super::wait::try_within(Duration::from_secs(2), another)
        })
    }

    /// Lets this server lead a stream.
    pub fn let_lead(&self, stream: &str, server: usize) {
        let placement = json!({ "placement": { "preferred": self.name(server) } });
        wait_within(DEADLINE, "the wanted leader", || {
            if self.leader(stream) != server {
                self.try_call(&format!("STREAM.LEADER.STEPDOWN.{stream}"), &placement)?;
            }
            super::wait::try_within(Duration::from_secs(2), || (self.leader(stream) == server).then_some(()))
        });
    }

    /// Changes a stream's number of replicas, and waits until it is so.
    pub fn scale(&self, stream: &str, replicas: usize) {
        self.update(stream, |config| config["num_replicas"] = json!(replicas));
        self.wait_for_replicas(stream);
    }

    /// Changes a stream's configuration.
    pub fn update(&self, stream: &str, change: impl FnOnce(&mut Value)) {
        let mut config = self.call(&format!("STREAM.INFO.{stream}"), &json!({}))["config"].clone();
        change(&mut config);
        self.call(&format!("STREAM.UPDATE.{stream}"), &config);
    }

    /// Waits until both streams are whole again on all servers.
    pub fn wait_until_whole(&self) {
        assert_eq!(self.well().count(), SERVERS, "a server is away");
        for stream in [INPUT, OUTPUT] {
            self.wait_for_replicas(stream);
        }
    }
}
