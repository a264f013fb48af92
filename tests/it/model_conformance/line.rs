//! One operation a line, and what is seen of it as a short text that holds every field.
//!
//! ```text
//! create S [batched] [max=N] [bytes=N] [new]   its subjects are s000.>
//! drop S, state S, dump S, message S N, delete S N, purge S [N], consume S AFTER C, deliver C [bare: without pending], kill,
//! wait SECONDS
//! publish S, send S (no reply subject), fast S BATCH start|append|store|end|ping N [flow=N] [gap=ok]
//! all of the last three: [expect=N] [size=N] [n=HEADER VALUE]; fast S B append 2..9 sends many in one go
//! ```
//!
//! A reply is written `<batch sequence>:<what>(numbers)`, and as it came where it holds anything that this does not
//! show. Times are not compared but must be in order; a payload is the number of its line and of its message.

use super::model::{Reply, Settings};
use super::world::{Outgoing, Sent, World};
use bytes::Bytes;
use serde_json::{Value, json};
use sidestream::core::ids::Nanos;
use sidestream::ports::stream::StoredMessage;
use std::collections::BTreeMap;
use std::time::Duration;

const OPERATIONS: [&str; 5] = ["start", "append", "store", "end", "ping"];

/// What is known of the lines that ran on one world so far.
#[derive(Default)]
pub struct Script {
    number: usize,
    /// When each stream was created, as last seen.
    created: BTreeMap<String, Nanos>,
    streams: Vec<String>,
}

/// The words of a line behind the first: those with `=` and the others.
struct Words<'a> {
    plain: Vec<&'a str>,
    named: BTreeMap<&'a str, &'a str>,
}

impl Words<'_> {
    fn number(&self, at: usize) -> u64 {
        self.plain[at].parse().unwrap()
    }

    fn named(&self, name: &str) -> Option<u64> {
        self.named.get(name).map(|text| text.parse().unwrap())
    }
}

impl Script {
    /// Deletes the streams that the lines made, and with them their batches and consumers.
    pub fn end(self, world: &mut dyn World) {
        for name in &self.streams {
            world.delete(name);
        }
    }

    /// Runs one line and says what was seen; a comment is seen as nothing.
    pub fn run(&mut self, world: &mut dyn World, line: &str) -> String {
        self.number += 1;
        let mut all = line.split_ascii_whitespace();
        let operation = all.next().unwrap_or_default();
        let (named, plain): (Vec<&str>, Vec<&str>) = all.partition(|word| word.contains('='));
        let named = named.iter().filter_map(|word| word.split_once('=')).collect();
        let words = Words { plain, named };
        let name = words.plain.first().copied().unwrap_or_default();
        match operation {
            "create" => {
                self.create(world, name, &words);
                String::new()
            }
            "drop" => {
                world.delete(name);
                String::new()
            }
            "state" => self.state(world, name),
            "dump" => self.dump(world, name),
            "message" => world.message(name, words.number(1)).map_or("none".to_owned(), |m| self.show(world, name, &m)),
            "publish" => match world.publish(&subject(name), headers(&words), self.payload(&words, 0)) {
                Ok(sequence) => format!("stored {sequence}"),
                Err((code, words)) => format!("refused {code} {words:?}"),
            },
            "send" => {
                let (headers, payload) = (headers(&words), self.payload(&words, 0));
                let message = Outgoing { subject: subject(name), tail: String::new(), headers, payload };
                replies(name, "", world.fast(vec![message]))
            }
            "fast" => self.fast(world, name, &words),
            "delete" => if world.delete_message(name, words.number(1)) { "gone" } else { "none" }.to_owned(),
            "purge" => {
                world.purge(name, words.plain.get(1).map(|text| text.parse().unwrap()));
                String::new()
            }
            "consume" => match world.create_consumer(name, words.plain[2], words.number(1)) {
                Some(pending) => format!("pending {pending}"),
                None => "no stream".to_owned(),
            },
            "deliver" => self.deliver(world, name, words.plain.contains(&"bare")),
            "kill" => {
                world.kill();
                String::new()
            }
            "wait" => replies("", "", world.wait(Duration::from_secs_f64(name.parse().unwrap()))),
            comment if comment.starts_with('#') => String::new(),
            other => panic!("no such operation: {other}"),
        }
    }

    fn create(&mut self, world: &mut dyn World, name: &str, words: &Words<'_>) {
        let settings = Settings {
            subjects: vec![format!("{}000.>", name.to_lowercase())],
            allow_batched: words.plain.contains(&"batched"),
            max_msgs: words.named("max"),
            max_bytes: words.named("bytes"),
            discard_new: words.plain.contains(&"new"),
        };
        world.create(name, &settings);
        if !self.streams.iter().any(|stream| stream == name) {
            self.streams.push(name.to_owned());
        }
    }

    fn state(&mut self, world: &mut dyn World, name: &str) -> String {
        let Some(state) = world.state(name) else { return "no stream".to_owned() };
        assert!(state.created <= state.server_time, "{name} was created in the future");
        let before = self.created.insert(name.to_owned(), state.created);
        let other = if before.is_some_and(|before| before != state.created) { ", another stream" } else { "" };
        format!("{}..{} holds {}{other}", state.first, state.last, state.messages)
    }

