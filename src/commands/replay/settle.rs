//! From what was asked to a request: the one that is under way in the directory, or a new one.
//!
//! Everything that could make a replay another one is fixed here once, times and "up to the end" included. Nothing is
//! published, and the live streams are only looked at.

use super::copy::{For, copy};
use super::{file, place};
use crate::adapters::nats::connect::Connection;
use crate::adapters::nats::provision;
use crate::adapters::nats::redrives;
use crate::adapters::nats::streams::{self, StreamInfo};
use crate::adapters::nats::wanted::{Choice, Role, WantedStream};
use crate::app::exit::{CONFIG, Exit, USAGE};
use crate::config::Config;
use crate::core::ids::Position;
use crate::core::plan::emit::EmitSpec;
use crate::core::plan::spec::PlanSpec;
use crate::core::subject::filter_fault;
use crate::ports::stream::StreamState;
use crate::protocol::header::LaneMessage;
use crate::protocol::replay::request::{Completed, ReplayOptions, ReplayRequest, VERSION, plan};
use std::path::{Path, PathBuf};

/// The word for the state of the configuration itself.
const LIVE: &str = "live";

/// The request that is under way in a directory, or a new one, which is written there; the lane is made if need be.
pub async fn settle(
    connection: &Connection,
    config: &Config,
    directory: &Path,
    given: &ReplayOptions,
) -> Result<ReplayRequest, Exit> {
    let live = streams::info(connection, &config.input.stream).await?;
    if let Some(request) = file::read(directory)? {
        let differences = request.differences(given, &config.plan);
        if !differences.is_empty() {
            let what = format!("{} holds another replay:\n  {}", directory.display(), differences.join("\n  "));
            let hint = "leave these out to go on with it, or give the new replay a --to (or --state-dir) of its own";
            return Err(Exit::new(CONFIG, what, hint));
        }
        same_events(connection, &request).await?;
        file::finish_copy(directory, &request)?;
        match request.completed {
            None => drop(lane(connection, config, &request).await?),
            Some(completed) => still_there(connection, &request, completed).await?,
        }
        return Ok(request);
    }
    if file::state(directory).exists() {
        let what = format!("{} holds a state, but no replay.json that says of which replay", directory.display());
        return Err(Exit::new(CONFIG, what, "give another --state-dir"));
    }
    file::remove_unfinished(&file::unfinished(directory))?;
    let mut request = new(connection, config, given, &live).await?;
    let state = lane(connection, config, &request).await?;
    if state.last > 0 {
        let what = format!("stream {} holds messages already (its last sequence is {})", request.to, state.last);
        let hint = "give the replay a stream of its own with --to; go on with an earlier one by its --state-dir";
        return Err(Exit::new(CONFIG, what, hint));
    }
    if let Some(from) = &request.from_state {
        let from = if from == LIVE { config.state.path.clone() } else { PathBuf::from(from) };
        let purpose = For {
            input_created: request.input_created,
            output_created: state.created,
            plan: request.plan.clone(),
            from: request.emit().from,
            state: config.state.clone(),
        };
        request.held = Some(copy(from, directory, purpose).await?);
    }
    file::write(directory, &request)?;
    file::finish_copy(directory, &request)?;
    Ok(request)
}

/// The lane that a replay has unless another one is named.
pub fn default_lane(config: &Config) -> String {
    format!("{}_REPLAY", config.output.stream)
}

/// A request of what was asked, with every text resolved; nothing is made yet.
pub async fn new(
    connection: &Connection,
    config: &Config,
    given: &ReplayOptions,
    input: &StreamInfo,
) -> Result<ReplayRequest, Exit> {
    let to = given.to.clone().unwrap_or_else(|| default_lane(config));
    own_stream(config, &to)?;
    if input.is_interest() {
        let what =
            format!("stream {} has interest retention: what the live engine acknowledged is gone", config.input.stream);
        let hint = "replay needs an input with limits retention; a stream that sources this one can keep the events";
        return Err(Exit::new(CONFIG, what, hint));
    }
    let fault = |filter: &str| filter_fault(filter).map(|fault| format!("`{filter}` is no subject filter: {fault}"));
    if let Some(fault) = given.subject.as_deref().and_then(fault) {
        return Err(Exit::new(USAGE, fault, ""));
    }
    let stream = &config.input.stream;
    let range = place::range(connection, stream, input.state, given.from.as_deref(), given.until.as_deref());
    let (from, until) = range.await?;
    let prefix = given
        .prefix
        .clone()
        .unwrap_or_else(|| if to == default_lane(config) { "replay".to_owned() } else { format!("replay.{to}") });
    let emit = EmitSpec { from, until, subject: given.subject.clone() };
    let plan: PlanSpec = plan(&config.plan, &prefix, emit).map_err(|fault| Exit::new(USAGE, fault, ""))?;
    Ok(ReplayRequest {
        version: VERSION,
        from: given.from.clone(),
        until: given.until.clone(),
        from_state: given.from_state.clone(),
        held: None,
        input_created: input.state.created,
        origin: Position(input.state.first),
        live: config.output.stream.clone(),
        to,
        prefix,
        plan,
        completed: None,
    })
}

