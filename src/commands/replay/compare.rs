//! Driving the comparison: the live lane and the replay's, or what it would publish, read side by side.
//!
//! Compares nothing itself; `protocol::replay::diff` does. Only reads, and only as far as the range goes.

use super::computed::DryRun;
use super::place::first_where;
use crate::adapters::nats::connect::Connection;
use crate::adapters::nats::source::SourceOptions;
use crate::adapters::nats::streams;
use crate::app::exit::Exit;
use crate::app::reader::StreamReader;
use crate::audit::rewound::{Rewinds, RewoundMessage};
use crate::commands::audit::rewinds;
use crate::core::ids::Position;
use crate::core::plan::emit::EmitSpec;
use crate::ports::stream::{BrokerError, StoredMessage, StreamState};
use crate::protocol::header::LaneMessage;
use crate::protocol::replay::diff::{Diff, DiffReport, DiffSide, Published};
use crate::protocol::replay::request::ReplayRequest;
use std::collections::VecDeque;

/// What the live lane is compared with.
pub enum ComparedWith<'a> {
    /// The replay's lane.
    Lane(Box<StreamReader<'a>>),
    /// What the replay would publish.
    Computed(Box<DryRun<'a>>),
}

impl<'a> ComparedWith<'a> {
    /// The replay's lane as it is now.
    pub async fn lane(connection: &'a Connection, request: &'a ReplayRequest) -> Result<ComparedWith<'a>, Exit> {
        let state = streams::state(connection, &request.to).await?;
        Ok(ComparedWith::Lane(Box::new(StreamReader::new(connection, &request.to, state))))
    }

    /// Lets go of the stream.
    pub async fn close(self) {
        match self {
            ComparedWith::Lane(reader) => reader.close().await,
            ComparedWith::Computed(computed) => computed.close().await,
        }
    }

    async fn next(&mut self) -> Result<Option<Vec<Published>>, Exit> {
        match self {
            ComparedWith::Lane(reader) => {
                let messages = reader.next().await?;
                Ok((!messages.is_empty()).then(|| messages.iter().filter_map(Published::read).collect()))
            }
            ComparedWith::Computed(computed) => computed.next().await,
        }
    }
}

/// Compares; `progress` hears the position up to which both were read.
pub async fn compare(
    connection: &Connection,
    request: &ReplayRequest,
    after: &mut ComparedWith<'_>,
    progress: &mut (dyn FnMut(Position) + Send),
) -> Result<DiffReport, Exit> {
    let emit = request.emit();
    let live = streams::state(connection, &request.live).await?;
    let rewinds = Rewinds::new(rewinds(connection, &request.live).await?);
    let mut diff = Diff::new(&request.prefix, known(connection, &request.live, live, &rewinds).await?);
    let begin =
        |message: &StoredMessage| LaneMessage::read(message).is_some_and(|ours| rewinds.cause(&ours) >= emit.from);
    let first = first_where(connection, &request.live, live, begin).await?;
    let behind = Position(first.saturating_sub(1));
    let mut before = StreamReader::after(connection, &request.live, live, behind, SourceOptions::default());
    let mut inside = Inside::new(connection, request, &emit).await?;
    while let Some(side) = diff.wants() {
        match side {
            DiffSide::Before => {
                let messages = before.next().await?;
                let mut over = messages.is_empty();
                // What stands for events that the input lost, no replay can publish.
                let there = |message: &&StoredMessage| {
                    LaneMessage::read(message).is_some_and(|m| rewinds.of(&m) == RewoundMessage::Present)
                };
                for published in messages.iter().filter(there).filter_map(Published::read) {
                    let cause = published.key.0;
                    if cause > emit.until {
                        over = true;
                        break;
                    }
                    if cause >= emit.from && inside.holds(cause).await? {
                        diff.take(DiffSide::Before, published);
                    }
                }
                if over {
                    diff.end(DiffSide::Before);
                }
            }
            DiffSide::After => match after.next().await? {
                None => diff.end(DiffSide::After),
                Some(published) => {
                    if let Some(last) = published.last() {
                        progress(last.key.0);
                    }
                    published.into_iter().for_each(|published| diff.take(DiffSide::After, published));
                }
            },
        }
    }
    before.close().await;
    inside.close().await;
    Ok(diff.finish())
}

/// The positions of which the lane tells what was published: from its oldest message on, up to its newest.
async fn known(
    connection: &Connection,
    stream: &str,
    state: StreamState,
    rewinds: &Rewinds,
) -> Result<std::ops::RangeInclusive<u64>, BrokerError> {
    let ours = |message: Option<StoredMessage>| message.as_ref().and_then(LaneMessage::read);
    let newest = ours(streams::newest(connection, stream).await?).map_or(0, |ours| rewinds.cause(&ours).0);
    let oldest = match state.first {
        0 | 1 => 1,
        // Of its cause, outputs before it may be gone; there is one a cause. What stands for no event that is there counts as
        // of the floor, whose own output is gone.
        first => ours(streams::message_at(connection, stream, first).await?)
            .map_or(u64::MAX, |ours| rewinds.cause(&ours).0 + u64::from(rewinds.of(&ours) != RewoundMessage::Present)),
    };
    Ok(oldest..=newest)
}

/// Whether a position's event is one that the filter of a replay lets out: an output does not tell its event's subject.
struct Inside<'a> {
    filtered: Option<StreamReader<'a>>,
    positions: VecDeque<u64>,
}

impl<'a> Inside<'a> {
    async fn new(connection: &'a Connection, request: &'a ReplayRequest, emit: &EmitSpec) -> Result<Inside<'a>, Exit> {
        let Some(filter) = &emit.subject else { return Ok(Inside { filtered: None, positions: VecDeque::new() }) };
        let stream = &request.plan.input_stream;
        let state = streams::state(connection, stream).await?;
        let state = StreamState { last: emit.until.0.min(state.last), ..state };
        let options = SourceOptions { headers_only: true, filter: Some(filter.clone()), ..SourceOptions::default() };
        let after = Position(emit.from.0.saturating_sub(1));
        let reader = StreamReader::after(connection, stream, state, after, options);
        Ok(Inside { filtered: Some(reader), positions: VecDeque::new() })
    }

    /// Asked with rising positions.
    async fn holds(&mut self, position: Position) -> Result<bool, BrokerError> {
        let Some(reader) = &mut self.filtered else { return Ok(true) };
        loop {
            while self.positions.pop_front_if(|first| *first < position.0).is_some() {}
            if let Some(first) = self.positions.front() {
                return Ok(*first == position.0);
            }
            let messages = reader.next().await?;
            if messages.is_empty() {
                return Ok(false);
            }
            self.positions.extend(messages.iter().map(|message| message.sequence));
        }
    }

    async fn close(self) {
        if let Some(reader) = self.filtered {
            reader.close().await;
        }
    }
}
