//! Nexmark's auctions on a real server: people, auctions and bids in the proportions of the public benchmark, many of them out of
//! order. Auctions join their seller, bids join their auction by both policies for rows that come late, and count themselves by
//! bidder and day. Every output is what an oracle makes of the events without the product's code, through kills.

use crate::harness::bed::Bed;
use crate::harness::command;
use crate::harness::dump::each;
use crate::harness::streams::OUTPUT;
use crate::harness::wait::wait_until;
use serde_json::{Map, Value, json};
use sidestream::generate::Random;
use std::collections::BTreeMap;

const EVENTS: u64 = 6_000;
/// Of fifty events one is a person and three are auctions; the others are bids.
const PROPORTIONS: (u64, u64, u64) = (1, 3, 50);

/// What becomes of a bid whose auction is not there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Late {
    Null,
    Wait,
}

fn config(late: Late) -> String {
    let policy = if late == Late::Wait { "on_miss = \"wait\"\nwait_s = 86400" } else { "" };
    format!(
        r#"
[nats]
url = "nats://127.0.0.1:4222"
[input]
stream = "EVENTS"
subjects = ["events.>"]
[output]
stream = "ENRICHED"
subject = "enriched.{{kind}}"
[event]
kind = "kind"
id = "id"
[clock]
subject = "events.tick"
[engine]
max_waiting = 100000
[kinds.person]
[kinds.auction]
[kinds.bid]
key = "bidder"

[[derive]]
kinds = ["bid"]
set = {{ day = {{ time = "date_time", write = "date" }} }}

[tables.person]
from = "person"
scope = "global"
row = "person"
columns = {{ name = "name" }}
[tables.auction]
from = "auction"
scope = "global"
row = "auction"
columns = {{ category = "category" }}
[aggregates.bids]
from = "bid"
row = "day"
columns = {{ count = "count()", total = "sum(price)" }}

[[enrich]]
kinds = ["auction"]
add = {{ seller_name = "person[seller].name" }}
[[enrich]]
kinds = ["bid"]
add = {{ category = "auction[auction].category" }}
{policy}
[[enrich]]
kinds = ["bid"]
add = {{ bids_today = "bids[day].count", total_today = "bids[day].total" }}
"#
    )
}

/// The events in the order in which they were made, each then moved back by up to forty places.
fn events(seed: u64) -> Vec<Map<String, Value>> {
    let mut random = Random::new(seed);
    let (mut people, mut auctions) = (0_u64, 0_u64);
    let mut made: Vec<(u64, Map<String, Value>)> = Vec::new();
    let (of_people, of_auctions, whole) = PROPORTIONS;
    for n in 0..EVENTS {
        let date_time = format!("2026-01-{:02}T{:02}:00:00Z", 1 + n * 3 / EVENTS, random.below(24));
        let event = match n % whole {
            part if part < of_people => {
                people += 1;
                json!({ "kind": "person", "id": n, "person": people, "name": format!("n{}", random.below(1_000)), "date_time": date_time })
            }
            part if part < of_people + of_auctions => {
                auctions += 1;
                let seller = 1 + random.below(people);
                json!({ "kind": "auction", "id": n, "auction": auctions, "seller": seller, "category": random.below(10), "date_time": date_time })
            }
            _ => {
                let auction = (auctions + 1).saturating_sub(1 + random.below(20)).max(1);
                let price = 1 + random.below(1_000);
                json!({ "kind": "bid", "id": n, "auction": auction, "bidder": 1 + random.below(people), "price": price, "date_time": date_time })
            }
        };
        made.push((n + random.below(40), event.as_object().unwrap().clone()));
    }
    made.sort_by_key(|(place, _)| *place);
    made.into_iter().map(|(_, event)| event).collect()
}

