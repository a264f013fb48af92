//! Events that wait for rows, over stores and servers: nothing depends on where an engine was when it died, on the number of its
//! shards, or on whether anything comes after.

use crate::harness::bed::Bed;
use crate::harness::command;
use crate::harness::dump::each;
use crate::harness::page::page;
use crate::harness::streams::{INPUT, OUTPUT};
use crate::harness::wait::wait_until;
use proptest::prelude::*;
use serde_json::json;
use sidestream::adapters::memory::store::MemoryStore;
use sidestream::core::event::StoredMessage;
use sidestream::core::ids::{Nanos, Position};
use sidestream::core::output::Output;
use sidestream::core::plan::compiled::Plan;
use sidestream::core::plan::layout::Layout;
use sidestream::core::plan::spec::PlanSpec;
use sidestream::engine::restore::load_shard;
use sidestream::generate::Random;
use sidestream::ports::store::{Batch, Space, Store};
use sidestream::protocol::prepare::IdsOf;
use sidestream::protocol::runner::Runner;
use std::sync::Arc;

fn plan(hides: bool) -> Arc<Plan> {
    let mut plan = json!({
        "input_stream": "S",
        "event": { "kind": "k", "id": "id", "time": null },
        "unknown_kinds": "forward",
        "derive": [{ "kinds": ["lesson"], "on_error": "null", "set": { "twice": { "copy": "n" } } }],
        "kinds": { "user": { "key": "u" }, "sub": { "key": "u" }, "lesson": { "key": "u" } },
        "tables": {
            "user": { "from": "user", "columns": { "country": "c" }, "delete": { "field": "c", "equals": { "Text": "" } } },
            "sub": { "from": "sub", "row": "l", "columns": { "status": "s" } },
        },
        "enrich": [{ "kinds": ["lesson"], "on_miss": "wait", "wait": { "wait_s": 5, "then": "dead_letter" }, "into": [],
            "add": { "country": { "table": "user", "column": "country" }, "status": { "table": "sub", "row": "l", "column": "status" } } }],
        "max_waiting": 3,
        "output_subject": "out.{kind}",
        "mark": "ok",
        "max_bytes": 700,
        "envelope": true,
        "dead_subject": "dead.{reason}",
        "dedup_window_s": 20,
    });
    if hides {
        plan["derive"][0]["remove"] = json!(["secret"]);
    }
    let spec: PlanSpec = serde_json::from_value(plan).unwrap();
    Arc::new(Plan::compile(spec, &Layout::default()))
}

