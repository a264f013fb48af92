//! The engine's phase, shared between who changes it and who shows it: `/readyz`, `/healthz`, the `ready` gauge.
//!
//! Draws no conclusions: a phase stays until the app or the engine sets the next one. An engine that is ready and stands
//! still is shown as waiting for as long as it does.

use super::metrics::Metrics;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// What the engine is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// On the way to the broker, or back to it.
    Connecting,
    /// Reading events again whose outputs are out already.
    Recovering {
        /// Why, such as `resume` or the reason of a rebuild.
        why: String,
        /// Events read so far.
        done: u64,
        /// Events to read.
        total: u64,
    },
    /// Up to date with its state; outputs go out.
    Ready,
    /// Finishing what is in flight, taking nothing new.
    Draining,
    /// Waiting for the world, such as a full output stream.
    Waiting {
        /// For what.
        why: String,
    },
    /// The actors are gone, and this process will not start them again.
    Stopped {
        /// Why.
        why: String,
    },
}

impl Phase {
    /// Connected, recovered and not draining.
    pub fn is_ready(&self) -> bool {
        *self == Phase::Ready
    }

    /// Whether the actors live; waiting and recovering are no reason to restart the process.
    pub fn is_alive(&self) -> bool {
        !matches!(self, Phase::Stopped { .. })
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Phase::Connecting => f.write_str("connecting to NATS"),
            Phase::Recovering { why, done, total } => write!(f, "recovering ({why}): {done} of {total} events"),
            Phase::Ready => f.write_str("ready"),
            Phase::Draining => f.write_str("draining"),
            Phase::Waiting { why } => write!(f, "waiting: {why}"),
            Phase::Stopped { why } => write!(f, "stopped: {why}"),
        }
    }
}

/// The shared phase. A clone shows and sets the same one.
#[derive(Clone)]
pub struct Health {
    phase: Arc<Mutex<Held>>,
    metrics: Metrics,
}

struct Held {
    phase: Phase,
    /// Why nothing moves although the engine is ready.
    stall: Option<String>,
}

impl Held {
    fn shown(&self) -> Phase {
        match &self.stall {
            Some(why) if self.phase.is_ready() => Phase::Waiting { why: why.clone() },
            _ => self.phase.clone(),
        }
    }
}

impl Health {
    /// Begins at `Connecting`.
    pub fn new(metrics: Metrics) -> Health {
        metrics.ready(false);
        Health { phase: Arc::new(Mutex::new(Held { phase: Phase::Connecting, stall: None })), metrics }
    }

    /// Enters a phase, and says so in the `ready` gauge.
    ///
    /// `Stopped` is final: the actors may still report what they were doing when they went down.
    pub fn set(&self, next: Phase) {
        let mut held = self.phase.lock().unwrap_or_else(PoisonError::into_inner);
        if held.phase.is_alive() {
            held.phase = next;
        }
        // Another start stands still for reasons of its own.
        if held.phase == Phase::Connecting {
            held.stall = None;
        }
        // Under the lock, so that the gauge cannot end on an older phase than `/readyz`.
        self.metrics.ready(held.shown().is_ready());
    }

    /// Says why nothing moves, or that it does.
    pub fn stands_still(&self, why: Option<String>) {
        let mut held = self.phase.lock().unwrap_or_else(PoisonError::into_inner);
        let before = held.shown();
        held.stall = why;
        let after = held.shown();
        self.metrics.ready(after.is_ready());
        if before.is_ready() != after.is_ready() {
            if let Phase::Waiting { why } = &after {
                tracing::warn!(why, "not ready");
            } else {
                tracing::info!("ready again");
            }
        }
    }

    /// The phase of this moment.
    pub fn phase(&self) -> Phase {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner).shown()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phases() -> [(Phase, bool, bool); 5] {
        let why = || "the output stream is full".to_owned();
        [
            (Phase::Recovering { why: "resume".to_owned(), done: 1, total: 2 }, false, true),
            (Phase::Ready, true, true),
            (Phase::Waiting { why: why() }, false, true),
            (Phase::Draining, false, true),
            (Phase::Stopped { why: why() }, false, false),
        ]
    }

    fn shown(health: &Health) -> (Phase, bool, bool) {
        let phase = health.phase();
        (phase.clone(), phase.is_ready(), phase.is_alive())
    }

    #[test]
    fn only_ready_is_ready_and_only_stopped_is_dead() {
        let health = Health::new(Metrics::new());
        assert_eq!(shown(&health), (Phase::Connecting, false, true));
        for (phase, ready, alive) in phases() {
            health.clone().set(phase.clone());
            assert_eq!(shown(&health), (phase, ready, alive));
        }
    }

    #[test]
    fn an_engine_that_stands_still_is_not_ready_until_it_moves() {
        let health = Health::new(Metrics::new());
        health.stands_still(Some("nothing moves".to_owned()));
        assert_eq!(health.phase(), Phase::Connecting, "before it is ready that says nothing");
        health.set(Phase::Ready);
        assert_eq!(health.phase().to_string(), "waiting: nothing moves");
        assert!(health.metrics.render().contains("sidestream_ready 0\n"));
        health.stands_still(None);
        assert!(health.phase().is_ready());
        health.stands_still(Some("nothing moves".to_owned()));
        health.set(Phase::Connecting);
        health.set(Phase::Ready);
        assert!(health.phase().is_ready(), "another start");
    }

    #[test]
    fn stopped_is_final_and_the_gauge_follows() {
        let metrics = Metrics::new();
        let health = Health::new(metrics.clone());
        health.set(Phase::Ready);
        assert!(metrics.render().contains("sidestream_ready 1\n"));
        health.set(Phase::Stopped { why: "a shard died".to_owned() });
        health.set(Phase::Ready);
        assert_eq!(health.phase().to_string(), "stopped: a shard died");
        assert!(metrics.render().contains("sidestream_ready 0\n"));
    }
}
