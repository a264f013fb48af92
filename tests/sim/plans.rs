//! The plans that a simulated engine is configured with.
//!
//! A and B differ in what goes out and in the rule of identity: under B, events of quiet subjects work on the state and have no
//! output. C keeps one column more: a change of state.

use serde_json::json;
use sidestream::core::plan::spec::PlanSpec;
use sidestream::core::record::PlanSince;

pub const INPUT: &str = "EVENTS";
pub const OUTPUT: &str = "ENRICHED";
pub const LETTERS: [char; 3] = ['A', 'B', 'C'];
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
    let mut plan = json!({
        "input_stream": INPUT,
        "event": { "kind": "title", "id": "event_uuid", "time": null },
        "unknown_kinds": "forward",
        "kinds": {
            "user": { "key": "properties.uuid" },
            "subscription": { "key": "properties.user_uuid" },
            "lesson": { "key": "properties.user_uuid" },
        },
        "tables": {
            "user": { "from": "user", "row": null, "columns": columns, "delete": null },
            "subscription": {
                "from": "subscription", "row": "properties.language",
                "columns": { "status": "properties.status" }, "delete": null,
            },
        },
        "enrich": [{ "kinds": ["lesson"], "on_miss": "null", "into": [], "add": add }],
        "output_subject": if letter == 'B' { "enriched.b.{kind}" } else { "enriched.{kind}" },
        "mark": if letter == 'B' { "seen" } else { "processed" },
        "max_bytes": 1_048_576,
        "dead_subject": "dead.{reason}",
        "dedup_window_s": WINDOW_S,
        "identity": if letter == 'B' { 2 } else { 1 },
    });
    if letter == 'B' {
        plan["emit"] = json!({ "from": 1, "until": u64::MAX, "subject": "events.loud.*" });
    }
    serde_json::from_value(plan).expect("a plan")
}

/// The letter of the plan that is in force at a position.
pub fn at(plans: &[PlanSince], position: u64) -> Option<char> {
    plans.iter().rev().find(|plan| plan.since.0 <= position).and_then(|plan| letter(&plan.plan))
}

/// The letter of a fingerprint.
pub fn letter(fingerprint: &str) -> Option<char> {
    use std::sync::OnceLock;
    static ALL: OnceLock<Vec<(String, char)>> = OnceLock::new();
    let all = ALL.get_or_init(|| LETTERS.into_iter().map(|letter| (spec(letter).fingerprint(), letter)).collect());
    all.iter().find(|(known, _)| known == fingerprint).map(|(_, letter)| *letter)
}
