//! Reading the range: positions from the stream, events from its messages, a catalogue from the events.

use super::catalogue::{Catalogue, Range};
use super::gather::GatheredCatalog;
use super::settle::settle;
use crate::adapters::nats::connect::Connection;
use crate::adapters::nats::source::SourceOptions;
use crate::adapters::nats::streams;
use crate::app::command_patience::patiently;
use crate::app::exit::{CONFIG, Exit};
use crate::app::reader::StreamReader;
use crate::commands::replay::place::range;
use crate::config::Config;
use crate::core::decode::Decoder;
use crate::core::event::StoredMessage;
use crate::core::ids::{Nanos, Position};
use crate::core::plan::compiled::Plan;
use crate::core::plan::layout::Layout;
use crate::ports::stream::StreamState;
use std::path::Path;

/// What is looked at.
#[derive(Clone, Debug)]
pub struct CatalogRequest {
    /// The first event: a position or a time.
    pub from: Option<String>,
    /// The last event: a position or a time.
    pub until: Option<String>,
    /// One of so many positions, the first one of the range included.
    pub every: u64,
    /// Whether the catalogue shows values.
    pub examples: bool,
}

/// The catalogue of a range of the input as it is now; `progress` is told how many positions of how many are done.
pub async fn read(
    connection: &Connection,
    config: &Config,
    wanted: &CatalogRequest,
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<Catalogue, Exit> {
    let stream = config.input.stream.as_str();
    let state = patiently(async || streams::state(connection, stream).await).await?;
    let (from, until) = range(connection, stream, state, wanted.from.as_deref(), wanted.until.as_deref()).await?;
    let (state, after) = (StreamState { last: until.0, ..state }, Position(from.0 - 1));
    let mut reader = StreamReader::after(connection, stream, state, after, SourceOptions::default());
    let mut events = EventFlow::new(config, wanted.examples);
    loop {
        let messages = reader.next().await?;
        let Some(last) = messages.last().map(|message| message.sequence) else { break };
        for message in messages {
            let sampled = (message.sequence - from.0).is_multiple_of(wanted.every);
            if message.sequence <= until.0 && sampled {
                events.add(message);
            }
        }
        progress(last.min(until.0) - after.0, until.0 - after.0);
    }
    reader.close().await;
    let range = Range { stream: stream.to_owned(), from: from.0, until: until.0, every: wanted.every };
    Ok(settle(&events.gathered, range))
}

/// Events on their way from a message into what was gathered.
struct EventFlow {
    plan: Plan,
    decoder: Decoder,
    stream_time: Nanos,
    gathered: GatheredCatalog,
}

impl EventFlow {
    fn new(config: &Config, examples: bool) -> EventFlow {
        EventFlow {
            plan: Plan::compile(config.plan.clone(), &Layout::default()),
            decoder: Decoder::default(),
            stream_time: Nanos::default(),
            gathered: GatheredCatalog::new(examples),
        }
    }

    fn add(&mut self, message: StoredMessage) {
        self.stream_time = self.stream_time.max(message.stored_at);
        let EventFlow { plan, decoder, gathered, .. } = self;
        decoder.decode_each(plan, message, self.stream_time, |event, _| gathered.add(plan, &event));
    }
}

/// A catalogue that was saved before.
pub fn saved(path: &Path) -> Result<Catalogue, Exit> {
    let hint = "give a file that `sidestream catalog > FILE` wrote";
    let text = std::fs::read_to_string(path)
        .map_err(|error| Exit::new(CONFIG, format!("cannot read {}: {error}", path.display()), hint))?;
    Catalogue::parse(&text)
        .map_err(|why| Exit::new(CONFIG, format!("{} is not a catalogue: {why}", path.display()), hint))
}
