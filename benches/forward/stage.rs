//! The streams of a bench: one input that is filled once, and a fresh output for every run.
//!
//! All competitors write into an output stream of the same name and settings; two never exist at once.

use crate::Failure;
use crate::server::Server;
use async_nats::jetstream::{self, Context, context::PublishAckFuture, stream};
use sidestream::generate::{Generated, School, SchoolOptions};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};

/// The input stream, as the shipped configuration names it.
pub const INPUT: &str = "EVENTS";
/// The output stream, as the shipped configuration names it.
pub const OUTPUT: &str = "ENRICHED";
/// The stream that sources dead letters, as the shipped configuration names it.
pub const DEAD_LETTERS: &str = "DEAD_LETTERS";
/// Acknowledgements that may be outstanding while the input is filled.
const OUTSTANDING: usize = 2_000;

/// Everything that the competitors share.
pub struct Stage {
    /// The bench's own way to the server.
    pub context: Context,
    /// Where the server listens.
    pub url: String,
    /// The server's process.
    pub server_pid: u32,
    /// How many events the input holds.
    pub events: u64,
    /// Where state directories and logs go.
    pub home: PathBuf,
}

impl Stage {
    /// Fills the input stream.
    pub async fn set(server: &Server, home: &Path, events: u64) -> Result<Stage, Failure> {
        let context = jetstream::new(async_nats::connect(&server.url).await?);
        eprintln!("bench: filling stream {INPUT} with {events} events");
        let mut input = context.create_stream(file_stream(INPUT, &["events.>"])).await?;
        let mut school = School::new(1, SchoolOptions::default());
        let mut event = Generated::default();
        let mut outstanding: VecDeque<PublishAckFuture> = VecDeque::new();
        for _ in 0..events {
            school.write_next(&mut event);
            outstanding.push_back(context.publish(event.subject.clone(), event.payload.clone().into()).await?);
            if outstanding.len() >= OUTSTANDING
                && let Some(oldest) = outstanding.pop_front()
            {
                oldest.await?;
            }
        }
        for ack in outstanding {
            ack.await?;
        }
        let stored = input.info().await?.state.last_sequence;
        if stored != events {
            return Err(format!("{events} events were published, but stream {INPUT} ends at {stored}").into());
        }
        let (url, home) = (server.url.clone(), home.to_owned());
        Ok(Stage { context, url, server_pid: server.pid, events, home })
    }

    /// A fresh output stream and, with `dead_letters`, the stream that sources its dead letters.
    pub async fn open_output(&self, dead_letters: bool) -> Result<stream::Stream, Failure> {
        let config = stream::Config {
            allow_batch_publish: true,
            allow_direct: true,
            ..file_stream(OUTPUT, &["enriched.*", "dead.*"])
        };
        let output = self.context.create_stream(config).await?;
        if dead_letters {
            let source = stream::Source {
                name: OUTPUT.to_owned(),
                filter_subject: Some("dead.*".to_owned()),
                ..Default::default()
            };
            let config = stream::Config { sources: Some(vec![source]), ..file_stream(DEAD_LETTERS, &[]) };
            self.context.create_stream(config).await?;
        }
        Ok(output)
    }

    /// Removes what `open_output` made, and what a run left at the input.
    pub async fn close_output(&self, dead_letters: bool) -> Result<(), Failure> {
        if dead_letters {
            self.context.delete_stream(DEAD_LETTERS).await?;
        }
        self.context.delete_stream(OUTPUT).await?;
        // Only the usual forwarder leaves a consumer; for the others there is nothing to delete.
        let _ = self.context.delete_consumer_from_stream(crate::usual::DURABLE, INPUT).await;
        Ok(())
    }
}

/// A stream as `provision` makes it: on disk, one copy, no limits.
fn file_stream(name: &str, subjects: &[&str]) -> stream::Config {
    stream::Config {
        name: name.to_owned(),
        subjects: subjects.iter().map(|&subject| subject.to_owned()).collect(),
        storage: stream::StorageType::File,
        retention: stream::RetentionPolicy::Limits,
        num_replicas: 1,
        ..Default::default()
    }
}
