//! What the end of a start means for the process: stop, or start again, at once or after a pause.
//!
//! Asks the server who stands in a refused output's place; decides nothing about outcomes.

use super::exit::Exit;
use super::process::Process;
use super::session::Memory;
use crate::adapters::nats::connect::Connection;
use crate::adapters::nats::streams;
use crate::core::ids::LaneSequence;
use crate::core::protocol::header::{LaneMessage, RunId};
use crate::core::protocol::refusal::Refusal;
use crate::engine::ending::End;
use crate::ports::store::StoreError;
use crate::ports::stream::{BrokerError, LaneEvent};
use std::sync::atomic::Ordering;

/// How a start ended.
#[derive(Debug)]
pub enum After {
    /// The process was asked to stop, and everything is out and in the state.
    Drained,
    /// Start again: at once, or after a pause when the world is at fault.
    Again {
        /// What happened, for the log.
        why: String,
        /// Whether it is worth waiting before.
        pause: bool,
    },
    /// Start again without the state directory: it is damaged.
    Damaged(StoreError),
    /// Stop.
    Stop(Exit),
}

/// What an end means for the process.
pub async fn judge(
    process: &Process,
    memory: &mut Memory,
    lane: &Connection,
    (run, start): (&RunId, u64),
    end: End,
) -> After {
    match end {
        // Only the start rules can go on without it: they begin anew, knowing what is missing.
        End::Refused(Refusal::InputGone { from, .. }) if process.consent.accept_gap && memory.hole != Some(from) => {
            memory.hole = Some(from);
            After::Again { why: format!("the event at position {from} is missing"), pause: false }
        }
        End::Drained => After::Drained,
        End::PlanEnded => After::Again { why: "the configured plan takes over".to_owned(), pause: false },
        End::Refused(refusal) => After::Stop(refusal.into()),
        End::Store(error) => store_failed(error),
        End::Broken(what) => After::Stop(Exit::broken(what)),
        End::Broker(error) => broker_failed(error),
        End::Lane(LaneEvent::Refused { at, code, description }) => {
            process.metrics.lane_refused();
            refused(process, lane, (run, start), at, code, &description).await
        }
        End::Lane(event) => After::Again { why: format!("the lane's batch ended: {event:?}"), pause: true },
    }
}

/// The server refused a message of ours: who stands in its place?
async fn refused(
    process: &Process,
    lane: &Connection,
    (run, start): (&RunId, u64),
    at: LaneSequence,
    code: u64,
    description: &str,
) -> After {
    const WRONG_LAST_SEQUENCE: u64 = 10_071;
    let why = format!("the server refused output {at}: {description} ({code})");
    if code != WRONG_LAST_SEQUENCE {
        process.stalled.store(true, Ordering::Relaxed);
        return After::Again { why, pause: true };
    }
    match streams::message_at(lane, &process.config.output.stream, at.0).await {
        Err(error) => broker_failed(error),
        Ok(None) => After::Again { why, pause: true },
        Ok(Some(message)) => match LaneMessage::read(&message) {
            None => After::Stop(Refusal::ForeignMessage { sequence: at }.into()),
            Some(found) if found.run.run > *run => {
                After::Stop(Refusal::NewerRun { run: found.run.run.to_string() }.into())
            }
            Some(found) => {
                let whose =
                    if found.run.run == *run { "an earlier start of ours" } else { "an engine that started earlier" };
                // Racing an earlier engine is won by being quick, not by waiting.
                let pause = found.run.run == *run && found.run.start == start;
                After::Again { why: format!("{why}: {whose} wrote it"), pause }
            }
        },
    }
}

/// A failure of the store: damage is set aside and rebuilt, everything else is for the operator.
pub fn store_failed(error: StoreError) -> After {
    match error {
        damage @ StoreError::Unreadable { .. } => After::Damaged(damage),
        other => After::Stop(other.into()),
    }
}

/// A failure of the broker: waiting may help, or the operator must.
pub fn broker_failed(error: BrokerError) -> After {
    match error {
        BrokerError::Transient(why) => After::Again { why, pause: true },
        permanent => After::Stop(permanent.into()),
    }
}
