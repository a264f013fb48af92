//! Ctrl-C and SIGTERM as one wish to stop.
//!
//! A second signal does not wait for the first one's work.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Turns true at the first signal; a second one ends the process at once.
pub fn stop() -> std::io::Result<watch::Receiver<bool>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        let mut first = true;
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if !std::mem::take(&mut first) {
                // As after kill -9: the next start recovers.
                std::process::exit(130);
            }
            tracing::info!("stopping: what is in flight is finished first, a second signal stops at once");
            let _ = sender.send(true);
        }
    });
    Ok(receiver)
}
