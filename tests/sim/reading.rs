//! What a life reads: the input through a consumer that loses deliveries, and the old lane for comparison.
//!
//! Whether a delivery is the next one, and what missing positions mean, is the product's judgement.

use super::agenda::MILLIS;
use super::api::{Answer, Question, Task, answer, travel};
use super::context::Context;
use super::entry::{Entry, Inside};
use super::life::{FEED, INTAKE, Life, Message, SEQUENCER};
use super::link::{Link, Ticket};
use super::model::{ConsumerId, Delivery};
use super::plans::{INPUT, OUTPUT};
use sidestream::adapters::nats::follow::{self, Took};
use sidestream::app::broker::same_stream;
use sidestream::core::event::StoredMessage;
use sidestream::core::ids::{LaneSequence, Nanos, Position};
use sidestream::engine::ending::End;
use sidestream::ports::stream::BrokerError;
use sidestream::protocol::cutter::Jump;
use sidestream::protocol::header::LaneMessage;
use sidestream::protocol::jump;
use sidestream::protocol::machines::intake::{Feed, ToIntake};
use sidestream::protocol::machines::sequencer::ToSequencer;
use sidestream::protocol::old::OldBatch;
use sidestream::protocol::start::Start;
use std::collections::VecDeque;

/// Events of a slice at most.
const SLICE: u64 = 9;
/// Deliveries under way at most.
const AHEAD: usize = 12;
/// Attempts to make the consumer before the life hears of it.
const ATTEMPTS: u32 = 3;

/// A question of the feed under way.
enum Asking {
    Same(Task<Option<End>>),
    Jump(Vec<Jump>, Vec<StoredMessage>),
}

/// The source and the feed.
pub struct Reading {
    pub to_client: Link,
    pub consumer: Option<ConsumerId>,
    /// Counts the consumers.
    life: u64,
    delivered: u64,
    last: Position,
    ready: VecDeque<StoredMessage>,
    under_way: usize,
    recreated: bool,
    /// The last position taken and when it was stored.
    newest: Option<(u64, Nanos)>,
    created: Nanos,
    asking: Option<Asking>,
}

impl Reading {
    /// Reads what follows `after`; the input was created then.
    pub fn new(after: Position, created: Nanos) -> Reading {
        Reading {
            to_client: Link::default(),
            consumer: None,
            life: 0,
            delivered: 0,
            last: after,
            ready: VecDeque::new(),
            under_way: 0,
            recreated: false,
            newest: None,
            created,
            asking: None,
        }
    }
}

impl Life {
    fn later(&self, context: &mut Context, wait: i64, what: Inside) {
        context.agenda.after(wait, Entry::Inside(self.process, self.generation, what));
    }

    /// Makes the consumer behind the last position taken.
    pub fn make_consumer(&mut self, context: &mut Context, attempt: u32) {
        let made = if context.up { context.server.create_consumer(INPUT, self.reading.last.0) } else { None };
        let Some(consumer) = made else {
            if attempt == ATTEMPTS {
                return self.ends(End::Broker(BrokerError::Transient("no consumer".to_owned())));
            }
            return self.later(context, 300 * MILLIS, Inside::MakeConsumer(attempt + 1));
        };
        let reading = &mut self.reading;
        reading.recreated = true;
        reading.consumer = Some(consumer);
        (reading.life, reading.delivered, reading.under_way) = (reading.life + 1, 0, 0);
        self.pump(context);
        self.tell(context, FEED, Message::Wake);
    }

    /// The server delivers what is asked for.
    pub fn pump(&mut self, context: &mut Context) {
        let Some(consumer) = self.reading.consumer.filter(|_| context.up) else { return };
        let mut lost = false;
        while self.reading.under_way < AHEAD && self.reading.ready.len() < 3 * AHEAD {
            let Ok(Some(delivery)) = context.server.deliver(consumer) else { break };
            if context.swallow.1 > 0 {
                context.swallow.1 -= 1;
                context.count("delivery lost");
                lost = true;
                continue;
            }
            self.reading.under_way += 1;
            let (now, latency) = (context.now(), context.latency());
            let (ticket, arrival) = self.reading.to_client.send(now, latency);
            let inside = Inside::Delivery(ticket, self.reading.life, delivery);
            context.agenda.at(arrival, Entry::Inside(self.process, self.generation, inside));
        }
        if lost {
            // The client says that it was too slow, or that its connection was another; often later than the next
            // delivery tells.
            let wait = context.random.below(3_000) as i64 * MILLIS;
            self.later(context, wait, Inside::SourceTrouble);
        }
    }

    /// A delivery arrives.
    pub fn delivery(&mut self, context: &mut Context, ticket: Ticket, life: u64, delivery: Delivery) {
        let reading = &mut self.reading;
        let arrives = reading.to_client.arrives(ticket);
        if life != reading.life || reading.consumer.is_none() {
            return;
        }
        reading.under_way = reading.under_way.saturating_sub(1);
        if !arrives {
            return;
        }
        let Delivery { consumer_sequence, message, .. } = delivery;
        match follow::judge(consumer_sequence, message.sequence, reading.delivered, reading.last) {
            Took::Broken(why) => return self.source_broken(context, &why),
            Took::Known => reading.delivered += 1,
            Took::New => {
                reading.delivered += 1;
                reading.last = Position(message.sequence);
                reading.ready.push_back(message);
            }
        }
        self.pump(context);
        self.tell(context, FEED, Message::Wake);
    }

