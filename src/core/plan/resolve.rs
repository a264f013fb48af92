//! From a plan's names to numbers: the places of its fields, and what each kind does with them.
//!
//! Works on a plan that `config` accepted; what does not resolve is an error of ours.

use super::compiled::{Added, Feed, Join, Kind, Place, Source, Target};
use super::layout::Layout;
use super::registers::Registers;
use super::selector::Selector;
use super::spec::{OnMiss, PlanSpec};
use crate::core::columns::ColumnId;
use crate::json::fields::{Fields, ObjectSlot, Slot};
use crate::json::splice::Label;
use std::sync::Arc;

/// Every place of a plan, resolved.
pub(super) struct Names {
    /// What a scan looks for.
    pub fields: Fields,
    /// `Plan::kind`.
    pub kind: Place,
    /// `Plan::id`.
    pub id: Option<Place>,
    /// `Plan::time`.
    pub time: Option<Place>,
    /// `Plan::kinds`.
    pub kinds: Vec<Kind>,
}

impl Names {
    /// Over kinds that begin with these registers.
    pub fn of(spec: &PlanSpec, layout: &Layout, registers: &Registers) -> Names {
        let mut fields = Fields::default();
        // In the scan itself.
        let kind = place(&mut Building { fields: &mut fields, registers: Registers::all() }, &spec.event.kind);
        let mut common = Building { fields: &mut fields, registers: registers.clone() };
        let id = spec.event.id.as_ref().map(|s| place(&mut common, s));
        let time = spec.event.time.as_ref().map(|s| place(&mut common, s));
        let common = common.registers;
        let mut compile =
            |name| compile_kind(spec, layout, Building { fields: &mut fields, registers: common.clone() }, name);
        let mut kinds: Vec<Kind> = spec.kinds.keys().map(|name| compile(Some(name))).collect();
        kinds.push(compile(None));
        kinds.iter_mut().for_each(|kind| kind.registers.complete(&fields));
        Names { fields, kind, id, time, kinds }
    }
}

/// The registers of a kind while it is compiled, over the names that a scan looks for.
struct Building<'a> {
    fields: &'a mut Fields,
    registers: Registers,
}

impl Building<'_> {
    fn field(&mut self, path: &[String]) -> Slot {
        self.registers.field(self.fields, path)
    }

    fn object(&mut self, path: &[String]) -> ObjectSlot {
        self.registers.object(self.fields, path)
    }
}

fn place(fields: &mut Building<'_>, selector: &Selector) -> Place {
    match selector {
        Selector::Path(names) => Place::Field(fields.field(names)),
        Selector::Subject(n) => Place::Subject(*n),
        Selector::Header(name) => Place::Header(name.clone()),
        Selector::Time => Place::Time,
    }
}

fn compile_kind(spec: &PlanSpec, layout: &Layout, mut building: Building<'_>, name: Option<&String>) -> Kind {
    let fields = &mut building;
    let section = name.and_then(|name| spec.kinds.get(name));
    let mut kind = Kind {
        name: Arc::from(name.map_or("unknown", String::as_str)),
        key: section.and_then(|s| s.key.as_ref()).map(|s| place(fields, s)),
        feeds: Vec::new(),
        joins: Vec::new(),
        targets: Vec::new(),
        known: name.is_some(),
        registers: Registers::default(),
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
    kind.registers = building.registers;
    kind
}

fn compile_feeds(spec: &PlanSpec, layout: &Layout, fields: &mut Building<'_>, kind: &str) -> Vec<Feed> {
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

fn compile_enrichments(spec: &PlanSpec, layout: &Layout, fields: &mut Building<'_>, name: &str, kind: &mut Kind) {
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
