//! A look at the settings of both streams and at the servers' versions once a minute: somebody may change them while
//! the engine runs.
//!
//! Ends nothing. What the next start would refuse is said at once, as a warning and in a metric, because until then
//! the server may already delete or refuse what the engine counts on.

use crate::adapters::nats::connect::Connection;
use crate::adapters::nats::greetings;
use crate::adapters::nats::inspect::{Expectation, unsuitable};
use crate::engine::ending::End;
use crate::telemetry::metrics::Metrics;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior};

/// Between two looks; each is two small requests and a greeting of each server.
pub const LOOK: Duration = Duration::from_secs(60);

/// Looks until the start is over.
pub async fn watch(connection: Connection, expected: Expectation, every: Duration, metrics: Metrics) -> Option<End> {
    // The start itself has just looked.
    let mut look = tokio::time::interval_at(Instant::now() + every, every);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told = BTreeSet::new();
    let mut told_old = BTreeSet::new();
    metrics.unsuitable_settings(0);
    loop {
        look.tick().await;
        let old = greetings::too_old(&connection).await;
        for finding in old.iter().filter(|finding| !told_old.contains(&finding.what)) {
            tracing::warn!(what = finding.what, hint = finding.hint, "a server of the cluster is too old");
        }
        told_old = old.into_iter().map(|finding| finding.what).collect();
        match unsuitable(&connection, &expected).await {
            Ok(findings) => {
                metrics.unsuitable_settings(findings.len());
                let found: BTreeSet<String> = findings.iter().map(|finding| finding.what.clone()).collect();
                for finding in findings.iter().filter(|finding| !told.contains(&finding.what)) {
                    tracing::warn!(
                        what = finding.what,
                        hint = finding.hint,
                        "a stream was changed: outputs or events may be lost, and the next start refuses it"
                    );
                }
                // Said again where it was mended and is broken anew.
                told = found;
            }
            // Whoever needs the stream says so.
            Err(error) => tracing::debug!(%error, "the streams' settings could not be looked at"),
        }
    }
}
