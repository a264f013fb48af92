//! Takes away the streams that `provision` makes.
//!
//! Nothing is judged here: which of them go is the caller's choice, and so is whether a person agreed.

use super::api;
use super::connect::Connection;
use super::streams::{self, StreamInfo};
use super::wanted::WantedStream;
use crate::ports::stream::BrokerError;

/// The server's answer to a stream that is not there.
const STREAM_NOT_FOUND: u64 = 10059;

/// How many messages the streams hold, in their order; `None` for one that is not there.
pub async fn look(connection: &Connection, streams: &[WantedStream]) -> Result<Vec<Option<u64>>, BrokerError> {
    let mut all = Vec::new();
    for stream in streams {
        let found = streams::find_surely(connection, &stream.name).await?;
        all.push(found.map(|StreamInfo { state, .. }| state.messages));
    }
    Ok(all)
}

/// Deletes a stream with all that it holds. One that is gone already is no error.
pub async fn delete(connection: &Connection, stream: &str) -> Result<(), BrokerError> {
    let subject = connection.api("STREAM.DELETE", stream);
    let deleted: Result<serde_json::Value, _> = api::call(connection, &subject, &serde_json::json!({})).await?;
    match deleted {
        Err(error) if error.err_code != STREAM_NOT_FOUND => Err(error.broker(&subject)),
        _ => Ok(()),
    }
}
