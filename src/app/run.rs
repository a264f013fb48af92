//! From start to start until the process is asked to stop or must stop.
//!
//! Waits longer after each failure that brought nothing forward, and gives up only at the very beginning.

use super::disk;
use super::exit::{Exit, UNAVAILABLE};
use super::process::Process;
use super::session::{Memory, session};
use super::verdict::After;
use crate::ports::store::StoreError;
use crate::telemetry::health::Phase;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// The pause after the first failure; it doubles up to `PAUSE_MAX`.
const PAUSE: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Sets a state directory aside that was damaged in what a start reads late, so that the next one rebuilds. Once a
/// process: damage that comes again is the disk's.
async fn set_aside(process: &Process, memory: &mut Memory, damage: StoreError) -> Result<(), Exit> {
    if std::mem::replace(&mut memory.set_aside, true) {
        return Err(damage.into());
    }
    let path = process.config.state.path.clone();
    let work = move || disk::put_aside(&path, &damage.to_string());
    tokio::task::spawn_blocking(work).await.map_err(Exit::broken)?.map_err(Exit::from)
}

/// Runs until `stop` turns true or a start says to stop.
pub async fn run(process: &Process, mut stop: watch::Receiver<bool>) -> Result<(), Exit> {
    let began = Instant::now();
    let mut memory = Memory::default();
    let mut pause_next = PAUSE;
    for number in 1.. {
        let after = session(process, &mut memory, number, &mut stop).await;
        if process.advanced() {
            pause_next = PAUSE;
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
            After::Damaged(damage) => set_aside(process, &mut memory, damage).await?,
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
