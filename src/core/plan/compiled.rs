//! The plan as the step runs it: names resolved to numbers once, so that no event looks a name up.
//!
//! Compiling cannot fail on a plan that `config` accepted; what does not resolve is an error of ours.

use super::building::PlanNames;
use super::condition::{ResolvedCondition, RuleId};
use super::feed::TableFeed;
use super::filter::Filter;
use super::key_spec::KeyPlaces;
use super::kinds::KindIndex;
use super::layout::{Layout, TableId};
use super::map::Map;
use super::quality::Quality;
use super::registers::{FEW, Registers};
use super::resolve::Resolved;
use super::route::Route;
use super::spec::{PlanSpec, UnknownKinds};
use super::version::Versions;
use crate::core::columns::ColumnId;
use crate::core::derive::compiled::CompiledSection;
use crate::core::derive::create::CreatedObject;
use crate::core::derive::section::DeriveSection;
use crate::core::event::StoredMessage;
use crate::core::ids::{Nanos, Position};
use crate::core::schema::compiled::Schema;
use crate::core::unwrap::layer::Layer;
use crate::core::unwrap::split::Split;
use crate::json::fields::{Fields, ObjectSlot, Slot};
use crate::json::splice::Label;
use std::sync::Arc;

/// `engine.max_waiting` where the plan does not say it.
pub const MAX_WAITING: u32 = 1_000;

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

/// One row that a kind's enrichments need; several added fields may come from it.
#[derive(Clone, Debug)]
pub struct Join {
    /// The table's number.
    pub table: TableId,
    /// Whether every shard has its rows.
    pub global: bool,
    /// Where the row selector is.
    pub row: Option<KeyPlaces>,
    /// The same as the configuration writes it; empty where there is none.
    pub place: String,
    /// Where it is asked at all.
    pub when: Option<ResolvedCondition>,
    /// The column that is set in a row which was removed, in a table with versions.
    pub removed: Option<ColumnId>,
    /// What a row that is not there means.
    pub on_miss: Miss,
}

/// What a row that is not there means for an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Miss {
    /// Nothing: only conditions read it.
    Quiet,
    /// It is counted, and the added fields are null or left out.
    Counted,
    /// The event becomes a dead letter.
    DeadLetter,
    /// The event waits for it.
    Wait {
        /// So long, by stream time.
        time: Nanos,
        /// Whether it becomes a dead letter then; else the miss is counted.
        dead: bool,
    },
}

/// A field that an output gains.
#[derive(Clone, Debug)]
pub struct AddedField {
    /// Its name.
    pub name: String,
    /// The name as the splice writes it.
    pub label: Label,
    /// Where a member of that name already is.
    pub member: Slot,
    /// What it holds.
    pub source: AddedSource,
}

