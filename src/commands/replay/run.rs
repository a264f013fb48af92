//! A request as a process of the engine, and what its end means.
//!
//! The process differs from a live one in its stream, its directory, its plan and its end; nothing else.

use super::file;
use crate::adapters::nats::connect::NatsSettings;
use crate::app::bounds::FeedBounds;
use crate::app::process::Process;
use crate::config::{Config, DeadLettersSection, OutputSection, StateSection};
use crate::core::ids::Position;
use crate::protocol::facts::Consent;
use crate::protocol::replay::request::ReplayRequest;
use crate::protocol::replay::tempo::Pace;
use std::path::Path;
use std::sync::Arc;

/// The configuration of a replay.
pub fn config(live: &Config, request: &ReplayRequest, directory: &Path) -> Config {
    Config {
        output: OutputSection { stream: request.to.clone(), ..live.output.clone() },
        dead_letters: DeadLettersSection { stream: None, ..live.dead_letters.clone() },
        state: StateSection { path: file::state(directory), ..live.state.clone() },
        plan: request.plan.clone(),
        ..live.clone()
    }
}

/// The process of a replay.
pub fn process(config: Config, nats: NatsSettings, request: &ReplayRequest, pace: Pace, accept_gap: bool) -> Process {
    let emit = request.emit();
    let bounds = FeedBounds::new(emit.from, emit.until, pace, request.from_state.is_some());
    let mut process = Process::new(config, nats, Consent { accept_gap, ..Consent::default() });
    process.replay = Some(Arc::new(bounds));
    process
}

/// The position that a replay reached for good, once it is complete: everything is out, and the last checkpoint written.
pub fn completed(process: &Process) -> Option<Position> {
    let reached = process.replay.as_ref()?.reached()?;
    (process.metrics.figures().checkpoint_position >= reached.0).then_some(reached)
}
