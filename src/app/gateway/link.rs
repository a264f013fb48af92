//! The gateway's connection to the server, made again whenever it is lost.
//!
//! Whoever publishes takes what is there; while nothing is there, nothing is published and nobody waits.

use super::job::GatewayJob;
use crate::adapters::nats::confirm::Confirmer;
use crate::adapters::nats::connect::{Connection, Trouble};
use crate::adapters::nats::streams::{self, StreamInfo};
use crate::ports::stream::BrokerError;
use crate::telemetry::health::Phase;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// The pause after a first failure; it doubles up to `PAUSE_MAX`.
const PAUSE: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(2);
/// How often the stream is asked for its settings.
const LOOK: Duration = Duration::from_secs(30);

/// A connection, and the input stream as it was last seen.
#[derive(Clone, Debug)]
pub(super) struct Linked {
    /// The connection.
    pub(super) connection: Connection,
    /// What sends over it.
    pub(super) confirmer: Confirmer,
    /// How long the stream remembers ids.
    pub(super) remembers: Duration,
    /// The largest message that server and stream take, headers included, in bytes.
    pub(super) max_bytes: usize,
}

/// What is there at this moment; an error says why nothing is.
pub(super) type Link = watch::Receiver<Result<Arc<Linked>, Arc<str>>>;

/// Keeps a connection until `stop` turns true.
pub(super) async fn keep(
    job: &GatewayJob,
    tell: &watch::Sender<Result<Arc<Linked>, Arc<str>>>,
    mut stop: watch::Receiver<bool>,
) {
    let mut pause = PAUSE;
    loop {
        let why = tokio::select! {
            why = once(job, tell) => why,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        if tell.borrow().is_ok() {
            pause = PAUSE;
        }
        tracing::warn!(why, pause_ms = pause.as_millis() as u64, "the gateway cannot store events");
        says(job, Phase::Waiting { why: why.clone() });
        drop(tell.send_replace(Err(why.into())));
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

/// One connection from its making to its end; says why it ended.
async fn once(job: &GatewayJob, tell: &watch::Sender<Result<Arc<Linked>, Arc<str>>>) -> String {
    let connection = match Connection::open(&job.nats, "gateway").await {
        Ok(connection) => connection,
        Err(error) => return error.to_string(),
    };
    let confirmer = Confirmer::new(&connection, job.gateway.ack_timeout);
    let mut trouble = connection.trouble();
    let mut known = false;
    loop {
        match look(&connection, &confirmer, &job.config.input.stream).await {
            Ok(linked) => {
                drop(tell.send_replace(Ok(Arc::new(linked))));
                if !known {
                    tracing::info!(stream = job.config.input.stream, "the gateway stores events");
                    says(job, Phase::Ready);
                    known = true;
                }
            }
            // What is known of the stream stays good while it has no leader.
            Err(BrokerError::Transient(_)) if known => {}
            Err(error) => return error.to_string(),
        }
        let lost = async {
            while !matches!(*trouble.borrow_and_update(), Some(Trouble::Lost | Trouble::LameDuck)) {
                if trouble.changed().await.is_err() {
                    break;
                }
            }
        };
        if tokio::time::timeout(LOOK, lost).await.is_ok() {
            return trouble.borrow().as_ref().map_or_else(|| Trouble::Lost.to_string(), ToString::to_string);
        }
    }
}

/// Tells metrics and pages whether events can be stored.
fn says(job: &GatewayJob, phase: Phase) {
    job.metrics.gateway().connected(phase.is_ready());
    if let Some(health) = &job.health {
        health.set(phase);
    }
}

async fn look(connection: &Connection, confirmer: &Confirmer, stream: &str) -> Result<Linked, BrokerError> {
    let info: StreamInfo = streams::info(connection, stream).await?;
    let max_bytes = info.largest_message().unwrap_or(usize::MAX).min(connection.max_payload());
    Ok(Linked {
        connection: connection.clone(),
        confirmer: confirmer.clone(),
        remembers: info.remembers_ids(),
        max_bytes,
    })
}
