//! A good plan that never was a text, and for each rule one change of it with the fault that it then has.

use crate::core::ids::Position;
use crate::core::plan::check::Entities;
use crate::core::plan::emit::EmitSpec;
use crate::core::plan::enrich::{EnrichSpec, JoinSpec, OnMiss};
use crate::core::plan::selector::Selector;
use crate::core::plan::spec::{EventSpec, IdentityRule, KindSpec, Literal, PlanSpec, UnknownKinds};
use crate::core::plan::table::{DeleteSpec, TableSpec};
use crate::core::plan::template::Template;

pub(super) fn path(text: &str) -> Selector {
    Selector::parse(text).unwrap()
}

pub(super) fn enrichment(kinds: &[&str], add: &[(&str, &str)]) -> EnrichSpec {
    let kinds = kinds.iter().map(|kind| (*kind).to_owned()).collect();
    let add = add.iter().map(|(field, join)| ((*field).to_owned(), JoinSpec::parse(join).unwrap())).collect();
    EnrichSpec { kinds, when: None, on_miss: OnMiss::Null, wait: None, into: Vec::new(), create: false, add }
}

/// A plan without a fault that never was a text.
pub(super) fn good() -> PlanSpec {
    let kind = |key: &str| KindSpec { key: Some(path(key).into()), ..KindSpec::default() };
    let table = |row: Option<&str>, column: &str| TableSpec {
        from: "user".to_owned(),
        row: row.map(|row| path(row).into()),
        columns: [(column.to_owned(), path(column))].into(),
        delete: Some(DeleteSpec { field: path("operation"), equals: Literal::Text("delete".to_owned()) }),
        ..TableSpec::default()
    };
    PlanSpec {
        input_stream: "IN".to_owned(),
        input_only: Vec::new(),
        event: EventSpec {
            unwrap: Vec::new(),
            split: None,
            kind: path("title").into(),
            id: Some(path("id").into()),
            time: None,
        },
        derive: Vec::new(),
        filter: Vec::new(),
        quality: Vec::new(),
        route: Vec::new(),
        map: Vec::new(),
        unknown_kinds: UnknownKinds::Forward,
        kinds: [("user", kind("uuid")), ("lesson", kind("uuid")), ("visit", KindSpec::default())]
            .map(|(name, kind)| (name.to_owned(), kind))
            .into(),
        kinds_by_condition: Vec::new(),
        tables: [("user", table(None, "country")), ("sub", table(Some("language"), "status"))]
            .map(|(name, table)| (name.to_owned(), table))
            .into(),
        max_waiting: None,
        tick_subject: None,
        enrich: vec![enrichment(&["lesson"], &[("country", "user.country"), ("status", "sub[language].status")])],
        output_subject: Template::parse("out.{kind}").unwrap(),
        mark: None,
        max_bytes: 1_048_576,
        dead_subject: Template::parse("dead.{reason}").unwrap(),
        dedup_window_s: 60,
        dedup_conflicts: false,
        dedup_keep: None,
        identity: IdentityRule::Kind,
        envelope: false,
        emit: None,
    }
}

/// A change of the good plan, and of what is said beside it.
pub(super) type Change = fn(&mut PlanSpec, &mut Entities);

fn entity(said: &mut Entities, kind: &str, entity: &str) {
    said.insert(kind.to_owned(), entity.to_owned());
}

fn kind(spec: &mut PlanSpec, name: &str, key: Option<&str>) {
    spec.kinds.insert(name.to_owned(), KindSpec { key: key.map(|key| path(key).into()), ..KindSpec::default() });
}

pub(super) fn join(spec: &mut PlanSpec, field: &str, text: &str) {
    spec.enrich[0].add.insert(field.to_owned(), JoinSpec::parse(text).unwrap());
}

fn second(spec: &mut PlanSpec, into: &[&str], field: &str) {
    let into = into.iter().map(|name| (*name).to_owned()).collect();
    spec.enrich.push(EnrichSpec { into, ..enrichment(&["lesson"], &[(field, "user.country")]) });
}

