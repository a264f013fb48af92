//! What maps make of events: bodies, numbers, and what becomes of the usual output and of the state.

use crate::core::event::StoredMessage;
use crate::core::ids::Nanos;
use crate::core::outcome::{Outcome, Silence};
use crate::core::plan::compiled::Plan;
use crate::core::plan::layout::Layout;
use crate::core::plan::spec::PlanSpec;
use crate::core::rejection::Reason;
use crate::protocol::runner::Runner;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::Arc;

/// Customers with a country, orders that join it, and what `change` adds.
fn spec(change: impl FnOnce(&mut Value)) -> PlanSpec {
    let mut plan = json!({
        "input_stream": "SHOP",
        "event": { "kind": "type", "id": "id", "time": null },
        "unknown_kinds": "forward",
        "kinds": { "customer": { "key": "who" }, "order": { "key": "who" } },
        "tables": { "customer": { "from": "customer", "row": null, "columns": { "land": "land" }, "delete": null } },
        "enrich": [{ "kinds": ["order"], "on_miss": "null", "into": [],
            "add": { "land": { "table": "customer", "row": null, "column": "land" } } }],
        "output_subject": "out.{kind}",
        "mark": null,
        "max_bytes": 700,
        "dead_subject": "dead.{reason}",
        "dedup_window_s": 60,
    });
    change(&mut plan);
    serde_json::from_value(plan).unwrap()
}

fn mapped(maps: Value) -> PlanSpec {
    spec(|plan| plan["map"] = maps)
}

fn runner(spec: PlanSpec) -> Runner {
    Runner::new(Arc::new(Plan::compile(spec, &Layout::default())), 2)
}

fn messages(events: &[&str]) -> Vec<StoredMessage> {
    let message = |(sequence, event): (u64, &&str)| StoredMessage {
        sequence,
        stored_at: Nanos(sequence as i64 * 1_000_000_000),
        subject: "shop.x".into(),
        headers: None,
        payload: (*event).to_owned().into(),
    };
    (1..).zip(events).map(message).collect()
}

/// The messages of each event, as `subject body`.
fn lines(outcomes: &[Outcome]) -> Vec<Vec<String>> {
    let line = |(n, output): (u32, &crate::core::output::Output)| {
        assert_eq!(output.n, n);
        format!("{} {}", output.subject, String::from_utf8_lossy(&output.payload))
    };
    for outcome in outcomes {
        let all = outcome.outputs();
        let told = all.iter().all(|output| output.followed == (output.n as usize + 1 < all.len()));
        assert!(told, "each but the last one says that another follows: {outcome:?}");
    }
    outcomes.iter().map(|outcome| (0..).zip(outcome.outputs()).map(line).collect()).collect()
}

const CUSTOMER: &str = r#"{"type":"customer","id":1,"who":"c1","land":"BR"}"#;
const ORDER: &str = r#"{"type":"order","id":2,"who":"c1","net":10.10,"tax":0.2,"lines":[ 1, 2 ]}"#;

/// A bill with a member of each sort.
fn bill() -> Value {
    json!({ "name": "bill", "kinds": ["order"], "subject": "bills.{kind}", "fields": [
        ["number", "id"],
        ["to.who", "who"],
        ["sum", { "calc": "event.net + event.tax" }],
        ["to.land", { "copy": "none", "values": { "x": 1 } }],
        ["to.country", { "calc": "customer.land" }],
        ["lines", "lines"],
        ["at", { "calc": "meta.position" }],
    ] })
}

#[test]
fn a_message_has_its_members_in_order_beside_the_usual_output() {
    let outcomes = runner(mapped(json!([bill()]))).run(messages(&[CUSTOMER, ORDER]));
    let order = r#"out.order {"type":"order","id":2,"who":"c1","net":10.10,"tax":0.2,"lines":[ 1, 2 ],"land":"BR"}"#;
    let bill =
        r#"bills.order {"number":2,"to":{"who":"c1","land":null,"country":"BR"},"sum":10.30,"lines":[ 1, 2 ],"at":2}"#;
    assert_eq!(lines(&outcomes), [vec![format!("out.customer {CUSTOMER}")], vec![order.to_owned(), bill.to_owned()]]);
}

