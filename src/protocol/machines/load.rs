//! What a shard reads from its store before a slice: the rows of global tables that its events name, and all rows of the events
//! that may leave with them.

use super::shard::{LoadScope, Shard};
use crate::core::event::Events;
use crate::core::ids::Digest;
use crate::core::parked::{Parked, Turn};
use crate::core::plan::layout::TableId;
use crate::core::state::visible::global_digest;
use crate::core::{apply, join};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Rows of global tables.
type Rows = BTreeSet<(TableId, Digest)>;

impl<E> Shard<E> {
    /// Brings the rows of global tables into memory that the events feed or ask for, and what those need that wait for such a
    /// row; says how many reads it took.
    pub(super) fn load_global(&mut self, events: &Events) -> Result<u64, E> {
        if self.step.state.rows.is_complete() {
            return Ok(0);
        }
        let plan = Arc::clone(&self.plan);
        let (mut rows, mut fed) = (Rows::new(), Rows::new());
        for (event, spans) in events.iter(&plan).filter(|(event, _)| event.reading.is_ok()) {
            let Some(kind) = plan.kinds.get(usize::from(event.kind)) else { continue };
            rows.extend(join::global_rows(kind, event, spans));
            fed.extend(apply::global_rows(kind, event, spans));
        }
        let freed: Vec<Turn> = fed
            .iter()
            .flat_map(|(table, row)| self.step.state.waiting.of_global_row(global_digest(*table, *row)))
            .collect();
        rows.extend(fed);
        Ok(self.load_rows(&rows)? + self.load_waiting(&freed)?)
    }

    fn load_rows(&mut self, rows: &Rows) -> Result<u64, E> {
        let mut reads = 0;
        for (table, row) in rows {
            if self.step.state.rows.must_load(global_digest(*table, *row)) {
                reads += 1;
                let stored = (self.stored)(LoadScope::Global(*table, *row))?;
                self.step.state.insert_global(*table, *row, stored.into_iter().next());
            }
        }
        Ok(reads)
    }

    /// Brings into memory what events need that wait and may leave now, with all that wait behind them under their keys.
    pub(super) fn load_waiting(&mut self, turns: &[Turn]) -> Result<u64, E> {
        let mut reads = 0;
        let key = |turn: &Turn| self.step.state.waiting.get(*turn).and_then(Parked::key);
        let keys: BTreeSet<Digest> = turns.iter().filter_map(key).collect();
        for digest in keys {
            let turns = self.step.state.waiting.of_key(digest);
            if self.step.state.rows.must_load(digest)
                && let Some(parked) = turns.first().and_then(|turn| self.step.state.waiting.get(*turn))
                && let Some(text) = parked.key_text().map(str::to_owned)
            {
                reads += 1;
                let group = parked.turn.group;
                self.load_key(digest, &text, group)?;
            }
            if self.plan.has_global {
                let plan = Arc::clone(&self.plan);
                let parked = turns.iter().filter_map(|turn| self.step.state.waiting.get(*turn));
                let rows = parked.flat_map(|parked| {
                    let kind = plan.kinds.get(usize::from(parked.event.kind));
                    kind.into_iter().flat_map(|kind| join::global_rows(kind, &parked.event, &parked.spans))
                });
                let rows: Rows = rows.collect();
                reads += self.load_rows(&rows)?;
            }
        }
        Ok(reads)
    }
}
