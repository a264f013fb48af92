//! What may be relied on of a state whose past is partly gone.
//!
//! A row counts only as far as events that were seen made it: a row that was never seen is not a miss, and a
//! column that was never seen set is not null. Never calls anything certain that an unseen event could have
//! changed. Holds facts about the state, never the state itself; `recompute` keeps the two in step.

use crate::core::columns::ColumnsRef;
use crate::core::event::{Event, KeyAndId};
use crate::core::identity::is_duplicate;
use crate::core::ids::{Digest, KeyGroup, Nanos, Position};
use crate::core::plan::compiled::{AddedSource, Join, Kind, Miss, Plan};
use crate::core::plan::layout::{REMOVED, TableId};
use crate::core::plan::map::Map;
use crate::core::read::KeyFault;
use crate::core::state::changes::State;
use crate::core::state::dedup::Dedup;
use crate::core::state::row::{ONLY_ROW, RowChange};
use crate::core::state::visible::global_digest;
use crate::json::fields::Span;
use std::collections::HashMap;

/// A row's name: what it is kept under, table, row selector.
type AuditedRowId = (Digest, TableId, Digest);

/// What is known of a row. Of a row that is not listed nothing is known, and the state does not hold it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RowKnowledge {
    /// It is there with the columns that the state holds; `whole`: and with no others.
    There { whole: bool },
    /// It is not there.
    Gone,
}

/// What is known after events were lost.
#[derive(Debug)]
pub struct Knowledge {
    rows: HashMap<AuditedRowId, RowKnowledge>,
    window: Option<Nanos>,
    /// The latest stored-at time before the loss ended.
    before: Nanos,
    /// From this stream time on no event that is gone can make another one a duplicate.
    decided_from: Option<Nanos>,
    /// Ids of events that may or may not have been processed.
    doubtful: Dedup,
}

/// One event with all that is needed to ask about it.
#[derive(Clone, Copy, Debug)]
pub struct AuditedEvent<'a> {
    /// Its kind section.
    pub kind: &'a Kind,
    /// The event.
    pub event: &'a Event,
    /// What decoding found.
    pub reading: &'a KeyAndId,
    /// Its fields.
    pub spans: &'a [Span],
}

/// A join's row as far as it is known.
#[derive(Clone, Copy)]
enum KnownRow<'a> {
    Miss,
    There { columns: ColumnsRef<'a>, whole: bool },
    NotKnown,
}

impl Knowledge {
    /// Nothing is known; the events that are gone were stored by `before`, or by the next event seen.
    pub fn nothing(window: Option<Nanos>, before: Nanos) -> Knowledge {
        Knowledge { rows: HashMap::new(), window, before, decided_from: None, doubtful: Dedup::new(window) }
    }

    /// More events are gone: no row is known any more. Ids that were seen processed still are.
    pub fn lose(&mut self, before: Nanos) {
        self.rows.clear();
        self.before = self.before.max(before);
        self.decided_from = None;
    }

    /// Tells of the next event's stream time, before anything is asked about it.
    pub fn see(&mut self, now: Nanos) {
        let latest = self.before.max(now);
        let window = self.window.unwrap_or_default();
        self.decided_from.get_or_insert(Nanos(latest.0.saturating_add(window.0)));
    }

    /// Says that the rule of identity changes now.
    pub fn change_rule(&mut self, now: Nanos) {
        self.doubtful.change_rule(now);
    }

    /// Whether an event that is gone, or one in doubt, may have been processed under the same id.
    pub fn may_be_duplicate(&self, plan: &Plan, asked: AuditedEvent<'_>) -> bool {
        let AuditedEvent { event, reading, spans, .. } = asked;
        let early = reading.identity.is_some() && self.decided_from.is_some_and(|from| event.stream_time < from);
        early || is_duplicate(&self.doubtful, plan, event, reading, spans)
    }

    /// Whether what becomes of a processed event follows from what is known. Goes the way of `core::join`.
    pub fn is_certain(&self, state: &State, changes: &[RowChange], asked: AuditedEvent<'_>) -> bool {
        let mut rows = Vec::with_capacity(asked.kind.joins.len());
        for join in &asked.kind.joins {
            if join.when.as_ref().is_some_and(|when| !when.holds(asked.event.seen(asked.spans)).is_true()) {
                rows.push(KnownRow::Miss);
                continue;
            }
            let row = match self.selector(join, asked) {
                Err(()) => return true,
                Ok(None) => KnownRow::Miss,
                Ok(Some(row)) => self.find(state, changes, join, row, asked.reading),
            };
            match row {
                KnownRow::NotKnown => return false,
                // A dead letter, whatever the joins behind it find.
                KnownRow::Miss if join.on_miss == Miss::DeadLetter => return true,
                KnownRow::Miss | KnownRow::There { .. } => rows.push(row),
            }
        }
        let known = |join: usize, column| match rows.get(join) {
            Some(KnownRow::There { columns, whole }) => *whole || columns.get(column).is_some(),
            _ => true,
        };
        let mut fields = asked.kind.targets.iter().flat_map(|target| &target.fields);
        let added = fields.all(|field| match field.source {
            // What it is made of is asked below.
            AddedSource::Mark | AddedSource::Quality { .. } => true,
            AddedSource::Column { join, column, .. } => known(join, column),
        });
        let routes = asked.kind.routes.iter().filter_map(|route| route.when.as_ref());
        let tests = routes.chain(asked.kind.maps.iter().flat_map(Map::tests));
        let read = tests.flat_map(|test| test.columns()).chain(asked.kind.quality.iter().flat_map(|q| q.columns()));
        added && read.into_iter().all(|(join, column)| known(join, column))
    }

