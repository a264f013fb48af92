//! A plan that lets out a range and some subjects makes the outputs of the whole plan, filtered, and nothing else.

use crate::core::event::StoredMessage;
use crate::core::ids::{Nanos, Position};
use crate::core::outcome::{Outcome, Silence};
use crate::core::output::Output;
use crate::core::plan::compiled::Plan;
use crate::core::plan::emit::EmitSpec;
use crate::core::plan::layout::Layout;
use crate::core::plan::spec::PlanSpec;
use crate::protocol::runner::Runner;
use proptest::prelude::*;
use serde_json::json;
use std::sync::Arc;

/// What, who, which id, whether on the second subject.
type Made = (u8, u8, u8, bool);

/// Users with a country, lessons that need one, a size that some lessons exceed, ids that come again.
fn spec(emit: Option<EmitSpec>) -> PlanSpec {
    let plan = json!({
        "input_stream": "EVENTS",
        "event": { "kind": "title", "id": "id", "time": null },
        "unknown_kinds": "drop",
        "kinds": { "user": { "key": "u" }, "lesson": { "key": "u" } },
        "tables": { "user": { "from": "user", "row": null, "columns": { "country": "country" }, "delete": null } },
        "enrich": [{ "kinds": ["lesson", "user"], "on_miss": "dead_letter", "into": [],
            "add": { "of": { "table": "user", "row": null, "column": "country" } } }],
        "output_subject": "enriched.{kind}",
        "mark": "done",
        "max_bytes": 600,
        "dead_subject": "dead.{reason}",
        "dedup_window_s": 60,
    });
    PlanSpec { emit, ..serde_json::from_value(plan).unwrap() }
}

fn messages(events: &[Made]) -> Vec<StoredMessage> {
    let payload = |(what, who, id, _): &Made| match what {
        0 => format!(r#"{{"title":"user","id":{id},"u":"u{who}","country":"c{id}"}}"#),
        // Too large once it is enriched: a dead letter that must not touch its row, within the range or not.
        1 => format!(r#"{{"title":"user","id":{id},"u":"u{who}","country":"{}"}}"#, "x".repeat(130)),
        2 => format!(r#"{{"title":"lesson","id":{id},"u":"u{who}"}}"#),
        3 => format!(r#"{{"title":"lesson","u":"u{who}"}}"#),
        4 => r#"{"title":"strange"}"#.to_owned(),
        _ => "{".to_owned(),
    };
    let message = |(at, event): (usize, &Made)| StoredMessage {
        sequence: at as u64 + 1,
        stored_at: Nanos(at as i64 * 1_000_000_000),
        subject: if event.3 { "events.b.x" } else { "events.a" }.into(),
        headers: None,
        payload: payload(event).into(),
    };
    events.iter().enumerate().map(message).collect()
}

/// All outcomes under a plan, in slices of a few events.
fn outcomes(spec: PlanSpec, events: &[Made]) -> Vec<Outcome> {
    let plan = Arc::new(Plan::compile(spec, &Layout::default()));
    let mut runner = Runner::new(plan, 2);
    messages(events).chunks(7).flat_map(|slice| runner.run(slice.to_vec())).collect()
}

fn outputs(outcomes: &[Outcome]) -> Vec<Output> {
    outcomes.iter().cloned().flatten().collect()
}

proptest! {
    #[test]
    fn a_ranged_plan_makes_the_outputs_of_the_whole_plan_filtered(
        events in prop::collection::vec((0..6_u8, 0..3_u8, 0..6_u8, any::<bool>()), 1..60),
        from in 0..70_u64,
        length in 0..70_u64,
        filter in prop::option::of(prop::sample::select(vec!["events.a", "events.b.>", "events.*", "events.>", "other"])),
    ) {
        let emit = EmitSpec {
            from: Position(from), until: Position(from + length), subject: filter.map(str::to_owned),
        };
        let whole = outcomes(spec(None), &events);
        let ranged = outcomes(spec(Some(emit.clone())), &events);
        let all = messages(&events);
        let inside = |output: &Output| emit.holds(&all[output.position.0 as usize - 1]);
        let expected: Vec<Output> = outputs(&whole).into_iter().filter(inside).collect();
        prop_assert_eq!(outputs(&ranged), expected);
        // What has no outcome anyway says why, as before.
        for (whole, ranged) in whole.iter().zip(&ranged) {
            match (whole, ranged) {
                (Outcome::Silent(a), Outcome::Silent(b)) => prop_assert_eq!(a, b),
                (_, Outcome::Silent(why)) => prop_assert_eq!(*why, Silence::Outside),
                (Outcome::Silent(_), _) => prop_assert!(false, "an outcome from nothing"),
                (whole, ranged) => prop_assert_eq!(whole, ranged),
            }
        }
    }
}

#[test]
fn a_plan_without_a_range_has_the_text_that_it_always_had() {
    let text = spec(None).text();
    assert!(!text.contains("emit"), "{text}");
    let emit = EmitSpec { from: Position(3), until: Position(9), subject: None };
    let ranged = spec(Some(emit));
    assert!(ranged.text().ends_with(r#","emit":{"from":3,"until":9}}"#), "{}", ranged.text());
    assert_ne!(ranged.fingerprint(), spec(None).fingerprint());
    let back: PlanSpec = serde_json::from_str(&ranged.text()).unwrap();
    assert_eq!(back, ranged);
}
