//! The real server as a world, spoken to by the raw client.
//!
//! What a stream answers comes in the order in which the stream worked: behind the messages in question goes one
//! that the stream must refuse, and when its refusal is there, so is everything before it. So nothing waits for time.

use super::model::{Delivery, Gone, Reply, Settings};
use super::world::{Outgoing, Sent, World};
use crate::harness::streams::api;
use crate::harness::wait::{try_within, wait_until};
use crate::harness::wire::{Message, Wire};
use crate::server::Server;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};
use sidestream::core::ids::Nanos;
use sidestream::ports::stream::{StoredMessage, StreamState};
use sidestream::protocol::evidence::Leader;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

pub struct Real {
    server: Server,
    wire: Wire,
    /// What each stream is called on the server: every creation takes a new name there. The server removes the files of
    /// a deleted stream after its answer, and sometimes never; one of the same name takes the old messages over.
    names: BTreeMap<String, String>,
    made: usize,
    /// The stream of each consumer, and its last delivery's stream sequence.
    consumers: BTreeMap<String, (String, u64)>,
}

impl Real {
    pub fn start() -> Real {
        let server = Server::start();
        let mut wire = connect(&server);
        // With its last stream the server removes the directory of all, and the next creation may fail over that.
        let keep = json!({ "name": "KEEP", "subjects": ["keep"], "storage": "file" });
        assert!(api(&mut wire, "STREAM.CREATE.KEEP", &keep).unwrap().get("error").is_none());
        Real { server, wire, names: BTreeMap::new(), made: 0, consumers: BTreeMap::new() }
    }

    fn api(&mut self, call: &str, body: &Value) -> Value {
        api(&mut self.wire, call, body).unwrap()
    }

    /// The name on the server; one that was never created is itself.
    fn real(&self, name: &str) -> String {
        self.names.get(name).cloned().unwrap_or_else(|| name.to_owned())
    }

    /// A subject of the suite on the server, equally long: a stream's bytes count it.
    fn subject(&self, subject: &str) -> String {
        let (stream, rest) = subject.split_once("000.").unwrap();
        format!("{}.{rest}", self.names.get(&stream.to_uppercase()).map_or("none", String::as_str).to_lowercase())
    }

    /// The way back.
    fn suite_subject(&self, subject: &str) -> Arc<str> {
        let (stream, rest) = subject.split_once('.').unwrap();
        let (name, _) = self.names.iter().find(|(_, real)| real.to_lowercase() == stream).unwrap();
        Arc::from(format!("{}000.{rest}", name.to_lowercase()))
    }

    /// A reply subject that was never used.
    fn inbox(&mut self, what: &str) -> String {
        let unique = self.wire.unique();
        format!("{}.{what}-{unique}", self.wire.inbox())
    }

    /// Everything that was answered to messages of one subject that went before.
    fn answers(&mut self, subject: &str) -> Vec<Message> {
        let mark = self.inbox("mark");
        let refused = b"Nats-Expected-Last-Sequence: 999999999999\r\n";
        self.wire.publish_to(subject, &mark, refused, b"").unwrap();
        self.wire.write().unwrap();
        self.until(&mark)
    }

    fn until(&mut self, mark: &str) -> Vec<Message> {
        let mut before = Vec::new();
        loop {
            match self.wire.next().unwrap() {
                message if message.subject == mark => return before,
                message => before.push(message),
            }
        }
    }

