//! From start to start until the process is asked to stop or must stop.
//!
//! How long it waits between two starts, and when it gives up, is decided in `patience`.

use super::exit::Exit;
use super::patience::{StartPatience, never_reached};
use super::process::Process;
use super::session::session;
use super::verdict::SessionEnd;
use crate::adapters::directory::set_aside;
use crate::ports::store::StoreError;
use crate::protocol::memory::Memory;
use crate::telemetry::health::Phase;
use tokio::sync::watch;

/// Runs until `stop` turns true or a start says to stop.
pub async fn run(process: &Process, mut stop: watch::Receiver<bool>) -> Result<(), Exit> {
    let mut memory = Memory::default();
    let mut patience = StartPatience::new();
    let mut damaged = false;
    for number in 1.. {
        let after = session(process, &mut memory, number, &mut stop).await;
        if process.advanced() {
            patience.advanced();
            damaged = false;
        }
        if *stop.borrow()
            && let SessionEnd::Again { why, .. } = &after
        {
            tracing::warn!(why, "stopped without a last checkpoint: the next start computes again what came after it");
            break;
        }
        match after {
            SessionEnd::Drained => break,
            SessionEnd::Stop(exit) => return Err(exit),
            // A directory that was just made and cannot be read either: the disk is not to be trusted.
            SessionEnd::Damaged(error) if damaged => return Err(error.into()),
            SessionEnd::Damaged(error) => {
                damaged = true;
                begin_anew(process, &error).await?;
            }
            SessionEnd::NoRoom(error) => {
                // Nothing that was confirmed is lost, and what is not in the state is computed again: as often as it takes.
                let why = format!("no room on the disk of the state directory: {}", Exit::from(error).message);
                if !patience.pause(process, why, &mut stop).await {
                    break;
                }
            }
            SessionEnd::Again { why, pause: false } => tracing::info!(why, "starting again"),
            SessionEnd::Again { why, pause: true } => {
                if !patience.wait(process, &memory, never_reached(why), &mut stop).await? {
                    break;
                }
            }
            SessionEnd::Wait(exit) => {
                if !patience.wait(process, &memory, exit, &mut stop).await? {
                    break;
                }
            }
            SessionEnd::Denied { by, exit } => {
                if !patience.denied(process, &memory, (by, exit), &mut stop).await? {
                    break;
                }
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
