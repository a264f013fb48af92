//! The streams of a bench: one input that is filled once, and a fresh output for every run.
//!
//! All competitors write into an output stream of the same name and settings; two never exist at once.

use crate::Failure;
use crate::process::Process;
use crate::server::Server;
use async_nats::jetstream::{self, Context, context::PublishAckFuture, stream};
use sidestream::generate::{Generated, School, SchoolOptions};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The input stream, as the shipped configuration names it.
pub const INPUT: &str = "EVENTS";
/// The output stream, as the shipped configuration names it.
pub const OUTPUT: &str = "ENRICHED";
/// The stream that sources dead letters, as the shipped configuration names it.
pub const DEAD_LETTERS: &str = "DEAD_LETTERS";
/// Acknowledgements that may be outstanding while the input is filled.
const OUTSTANDING: usize = 2_000;
/// Without a new output for this long, the engine is called stuck.
const PATIENCE: Duration = Duration::from_secs(120);

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
    /// Whether a stream sources the dead letters of the output stream, as `provision` makes it.
    pub dead_letters: bool,
    /// What the job's configuration has otherwise than as it is shipped.
    pub settings: Vec<(&'static str, String)>,
}

/// What the input is filled with.
#[derive(Clone, Debug)]
pub struct Filling {
    /// How many events.
    pub events: u64,
    /// Which.
    pub school: SchoolOptions,
    /// The least bytes of each: shorter ones get a member that nobody asks for.
    pub bytes: usize,
}

impl Filling {
    /// The generator's events as they are.
    pub fn plain(events: u64) -> Filling {
        Filling { events, school: SchoolOptions::default(), bytes: 0 }
    }
}

impl Stage {
    /// A stage without streams.
    pub async fn new(server: &Server, home: &Path) -> Result<Stage, Failure> {
        let context = jetstream::new(async_nats::connect(&server.url).await?);
        let (url, home) = (server.url.clone(), home.to_owned());
        Ok(Stage { context, url, server_pid: server.pid, events: 0, home, dead_letters: true, settings: Vec::new() })
    }

    /// Makes the input stream anew, and empty.
    pub async fn open_input(&mut self) -> Result<stream::Stream, Failure> {
        // There is none the first time.
        let _ = self.context.delete_stream(INPUT).await;
        self.events = 0;
        Ok(self.context.create_stream(file_stream(INPUT, &["events.>"])).await?)
    }

    /// Makes the input stream anew, with these events.
    pub async fn fill(&mut self, filling: &Filling) -> Result<(), Failure> {
        let events = filling.events;
        eprintln!("bench: filling stream {INPUT} with {events} events");
        let mut input = self.open_input().await?;
        let mut school = School::new(1, filling.school.clone());
        let mut event = Generated::default();
        let mut outstanding: VecDeque<PublishAckFuture> = VecDeque::new();
        for _ in 0..events {
            school.write_next(&mut event);
            pad(&mut event.payload, filling.bytes);
            outstanding.push_back(self.context.publish(event.subject.clone(), event.payload.clone().into()).await?);
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
        self.events = events;
        Ok(())
    }

    /// A new directory for a process.
    pub fn place(&self, name: &str) -> Result<PathBuf, Failure> {
        let place = self.home.join(name);
        std::fs::create_dir(&place)?;
        Ok(place)
    }

    /// Waits until the output stream has taken so many messages.
    pub async fn wait_for(&self, output: &mut stream::Stream, events: u64, job: &mut Process) -> Result<(), Failure> {
        let (mut last, mut moved) = (0, Instant::now());
        loop {
            let now = output.info().await?.state.last_sequence;
            if now >= events {
                return if now == events { Ok(()) } else { Err(format!("{now} outputs for {events} events").into()) };
            }
            if now > last {
                (last, moved) = (now, Instant::now());
            }
            job.is_running()?;
            if moved.elapsed() > PATIENCE {
                return Err(job.failure(&format!("no new output for {} s after {last}", PATIENCE.as_secs())));
            }
            sleep(Duration::from_millis(2)).await;
        }
    }

    /// A fresh output stream, and the stream that sources its dead letters.
    pub async fn open_output(&self) -> Result<stream::Stream, Failure> {
        let config = stream::Config {
            allow_batch_publish: true,
            allow_direct: true,
            ..file_stream(OUTPUT, &["enriched.*", "dead.*"])
        };
        let output = self.context.create_stream(config).await?;
        if self.dead_letters {
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
    pub async fn close_output(&self) -> Result<(), Failure> {
        if self.dead_letters {
            self.context.delete_stream(DEAD_LETTERS).await?;
        }
        self.context.delete_stream(OUTPUT).await?;
        // Only the usual forwarder leaves a consumer; for the others there is nothing to delete.
        let _ = self.context.delete_consumer_from_stream(crate::usual::DURABLE, INPUT).await;
        Ok(())
    }
}

/// Lets a stream keep only so many messages.
pub async fn limit(context: &Context, stream: &stream::Stream, messages: i64) -> Result<(), Failure> {
    let config = stream::Config { max_messages: messages, ..stream.get_info().await?.config };
    context.update_stream(config).await?;
    Ok(())
}

/// Lengthens an event to so many bytes with a member at its end.
fn pad(payload: &mut Vec<u8>, bytes: usize) {
    const MEMBER: &[u8] = b",\"notes\":\"";
    if payload.len() + MEMBER.len() + 2 < bytes && payload.pop() == Some(b'}') {
        payload.extend_from_slice(MEMBER);
        payload.resize(bytes - 2, b'x');
        payload.extend_from_slice(b"\"}");
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
