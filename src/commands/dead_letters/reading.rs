//! The dead letters of an output stream, in the order of their positions, without their bodies.
//!
//! The output stream is the truth about them. A stream that sources them (`dead_letters.stream`) adds those that the
//! output stream has let go already. Memory holds one batch, however many there are.

use crate::adapters::nats::connect::Connection;
use crate::adapters::nats::source::{Source, SourceOptions};
use crate::adapters::nats::streams;
use crate::config::Config;
use crate::core::event::StoredMessage;
use crate::core::ids::Position;
use crate::ports::stream::{BrokerError, StreamState};
use crate::protocol::header::LaneMessage;
use crate::protocol::redrive::filter::LetterFilter;
use crate::protocol::redrive::letter::{Letter, LetterName, home};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// Dead letters taken at a time.
const BATCH: usize = 256;
/// A stream that has more dead letters, as it says, delivers one within this time.
const PATIENCE: Duration = Duration::from_secs(30);

/// A dead letter and where it stands.
#[derive(Clone, Debug)]
pub struct FoundLetter {
    /// The dead letter; its body only after [`FoundLetter::load`].
    pub letter: Letter,
    /// The stream that it was read from.
    pub stream: String,
    /// Its sequence there.
    pub sequence: u64,
    /// Its sequence in the output stream.
    pub lane_sequence: u64,
}

impl FoundLetter {
    fn of(message: &StoredMessage, stream: &str) -> Option<FoundLetter> {
        let letter = Letter::read(message)?;
        let lane_sequence = home(message).map_or(message.sequence, |(_, sequence)| sequence);
        Some(FoundLetter { letter, stream: stream.to_owned(), sequence: message.sequence, lane_sequence })
    }

    /// The same with its body; `None` when the stream does not have it any more.
    pub async fn load(&self, connection: &Connection) -> Result<Option<FoundLetter>, BrokerError> {
        let message = streams::message_at(connection, &self.stream, self.sequence).await?;
        let found = message.and_then(|message| FoundLetter::of(&message, &self.stream));
        Ok(found.filter(|found| found.letter.id == self.letter.id))
    }
}

/// A part of the dead letters: those of one stream behind a sequence.
#[derive(Debug)]
struct LettersPart {
    stream: String,
    after: u64,
    last: u64,
    /// Only what stood before this sequence of the output stream; the rest is read there.
    before: Option<u64>,
}

/// A reading of the dead letters that are there when it begins.
pub struct Letters<'a> {
    connection: &'a Connection,
    output: String,
    wildcard: String,
    filter: LetterFilter,
    parts: VecDeque<LettersPart>,
    source: Option<Source>,
    /// Whether positions fall along the lane where the input was rewound.
    rewound: bool,
    /// Dead letters looked at so far.
    pub read: u64,
    /// Dead letters to look at, as far as is known.
    pub total: u64,
}

impl<'a> Letters<'a> {
    /// Begins a reading.
    pub async fn open(
        connection: &'a Connection,
        config: &Config,
        filter: LetterFilter,
    ) -> Result<Letters<'a>, BrokerError> {
        let output = config.output.stream.clone();
        let wildcard = config.plan.dead_subject.wildcard();
        let lane = streams::state(connection, &output).await?;
        let mut parts = VecDeque::new();
        if lane.first > 1
            && let Some(stream) = &config.dead_letters.stream
            && let Some(info) = streams::find(connection, stream).await?
        {
            let before = Some(lane.first);
            parts.push_back(LettersPart { stream: stream.clone(), after: 0, last: info.state.last, before });
        }
        let newest = streams::newest(connection, &output).await?;
        let rewound = newest.as_ref().and_then(LaneMessage::read).is_some_and(|newest| newest.epoch() > 0);
        let after = match filter.from.filter(|_| !rewound) {
            Some(from) => behind(connection, &output, &wildcard, lane, from).await?,
            None => 0,
        };
        parts.push_back(LettersPart { stream: output.clone(), after, last: lane.last, before: None });
        Ok(Letters { connection, output, wildcard, filter, parts, source: None, rewound, read: 0, total: 0 })
    }

    /// The next dead letters that the filter takes, a batch at most; none at the end.
    pub async fn next(&mut self) -> Result<Vec<FoundLetter>, BrokerError> {
        while let Some(part) = self.parts.front() {
            let (stream, last, before) = (part.stream.clone(), part.last, part.before);
            let messages = self.messages(&stream, part.after, last).await?;
            self.read += messages.len() as u64;
            let mut over = messages.last().is_none_or(|message| message.sequence >= last);
            let mut page = Vec::new();
            for message in messages.iter().take_while(|message| message.sequence <= last) {
                let ours = home(message).is_none_or(|(stream, _)| stream == self.output);
                let Some(found) = FoundLetter::of(message, &stream).filter(|_| ours) else { continue };
                if before.is_some_and(|before| found.lane_sequence >= before)
                    || !self.rewound && self.filter.is_past(found.letter.id.position)
                {
                    over = true;
                    break;
                }
                if self.filter.takes(&found.letter) {
                    page.push(found);
                }
            }
            if over {
                self.parts.pop_front();
                if let Some(source) = self.source.take() {
                    source.close().await?;
                }
            }
            if !page.is_empty() {
                return Ok(page);
            }
        }
        Ok(Vec::new())
    }

    async fn messages(&mut self, stream: &str, after: u64, last: u64) -> Result<Vec<StoredMessage>, BrokerError> {
        let source = match &mut self.source {
            Some(source) => source,
            None => {
                let filter = Some(self.wildcard.clone());
                let options = SourceOptions { headers_only: true, filter, ..SourceOptions::default() };
                let source = Source::open(self.connection, stream, Position(after), options).await?;
                self.total += source.pending();
                self.source.insert(source)
            }
        };
        let late =
            |_| BrokerError::Transient(format!("stream {stream} delivered nothing for {} s", PATIENCE.as_secs()));
        tokio::time::timeout(PATIENCE, source.next_until(BATCH, last)).await.map_err(late)?
    }
}

/// The dead letters of a name, in the order of their numbers; of each number the newest one, should the input have been rewound or
/// a sourcing stream remember several.
pub async fn find(connection: &Connection, config: &Config, name: LetterName) -> Result<Vec<FoundLetter>, BrokerError> {
    let mut letters = Letters::open(connection, config, LetterFilter::at(name.position)).await?;
    let mut found = BTreeMap::new();
    loop {
        let page = letters.next().await?;
        if page.is_empty() {
            break;
        }
        let named = page.into_iter().filter(|letter| name.n.is_none_or(|n| letter.letter.id.n == n));
        found.extend(named.map(|letter| (letter.letter.id.n, letter)));
    }
    // A rewind's marker stands at the position of its floor, which may have dead letters of its own.
    if found.len() > 1 {
        found.retain(|_, letter| !letter.letter.is_marker());
    }
    Ok(found.into_values().collect())
}

/// A sequence of the lane behind which all dead letters from a position on stand, and few others: positions rise
/// along the lane, so halving finds it.
async fn behind(
    connection: &Connection,
    output: &str,
    wildcard: &str,
    lane: StreamState,
    from: Position,
) -> Result<u64, BrokerError> {
    let (mut low, mut high) = (lane.first, lane.last + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        match streams::message_from(connection, output, middle, wildcard).await? {
            Some(message) if LaneMessage::read(&message).is_none_or(|lane| lane.cause < from) => {
                low = message.sequence + 1;
            }
            _ => high = middle,
        }
    }
    Ok(low.saturating_sub(1))
}
