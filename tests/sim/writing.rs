//! The lane's writer and its ears: the product's book of the batch over a connection that loses things.

use super::agenda::{MILLIS, Time};
use super::context::Context;
use super::entry::{Entry, Inside, Wire};
use super::life::{Life, Message, SEQUENCER, WRITER};
use super::link::{Link, Ticket};
use super::model::Reply as Raw;
use sidestream::adapters::nats::batch::{Answered, Book, Place};
use sidestream::adapters::nats::lane_reply::{About, Reply, reply_prefix};
use sidestream::adapters::nats::patience::{Patience, Tick};
use sidestream::core::ids::LaneSequence;
use sidestream::core::output::{self, Output};
use sidestream::engine::ending::End;
use sidestream::ports::stream::LaneEvent;
use std::collections::VecDeque;

/// Messages between two acks inside a batch.
const FLOW: u64 = 4;
/// Unconfirmed messages of a batch at most.
pub const WINDOW: u64 = 12;
/// Ticks between two looks at whether the source is silent: 5 s.
const SOURCE: u64 = 25;
/// Between two looks at the clock.
pub const TICK: Time = Patience::TICK.as_millis() as Time * MILLIS;
/// Silence that ends a batch which was left open.
const SILENCE: Time = 10 * MILLIS;

/// The writer's side of a life.
pub struct Writing {
    pub to_server: Link,
    pub to_client: Link,
    inbox: String,
    run: String,
    book: Book,
    base: u64,
    sent: u64,
    pub answered: Answered,
    over: bool,
    patience: Patience,
    ticks: u64,
    /// What is left of the command at work, and whether its last message ends the batch.
    command: Option<(VecDeque<Output>, bool)>,
    commands: VecDeque<(LaneSequence, Vec<Output>)>,
    subject: Option<String>,
}

impl Writing {
    /// A writer for a lane that ends at `after`.
    pub fn new(inbox: String, run: String, after: LaneSequence) -> Writing {
        Writing {
            to_server: Link::default(),
            to_client: Link::default(),
            inbox,
            run,
            book: Book::new(after),
            base: after.0,
            sent: after.0,
            answered: Answered { confirmed: after.0, ended: 0 },
            over: false,
            patience: Patience::default(),
            ticks: 0,
            command: None,
            commands: VecDeque::new(),
            subject: None,
        }
    }

    fn wire(&self, place: Place, subject: &str, output: Option<&Output>) -> Wire {
        let Place { batch, batch_sequence, operation, expected, .. } = place;
        let reply = format!("{}{batch_sequence}.{operation}.$FI", reply_prefix(&self.inbox, batch, FLOW, false));
        let headers = output.map(|output| {
            let position = format!("{}:{}:{}", super::plans::INPUT, output.position, output.n);
            let mut headers = vec![
                (output::POSITION.to_owned(), position),
                (output::TIME.to_owned(), output.stored_at.to_string()),
                (output::RUN.to_owned(), self.run.clone()),
            ];
            let dead = output.dead.iter().flat_map(|dead| &dead.headers);
            headers.extend(dead.map(|(name, value)| ((*name).to_owned(), value.clone())));
            headers.extend(expected.map(|e| ("Nats-Expected-Last-Sequence".to_owned(), e.to_string())));
            headers
        });
        let payload = output.map(|output| output.payload.clone()).unwrap_or_default();
        Wire { subject: subject.to_owned(), reply, headers, payload }
    }
}

