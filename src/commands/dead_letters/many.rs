//! Dead letters one after another: listed with what became of them, or redriven in the order of their positions.
//!
//! Holds one batch at a time. What is said of each goes to the caller while the rest is still to come.

use super::original::in_the_input;
use super::reading::{FoundLetter, Letters, find};
use super::redrive::{RedriveOutcome, RedriveRequest, Redriver};
use crate::adapters::nats::connect::Connection;
use crate::adapters::nats::redrives::Redrives;
use crate::app::exit::{Exit, USAGE};
use crate::config::Config;
use crate::core::event::StoredMessage;
use crate::protocol::marker::REWOUND;
use crate::protocol::redrive::filter::LetterFilter;
use crate::protocol::redrive::letter::LetterName;
use crate::protocol::redrive::record::StoredRecord;
use futures_util::future::join_all;

/// A dead letter and the newest record of its redrives.
#[derive(Clone, Debug)]
pub struct ListedLetter {
    /// The dead letter, without its body.
    pub found: FoundLetter,
    /// What became of it.
    pub redriven: Option<StoredRecord>,
}

/// Everything that is known of one dead letter.
#[derive(Clone, Debug)]
pub struct ShownLetter {
    /// The dead letter with its body.
    pub found: FoundLetter,
    /// Its event, where the input still has it.
    pub event: Option<StoredMessage>,
    /// Every record of its redrives, the oldest first.
    pub redrives: Vec<StoredRecord>,
}

/// How far a reading is.
#[derive(Clone, Copy, Debug)]
pub struct ReadingProgress {
    /// Dead letters looked at.
    pub read: u64,
    /// Dead letters to look at.
    pub total: u64,
}

/// Shows the dead letters that a filter takes, in the order of their positions, until `show` says that it is enough.
pub async fn list(
    connection: &Connection,
    config: &Config,
    filter: LetterFilter,
    show: &mut (dyn FnMut(ListedLetter, ReadingProgress) -> Result<bool, Exit> + Send),
) -> Result<(), Exit> {
    let redrives = Redrives::look(connection, &config.output.stream).await?;
    let mut letters = Letters::open(connection, config, filter).await?;
    loop {
        let page = letters.next().await?;
        if page.is_empty() {
            return Ok(());
        }
        // All of a page at once: one round trip each would be felt.
        let newest = join_all(page.iter().map(|found| redrives.newest(&found.letter.id))).await;
        let progress = ReadingProgress { read: letters.read, total: letters.total };
        for (found, redriven) in page.into_iter().zip(newest) {
            if !show(ListedLetter { found, redriven: redriven? }, progress)? {
                return Ok(());
            }
        }
    }
}

/// Everything about the dead letters of a name, in the order of their numbers.
pub async fn show(connection: &Connection, config: &Config, name: LetterName) -> Result<Vec<ShownLetter>, Exit> {
    let mut shown = Vec::new();
    for found in find(connection, config, name).await? {
        let Some(found) = found.load(connection).await? else { continue };
        let event = in_the_input(connection, &found).await?;
        let redrives = Redrives::look(connection, &config.output.stream).await?;
        let redrives = redrives.history(&found.letter.id).await?;
        shown.push(ShownLetter { found, event, redrives });
    }
    Ok(shown)
}

/// Why a body needs one dead letter: the position has several.
pub fn one_of<'f>(name: LetterName, found: impl IntoIterator<Item = &'f FoundLetter>) -> Exit {
    let names: Vec<String> =
        found.into_iter().map(|found| format!("{}:{}", name.position, found.letter.id.n)).collect();
    let what = format!("position {} has {} dead letters", name.position, names.len());
    Exit::new(USAGE, what, format!("name one of them: {}", names.join(", ")))
}

/// Which dead letters are to be redriven.
#[derive(Clone, Debug)]
pub enum Which {
    /// Those of these names.
    Named(Vec<LetterName>),
    /// Those that a filter takes.
    All(LetterFilter),
}

/// Redrives dead letters in the order of their positions, at most `rate` a second; `tell` hears of each as it is
/// done. Ends at the first that the input refuses, because the later ones must not overtake it.
pub async fn redrive(
    connection: &Connection,
    config: &Config,
    which: Which,
    rate: u64,
    ask: &RedriveRequest,
    tell: &mut (dyn FnMut(LetterName, &RedriveOutcome, ReadingProgress) -> Result<(), Exit> + Send),
) -> Result<(), Exit> {
    let mut redriver = Redriver::open(connection, config, rate, ask.dry_run).await?;
    match which {
        Which::Named(mut names) => {
            names.sort_unstable();
            names.dedup();
            let total = names.len() as u64;
            for (name, read) in names.into_iter().zip(1..) {
                let progress = ReadingProgress { read, total };
                let all = find(connection, config, name).await?;
                if all.is_empty() {
                    let none = "there is no dead letter of this position".to_owned();
                    tell(name, &RedriveOutcome::Cannot(none), progress)?;
                }
                if ask.edited.is_some() && all.len() > 1 {
                    return Err(one_of(name, &all));
                }
                let several = all.len() > 1;
                for found in all {
                    let outcome = redriver.redrive(&found, ask).await?;
                    let n = several.then_some(found.letter.id.n).or(name.n);
                    tell(LetterName { n, ..name }, &outcome, progress)?;
                }
            }
        }
        Which::All(filter) => {
            // A rewind's marker is nobody's event, and no fault of the others; who asks for it by name hears why not.
            let named = filter.reasons.iter().any(|reason| reason == REWOUND);
            let mut letters = Letters::open(connection, config, filter).await?;
            loop {
                let page = letters.next().await?;
                if page.is_empty() {
                    break;
                }
                let progress = ReadingProgress { read: letters.read, total: letters.total };
                for found in page.into_iter().filter(|found| named || !found.letter.is_marker()) {
                    let outcome = redriver.redrive(&found, ask).await?;
                    let id = &found.letter.id;
                    let name = LetterName { position: id.position, n: (id.n > 0).then_some(id.n) };
                    tell(name, &outcome, progress)?;
                }
            }
        }
    }
    Ok(())
}
