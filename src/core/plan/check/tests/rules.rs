//! Faults of `[[derive]]`, `[[filter]]`, `[[quality]]` and `[[route]]`, and of the conditions in a plan: a table like that of `cases`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use crate::core::plan::check::tests::cases::{Change, join, path};
use crate::core::plan::spec::PlanSpec;
use serde_json::{Value, json};

fn derive(spec: &mut PlanSpec, section: Value) {
    spec.derive.push(serde_json::from_value(section).unwrap());
}

fn filter(spec: &mut PlanSpec, name: &str, drop: &str) {
    spec.filter.push(serde_json::from_value(json!({ "name": name, "drop": drop })).unwrap());
}

fn quality(spec: &mut PlanSpec, section: Value) {
    spec.quality.push(serde_json::from_value(section).unwrap());
}

/// A section that marks what breaks its only rule.
fn marking(spec: &mut PlanSpec, rule: &str, mark: &str) {
    quality(spec, json!({ "kinds": ["lesson"], "complete": [rule], "on_violation": "mark", "mark": mark }));
}

fn route(spec: &mut PlanSpec, route: Value) {
    spec.route.push(serde_json::from_value(route).unwrap());
}

fn map(spec: &mut PlanSpec, fields: Value) {
    spec.map.push(serde_json::from_value(json!({ "name": "m", "subject": "mapped.m", "fields": fields })).unwrap());
}

/// Gives the kind `user` a version and an `upcast`.
fn versions(spec: &mut PlanSpec, version: Value, upcast: Value) {
    let kind = spec.kinds.get_mut("user").unwrap();
    kind.version = serde_json::from_value(version).unwrap();
    kind.upcast = serde_json::from_value(upcast).unwrap();
}

/// A deletion of the table `user` takes the rows of another one with it.
fn cascade(spec: &mut PlanSpec, other: &str) {
    spec.tables.get_mut("user").unwrap().cascade.push(other.to_owned());
}

/// Gives the table `user` a version, whose kind declares the field `v` to be something.
fn row_version(spec: &mut PlanSpec, version: Value, declared: &str) {
    let table = spec.tables.get_mut("user").unwrap();
    table.version = serde_json::from_value(version).unwrap();
    spec.kinds.get_mut("user").unwrap().types = serde_json::from_value(json!({ "v": declared })).unwrap();
}

