//! Telling other engines of the same lane that this one started later.
//!
//! Only a courtesy: what keeps the lane exact is the expected sequence of every message. Without it, an
//! earlier engine at full speed would leave its successor no gap to write into.

use crate::adapters::nats::connect::{Connection, NatsSettings};
use crate::adapters::nats::notice::Notices;
use crate::engine::ending::End;
use crate::ports::stream::BrokerError;
use crate::protocol::header::RunId;
use crate::protocol::refusal::Refusal;

/// The subject on which engines of an output stream tell each other their run ids.
pub fn subject(output: &str) -> String {
    format!("sidestream.claim.{output}")
}

/// Claims the lane, and ends when somebody who started later does so.
///
/// Has a connection of its own, so that a missing permission on the subject costs nothing but the courtesy.
pub async fn claim(nats: NatsSettings, output: String, run: RunId) -> Option<End> {
    let mut notices = match announce(&nats, &output, &run).await {
        Ok(notices) => notices,
        Err(error) => {
            tracing::warn!(%error, "cannot tell other engines of this output stream that this one has started");
            return None;
        }
    };
    while let Some(text) = notices.next().await {
        match RunId::parse(&text) {
            Some(other) if other > run => {
                return Some(End::Refused(Refusal::NewerRun { run: other.to_string() }));
            }
            _ => {}
        }
    }
    None
}

async fn announce(nats: &NatsSettings, output: &str, run: &RunId) -> Result<Notices, BrokerError> {
    let connection = Connection::open(nats, "claim").await?;
    let notices = Notices::open(&connection, &subject(output)).await?;
    notices.send(run.to_string()).await?;
    Ok(notices)
}
