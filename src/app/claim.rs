//! Telling other engines of the same lane that this one started later.
//!
//! Only a courtesy: what keeps the lane exact is the expected sequence of every message. Without it, an
//! earlier engine at full speed would leave its successor no gap to write into.

use crate::adapters::nats::connect::Connection;
use crate::adapters::nats::notice::Notices;
use crate::core::protocol::header::RunId;
use crate::core::protocol::refusal::Refusal;
use crate::engine::ending::End;
use crate::ports::stream::BrokerError;

/// The subject on which engines of an output stream tell each other their run ids.
fn subject(output: &str) -> String {
    format!("sidestream.claim.{output}")
}

/// Claims the lane, and listens for those who started later.
pub async fn claim(connection: &Connection, output: &str, run: &RunId) -> Result<Notices, BrokerError> {
    let notices = Notices::open(connection, &subject(output)).await?;
    notices.send(run.to_string()).await?;
    Ok(notices)
}

/// Ends when somebody who started later claims the lane; answers those who started earlier.
pub async fn listen(mut notices: Notices, run: RunId) -> Option<End> {
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