    /// The consumer is of no more use.
    pub fn source_broken(&mut self, context: &mut Context, why: &str) {
        context.note(|| format!("p{} source: {why}", self.process));
        self.reading.consumer = None;
        self.later(context, 50 * MILLIS, Inside::MakeConsumer(1));
    }

    /// The connection of the source is known to be lost.
    pub fn source_trouble(&mut self, context: &mut Context) {
        if self.reading.consumer.is_some() {
            self.source_broken(context, "the connection was lost");
        }
    }

    /// Feeds the intake with what is there, if it may.
    pub fn feed(&mut self, context: &mut Context) {
        let reading = &mut self.reading;
        let nothing = reading.ready.is_empty() && !reading.recreated;
        if reading.asking.is_some() || self.permits == 0 || nothing || self.intake.is_closed() {
            return;
        }
        if std::mem::take(&mut reading.recreated) {
            let (created, newest) = (reading.created, reading.newest);
            let task = Task::new(|api| async move { same_stream(&api, INPUT, created, newest).await });
            reading.asking = Some(Asking::Same(task));
            return self.asked(context);
        }
        let count = (1 + context.random.below(SLICE) as usize).min(reading.ready.len());
        let messages: Vec<StoredMessage> = reading.ready.drain(..count).collect();
        reading.newest = messages.last().map(|message| (message.sequence, message.stored_at));
        self.permits -= 1;
        self.hand_over(context, messages, false);
        self.pump(context);
    }

    /// Positions are missing: asks the stream what became of them.
    pub fn look_into(&mut self, context: &mut Context, jumps: Vec<Jump>, messages: Vec<StoredMessage>) {
        self.reading.asking = Some(Asking::Jump(jumps, messages));
        self.question(context, Question::State(INPUT.to_owned()));
    }

    fn hand_over(&mut self, context: &mut Context, messages: Vec<StoredMessage>, pass_jumps: bool) {
        let feed = ToIntake::Feed(Feed { messages, permit: (), pass_jumps });
        self.tell(context, INTAKE, Message::Intake(feed));
    }

    fn question(&self, context: &mut Context, question: Question) {
        let latency = context.latency();
        context.agenda.after(latency, Entry::Asked(self.process, self.generation, question));
    }

    fn asked(&mut self, context: &mut Context) {
        let Some(Asking::Same(task)) = &mut self.reading.asking else { return };
        match task.go_on() {
            Err(question) => self.question(context, question),
            Ok(Some(end)) => self.ends(end),
            Ok(None) => {
                self.reading.asking = None;
                self.tell(context, FEED, Message::Wake);
            }
        }
    }

    /// The answer to the feed's question is there.
    pub fn answered(&mut self, context: &mut Context, question: &Question, reachable: bool, accept_gap: bool) {
        let answer = answer(context, question, reachable);
        match self.reading.asking.take() {
            Some(Asking::Same(task)) => {
                task.answer(answer);
                self.reading.asking = Some(Asking::Same(task));
                self.asked(context);
            }
            Some(Asking::Jump(jumps, messages)) => {
                let Answer::State(state) = answer else { unreachable!("another question") };
                let state = match state {
                    Ok(state) => state,
                    Err(error) => return self.ends(End::Broker(error)),
                };
                let judge = |jump| jump::judge(&self.start, jump, Position(state.first), self.recovered, accept_gap);
                match jumps.into_iter().try_for_each(judge) {
                    Err(refusal) => self.ends(End::Refused(refusal)),
                    Ok(()) => self.hand_over(context, messages, true),
                }
            }
            None => {}
        }
    }

    /// Reads on in the old lane.
    pub fn read_old(&mut self, context: &mut Context) {
        let Some(old) = &mut self.old else { return };
        if !context.up {
            return self.ends(End::Broker(BrokerError::Transient("the old lane cannot be read".to_owned())));
        }
        let (first, last) = (old.next, old.last);
        let through = (first + context.random.below(6)).min(last);
        let there = (first..=through).filter_map(|sequence| context.server.message(OUTPUT, sequence));
        let messages = there.map(|m| (LaneSequence(m.sequence), LaneMessage::read(&m))).collect();
        old.next = through + 1;
        let batch = OldBatch { messages, through: LaneSequence(through), kept: () };
        if through >= last {
            self.old = None;
        }
        self.tell(context, SEQUENCER, Message::Sequencer(ToSequencer::Old(batch)));
        let wait = travel(context, true);
        self.later(context, wait, Inside::ReadOld);
    }

    /// The consumer fell silent for too long: two heartbeats did not come.
    pub fn silence(&mut self, context: &mut Context) {
        let gone = self.reading.consumer.is_some_and(|consumer| context.server.pending(consumer).is_err());
        if gone {
            self.source_broken(context, "silence");
        }
    }
}

/// Reads the messages that were in the lane at the start.
pub struct OldReader {
    next: u64,
    last: u64,
}

impl OldReader {
    /// For a start.
    pub fn new(start: &Start) -> OldReader {
        OldReader { next: start.base_lane.0 + 1, last: start.lane_last.0 }
    }
}
