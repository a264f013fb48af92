//! Global tables: every event sees every row, in stream order, whatever the number of shards, and wherever an engine died.

use crate::harness::bed::Bed;
use crate::harness::command;
use crate::harness::streams::OUTPUT;
use crate::harness::wait::wait_until;
use proptest::prelude::*;
use serde_json::{Value, json};
use sidestream::adapters::memory::store::MemoryStore;
use sidestream::core::event::StoredMessage;
use sidestream::core::ids::{Nanos, Position};
use sidestream::core::outcome::Outcome;
use sidestream::core::plan::check::{Entities, check};
use sidestream::core::plan::compiled::Plan;
use sidestream::core::plan::layout::Layout;
use sidestream::core::plan::spec::PlanSpec;
use sidestream::engine::restore::{load_shard, stored_rows};
use sidestream::generate::Random;
use sidestream::ports::store::{Batch, Space, Store};
use sidestream::protocol::prepare::IdsOf;
use sidestream::protocol::runner::Runner;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What becomes of a flight whose carrier is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OnMiss {
    Null,
    DeadLetter,
}

/// Flights join their carrier, and under two prefixes the airports where they begin and end.
fn plan(on_miss: OnMiss) -> Arc<Plan> {
    let airport = |place: &str| json!({ "table": "airport", "row": place, "column": "name" });
    let carrier = json!({ "table": "airline", "row": "carrier", "column": "name" });
    let word = if on_miss == OnMiss::Null { "null" } else { "dead_letter" };
    let spec: PlanSpec = serde_json::from_value(json!({
        "input_stream": "S",
        "event": { "kind": "k", "id": "id", "time": null },
        "unknown_kinds": "forward",
        "kinds": { "airline": { "key": null }, "airport": { "key": "code" }, "flight": { "key": "tail" } },
        "tables": {
            "airline": { "from": "airline", "scope": "global", "row": "code", "columns": { "name": "name" },
                "delete": { "field": "name", "equals": { "Text": "" } } },
            "airport": { "from": "airport", "scope": "global", "row": "code", "columns": { "name": "name" },
                "version": { "at": "v" }, "delete": { "field": "name", "equals": { "Text": "" } } },
        },
        "enrich": [
            { "kinds": ["flight"], "on_miss": word, "into": [], "add": { "by": carrier } },
            { "kinds": ["flight"], "on_miss": "null", "into": [], "add": { "from_name": airport("origin"), "to_name": airport("dest") } },
            // The airport's own row, under a place that may name another one.
            { "kinds": ["airport"], "on_miss": "null", "into": [], "add": { "near_name": airport("near") } },
        ],
        "output_subject": "out.{kind}",
        "mark": null,
        "max_bytes": 1024,
        "dead_subject": "dead.{reason}",
        "dedup_window_s": 20,
        "identity": 2,
    }))
    .unwrap();
    assert_eq!(check(&spec, &Entities::new()), [], "a plan that an operator may have");
    Arc::new(Plan::compile(spec, &Layout::default()))
}

/// An event before it is text.
#[derive(Clone, Debug)]
struct Drawn {
    time: i64,
    kind: &'static str,
    id: u64,
    fields: BTreeMap<&'static str, Value>,
}

const CODES: [&str; 4] = ["AA", "UA", "DL", "B6"];

fn drawn(seed: u64, count: u64) -> Vec<Drawn> {
    let mut random = Random::new(seed);
    let mut time = 1_790_000_000_000;
    let mut one = || {
        time += random.below(600) as i64;
        let code = CODES[random.index(4)];
        let (kind, id) = (["airline", "airport", "flight", "flight", "flight"][random.index(5)], random.below(count));
        let name = if random.per_mille(300) { String::new() } else { format!("{code}{}", random.below(100)) };
        let fields: BTreeMap<&'static str, Value> = match kind {
            "airline" => [("code", json!(code)), ("name", json!(name))].into(),
            "airport" => {
                let near = CODES[random.index(4)];
                [("code", json!(code)), ("name", json!(name)), ("near", json!(near)), ("v", json!(random.below(60)))]
                    .into()
            }
            _ => {
                let mut fields: BTreeMap<_, _> =
                    [("tail", json!(format!("N{}", random.below(5)))), ("carrier", json!(code))].into();
                fields.insert("origin", json!(CODES[random.index(4)]));
                if random.per_mille(800) {
                    fields.insert("dest", json!(CODES[random.index(4)]));
                }
                fields
            }
        };
        Drawn { time, kind, id, fields }
    };
    (0..count).map(|_| one()).collect()
}

