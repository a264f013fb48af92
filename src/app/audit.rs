//! Driving the audit: both streams are read side by side and handed to the judge.
//!
//! Judges nothing; `crate::audit` does, with the same core as the engine and without any state directory.

use super::disk;
use super::exit::Exit;
use crate::adapters::nats::connect::Connection;
use crate::adapters::nats::source::{Source, SourceOptions};
use crate::adapters::nats::streams;
use crate::audit::judge::{Audit, AuditOptions, Bounds, Side};
use crate::audit::report::Report;
use crate::config::Config;
use crate::core::ids::Position;
use crate::core::plan::spec::PlanSpec;
use crate::ports::stream::{BrokerError, StreamState};
use std::collections::BTreeMap;

/// Messages taken from a stream at a time.
const BATCH: usize = 1_000;

/// How far an audit is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Messages read, of both streams.
    pub read: u64,
    /// Messages to read, of both streams.
    pub total: u64,
}

/// Audits the configured streams as they are now.
pub async fn audit(
    connection: &Connection,
    config: &Config,
    complete: bool,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Report, Exit> {
    // The output first: whatever stands in it, the input has had by then.
    let output = streams::state(connection, &config.output.stream).await?;
    let input = streams::state(connection, &config.input.stream).await?;
    let mut audit = Audit::new(AuditOptions {
        plan: config.plan.clone(),
        older: older_plans(config),
        input: bounds(input),
        output: bounds(output),
        complete,
    });
    let mut inputs = Reader::new(connection, &config.input.stream, input);
    let mut outputs = Reader::new(connection, &config.output.stream, output);
    let total = input.messages + output.messages;
    while let Some(side) = audit.wants() {
        let reader = if side == Side::Input { &mut inputs } else { &mut outputs };
        let messages = reader.next().await?;
        if messages.is_empty() {
            audit.end(side);
        }
        for message in messages {
            match side {
                Side::Input => audit.input(message),
                Side::Output => audit.output(message),
            }
        }
        progress(Progress { read: inputs.read + outputs.read, total });
    }
    inputs.close().await;
    outputs.close().await;
    Ok(audit.finish())
}

/// One stream up to the end that it had when the audit began.
struct Reader<'a> {
    connection: &'a Connection,
    stream: &'a str,
    state: StreamState,
    source: Option<Source>,
    read: u64,
    over: bool,
}

impl<'a> Reader<'a> {
    fn new(connection: &'a Connection, stream: &'a str, state: StreamState) -> Reader<'a> {
        Reader { connection, stream, state, source: None, read: 0, over: state.messages == 0 }
    }

    /// The next messages; none at the end.
    async fn next(&mut self) -> Result<Vec<crate::ports::stream::StoredMessage>, BrokerError> {
        if self.over {
            return Ok(Vec::new());
        }
        let source = match &mut self.source {
            Some(source) => source,
            None => {
                let options = SourceOptions::default();
                self.source.insert(Source::open(self.connection, self.stream, Position(0), options).await?)
            }
        };
        let messages = source.next(BATCH).await?;
        let last = messages.last().map_or(0, |message| message.sequence);
        self.over = last >= self.state.last || source.pending() == 0;
        self.read += messages.len() as u64;
        Ok(messages)
    }

    async fn close(self) {
        if let Some(source) = self.source {
            // The server forgets the consumer by itself; asking only spares it the wait.
            let _ = source.close().await;
        }
    }
}

fn bounds(state: StreamState) -> Bounds {
    Bounds { first: state.first, last: state.last }
}

/// Plans of the past, where the state directory is there and free; without them their positions are unchecked.
fn older_plans(config: &Config) -> BTreeMap<String, PlanSpec> {
    if !config.state.path.exists() {
        return BTreeMap::new();
    }
    disk::plans(&config.state).unwrap_or_default()
}
