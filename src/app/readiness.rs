//! Tells `/readyz` when an engine that is ready stands still: a task beside the start that it watches.
//!
//! What counts as standing still is `telemetry::stall`'s judgement. Ends nothing.

use crate::adapters::nats::heard::Heard;
use crate::engine::ending::End;
use crate::telemetry::health::Health;
use crate::telemetry::metrics::Metrics;
use crate::telemetry::stall::{Stall, StallLook};
use std::time::{Duration, Instant};
use tokio::time::MissedTickBehavior;

/// Between two looks at the figures.
const LOOK: Duration = Duration::from_millis(250);

/// Watches until the start is over.
pub async fn watch(health: Health, metrics: Metrics, input: Heard) -> Option<End> {
    let seen = || {
        let figures = metrics.figures();
        StallLook {
            unconfirmed: figures.unconfirmed,
            confirmed: figures.published,
            input_silent: input.silent(),
            restarts: figures.source_restarts,
        }
    };
    let mut stall = Stall::new(Instant::now(), seen());
    let mut look = tokio::time::interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        look.tick().await;
        health.stands_still(stall.judge(Instant::now(), seen()));
    }
}