    fn reply(&self, message: Message) -> Reply {
        let inbox = format!("{}.", self.wire.inbox());
        let subject = message.subject.strip_prefix(&inbox).unwrap().to_owned();
        let mut text = String::from_utf8(message.payload).unwrap();
        for (name, real) in &self.names {
            text = text.replace(&format!(r#""stream":"{real}""#), &format!(r#""stream":"{name}""#));
        }
        Reply { subject, status: message.status as u16, payload: text.into() }
    }

    /// What a delivery said is pending, or what the consumer says once it has heard of every message: that is a little
    /// after the publisher.
    fn pending(&mut self, consumer: &str, after: u64, said: u64) -> u64 {
        let (stream, _) = self.consumers[consumer].clone();
        let state = self.api(&format!("STREAM.INFO.{stream}"), &json!({ "deleted_details": true }))["state"].take();
        let gone = state["deleted"].as_array().map_or(0, |all| all.iter().filter(|n| n.as_u64() > Some(after)).count());
        let (first, last) = (state["first_seq"].as_u64().unwrap(), state["last_seq"].as_u64().unwrap());
        let there = (last + 1 - first.max(after + 1)) - gone as u64;
        if said >= there {
            return said;
        }
        wait_until("a consumer that has heard of all", || {
            let info = self.api(&format!("CONSUMER.INFO.{stream}.{consumer}"), &json!({}));
            info["num_pending"].as_u64().filter(|pending| *pending >= there)
        })
    }

    /// The first message at a sequence or after it.
    fn from(&mut self, stream: &str, sequence: u64) -> Option<u64> {
        let body = json!({ "seq": sequence, "next_by_subj": ">" });
        self.api(&format!("STREAM.MSG.GET.{stream}"), &body)["message"]["seq"].as_u64()
    }
}

fn connect(server: &Server) -> Wire {
    let mut wire = Wire::connect(server.address()).unwrap();
    wait_until("JetStream", || api(&mut wire, "INFO", &json!({})).ok()?.get("error").is_none().then_some(()));
    wire
}

impl World for Real {
    fn create(&mut self, name: &str, settings: &Settings) {
        if self.state(name).is_none() {
            self.made += 1;
            assert!(self.made < 1_000, "names have three digits");
            self.names.insert(name.to_owned(), format!("{name}{:03}", self.made));
        }
        let real = self.real(name);
        let subjects: Vec<String> = settings.subjects.iter().map(|subject| self.subject(subject)).collect();
        let limit = |limit: Option<u64>| limit.map_or(json!(-1), |limit| json!(limit));
        let body = json!({
            "name": real, "subjects": subjects, "storage": "file", "allow_batched": settings.allow_batched,
            "max_msgs": limit(settings.max_msgs), "max_bytes": limit(settings.max_bytes),
            "discard": if settings.discard_new { "new" } else { "old" },
        });
        let reply = self.api(&format!("STREAM.CREATE.{real}"), &body);
        assert!(reply.get("error").is_none(), "{reply}");
    }

    fn delete(&mut self, name: &str) {
        let real = self.real(name);
        self.api(&format!("STREAM.DELETE.{real}"), &json!({}));
    }

    fn state(&mut self, name: &str) -> Option<StreamState> {
        let info = self.api(&format!("STREAM.INFO.{}", self.real(name)), &json!({}));
        if info.get("error").is_some() {
            return None;
        }
        let number = |name: &str| info["state"][name].as_u64().unwrap();
        let (messages, last) = (number("messages"), number("last_seq"));
        // As the product reads it: an empty stream says 0 or the next sequence, depending on its past.
        let first = if messages == 0 { last + 1 } else { number("first_seq") };
        let (created, server_time) = (time(&info["created"]), time(&info["ts"]));
        let (aged_out, leader) = (false, Leader::default());
        Some(StreamState { created, first, last, messages, aged_out, server_time, leader })
    }

    fn message(&mut self, name: &str, sequence: u64) -> Option<StoredMessage> {
        let reply = self.api(&format!("STREAM.MSG.GET.{}", self.real(name)), &json!({ "seq": sequence }));
        let found = reply.get("message")?;
        let bytes = |name: &str| BASE64_STANDARD.decode(found[name].as_str().unwrap_or_default()).unwrap();
        let headers = String::from_utf8(bytes("hdrs")).unwrap();
        let lines = headers.split("\r\n").skip(1).filter_map(|line| line.split_once(": "));
        Some(StoredMessage {
            sequence: found["seq"].as_u64().unwrap(),
            stored_at: time(&found["time"]),
            subject: self.suite_subject(found["subject"].as_str().unwrap()),
            headers: sorted(lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()),
            payload: bytes("data").into(),
        })
    }

    fn publish(&mut self, subject: &str, headers: Sent, payload: Bytes) -> Result<u64, (u64, String)> {
        let reply = self.inbox("ack");
        let subject = self.subject(subject);
        self.wire.publish_to(&subject, &reply, &block(&headers), &payload).unwrap();
        self.wire.write().unwrap();
        let message = self.wire.next().unwrap();
        assert_eq!(message.subject, reply, "an answer that nobody asked for");
        if message.status == 503 {
            return Err((503, "no responders".to_owned()));
        }
        let ack: Value = serde_json::from_slice(&message.payload).unwrap();
        match ack.get("error") {
            Some(error) => {
                Err((error["err_code"].as_u64().unwrap(), error["description"].as_str().unwrap().to_owned()))
            }
            None => Ok(ack["seq"].as_u64().unwrap()),
        }
    }

    fn fast(&mut self, messages: Vec<Outgoing>) -> Vec<Reply> {
        let mut last = String::new();
        for Outgoing { subject, tail, headers, payload } in messages {
            let reply = if tail.is_empty() { tail } else { format!("{}.{tail}", self.wire.inbox()) };
            last = self.subject(&subject);
            self.wire.publish_to(&last, &reply, &block(&headers), &payload).unwrap();
        }
        self.answers(&last).into_iter().map(|message| self.reply(message)).collect()
    }

    fn delete_message(&mut self, name: &str, sequence: u64) -> bool {
        let reply = self.api(&format!("STREAM.MSG.DELETE.{}", self.real(name)), &json!({ "seq": sequence }));
        reply["success"].as_bool().unwrap_or(false)
    }

    fn purge(&mut self, name: &str, before: Option<u64>) {
        let body = before.map_or(json!({}), |before| json!({ "seq": before }));
        self.api(&format!("STREAM.PURGE.{}", self.real(name)), &body);
    }

    fn create_consumer(&mut self, stream: &str, consumer: &str, after: u64) -> Option<u64> {
        let stream = self.real(stream);
        let config = json!({
            "name": consumer, "deliver_policy": "by_start_sequence", "opt_start_seq": after + 1, "ack_policy": "none",
            "replay_policy": "instant", "mem_storage": true, "num_replicas": 1,
        });
        let body = json!({ "stream_name": stream, "config": config });
        let reply = self.api(&format!("CONSUMER.CREATE.{stream}.{consumer}"), &body);
        if reply["error"]["err_code"] == 10059 {
            return None;
        }
        self.consumers.insert(consumer.to_owned(), (stream, after));
        Some(reply["num_pending"].as_u64().unwrap_or_else(|| panic!("{reply}")))
    }

    fn deliver(&mut self, consumer: &str) -> Result<Option<Delivery>, Gone> {
        let (stream, last) = self.consumers.get(consumer).ok_or(Gone)?.clone();
        let subject = format!("$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}");
        // The consumer hears of a new message a little after the publisher.
        let message = wait_until("a delivery, or the end of the stream", || {
            let reply = self.wire.ask(&subject, br#"{"batch":1,"no_wait":true}"#).unwrap();
            let message = self.wire.next().unwrap();
            let over = message.status == 404 && message.subject == reply;
            (!over || self.from(&stream, last + 1).is_none()).then_some(message)
        });
        match message.status {
            503 => return Err(Gone),
            404 => return Ok(None),
            _ => {}
        }
        let tokens: Vec<&str> = message.reply.split('.').collect();
        let number = |at: usize| tokens[at].parse::<u64>().unwrap();
        assert_eq!((tokens.len(), number(4)), (9, 1), "{}", message.reply);
        let sequence = number(5);
        self.consumers.insert(consumer.to_owned(), (stream, sequence));
        let message = StoredMessage {
            sequence,
            stored_at: Nanos(number(7) as i64),
            subject: self.suite_subject(&message.subject),
            headers: sorted(message.headers),
            payload: message.payload.into(),
        };
        let pending = self.pending(consumer, sequence, number(8));
        Ok(Some(Delivery { consumer_sequence: number(6), pending, message }))
    }

    fn kill(&mut self) {
        self.server.restart();
        self.wire = connect(&self.server);
    }

    fn wait(&mut self, time: Duration) -> Vec<Reply> {
        // Any request will do as a mark: what is waited for is that nothing comes before its answer.
        let unasked = try_within(time, || {
            let mark = self.wire.ask("$JS.API.INFO", b"").unwrap();
            Some(self.until(&mark)).filter(|messages| !messages.is_empty())
        });
        unasked.unwrap_or_default().into_iter().map(|message| self.reply(message)).collect()
    }
}

fn block(headers: &Sent) -> Vec<u8> {
    headers.iter().flat_map(|(name, value)| format!("{name}: {value}\r\n").into_bytes()).collect()
}

fn sorted(mut headers: Sent) -> Option<Arc<Sent>> {
    headers.sort_by(|a, b| a.0.cmp(&b.0));
    Some(headers).filter(|headers| !headers.is_empty()).map(Arc::new)
}

fn time(value: &Value) -> Nanos {
    let moment: jiff::Timestamp = value.as_str().unwrap().parse().unwrap();
    Nanos(i64::try_from(moment.as_nanosecond()).unwrap())
}
