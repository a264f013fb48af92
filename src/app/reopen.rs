//! What the lane's writer must know of the lane before it goes on with it after a lost batch.
//!
//! Asks the stream's leader only, and whether it still is the leader; `protocol::reopen` judges.

use crate::core::ids::LaneSequence;
use crate::ports::stream::{BrokerError, Streams};
use crate::protocol::reopen::LeaderAccount;

/// The lane's end and the message there.
pub async fn look(streams: &impl Streams, output: &str) -> Result<LeaderAccount, BrokerError> {
    let state = streams.state(output).await?;
    let newest = if state.last > 0 { streams.message_at(output, state.last).await? } else { None };
    state.same_leader(&streams.state(output).await?, output)?;
    Ok(LeaderAccount { created: state.created, last: LaneSequence(state.last), newest })
}
