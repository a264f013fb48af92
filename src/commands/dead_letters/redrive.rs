//! Redriving one dead letter, once: the protocol's steps in their order.
//!
//! 1. The *intent* is written to the stream of redrives, behind the record that was read there. It holds the position
//!    behind which the event will stand, so that nobody who comes later has to search the whole input.
//! 2. The *event* is published into the input, with `Sidestream-Redrive` and a message id of its attempt.
//! 3. The *result* is written: the event's position.
//!
//! A crash between 1 and 3 leaves an intent without a result. The next redrive searches the input behind the intent's
//! position; it writes the result if the event is there, and else goes on with step 2 of the same attempt. Nothing is
//! decided here: `protocol::redrive::decide` does, and says why two redrivers at once publish once.

use super::original::{OriginalEvent, original};
use super::reading::FoundLetter;
use super::search::search;
use super::windows::{AFTER_THE_EVENT, AFTER_THE_INTENT, AFTER_THE_RESULT, BEFORE_THE_INTENT, window};
use crate::adapters::nats::connect::Connection;
use crate::adapters::nats::once::{Once, PublishAnswer};
use crate::adapters::nats::redrives::Redrives;
use crate::adapters::nats::streams::{self, StreamInfo};
use crate::app::exit::{Exit, UNAVAILABLE};
use crate::config::Config;
use crate::core::decode::Decoder;
use crate::core::event::{Stop, StoredMessage};
use crate::core::ids::{Nanos, Position};
use crate::core::output::ELEMENT;
use crate::core::plan::compiled::Plan;
use crate::core::plan::layout::Layout;
use crate::protocol::redrive::decide::{
    PUBLISH_WITHIN, RedriveFacts, RedriveMove, SearchResult, Settle, Unfinished, known, next, settle,
};
use crate::protocol::redrive::letter::{LetterId, REDRIVE};
use crate::protocol::redrive::record::{Body, RedriveRecord, RedriveStep};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Between two looks at an attempt that is left alone.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What a person asks for.
#[derive(Clone, Debug, Default)]
pub struct RedriveRequest {
    /// Publish these bytes in place of the event's own.
    pub edited: Option<Bytes>,
    /// Publish once more what was redriven before.
    pub again: bool,
    /// Write and publish nothing.
    pub dry_run: bool,
}

/// What became of one dead letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedriveOutcome {
    /// The event was published.
    Published(Position),
    /// An earlier redrive did it; nothing was done.
    Already {
        /// Where the event stands.
        position: Position,
        /// When that was written down.
        at: Nanos,
    },
    /// An interrupted redrive, or one at the same time, had published it; its result is written now.
    Completed(Position),
    /// A dry run: it would be published; and why it would be a dead letter again, as far as its bytes alone tell.
    WouldPublish {
        /// The reason code and its sentence.
        again: Option<String>,
    },
    /// A dry run: the result of an interrupted redrive would be written.
    WouldComplete(Position),
    /// It cannot be redriven, and why.
    Cannot(String),
}

/// Redrives dead letters one after another.
pub struct Redriver<'a> {
    connection: &'a Connection,
    input: &'a str,
    plan: Plan,
    redrives: Redrives,
    /// The time from one event to the next.
    gap: Duration,
    /// The next event is not published before this.
    due: Instant,
}

