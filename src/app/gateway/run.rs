//! The gateway's own thread: its connection lives there, and nothing of the engine does.

use super::job::GatewayJob;
use super::link::{Link, keep};
use super::service::Service;
use super::tokens::KeptTokens;
use crate::app::exit::{Exit, UNAVAILABLE};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How often the tokens file is looked at.
const LOOK: Duration = Duration::from_secs(2);

/// A gateway whose connection is kept until it is dropped.
pub struct RunningGateway {
    /// What takes its requests.
    pub service: Service,
    stop: watch::Sender<bool>,
}

impl Drop for RunningGateway {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
    }
}

/// Starts the thread. The server need not be there yet.
pub fn start(job: GatewayJob) -> Result<RunningGateway, Exit> {
    let tokens = job.gateway.tokens_file.as_deref().map(KeptTokens::open).transpose()?;
    let (tell, link): (_, Link) = watch::channel(Err(Arc::from("the server was not reached yet")));
    let (stop, stopped) = watch::channel(false);
    let service = Service::new(job.clone(), tokens.clone(), link)?;
    let no_thread = |error: std::io::Error| Exit::new(UNAVAILABLE, format!("no thread for the gateway: {error}"), "");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(no_thread)?;
    let thread = std::thread::Builder::new().name("gateway".to_owned());
    thread
        .spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = keep(&job, &tell, stopped) => {}
                    () = watch_tokens(tokens.as_ref()) => {}
                }
            });
        })
        .map_err(no_thread)?;
    Ok(RunningGateway { service, stop })
}

async fn watch_tokens(tokens: Option<&KeptTokens>) {
    loop {
        tokio::time::sleep(LOOK).await;
        if let Some(tokens) = tokens {
            tokens.look();
        }
    }
}
