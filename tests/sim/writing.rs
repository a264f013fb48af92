//! The lane's writer and its ears: the product's book of the batch over a connection that loses things.

use super::agenda::{MILLIS, SECONDS, Time};
use super::api::{Question, Task, answer};
use super::context::Context;
use super::entry::{Entry, Inside, Wire};
use super::life::{Life, Message, SEQUENCER, WRITER};
use super::link::{Link, Ticket};
use super::model::Reply as Raw;
use sidestream::adapters::nats::batch::{Answered, BatchPlace, Book};
use sidestream::adapters::nats::lane_reply::{About, Reply, reply_prefix};
use sidestream::adapters::nats::patience::{AnswerPatience, Tick};
use sidestream::app::reopen::look;
use sidestream::core::ids::LaneSequence;
use sidestream::core::output::{self, Output};
use sidestream::engine::ending::End;
use sidestream::ports::stream::{BrokerError, LaneEvent};
use sidestream::protocol::epoch;
use sidestream::protocol::facts::Rewind;
use sidestream::protocol::machines::sequencer::ToSequencer;
use sidestream::protocol::reopen::{LeaderAccount, Own, Reopen, UnconfirmedOutputs, reopen};
use std::collections::VecDeque;

/// Messages between two acks inside a batch.
const FLOW: u64 = 4;
/// Unconfirmed messages of a batch at most.
pub const WINDOW: u64 = 12;
/// Ticks between two looks at whether the source is silent: 5 s.
const SOURCE: u64 = 25;
/// Between two looks at the clock.
pub const TICK: Time = AnswerPatience::TICK.as_millis() as Time * MILLIS;
/// Silence that ends a batch which was left open.
const SILENCE: Time = 10 * MILLIS;

/// How long the lane's leader is waited for before the start ends.
const ELECTION: Time = 15 * SECONDS;
/// Between two questions to a stream without a leader.
const AGAIN: Time = 100 * MILLIS;
/// Times that a lane is opened again without a confirmation in between.
const VAIN: u32 = 5;

/// A lane that was lost and may be opened again.
struct Lost {
    task: Option<Task<Result<LeaderAccount, BrokerError>>>,
    event: LaneEvent,
    until: Time,
}

/// The writer's side of a life.
pub struct Writing {
    pub to_server: Link,
    pub to_client: Link,
    inbox: String,
    /// How often the lane was opened, and since when in vain.
    opened: (u32, u32, u64),
    own: Own,
    /// What each output says of the input and its rewinds.
    stream: String,
    rewinds: Option<String>,
    kept: UnconfirmedOutputs,
    lost: Option<Lost>,
    book: Book,
    base: u64,
    sent: u64,
    pub answered: Answered,
    over: bool,
    patience: AnswerPatience,
    ticks: u64,
    /// What is left of the command at work, and whether its last message ends the batch.
    command: Option<(VecDeque<Output>, bool)>,
    commands: VecDeque<(LaneSequence, Vec<Output>)>,
    /// So many commands at the front are kept already: they are sent again.
    again: usize,
    subject: Option<String>,
}

impl Writing {
    /// A writer for a lane that ends at `after`.
    pub fn new(inbox: String, own: Own, rewinds: &[Rewind]) -> Writing {
        let after = own.began_after;
        Writing {
            to_server: Link::default(),
            to_client: Link::default(),
            inbox,
            opened: (0, 0, after.0),
            own,
            stream: epoch::stream(super::plans::INPUT, rewinds),
            rewinds: rewinds.last().map(|newest| epoch::list(&[*newest])),
            kept: UnconfirmedOutputs::new(after),
            lost: None,
            book: Book::new(after),
            base: after.0,
            sent: after.0,
            answered: Answered { confirmed: after.0, ended: 0 },
            over: false,
            patience: AnswerPatience::default(),
            ticks: 0,
            command: None,
            commands: VecDeque::new(),
            again: 0,
            subject: None,
        }
    }