/// A change that makes the plan unusable, and where and how that begins to be said.
pub(super) const MISTAKES: &[(Change, &str)] = &[
    // names
    (
        |spec, _| (spec.kinds, spec.tables, spec.enrich) = Default::default(),
        "kinds: there is no kind (add one, such as",
    ),
    (|spec, _| kind(spec, "", None), r#"kinds."": a kind needs a name; `*` matches any"#),
    (
        |spec, _| {
            let table = spec.tables["user"].clone();
            spec.tables.insert("a.b".to_owned(), table);
        },
        r#"tables."a.b": `a.b` is no table name: joins are written `table.column`"#,
    ),
    (
        |spec, _| {
            spec.tables.get_mut("user").unwrap().columns.insert("a[b".to_owned(), path("x"));
        },
        r#"tables.user.columns."a[b": `a[b` is no column name"#,
    ),
    (
        |spec, _| spec.tables.get_mut("user").unwrap().columns.clear(),
        "tables.user.columns: `columns` must have at least one member",
    ),
    (|spec, _| spec.enrich[0].kinds.clear(), "enrich.0.kinds: `kinds` must have at least one member"),
    (|spec, _| spec.enrich[0].add.clear(), "enrich.0.add: `add` must have at least one member"),
    (|spec, _| join(spec, "", "user.country"), r#"enrich.0.add."": an added field needs a name"#),
    // notation
    (
        |spec, _| spec.event.kind = path("items[x].kind").into(),
        "event.kind: `items[x].kind` matches no field: brackets hold a number",
    ),
    (|spec, _| spec.event.time = Some(path("p.'t'")), "event.time: `p.'t'` matches no field: a place has no quotes"),
    (
        |spec, _| kind(spec, "visit", Some("/p/uuid")),
        "kinds.visit.key: `/p/uuid` matches no field: a place begins with a name",
    ),
    (
        |spec, _| spec.tables.get_mut("sub").unwrap().delete.as_mut().unwrap().field = path("a]"),
        "tables.sub.delete.field: `a]` matches no field",
    ),
    (|spec, _| join(spec, "x", "sub[a[0].status"), "enrich.0.add.x: `a[0` matches no field"),
    (|spec, _| spec.enrich[0].into = vec!["'p'".to_owned()], "enrich.0.into: `'p'` matches no field"),
    // limits
    (|spec, _| spec.input_stream = "A.B".to_owned(), "input.stream: `A.B` is no stream name: 1 to 255"),
    (
        |spec, _| spec.output_subject = Template::parse("out.{reason}").unwrap(),
        "output.subject: `out.{reason}`: an output has no {reason}",
    ),
    (
        |spec, _| spec.dead_subject = Template::parse(&format!("dead.{}", "x".repeat(1020))).unwrap(),
        "dead_letters.subject: this makes subjects of up to 1025 bytes: 1024 are the limit",
    ),
    (|spec, _| spec.mark = Some(String::new()), "output.mark: `mark` must not be empty"),
    (|spec, _| spec.max_bytes = 1023, "output.max_bytes: `max_bytes` must be from 1024 to 67108864, not 1023"),
    (|spec, _| spec.dedup_window_s = 40_000_000, "dedup.window_s: `window_s` must be from 0 to 31622400, not 40000000"),
    (
        |spec, _| {
            spec.emit = Some(EmitSpec { from: Position(1), until: Position(2), subject: Some("a..b".to_owned()) })
        },
        "emit.subject: `a..b` is no subject filter",
    ),
    // subjects
    (
        |spec, _| spec.dead_subject = Template::parse("out.{type}").unwrap(),
        "dead_letters.subject: dead letters (`out.*`) cannot be told from outputs (`out.*`)",
    ),
    (
        |spec, _| spec.dedup_keep = Some(Template::parse("out.twice").unwrap()),
        "dedup.keep: duplicates (`out.twice`) cannot be told from outputs (`out.*`)",
    ),
    (
        |spec, _| spec.dedup_keep = Some(Template::parse("dead.x").unwrap()),
        "dead_letters.subject: dead letters (`dead.*`) cannot be told from outputs (`dead.x`)",
    ),
    (
        |spec, _| (spec.dedup_keep, spec.dedup_window_s) = (Some(Template::parse("twice").unwrap()), 0),
        "dedup.keep: there are no duplicates to keep: `dedup.window_s` is 0",
    ),
    (
        |spec, _| (spec.dedup_conflicts, spec.dedup_window_s) = (true, 0),
        "dedup.conflicts: there are no duplicates to compare: `dedup.window_s` is 0",
    ),
    (
        |spec, _| spec.dedup_keep = Some(Template::parse("twice.{reason}").unwrap()),
        "dedup.keep: `twice.{reason}`: an output has no {reason}",
    ),
    // tokens
    (
        |spec, _| ["a:b", "a.b"].into_iter().for_each(|name| kind(spec, name, None)),
        r#"kinds."a:b": the kinds `a.b` (kinds."a.b") and `a:b` get the same subjects from output.subject"#,
    ),
    (
        |spec, _| {
            ["a:b", "a.b"].into_iter().for_each(|name| kind(spec, name, None));
            spec.output_subject = Template::parse("out.all").unwrap();
            spec.dead_subject = Template::parse("dead.{kind}").unwrap();
        },
        r#"kinds."a:b": the kinds `a.b` (kinds."a.b") and `a:b` get the same subjects from dead_letters.subject"#,
    ),
    // joins
    (
        |spec, _| spec.tables.get_mut("user").unwrap().from = "usr".to_owned(),
        "tables.user.from: there is no section for the kind `usr` (did you mean `user`?)",
    ),
    (
        |spec, _| spec.tables.get_mut("user").unwrap().from = "visit".to_owned(),
        "tables.user.from: the kind `visit` feeds the table `user` but has no `key` (add one to the kind's section (kinds.visit))",
    ),
    (
        |spec, _| spec.enrich[0].kinds.push("visit".to_owned()),
        "enrich.0.kinds.1: the kind `visit` is enriched but has no `key`",
    ),
    (|spec, _| spec.enrich[0].kinds.push("x".to_owned()), "enrich.0.kinds.1: there is no section for the kind `x`"),
    (|spec, _| spec.enrich[0].kinds.push("lesson".to_owned()), "enrich.0.kinds.1: `lesson` is listed twice"),
    (|spec, _| join(spec, "x", "usr.country"), "enrich.0.add.x: there is no table `usr` (did you mean `user`?)"),
    (|spec, _| join(spec, "x", "user.city"), "enrich.0.add.x: the table `user` has no column `city`"),
    (|spec, _| join(spec, "x", "sub.status"), "enrich.0.add.x: the table `sub` has several rows a key"),
    (|spec, _| join(spec, "x", "user[a].country"), "enrich.0.add.x: the table `user` has one row a key"),
    // entities
    (|_, said| entity(said, "visit", "v"), "kinds.visit.entity: this kind has no `key`, which `entity` is about"),
    (
        |_, said| entity(said, "user", "u"),
        "enrich.0.add.country: the key of the kind `user` names a `u` (kinds.user.entity), and what the key of the kind `lesson` names is not said",
    ),
    (
        |_, said| {
            entity(said, "user", "u");
            entity(said, "lesson", "l");
        },
        "enrich.0.add.country: the rows of `user` are found by a `u` (kinds.user.entity), the kind `lesson` has the key of a `l` (kinds.lesson.entity)",
    ),
    // added
    (
        |spec, _| spec.mark = Some("country".to_owned()),
        "enrich.0.add.country: `country` is the mark (output.mark) and cannot be added too",
    ),
    (
        |spec, _| {
            spec.mark = Some("p".to_owned());
            spec.enrich[0].into = vec!["p".to_owned()];
        },
        "enrich.0.into: `p` is the mark (output.mark), which replaces the object that fields are added to",
    ),
    (
        |spec, _| second(spec, &[], "country"),
        "enrich.1.add.country: `country` is added to the kind `lesson` twice (the first is on enrich.0.add.country",
    ),
    (
        |spec, _| second(spec, &["country"], "x"),
        "enrich.0.add.country: `country` replaces the object that other fields are added to (enrich.1.into)",
    ),
];

/// A change that leaves a usable plan, and what is remarked upon.
pub(super) const WARNINGS: &[(Change, &str)] = &[
    (
        |spec, _| spec.event.time = Some(path("a/b")),
        "event.time: `a/b` is looked for as a member with a `/` in its name",
    ),
    (|spec, _| spec.event.time = Some(path("a. b")), "event.time: `a. b` is looked for with the blank in ` b`"),
    (
        |spec, _| spec.event.time = Some(path("a.0")),
        "event.time: `0` in `a.0` is looked for as the name of an object's member",
    ),
    (
        |spec, _| ["a:*", "a_b"].into_iter().for_each(|name| kind(spec, name, None)),
        r#"kinds."a:*": the kinds `a_b` (kinds.a_b) and `a:*` may get the same subjects from output.subject"#,
    ),
    (|spec, _| kind(spec, "unknown", None), "kinds.unknown: the kind `unknown` gets the subjects of events whose kind"),
    (|spec, _| drop(spec.enrich[0].add.remove("status")), "tables.sub: no join uses the table `sub`"),
    (|spec, _| spec.event.id = None, "dedup.window_s: no duplicates are dropped: [event] has no `id`"),
    (|spec, _| spec.event.id = Some(path("title").into()), "event.id: the id is the kind too"),
    (|spec, _| spec.event.id = Some(path("uuid").into()), "event.id: the id is the key of the kind `user` too"),
    (
        |spec, _| kind(spec, "lesson", Some("by")),
        "enrich.0.add.country: the rows of `user` are found by `uuid`, the kind `lesson` has the key `by`",
    ),
];
