//! The agenda's entries.

use super::api::Question;
use super::link::Ticket;
use super::model::{Delivery, Reply};
use bytes::Bytes;
use sidestream::protocol::header::RunId;

/// A fast-ingest message on its way.
#[derive(Clone, Debug)]
pub struct Wire {
    pub subject: String,
    pub reply: String,
    pub headers: Option<Vec<(String, String)>>,
    pub payload: Bytes,
}

/// Something that is going to happen.
#[derive(Debug)]
pub enum Entry {
    /// The publisher stores the next events.
    Publish,
    /// The next fault strikes.
    Fault,
    /// A fault strikes that was not planned.
    Strike(&'static str),
    /// The server writes a stream's tail to disk.
    Sync,
    /// A server that lags takes note of the streams as they are; later it answers for them.
    StaleNotes,
    StaleAnswers,
    StaleEnds,
    /// The server is back.
    ServerUp,
    /// A member of the cluster leads the lane.
    LaneLeads,
    /// A process's disk does what it should again.
    DiskWell(usize),
    /// All faults end.
    Heal,
    /// The supervisor starts a process.
    Spawn(usize),
    /// A process is killed.
    Kill(usize),
    /// A paused process goes on.
    Continue(usize),
    /// A message of the lane reaches the server, which had died so often when it was sent.
    ToServer(usize, u64, Ticket, u32, Wire),
    /// A question reaches the server.
    Asked(usize, u64, Question),
    /// Something happens inside a process, if it is still the same life.
    Inside(usize, u64, Inside),
}

/// What happens inside a process.
#[derive(Debug)]
pub enum Inside {
    /// The next start begins.
    Begin,
    /// The answer to a question is there.
    Answered(Question, bool),
    /// An actor takes its next message.
    Turn(usize),
    /// The checkpoint interval is over.
    Interval,
    /// Nothing may have followed this message of the lane for a while.
    Silence(u64),
    /// The lane's patience is asked.
    Patience,
    /// The server delivers what it may.
    Pump,
    /// A delivery arrives.
    Delivery(Ticket, u64, Delivery),
    /// A reply to the lane arrives.
    Reply(Ticket, Reply),
    /// The lane's leader is asked again.
    LookAgain,
    /// The client notices that the lane's connection was lost.
    LaneTrouble,
    /// The client notices that the source's connection was lost.
    SourceTrouble,
    /// The consumer is made anew.
    MakeConsumer(u32),
    /// More of the old lane is read.
    ReadOld,
    /// The marker of a rewind reaches the server: its subject, headers and body.
    Marker(String, Vec<(String, String)>, String),
    /// A later engine announces itself.
    Claimed(RunId),
    /// The process is asked to stop.
    Drain,
}