#[test]
fn a_map_takes_the_place_of_the_usual_output_where_it_holds() {
    let instead = json!({ "name": "big", "when": "event.net > 10", "instead": true, "subject": "big",
        "fields": [["id", "id"]] });
    let mut runner = runner(mapped(json!([bill(), instead])));
    let small = ORDER.replace("10.10", "9").replace(r#""id":2"#, r#""id":3"#);
    let outcomes = runner.run(messages(&[CUSTOMER, ORDER, &small]));
    let subjects: Vec<Vec<String>> = lines(&outcomes)
        .into_iter()
        .map(|lines| lines.iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect())
        .collect();
    assert_eq!(subjects, [vec!["out.customer"], vec!["bills.order", "big"], vec!["out.order", "bills.order"]]);
    // The customer has no `net`: the condition of `big` is not known there, and counted.
    let tallies: Vec<_> = runner.shards.iter_mut().map(|step| step.tally.take()).collect();
    let sum = |of: fn(&crate::core::tally::Tally) -> u64| tallies.iter().map(of).sum::<u64>();
    assert_eq!(sum(|tally| tally.mapped.values().sum()), 3);
    assert_eq!(sum(|tally| tally.unknown.values().sum()), 1);
    assert_eq!(sum(|tally| tally.kinds.iter().map(|kind| kind.processed).sum()), 3, "events, not messages");
}

#[test]
fn a_route_that_drops_keeps_the_usual_output_alone_from_leaving() {
    let spec = spec(|plan| {
        plan["map"] = json!([bill()]);
        plan["route"] = json!([{ "name": "none" }]);
    });
    let mut runner = runner(spec);
    let outcomes = runner.run(messages(&[CUSTOMER, ORDER]));
    assert!(matches!(outcomes[0], Outcome::Silent(Silence::Filtered(_))));
    assert_eq!(lines(&outcomes)[1].len(), 1, "{outcomes:?}");
    assert!(lines(&outcomes)[1][0].starts_with("bills.order "));
    let dropped: u64 = runner.shards.iter_mut().map(|step| step.tally.take().dropped.values().sum::<u64>()).sum();
    assert_eq!(dropped, 2);
}

#[test]
fn what_cannot_be_made_is_null_left_out_or_a_dead_letter() {
    let fields = json!([["a.b", "none"], ["a.c", "none"], ["d", { "calc": "event.net + 1" }], ["e", "who"]]);
    for (on_error, expected) in
        [("null", r#"m {"a":{"b":null,"c":null},"d":null,"e":"c1"}"#), ("omit", r#"m {"e":"c1"}"#)]
    {
        let map = json!([{ "name": "m", "subject": "m", "instead": true, "on_error": on_error, "fields": fields }]);
        let outcomes = runner(mapped(map)).run(messages(&[CUSTOMER]));
        assert_eq!(lines(&outcomes), [[expected]]);
    }
    let map = json!([{ "name": "m", "subject": "m", "on_error": "dead_letter", "fields": fields }]);
    let outcomes = runner(mapped(map)).run(messages(&[CUSTOMER]));
    let [output] = outcomes[0].outputs() else { panic!("{outcomes:?}") };
    let dead = output.dead.as_ref().unwrap();
    assert_eq!(dead.reason, Reason::Derive);
    let error = &dead.headers.iter().find(|(name, _)| *name == "Sidestream-Error").unwrap().1;
    let told = "the member `a.b` of a mapped message cannot be made: what it is worked out from is absent or null";
    assert_eq!(error, told);
}

#[test]
fn an_event_leads_to_all_of_its_messages_or_to_a_dead_letter_that_changes_nothing() {
    let map = json!({ "name": "m", "subject": "m", "fields": [["a", "land"], ["b", "land"], ["c", "land"]] });
    let long = CUSTOMER.replace("BR", &"x".repeat(120));
    let mut runner = runner(mapped(json!([map])));
    let order = ORDER.replace(r#""id":2"#, r#""id":7"#);
    let outcomes = runner.run(messages(&[&long, &order, CUSTOMER]));
    assert_eq!(outcomes[0].outputs().len(), 1);
    assert_eq!(outcomes[0].outputs()[0].dead.as_ref().unwrap().reason, Reason::TooLarge);
    assert_eq!(outcomes[0].outputs()[0].payload, long, "the dead letter's body is its own");
    assert!(lines(&outcomes)[1][0].ends_with(r#""land":null}"#), "the row stays as it was: {outcomes:?}");
    assert_eq!(lines(&outcomes)[2].len(), 2, "nor is its id remembered");
}

#[test]
fn plans_without_maps_keep_their_texts_and_others_read_back() {
    assert!(!spec(|_| {}).text().contains("map"));
    let spec = mapped(json!([bill()]));
    let back: PlanSpec = serde_json::from_str(&spec.text()).unwrap();
    assert_eq!(back, spec);
    assert_eq!(back.text(), spec.text());
}

proptest! {
    #[test]
    fn a_message_is_what_serde_makes_of_the_same_members(
        picks in prop::collection::vec((0..3_usize, 0..4_usize, 0..4_usize), 1..12),
        on_error in prop::sample::select(vec!["null", "omit"]),
    ) {
        let event = json!({ "type": "order", "who": "c\u{e9}\"", "n": 1.5, "o": { "x": [null, true] } });
        let (mut fields, mut expected) = (Vec::new(), json!({}));
        for (at, (depth, name, place)) in picks.into_iter().enumerate() {
            // Names differ, so that no member lies in another.
            let path: Vec<String> = (0..depth).map(|d| format!("o{name}{d}")).chain([format!("f{at}")]).collect();
            let place = ["who", "n", "o", "none"][place];
            fields.push(json!([path.join("."), place]));
            let value = event.get(place).cloned();
            if value.is_none() && on_error == "omit" {
                continue;
            }
            let mut object = &mut expected;
            for name in &path[..depth] {
                object = object.as_object_mut().unwrap().entry(name).or_insert(json!({}));
            }
            object[path.last().unwrap()] = value.unwrap_or_default();
        }
        let map = json!([{ "name": "m", "subject": "m", "instead": true, "on_error": on_error, "fields": fields }]);
        let outcomes = runner(mapped(map)).run(messages(&[&event.to_string()]));
        let [output] = outcomes[0].outputs() else { panic!("{outcomes:?}") };
        let found: Value = serde_json::from_slice(&output.payload).unwrap();
        prop_assert_eq!(found, expected);
    }
}
