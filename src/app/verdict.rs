//! What the end of a start means for the process: stop, or start again, at once or after a pause.
//!
//! Asks the server who stands in a refused output's place; decides nothing about outcomes.

use super::exit::{Exit, UNAVAILABLE};
use super::process::Process;
use crate::adapters::nats::connect::Connection;
use crate::adapters::nats::streams;
use crate::core::ids::LaneSequence;
use crate::engine::ending::End;
use crate::ports::store::StoreError;
use crate::ports::stream::{BrokerError, Denial, LaneEvent};
use crate::protocol::header::RunId;
use crate::protocol::memory::Memory;
use crate::protocol::verdict::{self, RefusalVerdict, Who};
use crate::telemetry::metrics::Refused;
use std::sync::atomic::Ordering;

/// How a start ended.
#[derive(Debug)]
pub enum SessionEnd {
    /// The process was asked to stop, and everything is out and in the state.
    Drained,
    /// Start again: at once, or after a pause when the world is at fault.
    Again {
        /// What happened, for the log.
        why: String,
        /// Whether it is worth waiting before.
        pause: bool,
    },
    /// Start again after a pause, as after a fault of the world; this is the end if that never helps.
    Wait(Exit),
    /// The server denies something that it may grant at any time.
    Denied {
        /// What it denies.
        by: Denial,
        /// The end if it stays so.
        exit: Exit,
    },
    /// The disk of the state directory has no room: start again until it has.
    NoRoom(StoreError),
    /// The state directory opened, and then could not be read: set it aside and start again.
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
) -> SessionEnd {
    match end {
        End::Drained => SessionEnd::Drained,
        End::PlanEnded => SessionEnd::Again { why: "the configured plan takes over".to_owned(), pause: false },
        End::Refused(refusal) if memory.learn(&refusal, process.consent.accept_gap) => {
            SessionEnd::Again { why: refusal.to_string(), pause: false }
        }
        End::Refused(refusal) => SessionEnd::Stop(refusal.into()),
        End::Store(error) => store_failed(error),
        End::Broken(what) => SessionEnd::Stop(Exit::broken(what)),
        End::Broker(error) => broker_failed(error),
        End::Lane(LaneEvent::Refused { at, code, description }) => {
            let (cause, after) = refused(process, lane, (run, start), at, code, &description).await;
            process.metrics.lane_refused(cause);
            after
        }
        End::Lane(event) => SessionEnd::Again { why: format!("the lane's batch ended: {event:?}"), pause: true },
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
) -> (Refused, SessionEnd) {
    const WRONG_LAST_SEQUENCE: u64 = 10_071;
    let why = format!("the server refused output {at}: {description} ({code})");
    if code != WRONG_LAST_SEQUENCE {
        process.stalled.store(true, Ordering::Relaxed);
        return (Refused::Server, SessionEnd::Again { why, pause: true });
    }
    match streams::message_at(lane, &process.config.output.stream, at.0).await {
        Err(error) => (Refused::Unknown, broker_failed(error)),
        Ok(found) => match verdict::refused(at, found.as_ref(), run, start) {
            RefusalVerdict::Stop(refusal) => (Refused::Another, SessionEnd::Stop(refusal.into())),
            RefusalVerdict::Again { who, pause } => {
                let cause = match who {
                    Who::Nobody => Refused::Unknown,
                    Who::Us => Refused::Own,
                    Who::Another => Refused::Another,
                };
                (cause, SessionEnd::Again { why: format!("{why}: {who} wrote it"), pause })
            }
        },
    }
}

/// A failure of the store: damage is set aside, a full disk is waited for, all else is for the operator.
pub fn store_failed(error: StoreError) -> SessionEnd {
    match error {
        StoreError::Unreadable { .. } => SessionEnd::Damaged(error),
        error if error.is_no_room() => SessionEnd::NoRoom(error),
        other => SessionEnd::Stop(other.into()),
    }
}

/// A stream that is not there, before the first start of a process came through: it may still be made.
pub fn not_there(role: &str, stream: &str) -> SessionEnd {
    SessionEnd::Wait(Exit::new(
        UNAVAILABLE,
        format!("the {role} stream {stream} does not exist"),
        "create it with `sidestream provision`, or correct its name",
    ))
}

/// A failure of the broker: waiting may help, or the operator must.
pub fn broker_failed(error: BrokerError) -> SessionEnd {
    match error {
        BrokerError::Transient(why) => SessionEnd::Again { why, pause: true },
        BrokerError::Denied { by, .. } => SessionEnd::Denied { by, exit: error.into() },
        permanent => SessionEnd::Stop(permanent.into()),
    }
}
