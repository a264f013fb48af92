//! Faults of global tables: a table like that of `cases`.

#![allow(clippy::unwrap_used)]

use crate::core::plan::check::tests::cases::{Change, enrichment, join, path};
use crate::core::plan::enrich::OnMiss;
use crate::core::plan::spec::PlanSpec;
use crate::core::plan::table::{TableScope, TableSpec};
use serde_json::json;

/// All tables that the kind `user` feeds are global, and one with rows of keys is fed by lessons.
fn global(spec: &mut PlanSpec) {
    spec.tables.values_mut().for_each(|table| table.scope = TableScope::Global);
    visits(spec, TableScope::Key);
}

fn visits(spec: &mut PlanSpec, scope: TableScope) {
    let columns = [("x".to_owned(), path("x"))].into();
    let visits = TableSpec { from: "lesson".to_owned(), scope, columns, ..TableSpec::default() };
    spec.tables.insert("visits".to_owned(), visits);
    join(spec, "visits", "visits.x");
}

/// A change that makes the plan unusable, and where and how that begins to be said.
pub(super) const MISTAKES: &[(Change, &str)] = &[
    (
        |spec, _| spec.tables.get_mut("user").unwrap().scope = TableScope::Global,
        "tables.sub.from: the kind `user` feeds the global table `user`, and `sub` has rows of keys",
    ),
    (
        |spec, _| {
            global(spec);
            spec.enrich.push(enrichment(&["user"], &[("x", "visits.x")]));
        },
        "enrich.1.add.x: the kind `user` feeds the global table `sub` (tables.sub.scope), and the rows of `visits` are those of one key",
    ),
    (
        |spec, _| {
            global(spec);
            spec.tick_subject = Some("in.tick".to_owned());
            let mut waits = enrichment(&["user"], &[("other", "sub[language].status")]);
            waits.on_miss = OnMiss::Wait;
            waits.wait = Some(serde_json::from_value(json!({ "wait_s": 5 })).unwrap());
            spec.enrich.push(waits);
        },
        "enrich.1.on_miss: the kind `user` feeds the global table `sub` and cannot wait",
    ),
    (
        |spec, _| {
            visits(spec, TableScope::Global);
            spec.tables.get_mut("user").unwrap().cascade.push("visits".to_owned());
        },
        "tables.user.delete.cascade.0: a deletion takes rows of its key with it, and `visits` is a global table",
    ),
    (
        |spec, _| {
            global(spec);
            let route = json!({ "name": "r", "kinds": ["user"], "when": "visits.x == 1", "subject": "out.r" });
            spec.route.push(serde_json::from_value(route).unwrap());
        },
        "route.0.when: the kind `user` feeds the global table `sub`",
    ),
    (
        |spec, _| {
            global(spec);
            let quality = json!({ "kinds": ["user"], "valid": { "known": "visits.x == 1" } });
            spec.quality.push(serde_json::from_value(quality).unwrap());
        },
        "quality.0.valid.known: the kind `user` feeds the global table `sub`",
    ),
    (
        |spec, _| {
            global(spec);
            let map = json!({ "name": "m", "kinds": ["user"], "subject": "mapped.m", "fields": [["x", { "calc": "visits.x" }]] });
            spec.map.push(serde_json::from_value(map).unwrap());
        },
        "map.0.when: the kind `user` feeds the global table `sub`",
    ),
];