/// Events of few keys and ids, seconds apart at most.
fn events(seed: u64, count: u64) -> Vec<StoredMessage> {
    let mut random = Random::new(seed);
    let mut time = 1_790_000_000_000;
    let message = |sequence| {
        time += random.below(1_500) as i64;
        let (key, id, n) = (random.below(6), random.below(count), random.below(9));
        let language = ["de", "fr"][random.index(2)];
        let payload = match random.below(10) {
            0 => format!(r#"{{"k":"user","u":"{key}","c":"{}"}}"#, ["", "BR", "PT"][random.index(3)]),
            1 | 2 => format!(r#"{{"k":"sub","u":"{key}","l":"{language}","s":"{n}"}}"#),
            3 => "{".to_owned(),
            _ => format!(r#"{{"k":"lesson","id":{id},"u":"{key}","l":"{language}","n":{n},"secret":"canary"}}"#),
        };
        let (subject, headers) = ("s.x".into(), Some(Arc::new(vec![("Trace".to_owned(), n.to_string())])));
        StoredMessage { sequence, stored_at: Nanos(time * 1_000_000), subject, headers, payload: payload.into() }
    };
    (1..=count).map(message).collect()
}

/// The outputs of a life that writes a checkpoint behind each part of the input and begins anew from it, with other shards.
fn with_restarts(plan: &Arc<Plan>, parts: &[&[StoredMessage]], store: &MemoryStore) -> Vec<Output> {
    let mut outputs = Vec::new();
    let mut runner = Runner::new(plan.clone(), 2);
    for (number, part) in parts.iter().enumerate() {
        outputs.extend(part.chunks(7).flat_map(|slice| runner.run(slice.to_vec())).flatten());
        let (barrier, groups) = runner.checkpoint();
        for group in groups {
            store.apply(Space::of(group.group), &Batch { changes: group.changes }).unwrap();
        }
        let ids = IdsOf { window: plan.dedup_window, other_rule_through: Position(0) };
        let shards = 1 + number % 3;
        let load = |shard| load_shard(store, shard, shards, usize::MAX, ids, barrier.position).unwrap();
        runner = Runner::over(plan.clone(), (0..shards).map(load).collect(), barrier.position, barrier.stream_time);
    }
    outputs
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn whoever_waits_waits_on_behind_a_restart(seed: u64, cuts in prop::collection::vec(0_usize..200, 0..6), hides: bool) {
        let (plan, events) = (plan(hides), events(seed, 200));
        let whole: Vec<Output> = Runner::new(plan.clone(), 1).run(events.clone()).into_iter().flatten().collect();
        let mut cuts = [cuts, vec![0, 200]].concat();
        cuts.sort_unstable();
        let parts: Vec<&[StoredMessage]> = cuts.windows(2).map(|cut| &events[cut[0]..cut[1]]).collect();
        let store = MemoryStore::new();
        prop_assert_eq!(with_restarts(&plan, &parts, &store), whole);
        if hides {
            let mut on_disk = String::new();
            for group in sidestream::core::ids::KeyGroup::all() {
                store.scan(Space::Group(group), &[], &mut |_, value| {
                    on_disk.push_str(&String::from_utf8_lossy(value));
                    true
                }).unwrap();
            }
            prop_assert!(!on_disk.contains("canary"), "what the plan removes is in no record");
        }
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
mark = "ok"
[event]
kind = "k"
id = "id"
[clock]
subject = "events.tick"
[kinds.user]
key = "u"
[kinds.lesson]
key = "u"
[tables.user]
from = "user"
columns = { country = "c" }
[[enrich]]
kinds = ["lesson"]
on_miss = "wait"
wait_s = 1
then = "omit"
[enrich.add]
country = "user.country"
"#;

/// The positions of the events of outputs that waited, in the lane's order.
fn waited(bed: &mut Bed) -> Vec<u64> {
    let mut positions = Vec::new();
    let read = each(&mut bed.wire, OUTPUT, |_, _, message| {
        let event = message.headers.iter().find(|(name, _)| name == "Sidestream-Event");
        positions.extend(event.map(|(_, at)| at.strip_prefix("EVENTS:").unwrap().parse::<u64>().unwrap()));
        Ok(())
    });
    read.unwrap();
    positions
}

#[test]
fn the_lane_is_exact_through_kills_an_idle_stream_and_a_lost_directory() {
    let mut bed = Bed::new();
    bed.config = bed.dir.path().join("config.toml");
    std::fs::write(&bed.config, CONFIG).unwrap();
    bed.sets.push(("engine.checkpoint_interval_ms", "20"));
    let mut engine = bed.engine("state", &[("engine.shards", "3")]);
    let mut id = 0;
    for round in 0..6_u64 {
        for n in 0..300_u64 {
            id += 1;
            // A key's user comes behind its first lessons, or never.
            let key = round * 100 + n % 40;
            let event = if n % 40 == key % 7 && n > 100 {
                format!(r#"{{"k":"user","id":{id},"u":"{key}","c":"BR"}}"#)
            } else {
                format!(r#"{{"k":"lesson","id":{id},"u":"{key}"}}"#)
            };
            bed.wire.publish("events.x", &[], event.as_bytes()).unwrap();
        }
        bed.wire.flush().unwrap();
        wait_until("some outputs of the round", || (bed.last(OUTPUT) > round * 20).then_some(()));
        engine.kill();
        let shards = ["1", "2", "3"][round as usize % 3];
        engine = bed.engine("state", &[("engine.shards", shards)]);
    }
    // Nothing comes any more: a message of the engine's own moves time on, and releases the last ones.
    let events = id;
    wait_until("all outputs of an idle stream", || {
        let metrics = page(engine.address().parse().unwrap(), "/metrics")?.1;
        metrics.lines().any(|line| line == "sidestream_waiting_events 0").then_some(())
    });
    wait_until("every output", || (bed.last(OUTPUT) >= events).then_some(()));
    let ticks = bed.last(INPUT) - events;
    assert!((1..=3).contains(&ticks), "{ticks} messages to move time on");
    assert!(waited(&mut bed).len() > 600, "most lessons came before their user");
    let audit = |bed: &Bed| {
        let audit = command::run(bed, &["audit", "--complete"]);
        assert_eq!(audit.code, Some(0), "{} {}", audit.out, audit.err);
    };
    audit(&bed);
    let lane = bed.lane();
    assert_eq!(lane.len() as u64, events);

    // The directory is lost while an event waits: what waits is rebuilt, and what is out stays.
    bed.wire.publish("events.x", &[], br#"{"k":"lesson","id":0,"u":"last"}"#).unwrap();
    bed.wire.flush().unwrap();
    engine.kill();
    std::fs::remove_dir_all(bed.state("state")).unwrap();
    let engine = bed.engine("state", &[("engine.shards", "2")]);
    wait_until("the event that waited over the loss", || (bed.last(OUTPUT) > events).then_some(()));
    assert_eq!(&bed.lane()[..lane.len()], lane);
    assert_eq!(waited(&mut bed).last(), Some(&(events + ticks + 1)));
    audit(&bed);
    engine.drain();
}