    fn wire(&self, place: BatchPlace, subject: &str, output: Option<&Output>) -> Wire {
        let BatchPlace { batch, batch_sequence, operation, expected, .. } = place;
        let reply = format!("{}{batch_sequence}.{operation}.$FI", reply_prefix(&self.inbox, batch, FLOW, false));
        let headers = output.map(|output| {
            let position = format!("{}:{}:{}", self.stream, output.position, output.n);
            let mut headers = vec![
                (output::POSITION.to_owned(), position),
                (output::TIME.to_owned(), output.stored_at.to_string()),
                (output::RUN.to_owned(), self.own.header.to_string()),
            ];
            headers.extend(self.rewinds.iter().map(|list| (output::REWINDS.to_owned(), list.clone())));
            headers.extend(output.own_headers().map(|(name, value)| (name.to_owned(), value.to_owned())));
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
                if self.writing.again > 0 {
                    self.writing.again -= 1;
                } else {
                    self.writing.kept.keep(outputs.clone());
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
        let here = raw.subject.starts_with(&format!("{}.", self.writing.inbox));
        if !self.writing.to_client.arrives(ticket) || self.writing.over || !here {
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
        if let LaneEvent::Confirmed(sequence) = event {
            self.writing.kept.confirmed(sequence);
            self.tell(context, WRITER, Message::Wake);
            return self.tell(context, SEQUENCER, Message::Sequencer(ToSequencer::Lane(event)));
        }
        context.note(|| format!("p{} lane: {event:?}", self.process));
        self.writing.over = true;
        let (_, vain, before) = &mut self.writing.opened;
        *vain = if self.writing.answered.confirmed > *before { 0 } else { *vain + 1 };
        *before = self.writing.answered.confirmed;
        if !matches!(event, LaneEvent::Lost(_)) || *vain >= VAIN {
            return self.tell(context, SEQUENCER, Message::Sequencer(ToSequencer::Lane(event)));
        }
        self.writing.lost = Some(Lost { task: None, event, until: context.now() + ELECTION });
        self.look_again(context);
    }

    /// Asks the lane's leader how far the lane goes.
    pub fn look_again(&mut self, context: &mut Context) {
        if let Some(lost) = &mut self.writing.lost {
            lost.task = Some(Task::new(|api| async move { look(&api, super::plans::OUTPUT).await }));
            self.looked(context);
        }
    }

    /// An answer about the lane is there.
    pub fn answered_of_lane(&mut self, context: &mut Context, question: &Question, reachable: bool) {
        let answer = answer(context, question, reachable);
        if let Some(task) = self.writing.lost.as_ref().and_then(|lost| lost.task.as_ref()) {
            task.answer(answer);
            self.looked(context);
        }
    }

    /// Whether questions about the lane are the writer's.
    pub fn looks(&self) -> bool {
        self.writing.lost.is_some()
    }

    fn looked(&mut self, context: &mut Context) {
        let Some(task) = self.writing.lost.as_mut().and_then(|lost| lost.task.as_mut()) else { return };
        let seen = match task.go_on() {
            Err(question) => {
                let latency = context.latency();
                return context.agenda.after(latency, Entry::Asked(self.process, self.generation, question));
            }
            Ok(seen) => seen,
        };
        let Some(Lost { event, until, .. }) = self.writing.lost.take() else { return };
        let confirmed = LaneSequence(self.writing.answered.confirmed);
        match seen {
            Err(BrokerError::Transient(_)) if context.now() < until => {
                self.writing.lost = Some(Lost { task: None, event, until });
                let look = Entry::Inside(self.process, self.generation, Inside::LookAgain);
                context.agenda.after(AGAIN, look);
            }
            Ok(seen) => match reopen(&self.writing.own, confirmed, &self.writing.kept, &seen) {
                Reopen::Behind(last) => self.reopen(context, last),
                Reopen::Anew(why) => {
                    context.note(|| format!("p{} lane is not opened again: {why}", self.process));
                    self.tell(context, SEQUENCER, Message::Sequencer(ToSequencer::Lane(event)));
                }
            },
            Err(_) => self.tell(context, SEQUENCER, Message::Sequencer(ToSequencer::Lane(event))),
        }
    }

    /// Goes on behind what is stored: what was sent beyond it is sent again.
    fn reopen(&mut self, context: &mut Context, last: LaneSequence) {
        let writing = &mut self.writing;
        writing.opened.0 += 1;
        let number = writing.opened.0;
        writing.inbox = format!("_INBOX.p{0}g{1}.p{0}g{1}o{number}", self.process, self.generation);
        context.count("lane opened again");
        context.note(|| format!("p{} lane opened again behind {last}", self.process));
        let again: Vec<_> = writing.kept.behind(last).map(|(first, outputs)| (first, outputs.to_vec())).collect();
        // What was to be sent again and was not yet is among it.
        writing.commands.drain(..writing.again);
        writing.again = again.len();
        *context.counts.entry("outputs sent again").or_default() +=
            again.iter().map(|(_, outputs)| outputs.len() as u64).sum::<u64>();
        for command in again.into_iter().rev() {
            writing.commands.push_front(command);
        }
        let confirmed = last.0 > writing.answered.confirmed;
        writing.book = Book::new(last);
        (writing.base, writing.sent, writing.command, writing.over) = (last.0, last.0, None, false);
        writing.answered = Answered { confirmed: last.0, ended: 0 };
        writing.patience = AnswerPatience::default();
        if confirmed {
            writing.kept.confirmed(last);
            self.tell(context, SEQUENCER, Message::Sequencer(ToSequencer::Lane(LaneEvent::Confirmed(last))));
        }
        self.tell(context, WRITER, Message::Wake);
    }

    /// The connection of the lane is known to be lost: the start ends with it, also while the lane is looked at.
    pub fn lane_trouble(&mut self, context: &mut Context) {
        self.writing.over = true;
        self.writing.lost = None;
        let event = LaneEvent::Lost("the connection was lost".to_owned());
        self.tell(context, SEQUENCER, Message::Sequencer(ToSequencer::Lane(event)));
    }

    /// Some time has passed: the server is asked, or given up.
    pub fn patience(&mut self, context: &mut Context) {
        self.writing.ticks += 1;
        if self.writing.ticks.is_multiple_of(SOURCE) {
            self.silence(context);
        }
        let next = Entry::Inside(self.process, self.generation, Inside::Patience);
        context.agenda.after(TICK, next);
        let Writing { sent, answered, over, .. } = self.writing;
        let owed = !over && Book::is_owed(sent, self.writing.book.ended(), answered);
        match self.writing.patience.tick(owed, answered) {
            Tick::Wait => {}
            Tick::Ping => self.ping(context),
            Tick::GiveUp(why) => self.news(context, LaneEvent::Lost(why.to_owned())),
        }
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
