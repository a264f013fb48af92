//! Ctrl-C, SIGTERM and SIGHUP as one wish to stop.
//!
//! A terminal that is lost or a service manager that sends SIGHUP means a drain, as SIGTERM does; under `nohup` the signal
//! stays ignored.
//! A second signal does not wait for the first one's work.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// Turns true at the first signal; a second one ends the process at once.
pub fn stop() -> std::io::Result<watch::Receiver<bool>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    // A handler would undo what `nohup` did.
    let mut hangup = if hangup_is_ignored() { None } else { Some(signal(SignalKind::hangup())?) };
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        let mut first = true;
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                () = next(&mut hangup) => {}
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

async fn next(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

/// Whether whoever started this process wants SIGHUP to be ignored; false where the system does not tell.
fn hangup_is_ignored() -> bool {
    // Bit n - 1 of the mask stands for signal n, and SIGHUP is 1.
    const HANGUP: u64 = 1;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & HANGUP != 0)
}
