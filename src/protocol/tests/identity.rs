//! What counts as a duplicate under either rule of identity, and over changes of the rule, whatever restarts in between.

use crate::core::event::StoredMessage;
use crate::core::ids::{KeyGroup, Nanos, Position};
use crate::core::plan::compiled::Plan;
use crate::core::plan::layout::Layout;
use crate::core::plan::spec::{IdentityRule, PlanSpec};
use crate::core::record::{DEDUP, decode_dedup, dedup_position};
use crate::core::state::changes::{GroupChanges, State};
use crate::protocol::facts::PlanSince;
use crate::protocol::prepare::other_rule_through;
use crate::protocol::runner::Runner;
use proptest::prelude::*;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

const SECOND: i64 = 1_000_000_000;
/// `dedup.window_s`.
const WINDOW_S: i64 = 60;

fn spec(identity: IdentityRule) -> PlanSpec {
    let plan = json!({
        "input_stream": "EVENTS",
        "event": { "kind": "kind", "id": "id", "time": null },
        "unknown_kinds": "forward",
        "kinds": { "user": { "key": "u" }, "lesson:*": { "key": "u" }, "visit": { "key": null } },
        "tables": {},
        "enrich": [],
        "output_subject": "enriched.{kind}",
        "mark": null,
        "max_bytes": 1000,
        "dead_subject": "dead.{reason}",
        "dedup_window_s": WINDOW_S,
    });
    PlanSpec { identity, ..serde_json::from_value(plan).unwrap() }
}

/// The core over a store that lives in memory: what it noted is written at each end of a life and read again.
struct Lives {
    disk: BTreeMap<(KeyGroup, Vec<u8>), Vec<u8>>,
    plans: Vec<(PlanSince, IdentityRule)>,
    runner: Runner,
    position: u64,
    time: i64,
}

impl Lives {
    fn new(identity: IdentityRule) -> Lives {
        let plan = Arc::new(Plan::compile(spec(identity), &Layout::default()));
        let first = PlanSince { plan: plan.fingerprint.clone(), since: Position(1) };
        let runner = Runner::new(plan, 1);
        Lives { disk: BTreeMap::new(), plans: vec![(first, identity)], runner, position: 0, time: 0 }
    }

    /// Ends this life with a checkpoint and begins another one under a rule.
    fn again(&mut self, identity: IdentityRule) {
        self.checkpoint();
        let plan = Arc::new(Plan::compile(spec(identity), &Layout::default()));
        if self.plans.last().is_some_and(|(_, last)| *last != identity) {
            let since = Position(self.position + 1);
            self.plans.push((PlanSince { plan: plan.fingerprint.clone(), since }, identity));
        }
        let plans: Vec<PlanSince> = self.plans.iter().map(|(plan, _)| plan.clone()).collect();
        let rule = |of: &PlanSince| self.plans.iter().find(|(plan, _)| plan == of).map(|(_, rule)| *rule);
        let mut state = State::new(100, plan.dedup_window);
        state.ids.set_other_rule(other_rule_through(&plans, plans.last().unwrap(), rule));
        for ((group, key), value) in self.disk.iter().filter(|((_, key), _)| key.starts_with(&DEDUP)) {
            let mut ids = Vec::new();
            decode_dedup(value, &mut ids).unwrap();
            state.ids.restore(*group, dedup_position(key).unwrap().0, ids);
        }
        self.runner = Runner::over(plan, vec![state], Position(self.position), Nanos(self.time));
    }

    fn checkpoint(&mut self) {
        for GroupChanges { group, changes } in self.runner.checkpoint().1 {
            for (key, value) in changes {
                match value {
                    Some(value) => drop(self.disk.insert((group, key), value)),
                    None => drop(self.disk.remove(&(group, key))),
                }
            }
        }
    }

    /// Takes an event, so many seconds after the one before; whether it has an outcome.
    fn takes(&mut self, seconds: i64, payload: &str) -> bool {
        self.position += 1;
        self.time += seconds * SECOND;
        let message = StoredMessage {
            sequence: self.position,
            stored_at: Nanos(self.time),
            subject: "events.x".into(),
            headers: None,
            payload: payload.to_owned().into(),
        };
        self.runner.run(vec![message]).pop().is_some_and(|outcome| outcome.is_processed())
    }
}

