//! The sequencer's hands: the way to the lane's writer, and how long everything takes.
//!
//! Decides nothing: `protocol::machines::sequencer` numbers and orders.

use super::checkpointer::CheckpointerHands;
use super::crash;
use super::ending::End;
use super::host::{Address, Hands, tell};
use super::intake::IntakeHands;
use super::messages::{Permit, Publish, SequencerMessage};
use super::timings::Timings;
use crate::core::ids::{LaneSequence, Nanos};
use crate::protocol::machines::checkpointer::ToCheckpointer;
use crate::protocol::machines::intake::ToIntake;
use crate::protocol::machines::sequencer::{Carried, Sequencer, ToSequencer};
use crate::protocol::outlet::{OutletAct, Unconfirmed};
use crate::telemetry::metrics::Metrics;
use std::sync::{Arc, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};

/// What the sequencer works with.
pub struct SequencerHands {
    /// The lane's writer.
    pub writer: mpsc::Sender<Publish>,
    /// Slices announced and not wholly with the lane, and their bytes.
    pub in_flight: (u64, usize),
    /// Latencies of one confirmation, to be recorded in one go.
    pub seconds: Vec<f64>,
    /// How long slices wait.
    pub timings: Timings,
    /// Who writes checkpoints.
    pub checkpointer: Address<CheckpointerHands>,
    /// Who places barriers; known right after the start.
    pub intake: Arc<OnceLock<Address<IntakeHands>>>,
    /// Whether everything that was in the lane at the start is passed over.
    pub recovered: watch::Sender<bool>,
    /// Mailbox room.
    pub mailbox: usize,
    /// The metrics.
    pub metrics: Metrics,
}

impl Hands for SequencerHands {
    type Machine = Sequencer<Permit, Permit>;

    const NAME: &'static str = "sequencer";

    fn mailbox(&self) -> usize {
        self.mailbox
    }

    fn hear(&mut self, message: &SequencerMessage) -> Option<SequencerMessage> {
        match message {
            ToSequencer::Expect(expect) => {
                self.in_flight = (self.in_flight.0 + 1, self.in_flight.1 + expect.bytes);
                self.metrics.in_flight(self.in_flight.0, self.in_flight.1 as u64);
            }
            ToSequencer::Processed(processed) => self.timings.part(processed.slice),
            ToSequencer::Old(_) | ToSequencer::Lane(_) => {}
        }
        None
    }

    fn carry_out(&mut self, act: OutletAct<Carried<Permit>>) -> Result<(), End> {
        match act {
            OutletAct::Crash(point) => crash::at(point),
            OutletAct::Recomputed { outputs, each } => {
                (0..outputs).for_each(|_| crash::at(each));
                self.metrics.recomputed(outputs);
            }
            OutletAct::Publish { first, outputs } => {
                // A writer that has ended says why itself, or the lane's news do: only a full channel is our fault.
                if let Err(TrySendError::Full(_)) = self.writer.try_send(Publish { first, outputs }) {
                    return Err(End::Broken("the sequencer could not reach the writer".to_owned()));
                }
            }
            OutletAct::Merged(slice) => self.timings.merged(slice, &self.metrics),
            OutletAct::Sent { number, unconfirmed, carried } => {
                let (slices, bytes) = self.in_flight;
                self.in_flight = (slices.saturating_sub(1), bytes.saturating_sub(carried.bytes));
                self.metrics.in_flight(self.in_flight.0, self.in_flight.1 as u64);
                self.timings.handed(number, unconfirmed, &self.metrics);
            }
            OutletAct::Confirmed { through, outputs } => self.confirmed(through, &outputs),
            OutletAct::Reached { barrier, lane } => {
                tell(Self::NAME, &self.checkpointer, ToCheckpointer::Reached { barrier, lane })?;
            }
            OutletAct::Recovered => drop(self.recovered.send(true)),
            OutletAct::LaneIsOurs => {
                let intake = self.intake.get().expect("nothing is confirmed before the engine is launched");
                tell(Self::NAME, intake, ToIntake::LaneIsOurs)?;
            }
            OutletAct::LaneOver(event) => return Err(End::Lane(event)),
            OutletAct::Refuse(refusal) => return Err(End::Refused(refusal)),
            OutletAct::Broken(broken) => return Err(End::Broken(broken.to_string())),
        }
        Ok(())
    }

    fn rest(&mut self, sequencer: &Sequencer<Permit, Permit>) {
        self.metrics.unconfirmed(sequencer.unconfirmed());
    }
}

impl SequencerHands {
    fn confirmed(&mut self, through: LaneSequence, outputs: &[Unconfirmed]) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos() as i64;
        // Two clocks: theirs and ours. A negative difference is theirs, not a latency.
        let since = |then: Nanos| now.saturating_sub(then.0).max(0) as f64 / 1e9;
        for output in outputs {
            if let Some(event_time) = output.event_time {
                self.metrics.event_time_latency(since(event_time));
            }
        }
        self.seconds.clear();
        self.seconds.extend(outputs.iter().map(|output| since(output.stored_at)));
        self.metrics.published(outputs.len() as u64);
        self.metrics.latencies(&self.seconds);
        self.timings.confirmed(through, &self.metrics);
    }
}
