//! Reading on by single requests where the client library cannot read what the server delivers.
//!
//! The client gives up its connection over headers or a subject that it cannot read, and the server stores such
//! messages. Where one was met, others follow soon: so it goes on like this, many requests under way, until a long
//! stretch of messages could have been read as deliveries.

use super::connect::Connection;
use super::message::{Single, single_at, single_from};
use crate::core::output;
use crate::ports::stream::{BrokerError, StoredMessage};
use futures_util::StreamExt;
use futures_util::stream;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Requests under way at most.
const UNDER_WAY: u64 = 128;
/// Bytes of messages that are fetched together, about.
const BYTES: usize = 1 << 20;
/// So many messages in a row that can be read are a long stretch.
const STRETCH: u64 = 2_000;
/// So long without one that cannot be read is long.
const LONG: Duration = Duration::from_secs(30);
/// Between two looks for the next message, where there was none.
pub(super) const POLL: Duration = Duration::from_millis(10);

/// Such a reading.
#[derive(Debug)]
pub(super) struct Singly {
    /// Messages that could have been read, in a row.
    readable: u64,
    /// Since when.
    since: Instant,
    /// The last message that could not.
    pub(super) last_unreadable: u64,
    /// Requests under way, as much as the messages' number and size allow.
    window: u64,
}

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Fetched {
    /// The messages.
    pub(super) messages: Vec<StoredMessage>,
    /// How many of them no client can read.
    pub(super) unreadable: u64,
}

impl Singly {
    /// Begins.
    pub(super) fn new() -> Singly {
        Singly { readable: 0, since: Instant::now(), last_unreadable: 0, window: 8 }
    }

    /// Whether a long stretch could have been read as deliveries, or all for a long time.
    pub(super) fn is_over(&self) -> bool {
        self.readable >= STRETCH || self.since.elapsed() >= LONG
    }

    /// The messages behind `last`, a window at most; none where there is none now.
    ///
    /// Ends before the first one that is not there, which may be deleted or about to be stored: only the server's
    /// search for the next one tells, at one moment.
    pub(super) async fn next(
        &mut self,
        connection: &Connection,
        name: &str,
        last: u64,
        filter: Option<&str>,
    ) -> Result<Fetched, BrokerError> {
        let wildcard = filter.unwrap_or(">");
        let Some(first) = single_from(connection, name, last + 1, wildcard).await? else {
            return Ok(Fetched::default());
        };
        let begin = first.message.sequence + 1;
        // Behind a filter the next sequence is hardly ever the next message.
        let end = if filter.is_some() { begin } else { begin + self.window };
        let mut fetched = Fetched::default();
        let mut bytes = self.count(&mut fetched, first);
        let mut rest = stream::iter(begin..end)
            .map(|sequence| single_at(connection, name, sequence))
            .buffered(usize::try_from(self.window).unwrap_or(1));
        let mut whole = true;
        while let Some(single) = rest.next().await {
            let Some(single) = single? else {
                whole = false;
                break;
            };
            bytes += self.count(&mut fetched, single);
        }
        drop(rest);
        self.window = match whole && bytes < BYTES {
            true => (self.window * 2).min(UNDER_WAY),
            false => (self.window / 2).max(1),
        };
        Ok(fetched)
    }

    fn count(&mut self, fetched: &mut Fetched, single: Single) -> usize {
        let Single { message, readable } = single;
        if readable {
            self.readable += 1;
        } else {
            (self.readable, self.since, self.last_unreadable) = (0, Instant::now(), message.sequence);
            fetched.unreadable += 1;
        }
        let size = message.payload.len();
        fetched.messages.push(message);
        size
    }
}

/// A message as the source yields it: without reserved headers where nobody reads them.
pub(super) fn as_delivered(message: StoredMessage, reserved: bool) -> StoredMessage {
    if reserved {
        return message;
    }
    let kept = |headers: &output::Headers| -> output::Headers {
        headers.iter().filter(|(name, _)| !output::is_reserved(name)).cloned().collect()
    };
    let headers = message.headers.as_deref().map(kept).filter(|headers| !headers.is_empty()).map(Arc::new);
    StoredMessage { headers, ..message }
}