    /// The row selector's digest; `Err` where it is one that makes the event a dead letter.
    fn selector(&self, join: &Join, asked: AuditedEvent<'_>) -> Result<Option<Digest>, ()> {
        let Some(place) = &join.row else { return Ok(Some(ONLY_ROW)) };
        let message = &asked.event.message;
        match place.key(message, asked.spans) {
            Ok(text) => Ok(Some(Digest::of(text.get(&message.payload).as_bytes()))),
            Err(KeyFault::None) => Ok(None),
            Err(KeyFault::Bad) => Err(()),
        }
    }

    fn find<'a>(
        &self,
        state: &'a State,
        changes: &'a [RowChange],
        join: &Join,
        row: Digest,
        reading: &KeyAndId,
    ) -> KnownRow<'a> {
        let table = join.table;
        let under =
            if join.global { Some(global_digest(table, row)) } else { reading.key.as_ref().map(|key| key.digest) };
        if join.removed.is_some() && under.is_some() {
            return KnownRow::NotKnown;
        }
        let known = under.map(|under| self.rows.get(&(under, table, row)).copied());
        if let Some(own) = changes.iter().find(|change| change.table == table && change.row == row) {
            if own.rests_on_rows {
                return KnownRow::NotKnown;
            }
            // Without a key there is no row before it, for certain.
            let whole = own.replaces
                || matches!(known, None | Some(Some(RowKnowledge::There { whole: true } | RowKnowledge::Gone)));
            return own
                .columns
                .as_ref()
                .map_or(KnownRow::Miss, |columns| KnownRow::There { columns: columns.into(), whole });
        }
        match known {
            None | Some(Some(RowKnowledge::Gone)) => KnownRow::Miss,
            Some(None) => KnownRow::NotKnown,
            Some(Some(RowKnowledge::There { whole })) => {
                let row = under.and_then(|under| state.rows.row(under, table, row));
                row.map_or(KnownRow::NotKnown, |row| KnownRow::There { columns: row.columns, whole })
            }
        }
    }

    /// An event was processed for certain and its changes are applied. Of rows with versions and of aggregates nothing
    /// is learned, and the state forgets them: what was newer, or counted, may have been lost.
    pub fn learn(&mut self, plan: &Plan, state: &mut State, event: &Event, reading: &KeyAndId, changes: &[RowChange]) {
        let rests = |change: &&RowChange| change.rests_on_rows || plan.layout.column(change.table, REMOVED).is_some();
        let versioned = changes.iter().filter(rests).cloned();
        let forgotten: Vec<RowChange> = versioned.map(|change| RowChange { columns: None, ..change }).collect();
        if !forgotten.is_empty() {
            self.forget_rows(state, event, reading, forgotten);
        }
        for change in changes.iter().filter(|change| !rests(change)) {
            let Some(id) = row_id(event, reading, change) else { continue };
            let known = match (&change.columns, self.rows.get(&id)) {
                (None, _) => RowKnowledge::Gone,
                (Some(_), _) if change.replaces => RowKnowledge::There { whole: true },
                (Some(_), Some(RowKnowledge::Gone)) => RowKnowledge::There { whole: true },
                (Some(_), Some(there)) => *there,
                (Some(_), None) => RowKnowledge::There { whole: false },
            };
            self.rows.insert(id, known);
        }
    }

    /// An event may or may not have been processed: its rows and its id are known no more.
    pub fn doubt(&mut self, state: &mut State, event: &Event, reading: &KeyAndId, changes: Vec<RowChange>) {
        if let Some(id) = reading.identity {
            self.doubtful.mark(event.group, id, event.stream_time);
        }
        let forgotten = changes.into_iter().map(|change| RowChange { columns: None, ..change });
        self.forget_rows(state, event, reading, forgotten.collect());
    }

    fn forget_rows(&mut self, state: &mut State, event: &Event, reading: &KeyAndId, removals: Vec<RowChange>) {
        for id in removals.iter().filter_map(|change| row_id(event, reading, change)) {
            self.rows.remove(&id);
        }
        state.apply(reading.key_and_text(event), event.group, removals);
    }

    /// Lets ids go that are out of the window, so that memory stays bounded by it.
    pub fn forget(&mut self, position: Position, now: Nanos) {
        forget(&mut self.doubtful, position, now);
    }
}

/// The name of a row that an event changes; `None` where it has no key and so no rows.
fn row_id(event: &Event, reading: &KeyAndId, change: &RowChange) -> Option<AuditedRowId> {
    let under = match &reading.key {
        _ if event.group.is_everyone() => global_digest(change.table, change.row),
        key => key.as_ref()?.digest,
    };
    Some((under, change.table, change.row))
}

/// Cuts a memory of ids and lets go what is out of the window; no answer depends on it.
pub fn forget(ids: &mut Dedup, position: Position, now: Nanos) {
    for group in KeyGroup::owners() {
        ids.expire(group, now);
        ids.cut(group, position, |_| 0);
    }
}