/// A change that makes the plan unusable, and where and how that begins to be said.
pub(super) const MISTAKES: &[(Change, &str)] = &[
    (|spec, _| derive(spec, json!({})), "derive.0: the section does nothing"),
    (
        |spec, _| derive(spec, json!({ "kinds": ["lessen"], "remove": ["x"] })),
        "derive.0.kinds.0: there is no [kinds.lessen] (did you mean `lesson`?)",
    ),
    (|spec, _| derive(spec, json!({ "set": { "x": { "part": "a", "at": 0 } } })), "derive.0.set.x: "),
    (|spec, _| derive(spec, json!({ "rename": { "a": "b.c" } })), "derive.0.rename.a: `b.c` is no new name"),
    (
        |spec, _| derive(spec, json!({ "set": { "a": { "value": 1 } }, "remove": ["a"] })),
        "derive.0.remove.0: `a` is written twice (the other one is derive.0.set.a: remove one",
    ),
    (
        |spec, _| derive(spec, json!({ "rename": { "p": "q" }, "mask": { "p.x": "hide" } })),
        "derive.0.mask.\"p.x\": `p.x` lies in `p`, or the other way round",
    ),
    (
        |spec, _| derive(spec, json!({ "set": { "a": "b", "b": "c" } })),
        "derive.0.set.a: `b` is read before this section makes `b` (put this field in a later [[derive]] section than derive.0.set.b)",
    ),
    (
        |spec, _| derive(spec, json!({ "set": { "country": { "value": 1 } } })),
        "derive.0.set.country: `country` is added by an enrichment (enrich.0.add.country) too",
    ),
    (
        |spec, _| {
            spec.mark = Some("done".to_owned());
            derive(spec, json!({ "set": { "done": { "value": 1 } } }));
        },
        "derive.0.set.done: `done` is the mark (output.mark) too",
    ),
    (
        |spec, _| derive(spec, json!({ "kinds": ["user"], "set": { "title": { "value": "x" } } })),
        "derive.0.kinds: the section writes what the kind is read from",
    ),
    (
        |spec, _| {
            derive(spec, json!({ "kinds": ["user"], "set": { "x": { "value": "x" } } }));
            derive(spec, json!({ "set": { "title": { "value": "x" } } }));
        },
        "derive.0.kinds: a later section writes what the kind is read from",
    ),
    (|spec, _| derive(spec, json!({ "set": { "x": "a[x]" } })), "derive.0.set.x: `a[x]` matches no field"),
    (|spec, _| versions(spec, Value::Null, json!([{}])), "kinds.user.upcast: `upcast` needs `version`"),
    (
        |spec, _| versions(spec, json!({ "at": "v", "newest": 65 }), json!([])),
        "kinds.user.version.newest: `newest` must be from 1 to 64, not 65",
    ),
    (
        |spec, _| versions(spec, json!({ "at": "v", "newest": 0 }), json!([])),
        "kinds.user.version.newest: `newest` must be from 1 to 64, not 0",
    ),
    (
        |spec, _| versions(spec, json!({ "at": "v", "newest": 2, "missing": 3 }), json!([{}])),
        "kinds.user.version.missing: `missing` must be a version from 1 to 2",
    ),
    (
        |spec, _| versions(spec, json!({ "at": "v", "newest": 3 }), json!([{}])),
        "kinds.user.upcast: `upcast` has 1 of 2 entries: `newest` (kinds.user.version.newest) is 3",
    ),
    (
        |spec, _| versions(spec, json!({ "at": "v", "newest": 4, "missing": 3 }), json!([{}, {}, {}, {}])),
        "kinds.user.upcast: `upcast` has 4 of 1 to 3 entries",
    ),
    (
        |spec, _| versions(spec, json!({ "at": "v", "newest": 2 }), json!([{ "kinds": ["user"] }])),
        "kinds.user.upcast.0.kinds: an entry of `upcast` is for its own kind alone",
    ),
    (
        |spec, _| versions(spec, json!({ "at": "m.v", "newest": 2 }), json!([{ "rename": { "m": "n" } }])),
        "kinds.user.upcast.0.rename.m: the entry writes what the version is read from",
    ),
    (
        |spec, _| versions(spec, json!({ "at": "v", "newest": 2 }), json!([{ "rename": { "t": "title" } }])),
        "kinds.user.upcast.0.rename.t: the entry writes what the kind is read from",
    ),
    (
        |spec, _| versions(spec, json!({ "at": "title", "newest": 1 }), json!([])),
        "kinds.user.version.at: `title` is where the kind is read",
    ),
    (
        |spec, _| {
            spec.mark = Some("v".to_owned());
            versions(spec, json!({ "at": "v", "newest": 1 }), json!([]));
        },
        "kinds.user.version.at: `v` is the mark (output.mark) too",
    ),
    (
        |spec, _| versions(spec, json!({ "at": "a[x]", "newest": 1 }), json!([])),
        "kinds.user.version.at: `a[x]` matches no field",
    ),
    (
        |spec, _| versions(spec, json!({ "at": "v", "newest": 2 }), json!([{ "set": { "a": "b", "b": "c" } }])),
        "kinds.user.upcast.0.set.a: `b` is read before this section makes `b`",
    ),
    (
        |spec, _| versions(spec, json!({ "at": "v", "newest": 2 }), json!([{ "set": { "x": "a[x]" } }])),
        "kinds.user.upcast.0.set.x: `a[x]` matches no field",
    ),
    (
        |spec, _| {
            versions(spec, json!({ "at": "v", "newest": 2 }), json!([{ "remove": ["x"], "when": "meta.key == \"u\"" }]))
        },
        "kinds.user.upcast.0.when: the key is not known yet",
    ),
    (
        |spec, _| ["x", "x"].iter().for_each(|name| filter(spec, name, "event.a == 1")),
        "filter.1.name: two rules are named `x`",
    ),
    (|spec, _| filter(spec, "x", "meta.key == \"u\""), "filter.0.drop: the key is not known yet"),
    (|spec, _| filter(spec, "x", "user.country == \"BR\""), "filter.0.drop: no rows are joined yet"),
    (|spec, _| filter(spec, "x", "event.a + 1"), "filter.0.drop: "),
    (
        |spec, _| route(spec, json!({ "name": "x", "subject": "out.x.y", "when": "usr.country == \"BR\"" })),
        "route.0.when: there is no [tables.usr] (did you mean `user`?)",
    ),
    (
        |spec, _| route(spec, json!({ "name": "x", "subject": "alerts", "when": "user.cuntry == \"BR\"" })),
        "route.0.when: [tables.user] has no column `cuntry` (did you mean `country`?)",
    ),
    (
        |spec, _| route(spec, json!({ "name": "x", "subject": "alerts", "when": "sub.status == \"BR\"" })),
        "route.0.when: [tables.sub] has several rows a key (say which one: `sub[path.to.row].status`)",
    ),
    (
        |spec, _| route(spec, json!({ "name": "x", "subject": "dead.{kind}" })),
        "dead_letters.subject: dead letters (`dead.*`) cannot be told from outputs (`dead.*`)",
    ),
    (
        |spec, _| {
            spec.dead_subject = serde_json::from_value(json!("dead")).unwrap();
            spec.output_subject = serde_json::from_value(json!("{kind}.out")).unwrap();
            route(spec, json!({ "name": "x", "subject": "alerts.{kind}" }));
        },
        "route.0.subject: `alerts.*` and `*.out` overlap, and neither takes all of the other",
    ),
    (
        |spec, _| route(spec, json!({ "name": "x", "subject": "alerts.{reason}" })),
        "route.0.subject: `alerts.{reason}`: an output has no {reason}",
    ),
    (|spec, _| map(spec, json!([])), "map.0.fields: the message has no members (add some: "),
    (
        |spec, _| map(spec, json!([["a", "x"], ["b", "x"], ["a.b", "x"]])),
        "map.0.fields.\"a.b\": `a.b` lies in `a`, or the other way round (the other one is map.0.fields.a: rename or remove one)",
    ),
    (|spec, _| map(spec, json!([["a", "x"], ["a", "y"]])), "map.0.fields.a: `a` is written twice"),
    (|spec, _| map(spec, json!([["a", { "part": "x", "at": 0 }]])), "map.0.fields.a: "),
    (
        |spec, _| map(spec, json!([["a", { "calc": "user.cuntry" }]])),
        "map.0.fields.a: [tables.user] has no column `cuntry` (did you mean `country`?)",
    ),
    (|spec, _| map(spec, json!([["a", { "calc": "1 + true" }]])), "map.0.fields.a: "),
    (
        |spec, _| {
            map(spec, json!([["a", "x"]]));
            spec.map[0].subject = serde_json::from_value(json!("dead.x")).unwrap();
        },
        "dead_letters.subject: dead letters (`dead.*`) cannot be told from outputs (`dead.x`)",
    ),
    (
        |spec, _| {
            filter(spec, "m", "event.a == 1");
            map(spec, json!([["a", "x"]]));
        },
        "map.0.name: two rules are named `m`",
    ),
    (|spec, _| quality(spec, json!({ "kinds": ["lesson"] })), "quality.0: the section asks nothing"),
    (
        |spec, _| quality(spec, json!({ "kinds": ["lessen"], "complete": ["a"] })),
        "quality.0.kinds.0: there is no [kinds.lessen] (did you mean `lesson`?)",
    ),
    (
        |spec, _| quality(spec, json!({ "complete": ["a"], "mark": "broken" })),
        "quality.0.mark: nothing is marked: `on_violation` is not \"mark\"",
    ),
    (
        |spec, _| {
            spec.dedup_window_s = 0;
            quality(spec, json!({ "unique": true }));
        },
        "quality.0.unique: no event is known to be a duplicate: `dedup.window_s` is 0",
    ),
    (
        |spec, _| {
            spec.event.id = None;
            spec.kinds.get_mut("user").unwrap().id = Some(path("uuid").into());
            quality(spec, json!({ "kinds": ["lesson"], "unique": true }));
        },
        "quality.0.unique: nothing says which events are one: [event] has no `id`",
    ),
    (
        |spec, _| {
            quality(spec, json!({ "kinds": ["lesson"], "unique": true }));
            quality(spec, json!({ "unique": true }));
        },
        "quality.1.unique: the rule `unique` is asked of one kind twice",
    ),
    (|spec, _| quality(spec, json!({ "valid": { "": "event.a == 1" } })), "quality.0.valid.\"\": a rule needs a name"),
    (|spec, _| marking(spec, "a", ""), "quality.0.mark: the mark needs a name"),
    (|spec, _| marking(spec, "a[x]", "m"), "quality.0.complete.0: `a[x]` matches no field"),
    (
        |spec, _| quality(spec, json!({ "complete": ["a", "a"] })),
        "quality.0.complete.1: the rule `complete.a` is asked of one kind twice (events are counted by it: the first is on quality.0.complete.0",
    ),
    (
        |spec, _| {
            quality(spec, json!({ "kinds": ["user"], "valid": { "x": "event.a == 1" } }));
            quality(spec, json!({ "valid": { "x": "event.b == 1" } }));
        },
        "quality.1.valid.x: the rule `valid.x` is asked of one kind twice",
    ),
    (
        |spec, _| marking(spec, "a", "country"),
        "quality.0.mark: `country` is added by an enrichment (enrich.0.add.country) too",
    ),
    (
        |spec, _| {
            spec.enrich[0].into = vec!["props".to_owned()];
            marking(spec, "a", "props");
        },
        "quality.0.mark: `props` is an object that fields are added to (enrich.0.into) too",
    ),
    (
        |spec, _| {
            spec.mark = Some("done".to_owned());
            marking(spec, "a", "done");
        },
        "quality.0.mark: `done` is the mark of outputs (output.mark) too",
    ),
    (
        |spec, _| {
            derive(spec, json!({ "kinds": ["lesson"], "set": { "x": { "value": 1 } }, "into": ["m"] }));
            marking(spec, "a", "m");
        },
        "quality.0.mark: `m` is written by a derived field (derive.0) too",
    ),
    (
        |spec, _| {
            versions(spec, json!({ "at": "v", "newest": 2 }), json!([{ "set": { "m": { "value": 1 } } }]));
            quality(spec, json!({ "kinds": ["user"], "complete": ["a"], "on_violation": "mark", "mark": "m" }));
        },
        "quality.0.mark: `m` is written by an upcast (kinds.user.upcast.0) too",
    ),
    (
        |spec, _| ["a", "b"].iter().for_each(|rule| marking(spec, rule, "m")),
        "quality.1.mark: `m` is the mark of another section (quality.0) too",
    ),
    (
        |spec, _| {
            spec.mark = Some("quality".to_owned());
            quality(spec, json!({ "complete": ["a"], "on_violation": "mark" }));
        },
        "quality.0.mark: `quality` is the mark of outputs (output.mark) too",
    ),
    (
        |spec, _| quality(spec, json!({ "valid": { "x": "usr.country == \"BR\"" } })),
        "quality.0.valid.x: there is no [tables.usr] (did you mean `user`?)",
    ),
    (|spec, _| quality(spec, json!({ "valid": { "x": "event.a + 1" } })), "quality.0.valid.x: "),
    (
        |spec, _| row_version(spec, json!({ "at": "v" }), "bool"),
        "tables.user.version: the version is compared as a number, and `v` is declared (kinds.user.types.v) to be",
    ),
    (|spec, _| row_version(spec, json!({ "at": "v" }), "text"), "tables.user.version: the version is compared"),
    (
        |spec, _| row_version(spec, json!({ "at": "v", "as": "text" }), "number"),
        "tables.user.version: the version is compared as a text",
    ),
    (
        |spec, _| {
            spec.tables.get_mut("sub").unwrap().row = serde_json::from_value(json!(["language", "level"])).unwrap();
            join(spec, "status", "sub[language].status");
        },
        "enrich.0.add.status: a row of the table `sub` is told by 2 places, and the join names 1",
    ),
    (|spec, _| cascade(spec, "subs"), "tables.user.delete.cascade.0: there is no table `subs` (did you mean `sub`?)"),
    (
        |spec, _| spec.tables.get_mut("sub").unwrap().cascade.push("user".to_owned()),
        "tables.sub.delete.cascade.0: this table has several rows a key: one of them takes no others with it",
    ),
    (|spec, _| cascade(spec, "user"), "tables.user.delete.cascade.0: a deletion removes the table's own row by itself"),
    (|spec, _| cascade(spec, "sub"), "tables.user.delete.cascade.0: the kind `user` feeds `sub`, too"),
    (
        |spec, said| {
            spec.tables.get_mut("sub").unwrap().from = "lesson".to_owned();
            cascade(spec, "sub");
            said.insert("user".to_owned(), "person".to_owned());
            said.insert("lesson".to_owned(), "course".to_owned());
        },
        "tables.user.delete.cascade.0: the rows of `sub` are found by a `course`, and those of `user` by a `person`",
    ),
    (|spec, _| row_version(spec, json!({ "at": "$time" }), "text"), "tables.user.version: `$time` is no number"),
    (
        |spec, _| {
            row_version(spec, json!({ "at": "$header.V" }), "text");
            spec.tables.get_mut("user").unwrap().version = serde_json::from_value(json!({ "at": "v[x" })).unwrap();
        },
        "tables.user.version: `v[x` matches no field",
    ),
];

/// A change that leaves a usable plan, and what is remarked upon.
pub(super) const WARNINGS: &[(Change, &str)] = &[
    (
        |spec, _| {
            route(spec, json!({ "name": "x", "subject": "alerts.x" }));
            route(spec, json!({ "name": "y", "subject": "alerts.y", "when": "event.a == 1" }));
        },
        "route.1: no event reaches this route",
    ),
    (|spec, _| filter(spec, "x", "1 == 2"), "filter.0.drop: "),
    (|spec, _| quality(spec, json!({ "valid": { "x": "1 == 1" } })), "quality.0.valid.x: "),
];
