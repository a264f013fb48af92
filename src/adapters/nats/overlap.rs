//! Which other streams listen where one of ours should.
//!
//! The server refuses two streams that share a subject without saying which the other one is.

use super::api;
use super::connect::Connection;
use crate::ports::stream::BrokerError;

#[derive(serde::Deserialize)]
struct SubjectNames {
    #[serde(default)]
    streams: Option<Vec<String>>,
}

/// The names of the other streams that listen on a subject of a wildcard; none where the names may not be asked for.
pub(super) async fn sharing(connection: &Connection, stream: &str, wildcard: &str) -> Result<Vec<String>, BrokerError> {
    let subject = format!("{}.STREAM.NAMES", connection.prefixes().of(stream));
    let request = serde_json::json!({ "subject": wildcard });
    match api::call::<SubjectNames>(connection, &subject, &request).await {
        Ok(Ok(names)) => Ok(names.streams.unwrap_or_default().into_iter().filter(|name| name != stream).collect()),
        // The name is a help, not a need.
        Ok(Err(_)) | Err(BrokerError::Denied { .. }) => Ok(Vec::new()),
        Err(transient) => Err(transient),
    }
}
