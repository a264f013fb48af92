//! Plans for tests, a letter each.

#![allow(clippy::unwrap_used)]

use super::spec::PlanSpec;
use serde_json::json;

/// The plan of a letter: A and B keep the same state, C keeps more, D less.
pub fn spec(letter: char) -> PlanSpec {
    let columns = match letter {
        'C' => json!({ "country": "properties.country", "name": "properties.name" }),
        'D' => json!({}),
        _ => json!({ "country": "properties.country" }),
    };
    let plan = json!({
        "input_stream": "EVENTS",
        "event": { "kind": "title", "id": "event_uuid", "time": null },
        "unknown_kinds": "forward",
        "kinds": { "user": { "key": "properties.uuid" } },
        "tables": { "user": { "from": "user", "row": null, "columns": columns, "delete": null } },
        "enrich": [],
        "output_subject": "enriched.{kind}",
        "mark": if letter == 'B' { json!("processed") } else { json!(null) },
        "max_bytes": 1_048_576,
        "dead_subject": "dead.{reason}",
        "dedup_window_s": 60,
    });
    serde_json::from_value(plan).unwrap()
}
