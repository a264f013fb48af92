//! Waiting for the client library, which is asynchronous, in a store that is not.
//!
//! The requests run on a thread of their own. Whoever waits is the lake's own thread, or a command's: never the engine's.

use crate::ports::lake::LakeError;
use std::future::Future;
use std::sync::mpsc;
use tokio::runtime::{Builder, Runtime};

/// The thread that the requests run on.
#[derive(Debug)]
pub(super) struct Calls {
    /// Taken at the end alone.
    runtime: Option<Runtime>,
}

impl Calls {
    pub(super) fn new() -> Result<Calls, LakeError> {
        let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("lake-s3").enable_all().build();
        let runtime = runtime.map_err(|error| LakeError::io("no thread for the bucket's requests", error))?;
        Ok(Calls { runtime: Some(runtime) })
    }

    /// What the work comes to.
    pub(super) fn wait<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, LakeError> {
        let (tell, told) = mpsc::sync_channel(1);
        if let Some(runtime) = &self.runtime {
            runtime.spawn(async move {
                // Who asked is waiting below.
                let _ = tell.send(work.await);
            });
        }
        let lost =
            |_| LakeError::io("a request of the bucket ended without an answer", std::io::Error::other("it panicked"));
        told.recv().map_err(lost)
    }
}

impl Drop for Calls {
    fn drop(&mut self) {
        // A runtime may not wait for its threads where asynchronous code lets go of it.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