fn message(sequence: u64, event: &Drawn) -> StoredMessage {
    let mut body = json!({ "k": event.kind, "id": event.id });
    event.fields.iter().for_each(|(name, value)| body[*name] = value.clone());
    let stored_at = Nanos(event.time * 1_000_000);
    StoredMessage { sequence, stored_at, subject: "s.x".into(), headers: None, payload: body.to_string().into() }
}

/// What each event leads to, worked out in the plainest way: a subject and members, or nothing.
fn oracle(events: &[Drawn], on_miss: OnMiss) -> Vec<Option<(String, Value)>> {
    let mut airlines: BTreeMap<String, String> = BTreeMap::new();
    let mut airports: BTreeMap<String, (u64, Option<String>)> = BTreeMap::new();
    let mut seen: BTreeMap<(&str, u64, String), i64> = BTreeMap::new();
    let mut outcomes = Vec::new();
    for event in events {
        let text = |name: &str| event.fields.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let key = match event.kind {
            "airport" => text("code"),
            "flight" => text("tail"),
            _ => String::new(),
        };
        let identity = (event.kind, event.id, key);
        if seen.get(&identity).is_some_and(|then| event.time - then < 20_000) {
            outcomes.push(None);
            continue;
        }
        let mut body = json!({ "k": event.kind, "id": event.id });
        event.fields.iter().for_each(|(name, value)| body[*name] = value.clone());
        let (code, name) = (text("code"), text("name"));
        if event.kind == "airline" {
            if name.is_empty() {
                airlines.remove(&code)
            } else {
                airlines.insert(code.clone(), name.clone())
            };
        }
        if event.kind == "airport" {
            let version = event.fields["v"].as_u64().unwrap();
            if airports.get(&code).is_none_or(|(before, _)| *before <= version) {
                airports.insert(code, (version, (!name.is_empty()).then_some(name)));
            }
        }
        let airport = |place: &str| airports.get(&text(place)).and_then(|(_, name)| name.clone());
        match event.kind {
            "flight" => {
                let by = airlines.get(&text("carrier")).cloned();
                if by.is_none() && on_miss == OnMiss::DeadLetter {
                    outcomes.push(Some(("dead.miss".to_owned(), body)));
                    continue;
                }
                (body["by"], body["from_name"], body["to_name"]) =
                    (json!(by), json!(airport("origin")), json!(airport("dest")));
            }
            "airport" => body["near_name"] = json!(airport("near")),
            _ => {}
        }
        seen.insert(identity, event.time);
        outcomes.push(Some((format!("out.{}", event.kind), body)));
    }
    outcomes
}

fn shown(outcomes: Vec<Outcome>) -> Vec<Option<(String, Value)>> {
    let one = |outcome: Outcome| {
        let outputs: Vec<_> = outcome.into_iter().collect();
        let output = outputs.first()?;
        Some((output.subject.to_string(), serde_json::from_slice(&output.payload).unwrap()))
    };
    outcomes.into_iter().map(one).collect()
}

/// The outcomes of a life that writes a checkpoint behind each part of the input and begins anew from it, with other shards.
fn with_restarts(plan: &Arc<Plan>, parts: &[&[StoredMessage]], store: &MemoryStore) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    let mut runner = Runner::new(plan.clone(), 3);
    for (number, part) in parts.iter().enumerate() {
        outcomes.extend(part.chunks(7).flat_map(|slice| runner.run(slice.to_vec())));
        let (barrier, groups) = runner.checkpoint();
        let owners: BTreeSet<_> = groups.iter().map(|group| group.group).collect();
        assert_eq!(owners.len(), groups.len(), "one shard alone hands over what all of them have");
        for group in groups {
            store.apply(Space::of(group.group), &Batch { changes: group.changes }).unwrap();
        }
        let ids = IdsOf { window: plan.dedup_window, other_rule_through: Position(0) };
        let shards = 1 + number % 4;
        let load = |shard| load_shard(store, shard, shards, usize::MAX, ids, barrier.position).unwrap();
        runner = Runner::over(plan.clone(), (0..shards).map(load).collect(), barrier.position, barrier.stream_time);
    }
    outcomes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(80))]

    #[test]
    fn every_event_sees_every_row_in_stream_order(seed: u64, cuts in prop::collection::vec(0_usize..150, 0..6), dead: bool) {
        let on_miss = if dead { OnMiss::DeadLetter } else { OnMiss::Null };
        let (plan, drawn) = (plan(on_miss), drawn(seed, 150));
        let events: Vec<StoredMessage> = (1..).zip(&drawn).map(|(n, event)| message(n, event)).collect();
        let expected = oracle(&drawn, on_miss);
        for (shards, slice) in [(1, 150), (2, 3), (7, 20)] {
            let mut runner = Runner::new(plan.clone(), shards);
            let outcomes = events.chunks(slice).flat_map(|slice| runner.run(slice.to_vec())).collect();
            prop_assert_eq!(shown(outcomes), expected.clone(), "{} shards, slices of {}", shards, slice);
        }
        let mut cuts = [cuts, vec![0, 150]].concat();
        cuts.sort_unstable();
        let parts: Vec<&[StoredMessage]> = cuts.windows(2).map(|cut| &events[cut[0]..cut[1]]).collect();
        let store = MemoryStore::new();
        prop_assert_eq!(shown(with_restarts(&plan, &parts, &store)), expected);
        let stored = stored_rows(&store, "").unwrap();
        let airlines = stored.iter().filter(|row| plan.layout.table_name(row.table) == Some("airline"));
        let mut names: BTreeMap<String, String> = BTreeMap::new();
        for (event, outcome) in drawn.iter().zip(oracle(&drawn, on_miss)) {
            if let ("airline", Some(_)) = (event.kind, outcome) {
                let text = |name: &str| event.fields[name].as_str().unwrap().to_owned();
                names.insert(text("code"), text("name"));
            }
        }
        names.retain(|_, name| !name.is_empty());
        prop_assert_eq!(airlines.count(), names.len());
    }
}

