//! The lake's writer, from start to start: a fault of the world is waited for, everything else ends it.

use super::job::LakeJob;
use super::session::session;
use crate::app::exit::{Exit, UNAVAILABLE};
use crate::app::process::PATIENCE;
use std::time::Duration;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// The pause after the first failure; it doubles up to `PAUSE_MAX`.
const PAUSE: Duration = Duration::from_millis(200);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Runs until `stop` turns true, or until the work is done where it has an end.
pub async fn run(job: &LakeJob, mut stop: watch::Receiver<bool>) -> Result<(), Exit> {
    let random = crate::app::process::random();
    let (mut pause, mut failing, mut mine) = (PAUSE, None, None);
    loop {
        let began = Instant::now();
        let ended = session(job, random, &mut mine, &mut stop).await;
        job.metrics.lake().runs(false);
        let exit = match ended {
            Ok(()) => return Ok(()),
            Err(exit) if exit.code == UNAVAILABLE && !*stop.borrow() => exit,
            Err(exit) => return Err(exit),
        };
        if began.elapsed() > PAUSE_MAX {
            (pause, failing) = (PAUSE, None);
        }
        let since = *failing.get_or_insert(began);
        if job.once && since.elapsed() > PATIENCE {
            return Err(exit);
        }
        job.metrics.lake().failed();
        tracing::warn!(why = exit.message, pause_ms = pause.as_millis() as u64, "the lake starts again");
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stop.wait_for(|stop| *stop) => return Ok(()),
        }
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

/// Runs the lake on threads of its own, so that nobody but itself waits for its store; says how it ended. Whoever does not wait
/// for that loses nothing: what it was publishing is carried out by the next one.
pub fn apart(job: LakeJob, stop: watch::Receiver<bool>) -> std::io::Result<oneshot::Receiver<Result<(), Exit>>> {
    let (tell, told) = oneshot::channel();
    std::thread::Builder::new().name("lake".to_owned()).spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let ended = match runtime {
            Ok(runtime) => runtime.block_on(run(&job, stop)),
            Err(error) => Err(Exit::new(UNAVAILABLE, format!("no runtime: {error}"), "")),
        };
        if ended.is_err() {
            job.metrics.lake().failed();
        }
        let _ = tell.send(ended);
    })?;
    Ok(told)
}

/// The same beside an engine, which its end does not end: it is a log line.
pub fn beside(job: LakeJob, stop: watch::Receiver<bool>) -> std::io::Result<JoinHandle<()>> {
    let told = apart(job, stop)?;
    Ok(tokio::spawn(async move {
        if let Ok(Err(exit)) = told.await {
            tracing::error!(
                code = exit.code,
                why = exit.message,
                hint = exit.hint,
                "the lake has ended; the engine goes on without it"
            );
        }
    }))
}
