//! A complete replay's state in the live one's place, while the live engine is stopped.
//!
//! Works on a copy, so that the replay's own directory stays what it was and a promotion that was cut off is begun
//! anew. The live directory is locked from before the streams are asked until it is renamed; it is never deleted.

use super::copy::{duplicate, open};
use super::file;
use crate::adapters::directory::files::swap;
use crate::adapters::directory::lock::Lock;
use crate::adapters::directory::manifest::FORMAT;
use crate::adapters::nats::connect::Connection;
use crate::adapters::nats::streams;
use crate::app::broker::{BrokerFacts, gather};
use crate::app::disk::{self, OpenedState};
use crate::app::exit::{CONFIG, Exit, OWNED};
use crate::config::{Config, StateSection};
use crate::core::ids::Position;
use crate::core::plan::spec::PlanSpec;
use crate::engine::rewrite::rebind;
use crate::ports::store::StoreError;
use crate::protocol::facts::{Broker, Disk};
use crate::protocol::header::LaneMessage;
use crate::protocol::rebind::{Replayed, Unfit, promoted};
use crate::protocol::replay::request::ReplayRequest;
use std::path::{Path, PathBuf};

/// What a promotion did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promoted {
    /// S of the state that is in place now.
    pub position: Position,
    /// Where the live lane ends: the engine works up to there without publishing.
    pub live: Position,
    /// Where the old state is.
    pub aside: PathBuf,
}

/// Promotes what a replay's process has built; the live engine must be stopped.
pub async fn promote(
    connection: &Connection,
    live: &Config,
    request: &ReplayRequest,
    directory: &Path,
) -> Result<Promoted, Exit> {
    let path = live.state.path.clone();
    let older = older(&live.state)?;
    let _lock = Lock::take(&path).map_err(stopped)?;
    let newest = streams::newest(connection, &request.to).await?;
    let replayed = Replayed {
        complete: request.completed.is_some(),
        whole: request.is_whole(),
        configured: request.is_of(&live.plan),
        newest: newest.as_ref().and_then(LaneMessage::read).map(|newest| newest.cause),
    };
    let BrokerFacts { mut broker, .. } =
        gather(connection, (&live.input.stream, &live.output.stream), &Disk::default(), false).await?;
    if let Some(last) = request.completed.map(|completed| completed.position)
        && let Some(event) = streams::message_at(connection, &live.input.stream, last.0).await?
    {
        broker.stored_at.insert(last, event.stored_at);
    }
    let copy = beside(&path);
    duplicate(&file::state(directory), &copy).await?;
    let at = StateSection { path: copy.clone(), ..live.state.clone() };
    let (plan, facts) = (live.plan.clone(), broker.clone());
    let work = move || bind(&at, &replayed, &facts, &plan, older);
    let position = tokio::task::spawn_blocking(work).await.map_err(Exit::broken)??;
    let aside = swap(&path, &copy, "before-replay")?;
    let live = broker.newest.ours().map_or(position, |newest| newest.cause);
    Ok(Promoted { position, live, aside })
}

/// The plans whose text the live state has. A directory that is not there is what a promotion leaves that was cut off.
fn older(state: &StateSection) -> Result<Vec<PlanSpec>, Exit> {
    if !state.path.join(FORMAT).exists() {
        return Ok(Vec::new());
    }
    let plans = disk::plans(state).map_err(stopped)?;
    Ok(plans.into_values().collect())
}

fn stopped(error: StoreError) -> Exit {
    match error {
        StoreError::Locked { path } => {
            Exit::new(OWNED, format!("the live engine runs: it has {path}"), "stop it, promote, and start it again")
        }
        other => other.into(),
    }
}

fn bind(
    copy: &StateSection,
    replayed: &Replayed,
    broker: &Broker,
    configured: &PlanSpec,
    older: Vec<PlanSpec>,
) -> Result<Position, Exit> {
    let OpenedState { store, disk } = open(copy)?;
    let rebound = promoted(&disk, replayed, broker, configured, older);
    let refused = |unfit: Unfit| Exit::new(CONFIG, format!("this replay cannot be promoted: {unfit}"), unfit.hint());
    let rebound = rebound.map_err(refused)?;
    rebind(store.as_ref(), &rebound)?;
    Ok(rebound.record.position)
}

/// Beside the live directory, so that a rename puts it in place.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".promoting");
    PathBuf::from(name)
}