const CONFIG: &str = r#"
[nats]
url = "nats://127.0.0.1:4222"
[input]
stream = "EVENTS"
subjects = ["events.>"]
[output]
stream = "ENRICHED"
subject = "enriched.{kind}"
[event]
kind = "k"
id = "id"
[clock]
subject = "events.tick"
[kinds.airline]
[kinds.flight]
key = "tail"
[tables.airline]
from = "airline"
scope = "global"
row = "code"
columns = { name = "name" }
[[enrich]]
kinds = ["flight"]
on_miss = "wait"
wait_s = 2
[enrich.add]
airline = "airline[carrier].name"
"#;

#[test]
fn the_lane_is_exact_through_kills_small_caches_and_a_lost_directory() {
    let mut bed = Bed::new();
    bed.config = bed.dir.path().join("config.toml");
    std::fs::write(&bed.config, CONFIG).unwrap();
    bed.sets.push(("engine.checkpoint_interval_ms", "20"));
    // Fewer rows than there are in memory, so that carriers are read back from the disk.
    bed.sets.push(("state.cache_rows", "64"));
    let mut engine = bed.engine("state", &[("engine.shards", "3")]);
    let mut id = 0;
    for round in 0..6_u64 {
        for n in 0..400_u64 {
            id += 1;
            // A carrier comes behind its first flights and gets another name later.
            let carrier = round * 10 + n % 20;
            let event = if n % 20 == (n / 20) % 20 && n > 40 {
                format!(r#"{{"k":"airline","id":{id},"code":"C{carrier}","name":"{carrier} by {n}"}}"#)
            } else {
                format!(r#"{{"k":"flight","id":{id},"tail":"N{}","carrier":"C{carrier}"}}"#, n % 90)
            };
            bed.wire.publish("events.x", &[], event.as_bytes()).unwrap();
        }
        bed.wire.flush().unwrap();
        wait_until("some outputs of the round", || (bed.last(OUTPUT) > round * 20).then_some(()));
        engine.kill();
        let shards = ["1", "2", "3"][round as usize % 3];
        engine = bed.engine("state", &[("engine.shards", shards)]);
    }
    let events = id;
    wait_until("every output", || (bed.last(OUTPUT) >= events).then_some(()));
    let audit = |bed: &Bed| {
        let audit = command::run(bed, &["audit", "--complete"]);
        assert_eq!(audit.code, Some(0), "{} {}", audit.out, audit.err);
    };
    audit(&bed);
    let lane = bed.lane();
    assert_eq!(lane.len() as u64, events);

    engine.kill();
    std::fs::remove_dir_all(bed.state("state")).unwrap();
    bed.wire.publish("events.x", &[], br#"{"k":"flight","id":0,"tail":"N1","carrier":"C5"}"#).unwrap();
    bed.wire.flush().unwrap();
    let engine = bed.engine("state", &[("engine.shards", "2")]);
    wait_until("the flight behind the loss", || (bed.last(OUTPUT) > events).then_some(()));
    assert_eq!(&bed.lane()[..lane.len()], lane);
    audit(&bed);
    engine.drain();
}
