//! Publishes the messages that only move time on, while events wait and the input is idle.
//!
//! When one is due is `protocol::ticks`' decision. A message that does not arrive costs nothing but the time until the next.

use crate::adapters::nats::connect::{Connection, NatsSettings};
use crate::adapters::nats::once::{Once, PublishAnswer};
use crate::core::ids::Nanos;
use crate::core::output::TICK;
use crate::engine::ending::End;
use crate::ports::stream::BrokerError;
use crate::protocol::ticks::{TickLook, Ticks};
use crate::telemetry::metrics::Metrics;
use std::time::{Duration, SystemTime};
use tokio::time::MissedTickBehavior;

/// Between two looks.
const LOOK: Duration = Duration::from_secs(1);

/// Where the messages go.
pub struct TickTarget {
    /// The connection's settings: it has one of its own, opened when it is needed.
    pub nats: NatsSettings,
    /// The input stream.
    pub stream: String,
    /// `clock.subject`.
    pub subject: String,
}

/// Publishes until the start is over.
pub async fn tick(clock: TickTarget, metrics: Metrics) -> Option<End> {
    let mut connection: Option<Connection> = None;
    let mut ticks = Ticks::default();
    let mut look = tokio::time::interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        look.tick().await;
        let now = now();
        let (received, deadline) = (metrics.figures().received, metrics.first_deadline());
        if !ticks.look(TickLook { now, received, deadline }) {
            continue;
        }
        match publish(&clock, &mut connection, now).await {
            Ok(()) => metrics.ticked(),
            Err(error) => {
                tracing::warn!(%error, subject = clock.subject, "time cannot be moved on: events that wait, wait on");
                connection = None;
            }
        }
    }
}

async fn publish(clock: &TickTarget, connection: &mut Option<Connection>, now: Nanos) -> Result<(), BrokerError> {
    let open = match connection {
        Some(open) => open,
        None => connection.insert(Connection::open(&clock.nats, "clock").await?),
    };
    // Two engines at one second are one message.
    let id = format!("sidestream-tick:{}", now.0 / 1_000_000_000);
    let headers = vec![(TICK.to_owned(), "1".to_owned()), ("Nats-Msg-Id".to_owned(), id)];
    let (stream, subject) = (clock.stream.clone(), clock.subject.clone());
    match (Once { stream, subject, headers, body: Default::default() }).publish(open).await? {
        PublishAnswer::Stored { .. } => Ok(()),
        PublishAnswer::Refused { code, words } => {
            Err(BrokerError::Transient(format!("the input refuses it: {words} ({code})")))
        }
    }
}

/// The wall clock.
fn now() -> Nanos {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}
