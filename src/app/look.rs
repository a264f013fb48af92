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
use tokio::time::{Interval, MissedTickBehavior};

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
    /// Hears that the input's server lives.
    pub heard: Heard,
    /// Hears that the input stream itself answers, whose consumer may live on another server.
    pub answered: Heard,
    /// The metrics.
    pub metrics: Metrics,
}

/// Looks until the start is over. A stream that does not answer holds up no question to the other one.
pub async fn watch(watched: Watched) -> Option<End> {
    watched.metrics.lane_foreign(0);
    tokio::join!(look_at_the_input(&watched), look_at_the_output(&watched));
    None
}

fn looks() -> Interval {
    let mut looks = tokio::time::interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    looks
}

async fn look_at_the_input(watched: &Watched) {
    let mut looks = looks();
    loop {
        looks.tick().await;
        match streams::state(&watched.connection, &watched.input).await {
            Ok(state) => {
                watched.heard.now();
                watched.answered.now();
                watched.metrics.input_holds(state.first, state.last);
            }
            // Whoever needs the stream says so.
            Err(error) => tracing::debug!(%error, "the input stream did not answer"),
        }
    }
}

async fn look_at_the_output(watched: &Watched) {
    let mut looks = looks();
    let mut told = false;
    loop {
        looks.tick().await;
        match streams::state(&watched.connection, &watched.output).await {
            Ok(state) => {
                // Read after the stream's answer: what it counts of ours was handed over before.
                let foreign = state.last.saturating_sub(watched.handed.load(Ordering::Acquire));
                watched.metrics.lane_foreign(foreign);
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
