//! A look at both streams once a second: how much is still to be taken, and whether somebody else writes to the lane.
//!
//! For the metrics only: decides nothing, ends nothing. What the deliveries say of the lag is old while the engine
//! stands still, and a stranger's message is refused nowhere until we publish the next one.

use crate::adapters::nats::connect::Connection;
use crate::adapters::nats::heard::Heard;
use crate::adapters::nats::streams;
use crate::engine::ending::End;
use crate::telemetry::metrics::Metrics;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::MissedTickBehavior;

/// Between two looks; each is two small requests.
const LOOK: Duration = Duration::from_secs(1);

/// What is looked at, and what it is compared with.
pub struct Watched {
    /// The source's connection, which mends itself.
    pub connection: Connection,
    /// The input stream.
    pub input: String,
    /// The output stream.
    pub output: String,
    /// The last lane sequence that may be there through us.
    pub handed: Arc<AtomicU64>,
    /// Hears that the input stream answers.
    pub heard: Heard,
    /// The metrics.
    pub metrics: Metrics,
}

/// Looks until the start is over.
pub async fn watch(watched: Watched) -> Option<End> {
    let Watched { connection, input, output, handed, heard, metrics } = watched;
    let mut look = tokio::time::interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told = false;
    metrics.lane_foreign(0);
    loop {
        look.tick().await;
        match streams::state(&connection, &input).await {
            Ok(state) => {
                heard.now();
                metrics.input_holds(state.first, state.last);
            }
            // Whoever needs the stream says so.
            Err(error) => tracing::debug!(%error, "the input stream did not answer"),
        }
        match streams::state(&connection, &output).await {
            Ok(state) => {
                // Read after the stream's answer: what it counts of ours was handed over before.
                let foreign = state.last.saturating_sub(handed.load(Ordering::Acquire));
                metrics.lane_foreign(foreign);
                if foreign > 0 && !told {
                    told = true;
                    tracing::warn!(
                        foreign,
                        last = state.last,
                        "the output stream has messages that this engine did not send"
                    );
                }
            }
            Err(error) => tracing::debug!(%error, "the output stream did not answer"),
        }
    }
}