/// The outputs in their order, worked out in the plainest way.
fn oracle(events: &[Map<String, Value>], late: Late) -> Vec<Value> {
    let number = |event: &Map<String, Value>, name: &str| event[name].as_u64().unwrap();
    let mut people: BTreeMap<u64, Value> = BTreeMap::new();
    let mut categories: BTreeMap<u64, Value> = BTreeMap::new();
    let mut bids: BTreeMap<(u64, String), (u64, u64)> = BTreeMap::new();
    let mut waiting: Vec<Map<String, Value>> = Vec::new();
    let mut outputs = Vec::new();
    for event in events {
        let mut event = event.clone();
        match event["kind"].as_str().unwrap() {
            "person" => drop(people.insert(number(&event, "person"), event["name"].clone())),
            "auction" => {
                categories.insert(number(&event, "auction"), event["category"].clone());
                let seller = people.get(&number(&event, "seller")).cloned();
                event.insert("seller_name".to_owned(), json!(seller));
            }
            _ => {
                let day = event["date_time"].as_str().unwrap()[..10].to_owned();
                let (count, total) = bids.entry((number(&event, "bidder"), day.clone())).or_default();
                (*count, *total) = (*count + 1, *total + number(&event, "price"));
                event.insert("day".to_owned(), json!(day));
                event.insert("bids_today".to_owned(), json!(count));
                event.insert("total_today".to_owned(), json!(total));
                match categories.get(&number(&event, "auction")) {
                    None if late == Late::Wait => {
                        waiting.push(event);
                        continue;
                    }
                    found => drop(event.insert("category".to_owned(), json!(found))),
                }
            }
        }
        let auction = (event["kind"] == "auction").then(|| number(&event, "auction"));
        outputs.push(Value::Object(event));
        let (freed, stay) = waiting.into_iter().partition(|bid| auction == Some(number(bid, "auction")));
        waiting = stay;
        let freed: Vec<Map<String, Value>> = freed;
        for mut bid in freed {
            bid.insert("category".to_owned(), categories[&number(&bid, "auction")].clone());
            outputs.push(Value::Object(bid));
        }
    }
    assert!(waiting.is_empty(), "every auction comes");
    outputs
}

fn is_exact(late: Late) {
    let events = events(41);
    let expected = oracle(&events, late);
    let without: usize = expected.iter().filter(|event| event["kind"] == "bid" && event["category"].is_null()).count();
    assert_eq!(without > 50, late == Late::Null, "{without} bids come before their auction");
    let mut bed = Bed::new();
    bed.config = bed.dir.path().join("config.toml");
    std::fs::write(&bed.config, config(late)).unwrap();
    bed.sets.push(("engine.checkpoint_interval_ms", "30"));
    let mut engine = bed.engine("state", &[("engine.shards", "3")]);
    for (round, part) in events.chunks(EVENTS as usize / 4).enumerate() {
        for event in part {
            let text = serde_json::to_vec(event).unwrap();
            bed.wire.publish("events.x", &[], &text).unwrap();
            if event["id"].as_u64().unwrap().is_multiple_of(97) {
                // What comes again counts nowhere.
                bed.wire.publish("events.x", &[], &text).unwrap();
            }
        }
        bed.wire.flush().unwrap();
        wait_until("some outputs of the round", || (bed.last(OUTPUT) > round as u64 * 500).then_some(()));
        engine.kill();
        engine = bed.engine("state", &[("engine.shards", ["1", "2", "4"][round % 3])]);
    }
    wait_until("every output", || (bed.last(OUTPUT) >= expected.len() as u64).then_some(()));
    engine.drain();
    let mut found = Vec::new();
    each(&mut bed.wire, OUTPUT, |_, _, message| {
        found.push(serde_json::from_slice::<Value>(&message.payload).unwrap());
        Ok(())
    })
    .unwrap();
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.len(), expected.len());
    let audit = command::run(&bed, &["audit", "--complete"]);
    assert_eq!(audit.code, Some(0), "{} {}", audit.out, audit.err);
}

#[test]
fn bids_that_come_before_their_auction_leave_without_it() {
    is_exact(Late::Null);
}

#[test]
fn bids_that_come_before_their_auction_wait_for_it() {
    is_exact(Late::Wait);
}