impl<'a> Redriver<'a> {
    /// A redriver of at most `rate` events a second; unless it only looks, it makes the stream of redrives.
    pub async fn open(
        connection: &'a Connection,
        config: &'a Config,
        rate: u64,
        dry_run: bool,
    ) -> Result<Redriver<'a>, Exit> {
        let output = &config.output.stream;
        let redrives = if dry_run {
            Redrives::look(connection, output).await?
        } else {
            Redrives::open(connection, output, &streams::info(connection, output).await?).await?
        };
        let gap = Duration::from_secs_f64(1.0 / rate.max(1) as f64);
        let plan = Plan::compile(config.plan.clone(), &Layout::default());
        Ok(Redriver { connection, input: &config.input.stream, plan, redrives, gap, due: Instant::now() })
    }

    /// Redrives one dead letter, or says why not.
    pub async fn redrive(&mut self, found: &FoundLetter, ask: &RedriveRequest) -> Result<RedriveOutcome, Exit> {
        let id = &found.letter.id;
        if id.input != self.input {
            return Ok(RedriveOutcome::Cannot(format!("it came from stream {}, not from {}", id.input, self.input)));
        }
        if found.letter.is_marker() {
            let why = "it is no event but the marker of a rewind: the input lost events, and --accept-rewind went on behind it";
            return Ok(RedriveOutcome::Cannot(why.to_owned()));
        }
        let first = self.redrives.newest(id).await?;
        let finished = first.filter(|newest| matches!(newest.record.step, RedriveStep::Done { .. }));
        let again_after = finished.filter(|_| ask.again).map(|newest| newest.record.attempt);
        loop {
            let newest = self.redrives.newest(id).await?;
            let input = streams::info(self.connection, self.input).await?;
            let facts = facts(&input, again_after);
            let outcome = match next(newest.as_ref(), &facts) {
                RedriveMove::Nothing { position, at } => Some(RedriveOutcome::Already { position, at }),
                RedriveMove::Begin { behind, attempt } => {
                    self.attempt(found, ask, &input, behind, attempt, None).await?
                }
                RedriveMove::Search(unfinished) => self.finish(found, ask, &input, &unfinished).await?,
                RedriveMove::Wait { for_ns } if ask.dry_run => Some(RedriveOutcome::Cannot(alone(for_ns))),
                RedriveMove::Wait { .. } => {
                    tokio::time::sleep(LOOK_AGAIN).await;
                    None
                }
            };
            if let Some(outcome) = outcome {
                return Ok(outcome);
            }
        }
    }

    /// Completes an attempt without a result; `None` when somebody else was faster.
    async fn finish(
        &mut self,
        found: &FoundLetter,
        ask: &RedriveRequest,
        input: &StreamInfo,
        unfinished: &Unfinished,
    ) -> Result<Option<RedriveOutcome>, Exit> {
        let id = &found.letter.id;
        let looked = Instant::now();
        let searched = search(self.connection, id, unfinished, input.state).await?;
        match known(unfinished, searched) {
            SearchResult::There(position) if ask.dry_run => Ok(Some(RedriveOutcome::WouldComplete(position))),
            SearchResult::There(position) => {
                self.settle(found, unfinished.attempt, unfinished.behind, position, None).await
            }
            SearchResult::NotThere => {
                let (behind, attempt) = (unfinished.behind, unfinished.attempt);
                self.attempt(found, ask, input, behind, attempt, Some((unfinished.after, looked))).await
            }
            SearchResult::Unknowable => Ok(Some(RedriveOutcome::Cannot(format!(
                "an earlier redrive has no result, and stream {} has lost messages behind position {}: \
                 whether the event is there cannot be known",
                self.input, unfinished.after
            )))),
        }
    }

    /// Steps 1 to 3. `taken_over`: the attempt is somebody else's, and its event stands behind this position, if
    /// anywhere; it was looked for at that time. `None` when somebody else was faster.
    async fn attempt(
        &mut self,
        found: &FoundLetter,
        ask: &RedriveRequest,
        input: &StreamInfo,
        behind: u64,
        attempt: u32,
        taken_over: Option<(Position, Instant)>,
    ) -> Result<Option<RedriveOutcome>, Exit> {
        let id = &found.letter.id;
        // Whatever can be said against it is said before the intent.
        let event = match original(self.connection, &self.plan, found, ask.edited.clone()).await? {
            Ok(event) => event,
            Err(why) => return Ok(Some(RedriveOutcome::Cannot(why))),
        };
        let once = message(id, attempt, &event);
        if let Some(why) = self.unfit(&once, input) {
            return Ok(Some(RedriveOutcome::Cannot(why)));
        }
        if ask.dry_run {
            return Ok(Some(RedriveOutcome::WouldPublish { again: self.fault(&once) }));
        }
        tokio::time::sleep_until(self.due).await;
        // Later than this, the event that was looked for may have come, and be forgotten before ours does.
        if taken_over.is_some_and(|(_, looked)| looked.elapsed().as_nanos() > PUBLISH_WITHIN as u128) {
            return Ok(None);
        }
        let began = Instant::now();
        self.due = began + self.gap;
        window(BEFORE_THE_INTENT);
        let body = Body::of(&event.body, event.edited);
        let after = taken_over.map_or(Position(input.state.last), |(after, _)| after);
        let step = RedriveStep::Intent { input_created: input.state.created, after, body: body.clone() };
        let Some(intent) = self.redrives.write(id, behind, &record(id, attempt, step)).await? else {
            return Ok(None);
        };
        window(AFTER_THE_INTENT);
        // Later than this, somebody else may have taken the attempt over: then the records are read anew.
        if began.elapsed().as_nanos() > PUBLISH_WITHIN as u128 {
            return Ok(None);
        }
        match once.publish(self.connection).await? {
            PublishAnswer::Stored { sequence, duplicate } => {
                window(AFTER_THE_EVENT);
                let published = (!duplicate).then_some(body);
                self.settle(found, attempt, intent, Position(sequence), published).await
            }
            PublishAnswer::Refused { words, .. } => {
                // Where the attempt was somebody else's, a message of his may still be on its way: no result then.
                if taken_over.is_none() {
                    let step = RedriveStep::Refused { why: words.clone() };
                    self.redrives.write(id, intent, &record(id, attempt, step)).await?;
                }
                let what = format!("stream {} refused the event of dead letter {id}: {words}", self.input);
                Err(Exit::new(
                    UNAVAILABLE,
                    what,
                    "later dead letters wait for this one: redrive again when it is mended",
                ))
            }
        }
    }

    /// Step 3: writes down that the event stands at `position`, behind whatever came between; `published` when it is
    /// ours.
    async fn settle(
        &self,
        found: &FoundLetter,
        attempt: u32,
        behind: u64,
        position: Position,
        published: Option<Body>,
    ) -> Result<Option<RedriveOutcome>, Exit> {
        let id = &found.letter.id;
        let ours = published.is_some();
        let body = match published {
            Some(body) => Some(body),
            None => self.body_at(found, position).await?,
        };
        let done = record(id, attempt, RedriveStep::Done { position, body });
        let mut behind = behind;
        while self.redrives.write(id, behind, &done).await?.is_none() {
            match settle(self.redrives.newest(id).await?.as_ref(), attempt, position) {
                Settle::Behind(newest) => behind = newest,
                Settle::Written => break,
                Settle::Doubled(other) => {
                    return Ok(Some(RedriveOutcome::Cannot(format!(
                        "it stands in the input twice, at {position} and {other}: this process was stopped for \
                         longer than stream {} remembers message ids",
                        self.input
                    ))));
                }
            }
        }
        window(AFTER_THE_RESULT);
        Ok(Some(if ours { RedriveOutcome::Published(position) } else { RedriveOutcome::Completed(position) }))
    }

    /// The account of a body that somebody else published.
    async fn body_at(&self, found: &FoundLetter, position: Position) -> Result<Option<Body>, Exit> {
        let Some(event) = streams::message_at(self.connection, self.input, position.0).await? else {
            return Ok(None);
        };
        let whole = original(self.connection, &self.plan, found, None).await?;
        Ok(Some(Body::of(&event.payload, whole.map_or(true, |whole| whole.body != event.payload))))
    }

    /// What decoding says against a message; what depends on state or size shows only when it is processed.
    fn fault(&self, once: &Once) -> Option<String> {
        let headers = (!once.headers.is_empty()).then(|| Arc::new(once.headers.clone()));
        let (subject, payload) = (Arc::from(once.subject.as_str()), once.body.clone());
        let message = StoredMessage { sequence: 1, stored_at: Nanos(0), subject, headers, payload };
        let mut fault = None;
        Decoder::default().decode_each(&self.plan, message, Nanos(0), |event, _| {
            if let Err(Stop::Rejected(rejection)) = event.reading {
                fault.get_or_insert(format!("{}, {}", rejection.reason.code(), rejection.sentence));
            }
        });
        fault
    }

    /// Why a message would not be taken, as far as that can be told before.
    fn unfit(&self, once: &Once, input: &StreamInfo) -> Option<String> {
        let server = self.connection.max_payload();
        let limit = input.largest_message().map_or(server, |limit| limit.min(server));
        if once.size() > limit {
            return Some(format!("with its headers it has {} bytes, and {limit} are allowed", once.size()));
        }
        if !input.listens_on(&once.subject) {
            return Some(format!("stream {} does not listen on its subject {:?}", self.input, once.subject));
        }
        once.unsendable()
    }
}

fn record(id: &LetterId, attempt: u32, step: RedriveStep) -> RedriveRecord {
    RedriveRecord { letter: id.to_string(), attempt, step }
}

/// The event as it goes into the input.
fn message(id: &LetterId, attempt: u32, event: &OriginalEvent) -> Once {
    let mut headers = event.headers.clone();
    headers.push((REDRIVE.to_owned(), id.to_string()));
    headers.extend(event.element.map(|number| (ELEMENT.to_owned(), number.to_string())));
    headers.push(("Nats-Msg-Id".to_owned(), id.message_id(attempt)));
    Once { stream: id.input.clone(), subject: event.subject.clone(), headers, body: event.body.clone() }
}

fn facts(input: &StreamInfo, again_after: Option<u32>) -> RedriveFacts {
    let remembers_ns = i64::try_from(input.remembers_ids().as_nanos()).unwrap_or(i64::MAX);
    let (now, input_created) = (input.state.server_time, input.state.created);
    RedriveFacts { now, input_created, remembers_ns, again_after }
}

fn alone(for_ns: i64) -> String {
    format!("another redrive of it may be at work; that is sure in {} s", for_ns / 1_000_000_000 + 1)
}
