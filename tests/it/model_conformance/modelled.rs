//! The model of the server as a world: a microsecond passes with each call.

use super::model::{ConsumerId, Delivery, Gone, Reply, Server, Settings};
use super::world::{Outgoing, Sent, World};
use bytes::Bytes;
use sidestream::core::ids::Nanos;
use sidestream::ports::stream::{StoredMessage, StreamState};
use std::collections::BTreeMap;
use std::time::Duration;

pub struct Modelled {
    server: Server,
    consumers: BTreeMap<String, ConsumerId>,
}

impl Modelled {
    pub fn new() -> Modelled {
        Modelled { server: Server::new(Nanos(1_795_262_400_000_000_000)), consumers: BTreeMap::new() }
    }

    fn tick(&mut self, time: Duration) -> Vec<Reply> {
        let now = self.server.now().0 + i64::try_from(time.as_nanos()).unwrap();
        self.server.set_time(Nanos(now))
    }

    fn server(&mut self) -> &mut Server {
        self.tick(Duration::from_micros(1));
        &mut self.server
    }
}

impl World for Modelled {
    fn create(&mut self, name: &str, settings: &Settings) {
        self.server().create(name, settings.clone());
    }

    fn delete(&mut self, name: &str) {
        self.server().delete(name);
    }

    fn state(&mut self, name: &str) -> Option<StreamState> {
        self.server().state(name)
    }

    fn message(&mut self, name: &str, sequence: u64) -> Option<StoredMessage> {
        self.server().message(name, sequence)
    }

    fn publish(&mut self, subject: &str, headers: Sent, payload: Bytes) -> Result<u64, (u64, String)> {
        self.server().publish(subject, Some(headers), payload)
    }

    fn fast(&mut self, messages: Vec<Outgoing>) -> Vec<Reply> {
        let mut replies = Vec::new();
        for Outgoing { subject, tail, headers, payload } in messages {
            let reply = if tail.is_empty() { tail } else { format!("_INBOX.x.{tail}") };
            replies.extend(self.server().fast(&subject, &reply, Some(headers), payload));
        }
        for reply in &mut replies {
            reply.subject = reply.subject.strip_prefix("_INBOX.x.").unwrap().to_owned();
        }
        replies
    }

    fn delete_message(&mut self, name: &str, sequence: u64) -> bool {
        self.server().delete_message(name, sequence)
    }

    fn purge(&mut self, name: &str, before: Option<u64>) {
        match before {
            Some(before) => self.server().purge_up_to(name, before),
            None => self.server().purge(name),
        }
    }

    fn create_consumer(&mut self, stream: &str, consumer: &str, after: u64) -> Option<u64> {
        let id = self.server().create_consumer(stream, after)?;
        self.consumers.insert(consumer.to_owned(), id);
        self.server.pending(id).ok()
    }

    fn deliver(&mut self, consumer: &str) -> Result<Option<Delivery>, Gone> {
        let id = *self.consumers.get(consumer).ok_or(Gone)?;
        self.server().deliver(id)
    }

    fn kill(&mut self) {
        self.server().kill();
    }

    fn wait(&mut self, time: Duration) -> Vec<Reply> {
        self.tick(time)
    }
}