impl Life {
    /// The writer takes a command or goes on with one.
    pub fn write(&mut self, context: &mut Context, message: Message) {
        if let Message::Publish(first, outputs) = message {
            self.writing.commands.push_back((first, outputs));
        }
        loop {
            if self.writing.over {
                return;
            }
            if self.writing.command.is_none() {
                let Some((first, outputs)) = self.writing.commands.pop_front() else { return };
                if self.writing.book.sent().0 + 1 != first.0 {
                    return self.ends(End::Broken(format!("the lane's writer is not at sequence {first}")));
                }
                let more = !self.writing.commands.is_empty();
                let settle = !more && !self.writing.book.stays_open(outputs.len(), FLOW, self.writing.answered);
                self.writing.command = Some((outputs.into(), settle));
            }
            if !self.writing.book.has_room(WINDOW, self.writing.answered) {
                return;
            }
            let Some((outputs, settle)) = &mut self.writing.command else { return };
            let Some(output) = outputs.pop_front() else {
                self.writing.command = None;
                if self.writing.commands.is_empty() && self.writing.book.is_open() {
                    let silence = Inside::Silence(self.writing.sent);
                    context.agenda.after(SILENCE, Entry::Inside(self.process, self.generation, silence));
                }
                continue;
            };
            let settle = *settle && outputs.is_empty();
            let place = self.writing.book.place(settle);
            let subject = output.subject.to_string();
            let wire = self.writing.wire(place, &subject, Some(&output));
            (self.writing.base, self.writing.sent) = (place.base, place.sequence);
            self.writing.subject = Some(subject);
            self.send(context, wire);
        }
    }

    /// Nothing came for a while behind this message: the batch that was left open ends.
    pub fn end_batch(&mut self, context: &mut Context, sent: u64) {
        let idle = self.writing.command.is_none() && self.writing.commands.is_empty() && self.writing.sent == sent;
        if self.writing.over || !idle {
            return;
        }
        let Some((place, subject)) = self.writing.book.settle().zip(self.writing.subject.clone()) else { return };
        let wire = self.writing.wire(place, &subject, None);
        self.send(context, wire);
    }

    fn send(&mut self, context: &mut Context, wire: Wire) {
        let (now, latency) = (context.now(), context.latency());
        let (ticket, arrival) = self.writing.to_server.send(now, latency);
        context.agenda.at(arrival, Entry::ToServer(self.process, self.generation, ticket, context.deaths, wire));
    }

    /// A reply arrives.
    pub fn reply(&mut self, context: &mut Context, ticket: Ticket, raw: &Raw) {
        if !self.writing.to_client.arrives(ticket) || self.writing.over {
            return;
        }
        let reply = if raw.status == 503 { Reply::Nobody } else { Reply::parse(&raw.subject, &raw.payload) };
        self.writing.patience.heard();
        let Writing { base, sent, .. } = self.writing;
        if let Some(event) = self.writing.answered.hear(About::parse(&raw.subject), reply, base, sent) {
            self.news(context, event);
        }
    }

    fn news(&mut self, context: &mut Context, event: LaneEvent) {
        match &event {
            LaneEvent::Confirmed(_) => self.tell(context, WRITER, Message::Wake),
            other => {
                context.note(|| format!("p{} lane: {other:?}", self.process));
                self.writing.over = true;
            }
        }
        self.tell(context, SEQUENCER, Message::News(event));
    }

    /// The connection of the lane is known to be lost.
    pub fn lane_trouble(&mut self, context: &mut Context) {
        if !self.writing.over {
            self.news(context, LaneEvent::Lost("the connection was lost".to_owned()));
        }
    }

    /// Some time has passed: the server is asked, or given up.
    pub fn patience(&mut self, context: &mut Context) {
        self.writing.ticks += 1;
        if self.writing.ticks.is_multiple_of(SOURCE) {
            self.silence(context);
        }
        let Writing { sent, answered, over, .. } = self.writing;
        let owed = !over && Book::is_owed(sent, self.writing.book.ended(), answered);
        match self.writing.patience.tick(owed, answered) {
            Tick::Wait => {}
            Tick::Ping => self.ping(context),
            Tick::GiveUp(why) => return self.news(context, LaneEvent::Lost(why.to_owned())),
        }
        let next = Entry::Inside(self.process, self.generation, Inside::Patience);
        context.agenda.after(TICK, next);
    }

    fn ping(&mut self, context: &mut Context) {
        let Writing { sent, base, answered, inbox, .. } = &self.writing;
        let batch = answered.ended + 1;
        let behind_end = self.writing.book.ended() >= batch;
        let Some((sent, subject)) = (sent - base > 0).then_some(sent - base).zip(self.writing.subject.clone()) else {
            return;
        };
        let reply = format!("{}{sent}.4.$FI", reply_prefix(inbox, batch, FLOW, behind_end));
        context.count("lane pinged");
        self.send(context, Wire { subject, reply, headers: None, payload: Default::default() });
    }
}