    /// The state and every message.
    fn dump(&mut self, world: &mut dyn World, name: &str) -> String {
        let mut seen = self.state(world, name);
        let Some(state) = world.state(name) else { return seen };
        // Beyond the end nothing may be found; below the first, too.
        for sequence in state.first.saturating_sub(2).max(1)..=state.last + 1 {
            if let Some(message) = world.message(name, sequence) {
                seen.push_str(&format!("; {}", self.show(world, name, &message)));
            }
        }
        seen
    }

    fn show(&mut self, world: &mut dyn World, name: &str, message: &StoredMessage) -> String {
        let state = world.state(name).unwrap();
        let time = message.stored_at;
        let late = if (state.created..=state.server_time).contains(&time) { "" } else { " stored at another time" };
        let headers: Vec<String> =
            message.headers.iter().flat_map(|all| all.iter().map(|(n, v)| format!(" {n}={v}"))).collect();
        // A long payload is a short one, filled up.
        let text = String::from_utf8(message.payload.to_vec()).unwrap();
        let length = if text.contains('_') { format!("+{}", text.len()) } else { String::new() };
        let text = text.trim_end_matches('_');
        // The digits are there for the real server's names.
        let subject = message.subject.replacen("000", "", 1);
        format!("{} {subject} {text}{length}{}{late}", message.sequence, headers.concat())
    }

    fn payload(&self, words: &Words<'_>, n: u64) -> Bytes {
        let mut text = format!("{}-{n}", self.number);
        while words.named("size").is_some_and(|size| (text.len() as u64) < size) {
            text.push('_');
        }
        text.into()
    }

    fn fast(&mut self, world: &mut dyn World, name: &str, words: &Words<'_>) -> String {
        let (batch, operation) = (words.plain[1], words.plain[2]);
        let operation = OPERATIONS.iter().position(|known| *known == operation).unwrap_or_else(|| {
            // Anything else goes to the wire as it is.
            operation.parse().unwrap()
        });
        let flow = words.named.get("flow").copied().unwrap_or("2");
        let gap = words.named.get("gap").copied().unwrap_or("fail");
        let (from, to) = words.plain[3].split_once("..").unwrap_or((words.plain[3], words.plain[3]));
        let mut messages = Vec::new();
        for sequence in from.parse::<u64>().unwrap()..=to.parse().unwrap() {
            let tail = format!("{batch}.{flow}.{gap}.{sequence}.{operation}.$FI");
            let payload = self.payload(words, sequence);
            messages.push(Outgoing { subject: subject(name), tail, headers: headers(words), payload });
        }
        replies(name, batch, world.fast(messages))
    }

    fn deliver(&mut self, world: &mut dyn World, consumer: &str, bare: bool) -> String {
        match world.deliver(consumer) {
            Err(_) => "unknown".to_owned(),
            Ok(None) => "end".to_owned(),
            Ok(Some(delivery)) => {
                let stream = delivery.message.subject.split("000").next().unwrap().to_uppercase();
                let message = self.show(world, &stream, &delivery.message);
                let pending = if bare { String::new() } else { format!(", pending {}", delivery.pending) };
                format!("{}: {message}{pending}", delivery.consumer_sequence)
            }
        }
    }
}

fn subject(stream: &str) -> String {
    format!("{}000.a", stream.to_lowercase())
}

fn headers(words: &Words<'_>) -> Sent {
    let pair = |name: &str, value: &&str| (name.to_owned(), (*value).to_owned());
    let own = words.named.get("n").map(|value| pair("N", value));
    own.into_iter().chain(words.named.get("expect").map(|value| pair("Nats-Expected-Last-Sequence", value))).collect()
}

fn replies(stream: &str, batch: &str, replies: Vec<Reply>) -> String {
    let shown: Vec<String> = replies.iter().map(|reply| show_reply(stream, batch, reply)).collect();
    shown.join(" ")
}

/// A reply in short where it is exactly one of the known kinds, else all of it.
fn show_reply(stream: &str, batch: &str, reply: &Reply) -> String {
    let sequence = reply.subject.rsplit('.').nth(2).unwrap_or(&reply.subject);
    if reply.status != 0 {
        assert!(reply.payload.is_empty());
        return format!("{sequence}:status({})", reply.status);
    }
    let value: Value = serde_json::from_slice(&reply.payload).unwrap();
    let (seq, count) = (&value["seq"], &value["count"]);
    let error = &value["error"];
    let exact = |error: &Value| {
        json!({ "code": error["code"], "err_code": error["err_code"], "description": error["description"] }) == *error
    };
    let words = format!("{} {} {}", error["code"], error["err_code"], error["description"]);
    let short = if value == json!({ "type": "ack", "seq": seq, "msgs": value["msgs"] }) {
        format!("ack({seq} {})", value["msgs"])
    } else if value == json!({ "type": "gap", "seq": seq, "last_seq": value["last_seq"] }) {
        format!("gap({} {seq})", value["last_seq"])
    } else if value == json!({ "type": "err", "seq": seq, "error": error }) && exact(error) {
        format!("err({seq} {words})")
    } else if value == json!({ "error": error, "stream": stream, "seq": 0 }) && exact(error) {
        format!("refused({words})")
    } else if value == json!({ "stream": stream, "seq": seq, "batch": batch, "count": count }) {
        format!("over({seq} {count})")
    } else {
        value.to_string()
    };
    format!("{sequence}:{short}")
}
