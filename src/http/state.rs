//! `/state?key=…`: the rows of one key, and `/state?table=…&row=…`: a row of a global table, as the running engine has them.
//!
//! Knows neither shards nor rows; the engine hands in a look-up.

use super::server::Deps;
use crate::core::state::view::StateQuery;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Query};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::future::BoxFuture;
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;

/// Finds what is asked for: `None` when there are no rows, an error when the engine cannot say now.
pub type StateLookup =
    Arc<dyn Fn(StateQuery) -> BoxFuture<'static, Result<Option<serde_json::Value>, String>> + Send + Sync>;

/// A shard that does not answer for so long is behind a full mailbox; the caller may ask again.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Deserialize)]
struct StateParameters {
    key: Option<String>,
    table: Option<String>,
    row: Option<String>,
}

impl StateParameters {
    fn ask(self) -> Option<StateQuery> {
        match self {
            StateParameters { key: Some(key), table: None, row: None } => Some(StateQuery::Key(key)),
            StateParameters { key: None, table: Some(table), row } => Some(StateQuery::Row { table, row }),
            _ => None,
        }
    }
}

/// Whether whoever asks is on this machine: over loopback, or by an address that is ours as well as theirs.
fn is_local(request: &HttpRequest) -> bool {
    let ours = request.app_config().local_addr().ip();
    request.peer_addr().is_some_and(|peer| peer.ip().to_canonical().is_loopback() || peer.ip() == ours)
}

/// 200 with the JSON, 400 without a key or a table, 403 for other machines unless it is open to them, 404 where there is nothing, 503 while the state is not up to date.
pub(super) async fn state(request: HttpRequest, deps: Data<Deps>) -> HttpResponse {
    if !deps.state_open && !is_local(&request) {
        let words = "only the engine's own machine may ask: use `sidestream state get KEY` there, or set http.state";
        return plain(StatusCode::FORBIDDEN, words.to_owned());
    }
    let wanted = Query::<StateParameters>::from_query(request.query_string());
    let Some(ask) = wanted.ok().and_then(|Query(wanted)| wanted.ask()) else {
        let words = "ask for /state?key=KEY, or /state?table=TABLE&row=ROW of a global table, percent-encoded";
        return plain(StatusCode::BAD_REQUEST, words.to_owned());
    };
    let phase = deps.health.phase();
    if !phase.is_ready() {
        return plain(StatusCode::SERVICE_UNAVAILABLE, phase.to_string());
    }
    match tokio::time::timeout(PATIENCE, (deps.state)(ask)).await {
        Ok(Ok(Some(found))) => HttpResponse::Ok().json(found),
        Ok(Ok(None)) => plain(StatusCode::NOT_FOUND, "there is no such row".to_owned()),
        Ok(Err(why)) => plain(StatusCode::SERVICE_UNAVAILABLE, why),
        Err(_) => plain(StatusCode::SERVICE_UNAVAILABLE, format!("no answer within {} s", PATIENCE.as_secs())),
    }
}

/// A line of text for a person.
pub(super) fn plain(status: StatusCode, mut text: String) -> HttpResponse {
    text.push('\n');
    HttpResponse::build(status).content_type("text/plain; charset=utf-8").body(text)
}
