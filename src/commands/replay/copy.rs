//! Taking over a state that an engine may have open: copied while nothing is written, read whole, bound to the new lane.
//!
//! Never opens the directory that is copied. What cannot be had in a bounded time is refused.

use super::file;
use crate::adapters::directory::copy::{is_store, try_copy};
use crate::app::disk::{self, OpenedState};
use crate::app::exit::{CONFIG, Exit, UNAVAILABLE};
use crate::config::StateSection;
use crate::core::ids::{KeyGroup, Nanos, Position};
use crate::core::plan::spec::PlanSpec;
use crate::engine::rewrite::rebind;
use crate::ports::store::{Space, StoreError};
use crate::protocol::rebind::{Unfit, copied, held};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::Instant;

/// How long a copy is tried for: several of the longest pauses between an engine's checkpoints that are usual.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(20);

/// What a copy is made for.
#[derive(Clone, Debug)]
pub struct For {
    /// When the input stream was created.
    pub input_created: Nanos,
    /// When the replay's lane was created.
    pub output_created: Nanos,
    /// The replay's plan.
    pub plan: PlanSpec,
    /// The range's first position.
    pub from: Position,
    /// How the replay keeps its state; the copied one must be kept in the same way.
    pub state: StateSection,
}

/// Copies the state in `from` into a replay's directory, not in its place yet; returns the furthest position in it.
pub async fn copy(from: PathBuf, directory: &Path, purpose: For) -> Result<Position, Exit> {
    if !is_store(&from) {
        let what = format!("{} holds no state that could be copied", from.display());
        return Err(Exit::new(CONFIG, what, Unfit::NoState.hint()));
    }
    let to = file::unfinished(directory);
    duplicate(&from, &to).await?;
    tokio::task::spawn_blocking(move || bind(&from, &to, &purpose)).await.map_err(Exit::broken)?
}

/// Copies a state directory's store to another place, as soon as nobody writes to it for a moment.
pub async fn duplicate(from: &Path, to: &Path) -> Result<(), Exit> {
    let began = Instant::now();
    loop {
        file::remove_unfinished(to)?;
        let (source, target) = (from.to_owned(), to.to_owned());
        match tokio::task::spawn_blocking(move || try_copy(&source, &target)).await.map_err(Exit::broken)?? {
            true => return Ok(()),
            false if began.elapsed() > PATIENCE => {
                return Err(Exit::new(
                    UNAVAILABLE,
                    format!("the engine never paused long enough for a copy of {}", from.display()),
                    "raise its engine.checkpoint_interval_ms, stop it for a moment, or leave --from-state away",
                ));
            }
            false => tokio::time::sleep(PAUSE).await,
        }
    }
}

fn bind(from: &Path, to: &Path, purpose: &For) -> Result<Position, Exit> {
    let OpenedState { store, disk } = open(&StateSection { path: to.to_owned(), ..purpose.state.clone() })?;
    let refused = |unfit: Unfit| Exit::new(CONFIG, format!("{}: {unfit}", from.display()), unfit.hint());
    let rebound = copied(&disk, purpose.input_created, purpose.output_created, &purpose.plan, purpose.from);
    let rebound = rebound.map_err(refused)?;
    rebind(store.as_ref(), &rebound)?;
    Ok(disk.checkpoint.as_ref().map_or(Position(0), |record| held(&disk, record)))
}

/// Opens a store and reads all of it, so that damage shows now.
pub fn open(state: &StateSection) -> Result<OpenedState, StoreError> {
    let opened = disk::open_as_it_is(state)?;
    for owner in KeyGroup::owners() {
        opened.store.scan(Space::of(owner), &[], &mut |_, _| true)?;
    }
    Ok(opened)
}
