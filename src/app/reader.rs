//! One stream, read from a position up to the end that it had when somebody asked.
//!
//! For readers of what is there: the audit and the replay's comparison. Never waits for messages that are still to come,
//! and goes on over a new connection when the old one is lost, as the engine does.

use super::command_patience::CommandPatience;
use crate::adapters::nats::connect::Connection;
use crate::adapters::nats::source::{Source, SourceOptions};
use crate::core::ids::Position;
use crate::ports::stream::{BrokerError, StoredMessage, StreamState};

/// Messages taken from a stream at a time.
const BATCH: usize = 1_000;

/// A reader; nothing is asked of the server before the first message is.
pub struct StreamReader<'a> {
    connection: Connection,
    stream: &'a str,
    state: StreamState,
    after: Position,
    options: SourceOptions,
    source: Option<Source>,
    patience: CommandPatience,
    /// Messages read so far.
    pub read: u64,
    over: bool,
}

impl<'a> StreamReader<'a> {
    /// Everything that a stream in this state holds.
    pub fn new(connection: &Connection, stream: &'a str, state: StreamState) -> StreamReader<'a> {
        StreamReader::after(connection, stream, state, Position(0), SourceOptions::default())
    }

    /// What it holds behind a position.
    pub fn after(
        connection: &Connection,
        stream: &'a str,
        state: StreamState,
        after: Position,
        options: SourceOptions,
    ) -> StreamReader<'a> {
        let over = state.messages == 0 || after.0 >= state.last;
        let (connection, patience) = (connection.clone(), CommandPatience::default());
        StreamReader { connection, stream, state, after, options, source: None, patience, read: 0, over }
    }

    /// The next messages; none at the end.
    pub async fn next(&mut self) -> Result<Vec<StoredMessage>, BrokerError> {
        while !self.over {
            match self.read_on().await {
                Ok(messages) => {
                    self.patience.relieve();
                    self.read += messages.len() as u64;
                    self.over = messages.last().is_none_or(|message| message.sequence >= self.state.last);
                    return Ok(messages);
                }
                Err(error) => self.again(error).await?,
            }
        }
        Ok(Vec::new())
    }

    async fn read_on(&mut self) -> Result<Vec<StoredMessage>, BrokerError> {
        let source = match &mut self.source {
            Some(source) => source,
            None => {
                let opened = Source::open(&self.connection, self.stream, self.after, self.options.clone()).await?;
                self.source.insert(opened)
            }
        };
        let messages = source.next_until(BATCH, self.state.last).await?;
        self.after = source.last();
        Ok(messages)
    }

    /// What failed may go better over another connection.
    async fn again(&mut self, mut error: BrokerError) -> Result<(), BrokerError> {
        // Messages that the source took and did not yield are read again: `after` stands before them.
        self.source = None;
        loop {
            self.patience.bear(error).await?;
            match self.connection.again().await {
                Ok(connection) => {
                    self.connection = connection;
                    return Ok(());
                }
                Err(failed) => error = failed,
            }
        }
    }

    /// Lets the server forget the consumer, which it would by itself; asking only spares it the wait.
    pub async fn close(self) {
        if let Some(source) = self.source {
            let _ = source.close().await;
        }
    }
}
