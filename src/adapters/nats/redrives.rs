//! The stream that remembers redrives: records by dead letter, each written behind the one that was read.
//!
//! A record is never changed, and no rule of the protocol stands here. The stream is apart from the output stream
//! because that one has a single writer.

use super::connect::Connection;
use super::once::{Once, PublishAnswer, WRONG_SEQUENCE};
use super::provision::ensure;
use super::streams::{self, StreamInfo};
use super::wanted::{Choice, Role, WantedStream};
use crate::core::event::StoredMessage;
use crate::ports::stream::BrokerError;
use crate::protocol::redrive::letter::LetterId;
use crate::protocol::redrive::record::{RedriveRecord, StoredRecord};

/// The stream of an output stream's redrives, as `provision` creates it.
pub fn wanted(output: &str) -> WantedStream {
    let subject = format!("sidestream.redrive.{output}.>");
    WantedStream { name: format!("{output}_REDRIVES"), role: Role::Redrives { subject }, choice: Choice::default() }
}

/// The redrives of one output stream.
#[derive(Clone, Debug)]
pub struct Redrives {
    connection: Connection,
    output: String,
    stream: String,
    /// Whether there is anything to read.
    there: bool,
}

impl Redrives {
    /// For reading; a stream that does not exist yet has no records.
    pub async fn look(connection: &Connection, output: &str) -> Result<Redrives, BrokerError> {
        let stream = wanted(output).name;
        let there = streams::find(connection, &stream).await?.is_some_and(|info| info.state.messages > 0);
        Ok(Redrives { connection: connection.clone(), output: output.to_owned(), stream, there })
    }

    /// For writing, too: the stream is created if it is missing, with as many copies as the output stream has.
    pub async fn open(connection: &Connection, output: &str, like: &StreamInfo) -> Result<Redrives, BrokerError> {
        let choice = Choice { replicas: like.replicas(), ..Choice::default() };
        ensure(connection, &WantedStream { choice, ..wanted(output) }).await?;
        Ok(Redrives { there: true, ..Redrives::look(connection, output).await? })
    }

    /// The stream's name.
    pub fn stream(&self) -> &str {
        &self.stream
    }

    /// The newest record of a dead letter.
    pub async fn newest(&self, id: &LetterId) -> Result<Option<StoredRecord>, BrokerError> {
        if !self.there {
            return Ok(None);
        }
        let newest = streams::last_of(&self.connection, &self.stream, &id.subject(&self.output)).await?;
        newest.map(|message| self.read(&message)).transpose()
    }

    /// Every record of a dead letter, the oldest first.
    pub async fn history(&self, id: &LetterId) -> Result<Vec<StoredRecord>, BrokerError> {
        let mut history = Vec::new();
        let mut from = 1;
        while self.there
            && let Some(message) =
                streams::message_from(&self.connection, &self.stream, from, &id.subject(&self.output)).await?
        {
            from = message.sequence + 1;
            history.push(self.read(&message)?);
        }
        Ok(history)
    }

    /// Writes a record behind the newest one that was read (0: none was there); `None` when another one has come
    /// between, and nothing was written.
    pub async fn write(&self, id: &LetterId, behind: u64, record: &RedriveRecord) -> Result<Option<u64>, BrokerError> {
        let once = Once {
            stream: self.stream.clone(),
            subject: id.subject(&self.output),
            headers: vec![("Nats-Expected-Last-Subject-Sequence".to_owned(), behind.to_string())],
            body: record.text().into(),
        };
        match once.publish(&self.connection).await? {
            PublishAnswer::Stored { sequence, .. } => Ok(Some(sequence)),
            PublishAnswer::Refused { code, .. } if WRONG_SEQUENCE.contains(&code) => Ok(None),
            PublishAnswer::Refused { words, .. } => {
                Err(BrokerError::Transient(format!("stream {} takes no record: {words}", self.stream)))
            }
        }
    }

    fn read(&self, message: &StoredMessage) -> Result<StoredRecord, BrokerError> {
        let record = RedriveRecord::parse(&message.payload).ok_or_else(|| BrokerError::Permanent {
            what: format!("record {} of stream {} cannot be read", message.sequence, self.stream),
            hint: "a later version may have written it: use that one".to_owned(),
        })?;
        Ok(StoredRecord { sequence: message.sequence, at: message.stored_at, record })
    }
}
