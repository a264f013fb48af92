//! The plan as the step runs it: names resolved to numbers once, so that no event looks a name up.
//!
//! Compiling cannot fail on a plan that `config` accepted; what does not resolve is an error of ours.

use super::kinds::KindIndex;
use super::layout::{Layout, TableId};
use super::registers::{FEW, Registers};
use super::resolve::Names;
use super::spec::{Literal, PlanSpec, UnknownKinds};
use crate::core::columns::ColumnId;
use crate::core::event::StoredMessage;
use crate::core::ids::Nanos;
use crate::json::fields::{Fields, ObjectSlot, Slot};
use crate::json::splice::Label;
use std::sync::Arc;

/// A kind section's number.
pub type KindId = u16;

/// Where a value is, resolved.
#[derive(Clone, Debug)]
pub enum Place {
    /// In the JSON: a register of the event's kind.
    Field(Slot),
    /// A token of the subject, from 1.
    Subject(usize),
    /// A header's first value.
    Header(String),
    /// The stored-at time.
    Time,
}

/// A table that a kind feeds.
#[derive(Clone, Debug)]
pub struct Feed {
    /// The table's number.
    pub table: TableId,
    /// Where the row selector is, for a table with several rows a key.
    pub row: Option<Place>,
    /// The columns, by rising number.
    pub columns: Vec<(ColumnId, Place)>,
    /// When the event removes the row instead.
    pub delete: Option<(Place, Literal)>,
}

/// One row that a kind's enrichments need; several added fields may come from it.
#[derive(Clone, Debug)]
pub struct Join {
    /// The table's number.
    pub table: TableId,
    /// Where the row selector is.
    pub row: Option<Place>,
    /// The same as the configuration writes it; empty where there is none.
    pub place: String,
    /// Whether a miss makes the event a dead letter.
    pub required: bool,
}

/// A field that an output gains.
#[derive(Clone, Debug)]
pub struct Added {
    /// Its name.
    pub name: String,
    /// The name as the splice writes it.
    pub label: Label,
    /// Where a member of that name already is.
    pub member: Slot,
    /// What it holds.
    pub source: Source,
}

/// What an added field holds.
#[derive(Clone, Copy, Debug)]
pub enum Source {
    /// A column of a join's row.
    Column {
        /// The join, by its place in `Kind::joins`.
        join: usize,
        /// The column.
        column: ColumnId,
        /// Whether a miss leaves the field out instead of making it null.
        omit: bool,
    },
    /// The `output.mark`.
    Mark,
}

/// An object that gains fields.
#[derive(Clone, Debug)]
pub struct Target {
    /// The object.
    pub object: ObjectSlot,
    /// The fields in the order in which they are appended.
    pub fields: Vec<Added>,
}

/// A kind section, or what happens to unknown kinds.
#[derive(Clone, Debug)]
pub struct Kind {
    /// The section's name; `unknown` for events without a section.
    pub name: Arc<str>,
    /// Where the key is.
    pub key: Option<Place>,
    /// The tables it feeds, by table name.
    pub feeds: Vec<Feed>,
    /// The rows its outputs need.
    pub joins: Vec<Join>,
    /// The objects that gain fields; the top level last.
    pub targets: Vec<Target>,
    /// Whether it is known, which the mark says.
    pub known: bool,
    /// The spans that its events keep.
    pub registers: Registers,
}

/// Everything that decides outcomes, ready to run.
#[derive(Debug)]
pub struct Plan {
    /// The plan as data.
    pub spec: PlanSpec,
    /// `PlanSpec::fingerprint`.
    pub fingerprint: String,
    /// The numbers of tables and columns.
    pub layout: Layout,
    /// The names that a scan looks for.
    pub fields: Fields,
    /// Where the kind is: in the scan itself, since registers are those of a kind.
    pub kind: Place,
    /// Where the id is; the same register in every kind.
    pub id: Option<Place>,
    /// Where the event's own time is; the same register in every kind.
    pub time: Option<Place>,
    /// The kind sections in order of their names, then the unknown kind.
    pub kinds: Vec<Kind>,
    /// `dedup.window_s`, or `None` when de-duplication is off.
    pub dedup_window: Option<Nanos>,
    index: KindIndex,
}

impl Plan {
    /// Compiles a plan over a layout that already knows older tables and columns.
    pub fn compile(spec: PlanSpec, layout: &Layout) -> Plan {
        let layout = layout.extended(&spec);
        let mut names = Names::of(&spec, &layout, &Registers::default());
        if names.fields.len() <= FEW {
            names = Names::of(&spec, &layout, &Registers::all());
        }
        let Names { fields, kind, id, time, kinds } = names;
        let window = i64::try_from(spec.dedup_window_s).unwrap_or(i64::MAX).saturating_mul(1_000_000_000);
        Plan {
            fingerprint: spec.fingerprint(),
            index: KindIndex::new(spec.kinds.keys()),
            layout,
            fields,
            kind,
            id,
            time,
            kinds,
            dedup_window: (window > 0).then_some(Nanos(window)),
            spec,
        }
    }

    /// The number of the section for a kind's text, given as its bytes; `None` for an unknown kind.
    pub fn kind_of(&self, text: &[u8]) -> Option<KindId> {
        self.index.find(text)
    }

    /// How many registers an event of this kind has.
    #[inline]
    pub fn registers(&self, kind: KindId) -> usize {
        self.kinds.get(usize::from(kind)).map_or(0, |kind| kind.registers.len())
    }

    /// The number under which unknown kinds run.
    pub fn unknown_kind(&self) -> KindId {
        // `kinds` always ends with the unknown kind, and config bounds the number of sections.
        (self.kinds.len().saturating_sub(1)) as KindId
    }

    /// Whether an event has an outcome at all; it works on the state in any case.
    pub fn emits(&self, message: &StoredMessage) -> bool {
        self.spec.emit.as_ref().is_none_or(|emit| emit.holds(message))
    }

    /// What happens to unknown kinds.
    pub fn unknown_kinds(&self) -> UnknownKinds {
        self.spec.unknown_kinds
    }
}