/// Notes that the replay is complete.
pub async fn complete(
    connection: &Connection,
    request: &mut ReplayRequest,
    directory: &Path,
    position: Position,
) -> Result<(), Exit> {
    let lane = streams::state(connection, &request.to).await?;
    request.completed = Some(Completed { position, lane_created: lane.created, messages: lane.last });
    file::write(directory, request)
}

/// The lane of a complete replay is the one that it wrote.
async fn still_there(connection: &Connection, request: &ReplayRequest, completed: Completed) -> Result<(), Exit> {
    let lane = streams::find_surely(connection, &request.to).await?;
    let same = |state: StreamState| state.created == completed.lane_created && state.last == completed.messages;
    if lane.is_some_and(|lane| same(lane.state)) {
        return Ok(());
    }
    let what = format!("stream {} is not the one any more that this replay completed", request.to);
    Err(Exit::new(CONFIG, what, "begin another replay, into another stream and directory"))
}

/// The input still has the event of the newest outcome. Where it lost its tail, or was made anew, nothing that the replay
/// read behind some position is there any more, and its outcomes are of no use.
async fn same_events(connection: &Connection, request: &ReplayRequest) -> Result<(), Exit> {
    if streams::find(connection, &request.to).await?.is_none() {
        return Ok(());
    }
    let newest = streams::newest(connection, &request.to).await?;
    let Some(newest) = newest.as_ref().and_then(LaneMessage::read) else { return Ok(()) };
    let stream = &request.plan.input_stream;
    let last = streams::state(connection, stream).await?.last;
    let event = streams::message_at(connection, stream, newest.cause.0).await?;
    // One that is not there within the stream was deleted, and retention may have taken it.
    if last >= newest.cause.0 && event.is_none_or(|event| event.stored_at == newest.time) {
        return Ok(());
    }
    let what = format!("the replay read another event at position {} than stream {stream} has there now", newest.cause);
    Err(Exit::new(CONFIG, what, "begin another replay, into another stream and directory"))
}

/// A replay never writes where the live engine does.
fn own_stream(config: &Config, to: &str) -> Result<(), Exit> {
    let dead = config.dead_letters.stream.clone().unwrap_or_default();
    let taken = [&config.output.stream, &config.input.stream, &dead, &redrives::wanted(&config.output.stream).name];
    if taken.contains(&&to.to_owned()) || to.is_empty() {
        let what = format!("stream {to} is one of the live engine's: a replay has a stream of its own");
        return Err(Exit::new(USAGE, what, "name another stream with --to"));
    }
    Ok(())
}

/// Nor does it keep its state where the live engine does. Asked before anything is made there, a lock included.
pub fn apart(config: &Config, directory: &Path) -> Result<(), Exit> {
    let absolute = |path: &Path| path.canonicalize().or_else(|_| std::path::absolute(path));
    let same = match (absolute(directory), absolute(&config.state.path)) {
        (Ok(replay), Ok(live)) => replay.starts_with(&live) || live.starts_with(&replay),
        _ => directory == config.state.path,
    };
    if same {
        let what = format!("{} is the live engine's state directory, or around it or in it", directory.display());
        return Err(Exit::new(USAGE, what, "give the replay a directory of its own with --state-dir"));
    }
    Ok(())
}

/// The replay's lane, made as `provision` makes an output stream where there is none; what is there is for the engine's
/// own rules to judge.
async fn lane(connection: &Connection, config: &Config, request: &ReplayRequest) -> Result<StreamState, Exit> {
    if streams::find(connection, &request.to).await?.is_none() {
        let replicas = streams::find(connection, &config.output.stream).await?.map_or(1, |live| live.replicas());
        let subjects = request.plan.lane_subjects();
        let role = Role::Output { subjects, max_bytes: request.plan.max_bytes };
        let choice = Choice { replicas, ..Choice::default() };
        provision::provision(connection, &[WantedStream { name: request.to.clone(), role, choice }]).await?;
    }
    Ok(streams::state(connection, &request.to).await?)
}
