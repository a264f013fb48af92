//! From start to start until the process is asked to stop or must stop.
//!
//! Waits longer after each failure that brought nothing forward, and gives up only at the very beginning.

use super::exit::{Exit, UNAVAILABLE};
use super::process::Process;
use super::session::session;
use super::verdict::After;
use crate::adapters::directory::set_aside;
use crate::core::protocol::memory::Memory;
use crate::ports::store::StoreError;
use crate::telemetry::health::Phase;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// The pause after the first failure; it doubles up to `PAUSE_MAX`.
const PAUSE: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Runs until `stop` turns true or a start says to stop.
pub async fn run(process: &Process, mut stop: watch::Receiver<bool>) -> Result<(), Exit> {
    let began = Instant::now();
    let mut memory = Memory::default();
    let mut pause_next = PAUSE;
    let mut damaged = false;
    for number in 1.. {
        let after = session(process, &mut memory, number, &mut stop).await;
        if process.advanced() {
            pause_next = PAUSE;
            damaged = false;
        }
        if *stop.borrow()
            && let After::Again { why, .. } = &after
        {
            tracing::warn!(why, "stopped without a last checkpoint: the next start computes again what came after it");
            break;
        }
        match after {
            After::Drained => break,
            After::Stop(exit) => return Err(exit),
            // A directory that was just made and cannot be read either: the disk is not to be trusted.
            After::Damaged(error) if damaged => return Err(error.into()),
            After::Damaged(error) => {
                damaged = true;
                begin_anew(process, &error).await?;
            }
            After::Again { why, pause: false } => tracing::info!(why, "starting again"),
            After::Again { why, pause: true } => {
                // Once the broker was reached, it may go and come as it likes.
                if memory.run.is_none() && began.elapsed() > process.patience {
                    return Err(Exit::new(
                        UNAVAILABLE,
                        why,
                        "check nats.url, that the server runs and that it has JetStream",
                    ));
                }
                tracing::warn!(why, pause_ms = pause_next.as_millis() as u64, "starting again");
                process.health.set(Phase::Waiting { why });
                tokio::select! {
                    () = tokio::time::sleep(pause_next) => {}
                    _ = stop.wait_for(|stop| *stop) => break,
                }
                pause_next = (pause_next * 2).min(PAUSE_MAX);
            }
        }
        if *stop.borrow() {
            break;
        }
    }
    process.health.set(Phase::Stopped { why: "drained".to_owned() });
    Ok(())
}

/// Sets the state directory aside, so that the next start rebuilds it. Everything that had it open is gone.
async fn begin_anew(process: &Process, error: &StoreError) -> Result<(), Exit> {
    let path = process.config.state.path.clone();
    let aside = tokio::task::spawn_blocking(move || set_aside(&path)).await.map_err(Exit::broken)??;
    tracing::warn!(aside = %aside.display(), why = %error, "the state directory is damaged and was set aside");
    Ok(())
}
