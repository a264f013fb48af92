//! The plans that a simulated engine is configured with.
//!
//! A and B differ in what goes out and in the rule of identity: under B, events of quiet subjects work on the state and have no
//! output, lessons get a derived field, and some of them go to another subject or nowhere. Events with a twin lead to a second
//! message. C keeps one column more, finds keys by a derived field in the second of
//! two places, and kinds by a condition or in the second of two places: a change of state. D is A without maps: where it was
//! in force, nobody has to know whether all messages of the newest event are out. W and V are A but for lessons that
//! wait for their rows, in worlds of their own; under V those of a key keep their order. G and H have a global table that events of
//! the kind `other` feed and lessons join, in worlds of their own, too: under G a lesson whose row is not there is a dead letter,
//! under H it waits; both count the subscriptions of a key. L is A, and a message may hold a list of events; duplicates are kept aside. All drop the same lessons before the state sees them. Subscriptions have versions, and those of a user go with it.

use serde_json::json;
use sidestream::core::plan::spec::PlanSpec;
use sidestream::core::record::PlanSince;

pub const INPUT: &str = "EVENTS";
pub const OUTPUT: &str = "ENRICHED";
pub const LETTERS: [char; 4] = ['A', 'B', 'C', 'D'];
/// The plans with worlds of their own: messages hold lists, or lessons wait, are dead letters or join a global table.
pub const APART: [char; 5] = ['L', 'W', 'V', 'G', 'H'];
/// Those of them in which what becomes of a lesson is worked out by `waits`.
pub const WAITING: [char; 4] = ['W', 'V', 'G', 'H'];
/// How long a lesson waits, in seconds, and how many of a key group.
pub const WAIT_S: i64 = 1;
pub const MOST_WAITING: u32 = 2;
/// The window of de-duplication, in seconds.
pub const WINDOW_S: i64 = 2;

/// The plan of a letter.
pub fn spec(letter: char) -> PlanSpec {
    let mut columns = json!({ "country": "properties.country" });
    let of_user = |column: &str| json!({ "table": "user", "row": null, "column": column });
    let of_subscription = json!({ "table": "subscription", "row": "properties.language", "column": "status" });
    let mut add = json!({ "country": of_user("country"), "status": of_subscription });
    if letter == 'C' {
        columns["name"] = json!("properties.name");
        add["name"] = of_user("name");
    }
    let who = json!({ "first": ["properties.none", "who"] });
    let (user, others) =
        if letter == 'C' { (who.clone(), who) } else { (json!("properties.uuid"), json!("properties.user_uuid")) };
    let mut plan = json!({
        "filter": [{ "name": "low", "drop": "event.properties.value < 40" }],
        "input_stream": INPUT,
        "event": { "kind": "title", "id": "event_uuid", "time": null },
        "unknown_kinds": "forward",
        "kinds": {
            "user": { "key": user },
            "subscription": { "key": others },
            "lesson": { "key": others },
        },
        "tables": {
            "user": {
                "from": "user", "row": null, "columns": columns,
                "delete": { "field": "properties.gone", "equals": { "Bool": true } }, "cascade": ["subscription"],
            },
            "subscription": {
                "from": "subscription", "row": "properties.language",
                "columns": { "status": "properties.status" }, "version": { "at": "properties.v" },
                "delete": { "field": "properties.status", "equals": { "Text": "gone" } },
            },
        },
        "enrich": [{ "kinds": ["lesson"], "on_miss": "null", "into": [], "add": add }],
        "output_subject": if letter == 'B' { "enriched.b.{kind}" } else { "enriched.{kind}" },
        "mark": if letter == 'B' { "seen" } else { "processed" },
        "max_bytes": 1_048_576,
        "dead_subject": "dead.{reason}",
        "dedup_window_s": WINDOW_S,
        "identity": if letter == 'B' { 2 } else { 1 },
        "map": [{ "name": "twin", "when": "event.twin", "subject": "twin.{kind}",
            "fields": [["of", "event_uuid"], ["at.n", { "calc": "meta.position" }], ["land", { "calc": "user.country" }]] }],
    });
    if letter == 'C' {
        read_otherwise(&mut plan);
    }
    if letter == 'B' {
        plan["derive"] =
            json!([{ "kinds": ["lesson"], "set": { "about": { "part": "properties.language", "at": 1 } } }]);
        plan["route"] = json!([
            { "name": "gone", "kinds": ["lesson"], "when": "event.properties.value < 100" },
            { "name": "far", "when": "event.properties.value >= 700 && present(user.country)", "subject": "far.{kind}" },
        ]);
        // What a route of B drops has no second message either: plans differ in which events have outputs, and not in how many.
        plan["map"][0]["when"] = json!("event.twin && !(meta.kind == \"lesson\" && event.properties.value < 100)");
        plan["emit"] = json!({ "from": 1, "until": u64::MAX, "subject": "events.loud.*" });
    }
    match letter {
        'W' | 'V' => wait(&mut plan, letter),
        'G' | 'H' => join_lands(&mut plan, letter),
        'L' => {
            plan["event"]["split"] = json!({});
            plan["dedup_keep"] = json!("twice.{kind}");
        }
        _ => {}
    }
    if letter == 'D' {
        plan.as_object_mut().expect("a table").remove("map");
    }
    serde_json::from_value(plan).expect("a plan")
}

