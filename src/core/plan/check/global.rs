//! Global tables: what changes them is the same in every shard.
//!
//! An event that feeds one is worked out by every shard. None of them has the rows of all keys, so that what becomes of such an
//! event must rest on global tables alone.

use super::fault::{PlanFault, Sentence};
use super::key_path::KeyPath;
use crate::core::expr::Read;
use crate::core::plan::condition::Condition;
use crate::core::plan::spec::PlanSpec;

pub(super) fn check(spec: &PlanSpec, faults: &mut Vec<PlanFault>) {
    cascades(spec, faults);
    for kind in spec.kinds.keys() {
        let fed = || spec.tables.iter().filter(|(_, table)| table.from == *kind);
        let Some((global, _)) = fed().find(|(_, table)| table.scope.is_global()) else { continue };
        let feeds = Feeds { spec, kind, global };
        if let Some((name, _)) = fed().find(|(_, table)| !table.scope.is_global()) {
            let what = format!("the kind `{kind}` feeds the global table `{global}`, and `{name}` has rows of keys");
            let hint = "let a kind feed global tables, or tables of its key, and not both";
            faults
                .push(PlanFault::mistake(KeyPath::table(name).then("from"), what).hint(hint).rests_on([feeds.scope()]));
        }
        feeds.enrichments(faults);
        feeds.conditions(faults);
    }
}

/// A deletion removes rows of one key, and a global table's have none.
fn cascades(spec: &PlanSpec, faults: &mut Vec<PlanFault>) {
    let is_global = |name: &str| spec.tables.get(name).is_some_and(|table| table.scope.is_global());
    for (name, table) in &spec.tables {
        for (number, other) in table.cascade.iter().enumerate() {
            let Some(global) = [name, other].into_iter().find(|name| is_global(name)) else { continue };
            let at = KeyPath::table(name).then("delete").then("cascade").then(&number.to_string());
            let what = format!("a deletion takes rows of its key with it, and `{global}` is a global table");
            let fault = PlanFault::mistake(at, what).hint("give that table a `delete` of its own");
            faults.push(fault.rests_on([KeyPath::table(global).then("scope")]));
        }
    }
}

/// A kind that feeds a global table.
struct Feeds<'a> {
    spec: &'a PlanSpec,
    kind: &'a str,
    global: &'a str,
}

impl Feeds<'_> {
    fn scope(&self) -> KeyPath {
        KeyPath::table(self.global).then("scope")
    }

    fn of_keys(&self, table: &str) -> bool {
        self.spec.tables.get(table).is_some_and(|table| !table.scope.is_global())
    }

    fn enrichments(&self, faults: &mut Vec<PlanFault>) {
        let own = self.spec.enrich.iter().enumerate().filter(|(_, enrich)| enrich.kinds.iter().any(|k| k == self.kind));
        for (number, enrich) in own {
            let at = KeyPath::enrich(number);
            for (field, join) in enrich.add.iter().filter(|(_, join)| self.of_keys(&join.table)) {
                faults.push(self.refused(at.then("add").then(field), &join.table));
            }
            if enrich.wait.is_some() {
                let what = format!("the kind `{}` feeds the global table `{}` and cannot wait", self.kind, self.global);
                let hint =
                    "an event changes a global table where it stands: enrich this kind in a section that does not wait";
                faults.push(PlanFault::mistake(at.then("on_miss"), what).hint(hint).rests_on([self.scope()]));
            }
        }
    }

    /// Routes, maps and rules of quality that read rows of keys.
    fn conditions(&self, faults: &mut Vec<PlanFault>) {
        let (spec, kind) = (self.spec, Some(self.kind));
        let routes = spec.route.iter().enumerate().filter(|(_, route)| route.applies_to(kind));
        for (number, condition) in routes.filter_map(|(number, route)| Some((number, route.when.as_ref()?))) {
            self.condition(&KeyPath::route(number).then("when"), condition, faults);
        }
        for (number, map) in spec.map.iter().enumerate().filter(|(_, map)| map.applies_to(kind)) {
            for condition in map.when.iter().chain(map.formulas().map(|(_, formula)| formula)) {
                self.condition(&KeyPath::map(number).then("when"), condition, faults);
            }
        }
        for (number, quality) in spec.quality.iter().enumerate().filter(|(_, section)| section.applies_to(kind)) {
            for (name, condition) in &quality.valid {
                self.condition(&KeyPath::quality(number).then("valid").then(name), condition, faults);
            }
        }
    }

    fn condition(&self, at: &KeyPath, condition: &Condition, faults: &mut Vec<PlanFault>) {
        let tables = condition.expression().reads().iter().filter_map(|reading| match &reading.read {
            Read::Column { table, .. } if self.of_keys(table) => Some(table),
            _ => None,
        });
        faults.extend(tables.map(|table| self.refused(at.clone(), table)));
    }

    fn refused(&self, at: KeyPath, table: &str) -> PlanFault {
        let what = Sentence::from(format!("the kind `{}` feeds the global table `{}` (", self.kind, self.global))
            .setting(&self.scope())
            .words(format!("), and the rows of `{table}` are those of one key"));
        let hint = "every shard works such an event out, and must find the same: join global tables only, or take this kind out";
        PlanFault::mistake(at, what).hint(hint).rests_on([self.scope()])
    }
}
