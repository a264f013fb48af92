//! How long a command bears what may pass, such as a server that starts or a cluster that elects: as long as `run` does
//! at its beginning.
//!
//! What waiting does not mend is never borne.

use super::process::PATIENCE;
use crate::ports::stream::BrokerError;
use std::time::Duration;
use tokio::time::Instant;

/// The pause after the first failure; it doubles up to `PAUSE_MAX`.
const PAUSE: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// A command's patience.
#[derive(Debug)]
pub struct CommandPatience {
    /// Since when nothing has worked.
    failing: Option<Instant>,
    pause: Duration,
}

impl Default for CommandPatience {
    fn default() -> CommandPatience {
        CommandPatience { failing: None, pause: PAUSE }
    }
}

impl CommandPatience {
    /// Waits until what failed may be tried again; gives the error back when trying is of no use, or has not been for long.
    pub async fn bear(&mut self, error: BrokerError) -> Result<(), BrokerError> {
        let failing = *self.failing.get_or_insert_with(Instant::now);
        if !error.is_transient() || failing.elapsed() + self.pause > PATIENCE {
            return Err(error);
        }
        tracing::warn!(%error, pause_ms = self.pause.as_millis() as u64, "trying again");
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(PAUSE_MAX);
        Ok(())
    }

    /// Something worked: the next failure is a first one.
    pub fn relieve(&mut self) {
        *self = CommandPatience::default();
    }
}

/// Does something until it works, cannot work, or has failed for too long.
pub async fn patiently<T>(mut work: impl AsyncFnMut() -> Result<T, BrokerError>) -> Result<T, BrokerError> {
    let mut patience = CommandPatience::default();
    loop {
        match work().await {
            Ok(done) => return Ok(done),
            Err(error) => patience.bear(error).await?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transient() -> BrokerError {
        BrokerError::Transient("no leader".to_owned())
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_pass_is_tried_again_for_as_long_as_a_run_waits() {
        let mut left = 5;
        let done = patiently(async || {
            left -= 1;
            if left > 0 { Err(transient()) } else { Ok(left) }
        });
        assert_eq!(done.await.unwrap(), 0);
        let began = Instant::now();
        assert!(patiently(async || Err::<(), _>(transient())).await.unwrap_err().is_transient());
        let waited = began.elapsed();
        assert!(waited <= PATIENCE && waited > PATIENCE - PAUSE_MAX * 2, "{waited:?}");
        let never = BrokerError::Permanent { what: "no".to_owned(), hint: String::new() };
        let mut never = Some(never);
        let began = Instant::now();
        assert!(
            !patiently(async || Err::<(), _>(never.take().unwrap_or_else(transient))).await.unwrap_err().is_transient()
        );
        assert_eq!(began.elapsed(), Duration::ZERO);
    }
}