/// What an added field holds.
#[derive(Clone, Copy, Debug)]
pub enum AddedSource {
    /// A column of a join's row.
    Column {
        /// The join, by its place in `Kind::joins`.
        join: usize,
        /// The column.
        column: ColumnId,
        /// Whether a miss leaves the field out instead of making it null.
        omit: bool,
    },
    /// The rules that the event breaks, of a section by its place in `Kind::quality`; left out where there are none.
    Quality {
        /// The section.
        section: usize,
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
    pub fields: Vec<AddedField>,
}

/// A kind section, or what happens to unknown kinds.
#[derive(Clone, Debug)]
pub struct Kind {
    /// The section's name; `unknown` for events without a section.
    pub name: Arc<str>,
    /// Where the key is.
    pub key: Option<KeyPlaces>,
    /// Where the id is.
    pub id: Option<KeyPlaces>,
    /// How its events become the newest version, where they have versions; before anything else of the kind.
    pub versions: Option<Box<Versions>>,
    /// The sections of derived fields that its events run through, in order, once their kind is known.
    pub derive: Vec<CompiledSection>,
    /// The filters that its events pass, in order.
    pub filters: Vec<Filter>,
    /// The objects that its enrichments put fields into, made where they are not there, and the conditions of those.
    pub creates: Vec<(Option<ResolvedCondition>, CreatedObject)>,
    /// The tables it feeds, by table name.
    pub feeds: Vec<TableFeed>,
    /// The rows its outputs need.
    pub joins: Vec<Join>,
    /// The enrichments in which its events keep the order of their key, by number, and how long they wait at most.
    pub ordered: Vec<(u16, Nanos)>,
    /// The objects that gain fields; the top level last.
    pub targets: Vec<Target>,
    /// The rules of its events' quality, section by section.
    pub quality: Vec<Quality>,
    /// The ways of its outputs, the first that holds.
    pub routes: Vec<Route>,
    /// The maps of its events, in order.
    pub maps: Vec<Map>,
    /// Whether it has conditions, rules of quality, maps or routes that are asked when an event is processed.
    pub asks: bool,
    /// Whether it is known, which the mark says.
    pub known: bool,
    /// The spans that its events keep.
    pub registers: Registers,
}

/// What makes an event one of a kind, whatever the kind that it says: all of it that is there.
#[derive(Debug)]
pub struct KindRule {
    /// The kind.
    pub kind: KindId,
    /// A condition that holds.
    pub when: Option<ResolvedCondition>,
    /// A schema that takes it.
    pub schema: Option<Schema>,
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
    /// The rule that drops events of other subjects than `input.only`, where there are any.
    pub only: Option<RuleId>,
    /// What events are taken out of before they are scanned.
    pub layers: Vec<Layer>,
    /// How several events are taken out of one message.
    pub split: Option<Split>,
    /// The rule under which messages are counted that hold an empty list.
    pub empty: Option<RuleId>,
    /// Whether an event without a body may be one at all.
    pub tombstones: bool,
    /// The names that a scan looks for.
    pub fields: Fields,
    /// Where the kind is: in the scan itself, since registers are those of a kind.
    pub kind: Vec<Place>,
    /// Where the event's own time is; the same register in every kind.
    pub time: Option<Place>,
    /// The kinds with a condition or a schema, in the order in which they are asked.
    pub kind_rules: Vec<KindRule>,
    /// The sections of derived fields that every event runs through before its kind is looked at.
    pub derive: Vec<CompiledSection>,
    /// The names of the plan's rules, by number.
    pub rules: Vec<Arc<str>>,
    /// How many rules of quality there are, kind by kind.
    pub checks: usize,
    /// Whether anything is computed while an event is decoded: what is inside an envelope, kinds by conditions, fields, versions or filters.
    pub computes: bool,
    /// Whether something is removed from events or hidden in them.
    pub hides: bool,
    /// Whether events wait for rows.
    pub waits: bool,
    /// How many events of a key group may wait.
    pub max_waiting: u32,
    /// Whether there are tables whose rows every shard has.
    pub has_global: bool,
    /// The kind sections in order of their names, then the unknown kind.
    pub kinds: Vec<Kind>,
    /// `dedup.window_s`, or `None` when de-duplication is off.
    pub dedup_window: Option<Nanos>,
    index: KindIndex,
}

impl Kind {
    /// A kind of this name that does nothing yet; without a name the unknown one.
    pub(super) fn of(name: Option<&String>) -> Kind {
        Kind {
            name: Arc::from(name.map_or("unknown", String::as_str)),
            key: None,
            id: None,
            versions: None,
            derive: Vec::new(),
            filters: Vec::new(),
            creates: Vec::new(),
            feeds: Vec::new(),
            joins: Vec::new(),
            ordered: Vec::new(),
            targets: Vec::new(),
            quality: Vec::new(),
            routes: Vec::new(),
            maps: Vec::new(),
            asks: false,
            known: name.is_some(),
            registers: Registers::default(),
        }
    }

    /// Whether anything is computed while its events are decoded.
    fn computes(&self) -> bool {
        self.rewrites() || !self.filters.is_empty()
    }

