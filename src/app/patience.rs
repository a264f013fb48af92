//! How long a process waits before it starts again, and when it stops waiting.
//!
//! At the beginning the world may be away for `Process::patience`. Once the broker was reached, it may go and come as it
//! likes; only what it denies ends the process after `nats.auth_patience_s`.

use super::exit::{Exit, UNAVAILABLE};
use super::process::Process;
use crate::ports::stream::Denial;
use crate::protocol::memory::Memory;
use crate::telemetry::health::Phase;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// The pause after the first failure; it doubles up to `PAUSE_MAX`.
const PAUSE: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// The least pause after a denial: whoever renews a login or permissions takes a moment.
const DENIED: Duration = Duration::from_secs(2);

/// What a process has waited for so far.
#[derive(Debug)]
pub(super) struct StartPatience {
    began: Instant,
    /// The next pause.
    pause: Duration,
    /// Since when everything has been denied.
    denied: Option<Instant>,
}

impl StartPatience {
    /// At the beginning of a process.
    pub(super) fn new() -> StartPatience {
        StartPatience { began: Instant::now(), pause: PAUSE, denied: None }
    }

    /// A start came further than the one before.
    pub(super) fn advanced(&mut self) {
        self.pause = PAUSE;
        self.denied = None;
    }

    /// Waits after a fault of the world; the error when it has lasted too long. `false` when it is time to stop.
    pub(super) async fn wait(
        &mut self,
        process: &Process,
        memory: &Memory,
        exit: Exit,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<bool, Exit> {
        self.denied = None;
        // Once the broker was reached, it may go and come as it likes.
        if memory.run.is_none() && self.began.elapsed() > process.patience {
            return Err(exit);
        }
        Ok(self.pause(process, exit.message, stop).await)
    }

    /// The same after a denial: at once the end, unless what is denied was granted before.
    pub(super) async fn denied(
        &mut self,
        process: &Process,
        memory: &Memory,
        (by, exit): (Denial, Exit),
        stop: &mut watch::Receiver<bool>,
    ) -> Result<bool, Exit> {
        let granted_before = match by {
            Denial::Login => memory.run.is_some(),
            Denial::Permission => process.proven.load(Ordering::Relaxed),
        };
        let since = *self.denied.get_or_insert_with(Instant::now);
        if !granted_before || since.elapsed() > process.config.nats.auth_patience {
            return Err(exit);
        }
        self.pause = self.pause.max(DENIED);
        Ok(self.pause(process, exit.message, stop).await)
    }

    /// The next pause, for what lasts as long as it takes; `false` when it is time to stop.
    pub(super) async fn pause(&mut self, process: &Process, why: String, stop: &mut watch::Receiver<bool>) -> bool {
        tracing::warn!(why, pause_ms = self.pause.as_millis() as u64, "starting again");
        process.health.set(Phase::Waiting { why });
        let stopped = tokio::select! {
            () = tokio::time::sleep(self.pause) => false,
            _ = stop.wait_for(|stop| *stop) => true,
        };
        self.pause = (self.pause * 2).min(PAUSE_MAX);
        !stopped
    }
}

/// The end of a process that never reached its broker.
pub(super) fn never_reached(why: String) -> Exit {
    Exit::new(UNAVAILABLE, why, "check nats.url, that the server runs and that it has JetStream")
}
