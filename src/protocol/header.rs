//! The two headers that recovery and audit read back: `Sidestream-Position` and `Sidestream-Run`.
//!
//! Parsing is strict: what does not parse was not written by this product.

use super::epoch::{self, MARKER};
use crate::core::event::StoredMessage;
use crate::core::ids::{LaneSequence, Nanos, Position};
use crate::core::output::{MORE, POSITION, REWINDS, RUN, TIME};
use crate::core::record::Rewind;
use std::fmt;
use std::str::FromStr;

/// The length of a run id, in bytes.
pub const RUN_ID_LENGTH: usize = 24;

/// Which process: the server's clock at its start and a random end, so that later runs compare greater.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(String);

impl RunId {
    /// The id of a process that began at `server_time`; `random` tells two of the same instant apart.
    pub fn new(server_time: Nanos, random: u32) -> RunId {
        RunId(format!("{:016x}{random:08x}", server_time.0.max(0)))
    }

    /// The server's clock at the start of the process.
    pub fn began(&self) -> Nanos {
        let hex = self.0.get(..16).and_then(|hex| i64::from_str_radix(hex, 16).ok());
        Nanos(hex.unwrap_or_default())
    }

    /// Takes an id that was read.
    pub fn parse(text: &str) -> Option<RunId> {
        let ours = text.len() == RUN_ID_LENGTH && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        ours.then(|| RunId(text.to_owned()))
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The value of `Sidestream-Run`: `<run id>.<start>:<plan>:<origin>:<since>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunHeader {
    /// The process.
    pub run: RunId,
    /// Its starts so far, from 1; a reconnect is a start too.
    pub start: u64,
    /// The fingerprint of the plan that made the output.
    pub plan: String,
    /// The first position that ever went into the lane's state.
    pub origin: Position,
    /// The first position under this plan.
    pub since: Position,
}

impl RunHeader {
    /// Parses the value.
    pub fn parse(text: &str) -> Option<RunHeader> {
        let mut parts = text.split(':');
        let (run, start) = parts.next()?.split_once('.')?;
        let header = RunHeader {
            run: RunId::parse(run)?,
            start: as_written(start)?,
            plan: parts.next().filter(|plan| !plan.is_empty())?.to_owned(),
            origin: Position(as_written(parts.next()?)?),
            since: Position(as_written(parts.next()?)?),
        };
        parts.next().is_none().then_some(header)
    }
}

impl fmt::Display for RunHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}:{}:{}:{}", self.run, self.start, self.plan, self.origin, self.since)
    }
}

/// What a lane message says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneMessage {
    /// Where it stands in the lane.
    pub sequence: LaneSequence,
    /// The input stream's name.
    pub input_stream: String,
    /// The position at work when it was emitted.
    pub cause: Position,
    /// Which of the cause's outputs it is, from 0.
    pub n: u32,
    /// Whether another message of the same event follows it.
    pub followed: bool,
    /// When the cause was stored.
    pub time: Nanos,
    /// Who published it, and under which plan.
    pub run: RunHeader,
    /// The rewinds of the input that it stands behind, as far as it lists them; the last one always.
    pub rewinds: Vec<Rewind>,
}

impl LaneMessage {
    /// Reads the headers of a message of the output stream; `None` when it is not ours.
    pub fn read(message: &StoredMessage) -> Option<LaneMessage> {
        let header = |wanted: &str| {
            let list = message.headers.as_deref()?;
            list.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
        };
        // Read from the right: a stream's name may not contain a colon, but nothing here relies on it.
        let mut parts = header(POSITION)?.rsplitn(3, ':');
        let n = as_written(parts.next()?)?;
        let cause = Position(as_written(parts.next()?)?);
        let (input_stream, rewinds) = epoch::read(parts.next()?, header(REWINDS))?;
        let input_stream = input_stream.to_owned();
        let time = Nanos(as_written(header(TIME)?)?);
        let run = RunHeader::parse(header(RUN)?)?;
        let (sequence, followed) = (LaneSequence(message.sequence), header(MORE).is_some());
        Some(LaneMessage { sequence, input_stream, cause, n, followed, time, run, rewinds })
    }

    /// How many rewinds of the input it stands behind: positions of fewer are another history's.
    pub fn epoch(&self) -> u32 {
        epoch::count(&self.rewinds)
    }

    /// The rewind that it marks, where it is a marker and no event's output.
    pub fn marks(&self) -> Option<&Rewind> {
        self.rewinds.last().filter(|_| self.n == MARKER)
    }
}

/// A decimal number as we write it: no plus sign, no needless zeros.
pub(super) fn as_written<T: FromStr>(text: &str) -> Option<T> {
    let number: T = text.parse().ok()?;
    // The first digit tells whether there are needless ones; printing the number would cost an allocation.
    let digits = text.strip_prefix('-').unwrap_or(text);
    let one = digits.starts_with(|digit: char| digit.is_ascii_digit()) && (!digits.starts_with('0') || text == "0");
    one.then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_survive_a_round_trip_and_strangers_are_not_ours() {
        let run = RunId::new(Nanos(1_763_000_000_000_000_000), 7);
        let header =
            RunHeader { run: run.clone(), start: 3, plan: "00ff".into(), origin: Position(1), since: Position(9) };
        assert_eq!(RunHeader::parse(&header.to_string()), Some(header));
        assert!(RunId::new(Nanos(1_763_000_000_000_000_001), 0) > run, "later starts compare greater");
        assert_eq!(run.began(), Nanos(1_763_000_000_000_000_000));
        for text in ["", "x", "a.b:c:d:e", ".1:p:1:1", &format!("{run}.1:p:1"), &format!("{run}.+1:p:1:1")] {
            assert_eq!(RunHeader::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_number_that_we_do_not_write_so_is_not_ours() {
        let run = "187f0a1b2c3d4e5f0000000a.3:00ff:1:9";
        let read = |position: &str, time: &str, run: &str| {
            let headers = [(POSITION, position), (TIME, time), (RUN, run)];
            let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
            LaneMessage::read(&StoredMessage {
                sequence: 1,
                stored_at: Nanos(1),
                subject: "enriched.user".into(),
                headers: Some(headers.into()),
                payload: bytes::Bytes::new(),
            })
        };
        for (position, time) in [("IN:0:0", "0"), ("IN:10:20", "-10")] {
            assert!(read(position, time, run).is_some(), "{position} {time}");
        }
        for (position, time) in [
            ("IN:01:0", "0"),
            ("IN:1:00", "0"),
            ("IN:+1:0", "0"),
            ("IN:1:0", "007"),
            ("IN:1:0", "-0"),
            ("IN:1:0", "+1"),
        ] {
            assert_eq!(read(position, time, run), None, "{position} {time}");
        }
        for run in [run.replace(".3", ".03"), run.replace(":1:", ":01:"), run.replace(":9", ":00")] {
            assert_eq!(read("IN:1:0", "1", &run), None, "{run}");
        }
    }
}
