//! When a row of a table changes: an oracle without the product's code agrees, in one process and through kills on a real
//! server, and so does the audit.

mod oracle;

use crate::harness::bed::Bed;
use crate::harness::command;
use crate::harness::dump::each;
use crate::harness::streams::OUTPUT;
use crate::harness::wait::wait_until;
use oracle::{Oracle, event, text};
use serde_json::Value;
use sidestream::config::{Config, Overrides};
use sidestream::core::event::StoredMessage;
use sidestream::core::ids::Nanos;
use sidestream::core::outcome::Outcome;
use sidestream::core::plan::compiled::Plan;
use sidestream::core::plan::layout::Layout;
use sidestream::generate::Random;
use sidestream::protocol::runner::Runner;
use std::sync::Arc;

const EVENTS: u64 = 6_000;

fn plan() -> Arc<Plan> {
    let (config, _) = Config::parse("config.toml", include_str!("config.toml"), &Overrides::default()).unwrap();
    Arc::new(Plan::compile(config.plan, &Layout::default()))
}

/// As reading its text gives it: long numbers are not compared here, bytes are by other tests.
fn as_read(body: &Value) -> Value {
    serde_json::from_str(&text(body)).unwrap()
}

fn message(sequence: u64, event: &Value) -> StoredMessage {
    StoredMessage {
        sequence,
        stored_at: Nanos(1_700_000_000_000_000_000 + sequence as i64),
        subject: "events.x".into(),
        headers: None,
        payload: text(event).into(),
    }
}

#[test]
fn every_output_is_what_an_oracle_makes_of_it() {
    for seed in 0..8 {
        let (mut random, mut oracle) = (Random::new(seed), Oracle::default());
        let mut runner = Runner::new(plan(), 1 + random.index(3));
        let (mut outputs, mut joined) = (0, 0);
        for n in 1..=EVENTS / 2 {
            let event = event(&mut random, n);
            let outcome = runner.run(vec![message(n, &event)]).pop().unwrap();
            let found = match outcome {
                Outcome::Publish(output) => {
                    Some((output.subject.to_string(), serde_json::from_slice::<Value>(&output.payload).unwrap()))
                }
                Outcome::Silent(_) => None,
                Outcome::Several(_) => panic!("no map is configured"),
            };
            let expected = oracle.message(&event).map(|(subject, body)| (subject, as_read(&body)));
            assert_eq!(found, expected, "seed {seed}, event {n}");
            outputs += u64::from(found.is_some());
            joined +=
                u64::from(found.is_some_and(|(subject, body)| subject == "enriched.order" && body["joined"] == true));
        }
        assert!(outputs > 2_000 && joined > 100, "seed {seed}: {outputs} outputs, {joined} joined orders");
        let kept: Vec<u64> = (0..2).map(|why| kept(&mut runner, why)).collect();
        assert_eq!(kept, [oracle.older, oracle.invalid], "seed {seed}");
        assert!(oracle.older > 50 && oracle.invalid > 50 && oracle.cascaded > 20, "{}", oracle.cascaded);
    }
}

/// How many rows were left as they were, for a reason by its number.
fn kept(runner: &mut Runner, why: usize) -> u64 {
    let why = sidestream::core::apply::Unchanged::NAMED[why].1;
    let tallies = runner.shards.iter().flat_map(|shard| &shard.tally.rows_kept);
    tallies.filter(|((_, kept), _)| *kept == why).map(|(_, count)| count).sum()
}

#[test]
fn every_output_is_exact_through_kills_and_a_lost_state() {
    let mut bed = Bed::with_config("tests/it/rows/config.toml");
    let (mut random, mut oracle) = (Random::new(11), Oracle::default());
    let mut expected = Vec::new();
    let sets = |random: &mut Random| {
        let shards = ["1", "3"][random.index(2)];
        // Fewer rows in memory than there are: most are read from the disk again.
        [("engine.checkpoint_interval_ms", "50"), ("engine.shards", shards), ("state.cache_rows", "8")]
    };
    let mut engine = bed.engine("state", &sets(&mut random));
    for n in 1..=EVENTS {
        let event = event(&mut random, n);
        bed.wire.publish("events.x", &[], text(&event).as_bytes()).unwrap();
        expected.extend(oracle.message(&event).map(|(subject, body)| (n, subject, as_read(&body))));
        if n % 1_500 == 0 {
            bed.wire.flush().unwrap();
            let before = expected.len() as u64 / 2;
            wait_until("some of the outputs", || (bed.last(OUTPUT) > before).then_some(()));
            engine.kill();
            if n == 3_000 {
                std::fs::remove_dir_all(bed.state("state")).unwrap();
            }
            engine = bed.engine("state", &sets(&mut random));
        }
    }
    bed.wire.flush().unwrap();
    wait_until("all outputs", || (bed.last(OUTPUT) >= expected.len() as u64).then_some(()));
    engine.drain();
    let mut found = Vec::new();
    each(&mut bed.wire, OUTPUT, |_, _, message| {
        let position = message.headers.iter().find(|(name, _)| name == "Sidestream-Position").unwrap().1.clone();
        let position = position.split(':').nth(1).unwrap().parse::<u64>().unwrap();
        found.push((position, message.subject.clone(), serde_json::from_slice::<Value>(&message.payload).unwrap()));
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
