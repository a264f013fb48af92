//! Opens a state directory as a start does, and judges what it holds against what was written and reported.

use super::writer::{Changes, STATE, changes, marks, recorded, state};
use sidestream::adapters::directory::files::names;
use sidestream::app::disk;
use sidestream::core::ids::KeyGroup;
use sidestream::core::record::{MARK_KEY, StateEngine};
use sidestream::ports::store::Space;
use std::collections::BTreeMap;
use std::path::Path;

/// How an opened directory compares with what was reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Everything that was reported durable is there.
    Kept,
    /// It opened with an older checkpoint than was reported.
    Older { recorded: u64, reported: u64 },
    /// It opened, and holds what was never there at once.
    Wrong(String),
    /// It was set aside; `reported` is 0 where nothing can have been lost.
    SetAside { reported: u64 },
}

impl Found {
    /// Whether a checkpoint that was reported durable is gone.
    pub fn lost(&self) -> bool {
        !matches!(self, Found::Kept | Found::SetAside { reported: 0 })
    }
}

/// The number in the last whole line of a file of reports.
pub fn last_reported(text: &[u8]) -> u64 {
    let text = std::str::from_utf8(text).unwrap();
    let whole = text.rsplit_once('\n').map_or("", |(lines, _)| lines);
    whole.lines().last().map_or(0, |line| line.parse().unwrap())
}

/// How many directories were set aside under `root`.
fn set_aside(root: &Path) -> usize {
    let prefix = format!("{STATE}.unreadable-");
    names(root).unwrap().iter().filter(|name| name.starts_with(&prefix)).count()
}

/// What a writer of one weight wrote, as far as it was asked for yet.
pub struct History {
    weight: u64,
    engine: StateEngine,
    all: Vec<Changes>,
}

impl History {
    pub fn new(weight: u64, engine: StateEngine) -> History {
        History { weight, engine, all: Vec::new() }
    }

    /// Opens the state directory under `root`.
    pub fn judge(&mut self, root: &Path, reported: u64) -> Found {
        // A recording that began with an unreadable directory has one set aside already.
        let before = set_aside(root);
        let opened = disk::open(&state(root, self.engine)).unwrap();
        if set_aside(root) > before {
            assert_eq!((recorded(&opened.disk), marks(&opened).len()), (0, 0), "the new directory is not empty");
            return Found::SetAside { reported };
        }
        let recorded = recorded(&opened.disk);
        if let Err(wrong) = self.whole(&opened, recorded) {
            return Found::Wrong(wrong);
        }
        if recorded >= reported { Found::Kept } else { Found::Older { recorded, reported } }
    }

    /// Every group holds exactly what was written up to its mark, and no group is behind S.
    fn whole(&mut self, opened: &disk::OpenedState, recorded: u64) -> Result<(), String> {
        let marks = marks(opened);
        let newest = marks.values().copied().max().unwrap_or(0).max(recorded);
        while (self.all.len() as u64) < newest {
            self.all.push(changes(self.all.len() as u64 + 1, self.weight));
        }
        for group in KeyGroup::all() {
            let mark = marks.get(&group.0).copied().unwrap_or(0);
            let mut expected = BTreeMap::<&[u8], &[u8]>::new();
            for (changes, n) in self.all.iter().zip(1..=newest) {
                let Some(changes) = changes.get(&group.0) else { continue };
                if mark < n && n <= recorded {
                    return Err(format!("{group:?} stands at {mark}, S at {recorded}: {n} is missing"));
                }
                for (key, value) in changes.iter().filter(|_| n <= mark) {
                    match value {
                        Some(value) => expected.insert(key, value),
                        None => expected.remove(&**key),
                    };
                }
            }
            let mut same = true;
            let mut visit = |key: &[u8], value: &[u8]| {
                same = same && (key == MARK_KEY || expected.remove(key) == Some(value));
                same
            };
            let read = opened.store.scan(Space::Group(group), b"", &mut visit);
            read.map_err(|error| format!("{group:?} opened and cannot be read: {error}"))?;
            if !same || !expected.is_empty() {
                return Err(format!("{group:?} does not hold what was written up to {mark}"));
            }
        }
        Ok(())
    }
}
