//! When a stream's server was last heard, shared between who hears it and who wonders whether it lives.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The last sign of life; a clone shares it.
#[derive(Clone, Debug)]
pub struct Heard {
    began: Instant,
    /// In milliseconds after `began`.
    last: Arc<AtomicU64>,
}

impl Default for Heard {
    fn default() -> Heard {
        Heard { began: Instant::now(), last: Arc::default() }
    }
}

impl Heard {
    /// It is heard now.
    pub fn now(&self) {
        self.last.store(self.age(), Ordering::Relaxed);
    }

    /// How long it is silent.
    pub fn silent(&self) -> Duration {
        Duration::from_millis(self.age().saturating_sub(self.last.load(Ordering::Relaxed)))
    }

    fn age(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