/// Finds keys by a derived field, kinds by a condition and ids in the second of two places.
fn read_otherwise(plan: &mut serde_json::Value) {
    let who = json!({ "first": ["properties.uuid", "properties.user_uuid"] });
    plan["derive"] = json!([{ "on_error": "omit", "set": { "who": who } }]);
    plan["event"]["kind"] = json!(["kind", "title"]);
    plan["kinds"]["lesson"]["when"] = json!("event.title == \"lesson\"");
    plan["kinds"]["lesson"]["types"] = json!({ "properties.value": "number" });
    plan["kinds"]["lesson"]["id"] = json!({ "first": ["event_uuid", "$header.Id"] });
    plan["kinds_by_condition"] = json!(["lesson"]);
    plan["input_only"] = json!(["events.*.>"]);
}

/// Lets lessons wait for their rows.
fn wait(plan: &mut serde_json::Value, letter: char) {
    plan["enrich"][0]["on_miss"] = json!("wait");
    plan["enrich"][0]["wait"] = json!({ "wait_s": WAIT_S });
    if letter == 'V' {
        plan["enrich"][0]["wait"]["order"] = json!("key");
    }
    plan["max_waiting"] = json!(MOST_WAITING);
}

/// Has a table of lands that all lessons see, whatever their key, and counts subscriptions.
fn join_lands(plan: &mut serde_json::Value, letter: char) {
    plan["kinds"]["other"] = json!({ "key": null });
    plan["tables"]["land"] = json!({
        "from": "other", "scope": "global", "row": "properties.language", "columns": { "name": "properties.value" },
        "delete": { "field": "twin", "equals": { "Bool": true } },
    });
    let add = json!({ "land": { "table": "land", "row": "properties.language", "column": "name" } });
    plan["tables"]["counts"] = json!({
        "from": "subscription", "row": null, "aggregates": { "n": "count()", "v": "sum(properties.v)" }, "delete": null,
    });
    for column in ["n", "v"] {
        plan["enrich"][0]["add"][column] = json!({ "table": "counts", "row": null, "column": column });
    }
    let mut lands = json!({ "kinds": ["lesson"], "on_miss": "dead_letter", "into": [], "add": add });
    if letter == 'H' {
        lands["on_miss"] = json!("wait");
        lands["wait"] = json!({ "wait_s": WAIT_S });
        plan["max_waiting"] = json!(MOST_WAITING);
    }
    plan["enrich"].as_array_mut().expect("a list").push(lands);
    // It reads a user's row, and what feeds a global table has none.
    plan["map"][0]["kinds"] = json!(["user", "subscription", "lesson"]);
}

/// The letter of the plan that is in force at a position.
pub fn at(plans: &[PlanSince], position: u64) -> Option<char> {
    plans.iter().rev().find(|plan| plan.since.0 <= position).and_then(|plan| letter(&plan.plan))
}

/// The letter of a fingerprint.
pub fn letter(fingerprint: &str) -> Option<char> {
    use std::sync::OnceLock;
    static ALL: OnceLock<Vec<(String, char)>> = OnceLock::new();
    let all = ALL
        .get_or_init(|| LETTERS.into_iter().chain(APART).map(|letter| (spec(letter).fingerprint(), letter)).collect());
    all.iter().find(|(known, _)| known == fingerprint).map(|(_, letter)| *letter)
}
