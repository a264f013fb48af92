//! One stream, read from a position up to the end that it had when somebody asked.
//!
//! For readers of what is there: the audit and the replay's comparison. Never waits for messages that are still to come.

use crate::adapters::nats::connect::Connection;
use crate::adapters::nats::source::{Source, SourceOptions};
use crate::core::ids::Position;
use crate::ports::stream::{BrokerError, StoredMessage, StreamState};

/// Messages taken from a stream at a time.
const BATCH: usize = 1_000;

/// A reader; nothing is asked of the server before the first message is.
pub struct Reader<'a> {
    connection: &'a Connection,
    stream: &'a str,
    state: StreamState,
    after: Position,
    options: SourceOptions,
    source: Option<Source>,
    /// Messages read so far.
    pub read: u64,
    over: bool,
}

impl<'a> Reader<'a> {
    /// Everything that a stream in this state holds.
    pub fn new(connection: &'a Connection, stream: &'a str, state: StreamState) -> Reader<'a> {
        Reader::after(connection, stream, state, Position(0), SourceOptions::default())
    }

    /// What it holds behind a position.
    pub fn after(
        connection: &'a Connection,
        stream: &'a str,
        state: StreamState,
        after: Position,
        options: SourceOptions,
    ) -> Reader<'a> {
        let over = state.messages == 0 || after.0 >= state.last;
        Reader { connection, stream, state, after, options, source: None, read: 0, over }
    }

    /// The next messages; none at the end.
    pub async fn next(&mut self) -> Result<Vec<StoredMessage>, BrokerError> {
        if self.over {
            return Ok(Vec::new());
        }
        let source = match &mut self.source {
            Some(source) => source,
            None => {
                let opened = Source::open(self.connection, self.stream, self.after, self.options.clone()).await?;
                // Of what a filter leaves there may be nothing.
                if opened.pending() == 0 {
                    self.over = true;
                    let _ = opened.close().await;
                    return Ok(Vec::new());
                }
                self.source.insert(opened)
            }
        };
        let messages = source.next(BATCH).await?;
        let last = messages.last().map_or(0, |message| message.sequence);
        self.over = last >= self.state.last || source.pending() == 0;
        self.read += messages.len() as u64;
        Ok(messages)
    }

    /// Lets the server forget the consumer, which it would by itself; asking only spares it the wait.
    pub async fn close(self) {
        if let Some(source) = self.source {
            let _ = source.close().await;
        }
    }
}
