//! How a start of the engine ends: the first part to say so is believed.
//!
//! Every actor holds an alarm; an actor that dies without being stopped ends the start as broken, because a
//! supervisor would bring it back without its state.

use crate::ports::store::StoreError;
use crate::ports::stream::{BrokerError, LaneEvent};
use crate::protocol::refusal::Refusal;
use tokio::sync::mpsc;

/// Why a start ended.
#[derive(Debug)]
pub enum End {
    /// Everything taken is out and in the state.
    Drained,
    /// The plan ended where it should, and the next one is recorded.
    PlanEnded,
    /// The batch of the lane is over, by a refusal or without one: ask the server.
    Lane(LaneEvent),
    /// Something that no waiting mends.
    Refused(Refusal),
    /// The broker failed, or the way to it.
    Broker(BrokerError),
    /// The state could not be read or written.
    Store(StoreError),
    /// An invariant does not hold: our own fault.
    Broken(String),
}

/// Where every part reports the end.
#[derive(Clone, Debug)]
pub struct Ending(mpsc::Sender<End>);

impl Ending {
    /// A place to report to, and the place to listen.
    pub fn new() -> (Ending, mpsc::Receiver<End>) {
        // One place a part is plenty: only the first report is read.
        let (sender, receiver) = mpsc::channel(16);
        (Ending(sender), receiver)
    }

    /// Reports the end.
    pub fn report(&self, end: End) {
        // Full or closed means that an earlier report has won.
        let _ = self.0.try_send(end);
    }

    /// Reports a broken invariant.
    pub fn broken(&self, what: impl ToString) {
        self.report(End::Broken(what.to_string()));
    }
}

/// Reports its actor's death.
#[derive(Debug)]
pub struct Alarm {
    name: &'static str,
    ending: Ending,
}

impl Alarm {
    /// An alarm for one actor.
    pub fn new(name: &'static str, ending: Ending) -> Alarm {
        Alarm { name, ending }
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        // After an orderly stop nobody listens any more.
        self.ending.broken(format!("the {} actor died", self.name));
    }
}