fn event(kind: &str, key: u8, id: u8) -> String {
    format!(r#"{{"kind":"{kind}","u":"u{key}","id":"i{id}"}}"#)
}

#[test]
fn the_kind_is_the_events_own_and_counts_under_the_second_rule_alone() {
    let pairs = [
        (event("user", 1, 1), event("lesson:a", 1, 1), "another section"),
        (event("lesson:a", 1, 1), event("lesson:b", 1, 1), "two kinds of one section"),
        (event("strange", 1, 1), event("odd", 1, 1), "kinds without a section"),
        (event("strange", 1, 1), r#"{"id":"i1"}"#.to_owned(), "a kind and none"),
        (event("visit", 1, 1), event("strange", 1, 1), "kinds without a key"),
        // The kind's end is not the id's beginning.
        (r#"{"kind":"ab","id":"c"}"#.to_owned(), r#"{"kind":"a","id":"bc"}"#.to_owned(), ""),
    ];
    for (first, second, why) in &pairs {
        for identity in [IdentityRule::Key, IdentityRule::Kind] {
            let mut lives = Lives::new(identity);
            assert!(lives.takes(1, first));
            let another = identity == IdentityRule::Kind || why.is_empty();
            assert_eq!(lives.takes(1, second), another, "{why}, {identity:?}");
            assert!(!lives.takes(1, first), "{why}: the first again");
            assert!(!lives.takes(1, second), "{why}: the second again");
        }
    }
    let mut lives = Lives::new(IdentityRule::Kind);
    assert!(lives.takes(1, r#"{"kind":"user","u":"u1","id":"i1"}"#));
    assert!(!lives.takes(1, r#"{"kind":"\u0075ser","u":"u1","id":"i1"}"#), "one kind, written with an escape");
}

#[test]
fn ids_from_before_a_change_count_by_the_rule_that_noted_them_until_they_expire() {
    let mut lives = Lives::new(IdentityRule::Key);
    assert!(lives.takes(1, &event("user", 1, 1)));
    lives.again(IdentityRule::Kind);
    assert!(!lives.takes(1, &event("user", 1, 1)), "a duplicate over the change");
    assert!(!lives.takes(1, &event("lesson:a", 1, 1)), "noted for every kind");
    assert!(lives.takes(1, &event("user", 1, 2)) && lives.takes(1, &event("lesson:a", 1, 2)), "noted for its kind");
    // A restart long after the change, and within the window of what was noted before it.
    lives.again(IdentityRule::Kind);
    assert!(!lives.takes(50, &event("lesson:b", 1, 1)));
    assert!(lives.takes(6, &event("lesson:b", 1, 1)), "the window of before is over");
    lives.again(IdentityRule::Kind);
    assert!(!lives.takes(0, &event("lesson:b", 1, 1)));
    assert!(
        !lives.runner.shards[0].state.ids.has_other_rule(Nanos(lives.time)),
        "from now on nothing is looked up twice"
    );
    // And back.
    lives.again(IdentityRule::Key);
    assert!(!lives.takes(1, &event("lesson:b", 1, 1)));
    assert!(lives.takes(1, &event("user", 1, 1)), "noted for its kind");
    assert!(!lives.takes(1, &event("lesson:c", 1, 1)), "noted for every kind");
}

#[test]
fn a_plan_of_the_first_rule_has_the_text_that_it_always_had() {
    let first = spec(IdentityRule::Key);
    assert!(first.text().ends_with(r#""dedup_window_s":60}"#), "{}", first.text());
    let second = spec(IdentityRule::Kind);
    assert!(second.text().ends_with(r#""dedup_window_s":60,"identity":2}"#), "{}", second.text());
    assert_eq!(second.of_before(), first);
    for spec in [first, second] {
        assert_eq!(serde_json::from_str::<PlanSpec>(&spec.text()).unwrap(), spec);
    }
    let third = spec(IdentityRule::Kind).text().replace("\"identity\":2", "\"identity\":3");
    let error = serde_json::from_str::<PlanSpec>(&third).unwrap_err().to_string();
    assert!(error.contains("3 is no rule of identity that this build knows"), "{error}");
}

proptest! {
    /// Against a list of everything that was processed, each entry with the rule that it was noted under.
    #[test]
    fn the_rule_that_noted_an_id_says_what_it_matches(
        steps in prop::collection::vec((0..10_u8, 0..4_usize, 0..2_u8, 0..3_u8, 0..25_i64), 1..120),
    ) {
        let mut lives = Lives::new(IdentityRule::Key);
        let mut rule = IdentityRule::Key;
        let mut processed: Vec<(IdentityRule, &str, Option<u8>, u8, i64)> = Vec::new();
        for (what, kind, key, id, seconds) in steps {
            match what {
                0 => { rule = rule.other(); lives.again(rule); }
                1 => lives.again(rule),
                2 => lives.checkpoint(),
                _ => {
                    let kind = ["user", "lesson:a", "lesson:b", "strange"][kind];
                    let outcome = lives.takes(seconds, &event(kind, key, id));
                    let key = (kind != "strange").then_some(key);
                    let now = lives.time;
                    let known = processed.iter().any(|(of, of_kind, of_key, of_id, then)| {
                        let same = (*of_key, *of_id) == (key, id) && (*of == IdentityRule::Key || *of_kind == kind);
                        same && now - then < WINDOW_S * SECOND
                    });
                    prop_assert_eq!(outcome, !known);
                    if !known {
                        processed.push((rule, kind, key, id, now));
                    }
                }
            }
        }
    }
}