    /// Whether its events may get another text.
    pub fn rewrites(&self) -> bool {
        !self.derive.is_empty() || !self.creates.is_empty() || self.versions.is_some()
    }

    /// Whether an event of it without a body removes a row.
    pub fn takes_tombstones(&self) -> bool {
        self.feeds.iter().any(|feed| feed.delete_empty)
    }

    /// Whether its events change rows that every shard has. A kind feeds global tables or those of keys, never both.
    #[inline]
    pub fn feeds_global(&self) -> bool {
        self.feeds.first().is_some_and(|feed| feed.global)
    }

    /// Whether its events may wait for a row.
    pub fn waits(&self) -> bool {
        self.joins.iter().any(|join| matches!(join.on_miss, Miss::Wait { .. }))
    }

    /// The conditions that are asked when its events are processed.
    pub fn tests(&self) -> impl Iterator<Item = &ResolvedCondition> {
        let feeds = self.feeds.iter().filter_map(|feed| feed.when.as_ref());
        feeds.chain(self.joins.iter().filter_map(|join| join.when.as_ref()))
    }
}

fn hides(spec: &PlanSpec) -> bool {
    let upcast = spec.kinds.values().flat_map(|kind| &kind.upcast);
    spec.derive.iter().chain(upcast).any(DeriveSection::hides)
}

impl Plan {
    /// Compiles a plan over a layout that already knows older tables and columns.
    pub fn compile(spec: PlanSpec, layout: &Layout) -> Plan {
        let layout = layout.extended(&spec);
        let mut resolved = Resolved::of(&spec, &layout, &Registers::default());
        if resolved.names.fields.len() <= FEW {
            resolved = Resolved::of(&spec, &layout, &Registers::all());
        }
        let Resolved { names: PlanNames { fields, rules, checks }, kind, only, empty, kind_rules, time, derive, kinds } =
            resolved;
        let window = i64::try_from(spec.dedup_window_s).unwrap_or(i64::MAX).saturating_mul(1_000_000_000);
        Plan {
            fingerprint: spec.fingerprint(),
            index: KindIndex::new(spec.kinds.iter().map(|(name, kind)| (name, !kind.has_rule()))),
            layout,
            layers: spec.event.unwrap.iter().map(Layer::compile).collect(),
            split: spec.event.split.as_ref().map(|split| Split::compile(split, &spec.event.unwrap)),
            empty,
            tombstones: kinds.iter().any(Kind::takes_tombstones),
            fields,
            kind,
            only,
            computes: !spec.event.unwrap.is_empty()
                || !derive.is_empty()
                || !kind_rules.is_empty()
                || kinds.iter().any(Kind::computes),
            kind_rules,
            time,
            derive,
            rules,
            checks,
            hides: hides(&spec),
            waits: spec.enrich.iter().any(|enrich| enrich.wait.is_some()),
            max_waiting: spec.max_waiting.unwrap_or(MAX_WAITING),
            has_global: spec.tables.values().any(|table| table.scope.is_global()),
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

    /// Whether an event of this kind should have an id by which it is told from its repetitions.
    pub fn looks_for_id(&self, kind: KindId) -> bool {
        self.dedup_window.is_some() && self.kinds.get(usize::from(kind)).is_some_and(|kind| kind.id.is_some())
    }

    /// Whether an event has an outcome at all; it works on the state in any case.
    pub fn emits(&self, message: &StoredMessage) -> bool {
        self.spec.emit.as_ref().is_none_or(|emit| emit.holds(message))
    }

    /// Whether an event of this subject that waited has an outcome at the position that releases it.
    pub fn emits_at(&self, cause: Position, subject: &str) -> bool {
        self.spec.emit.as_ref().is_none_or(|emit| emit.holds_at(cause, subject))
    }

    /// What happens to unknown kinds.
    pub fn unknown_kinds(&self) -> UnknownKinds {
        self.spec.unknown_kinds
    }
}
