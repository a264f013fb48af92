//! The plan as the step runs it: names resolved to numbers once, so that no event looks a name up.
//!
//! Compiling cannot fail on a plan that `config` accepted; what does not resolve is an error of ours.

use super::kinds::KindIndex;
use super::layout::{Layout, TableId};
use super::selector::Selector;
use super::spec::{Literal, OnMiss, PlanSpec, UnknownKinds};
use crate::core::columns::ColumnId;
use crate::core::event::StoredMessage;
use crate::core::ids::Nanos;
use crate::core::json::fields::{Fields, ObjectSlot, Slot};
use crate::core::json::splice::Label;
use std::sync::Arc;

/// A kind section's number.
pub type KindId = u16;

/// Where a value is, resolved.
#[derive(Clone, Debug)]
pub enum Place {
    /// In the JSON.
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
    /// Where the kind is.
    pub kind: Place,
    /// Where the id is.
    pub id: Option<Place>,
    /// Where the event's own time is.
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
        let mut fields = Fields::default();
        let kind = place(&mut fields, &spec.event.kind);
        let id = spec.event.id.as_ref().map(|s| place(&mut fields, s));
        let time = spec.event.time.as_ref().map(|s| place(&mut fields, s));
        let mut kinds: Vec<Kind> =
            spec.kinds.keys().map(|name| compile_kind(&spec, &layout, &mut fields, Some(name))).collect();
        kinds.push(compile_kind(&spec, &layout, &mut fields, None));
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

fn place(fields: &mut Fields, selector: &Selector) -> Place {
    match selector {
        Selector::Path(names) => Place::Field(fields.field(names)),
        Selector::Subject(n) => Place::Subject(*n),
        Selector::Header(name) => Place::Header(name.clone()),
        Selector::Time => Place::Time,
    }
}

fn compile_kind(spec: &PlanSpec, layout: &Layout, fields: &mut Fields, name: Option<&String>) -> Kind {
    let section = name.and_then(|name| spec.kinds.get(name));
    let mut kind = Kind {
        name: Arc::from(name.map_or("unknown", String::as_str)),
        key: section.and_then(|s| s.key.as_ref()).map(|s| place(fields, s)),
        feeds: Vec::new(),
        joins: Vec::new(),
        targets: Vec::new(),
        known: name.is_some(),
    };
    if let Some(name) = name {
        kind.feeds = compile_feeds(spec, layout, fields, name);
        compile_enrichments(spec, layout, fields, name, &mut kind);
    }
    if let Some(mark) = &spec.mark {
        let member = fields.field(std::slice::from_ref(mark));
        let added = Added { name: mark.clone(), label: Label::new(mark), member, source: Source::Mark };
        target(&mut kind.targets, fields.object(&[])).fields.push(added);
    }
    kind
}

fn compile_feeds(spec: &PlanSpec, layout: &Layout, fields: &mut Fields, kind: &str) -> Vec<Feed> {
    let fed = spec.tables.iter().filter(|(_, table)| table.from == kind);
    fed.map(|(name, table)| {
        let id = layout.table(name).expect("the layout has every table of its plan");
        let number = |column: &str| layout.column(id, column).expect("the layout has every column of its plan");
        let mut columns: Vec<(ColumnId, Place)> =
            table.columns.iter().map(|(column, source)| (number(column), place(fields, source))).collect();
        columns.sort_by_key(|(column, _)| *column);
        Feed {
            table: id,
            row: table.row.as_ref().map(|s| place(fields, s)),
            columns,
            delete: table.delete.as_ref().map(|d| (place(fields, &d.field), d.equals.clone())),
        }
    })
    .collect()
}

fn compile_enrichments(spec: &PlanSpec, layout: &Layout, fields: &mut Fields, name: &str, kind: &mut Kind) {
    let mut known: Vec<(&str, Option<&Selector>, bool)> = Vec::new();
    for enrich in spec.enrich.iter().filter(|enrich| enrich.kinds.iter().any(|k| k == name)) {
        let object = fields.object(&enrich.into);
        target(&mut kind.targets, object);
        for (field, from) in &enrich.add {
            let table = layout.table(&from.table).expect("a join names a table of its plan");
            let column = layout.column(table, &from.column).expect("a join names a column of its table");
            let required = enrich.on_miss == OnMiss::DeadLetter;
            let wanted = (from.table.as_str(), from.row.as_ref(), required);
            let join = known.iter().position(|k| *k == wanted).unwrap_or_else(|| {
                known.push(wanted);
                let row = from.row.as_ref().map(|s| place(fields, s));
                let place = from.row.as_ref().map(Selector::to_string).unwrap_or_default();
                kind.joins.push(Join { table, row, place, required });
                kind.joins.len() - 1
            });
            let mut path = enrich.into.clone();
            path.push(field.clone());
            let source = Source::Column { join, column, omit: enrich.on_miss == OnMiss::Omit };
            let added = Added { name: field.clone(), label: Label::new(field), member: fields.field(&path), source };
            target(&mut kind.targets, object).fields.push(added);
        }
    }
    for target in &mut kind.targets {
        target.fields.sort_by(|a, b| a.name.cmp(&b.name));
    }
}

fn target(targets: &mut Vec<Target>, object: ObjectSlot) -> &mut Target {
    let at = targets.iter().position(|t| t.object == object).unwrap_or_else(|| {
        targets.push(Target { object, fields: Vec::new() });
        targets.len() - 1
    });
    // `at` was found or pushed just now.
    #[allow(clippy::indexing_slicing)]
    &mut targets[at]
}
