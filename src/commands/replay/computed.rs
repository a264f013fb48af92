//! What a replay would publish, worked out without actors and without any stream but the input.
//!
//! The audit's recomputation does the work, over an empty state in memory. For `--dry-run`.

use crate::adapters::nats::connect::Connection;
use crate::app::exit::Exit;
use crate::app::reader::StreamReader;
use crate::audit::expected::ExpectedValue;
use crate::audit::recompute::Recompute;
use crate::core::ids::Position;
use crate::ports::stream::StreamState;
use crate::protocol::replay::diff::Published;
use crate::protocol::replay::request::ReplayRequest;
use serde::Serialize;
use std::collections::BTreeMap;

/// What would come out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counted {
    /// Events read, those before the range included.
    pub events: u64,
    /// Outputs.
    pub outputs: u64,
    /// Dead letters by reason.
    pub dead_letters: BTreeMap<String, u64>,
}

/// A replay that publishes nothing.
pub struct DryRun<'a> {
    reader: StreamReader<'a>,
    recompute: Recompute,
    until: Position,
    /// What came out so far.
    pub counted: Counted,
    /// The last position that was worked out.
    pub position: Position,
}

impl<'a> DryRun<'a> {
    /// A replay of a request over an input in this state.
    pub fn new(connection: &'a Connection, stream: &'a str, input: StreamState, request: &ReplayRequest) -> DryRun<'a> {
        let until = request.emit().until;
        let state = StreamState { last: until.0.min(input.last), ..input };
        DryRun {
            reader: StreamReader::new(connection, stream, state),
            recompute: Recompute::new(&request.plan, Position(0), None),
            until,
            counted: Counted::default(),
            position: Position(0),
        }
    }

    /// The next outcomes, possibly none; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Vec<Published>>, Exit> {
        let mut messages = self.reader.next().await?;
        messages.retain(|message| message.sequence <= self.until.0);
        let Some(last) = messages.last() else { return Ok(None) };
        self.position = Position(last.sequence);
        self.counted.events += messages.len() as u64;
        let mut published = Vec::new();
        for expected in self.recompute.run(messages) {
            match expected.value {
                ExpectedValue::Output(output) | ExpectedValue::Likely(output) => published.push(Published::of(&output)),
                ExpectedValue::Nothing(_) => {}
                ExpectedValue::Frame(_) | ExpectedValue::NotKnown(_) => {
                    return Err(Exit::broken(format!("recomputing failed before position {}", self.position)));
                }
            }
        }
        for one in &published {
            match &one.dead {
                None => self.counted.outputs += 1,
                Some(reason) => *self.counted.dead_letters.entry(reason.clone()).or_default() += 1,
            }
        }
        Ok(Some(published))
    }

    /// Lets go of the stream.
    pub async fn close(self) {
        self.reader.close().await;
    }
}
