//! Random events: the counts are those of a naive reader of serde_json's values, and neither the order of events nor the
//! place where they are cut in two can be seen.

use crate::commands::catalog::catalogue::Range;
use crate::commands::catalog::gather::GatheredCatalog;
use crate::commands::catalog::settle::settle;
use crate::commands::catalog::tests::naive::{Account, Naive};
use proptest::prelude::*;
use serde_json::Value;
use std::collections::BTreeMap;

/// One event: its position, its kind and its members.
type Event = (u64, String, Value);

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e9..1e9f64).prop_map(Value::from),
        "[a-z\"\\\\ü😀\n]{0,9}".prop_map(Value::from),
    ]
}

/// Names of few fields, of a few ids, and of so many ids that they may collapse.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[abc]", 1 => "[a.\\[]{0,2}", 2 => "u[1-3]", 2 => "[0-9]{3}"]
}

fn object(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    let members = prop::collection::btree_map(name(), value, 0..6);
    members.prop_map(|members| Value::Object(members.into_iter().collect()))
}

/// Any value, no more than five deep.
fn value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(4, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            object(inner.clone()),
            // Many ids at once.
            prop::collection::btree_map("[0-9]{2}[a-f]", inner, 0..60)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    prop::collection::vec(("[kl]", object(value())), 1..12)
        .prop_map(|events| (1..).zip(events).map(|(position, (kind, event))| (position, kind, event)).collect())
}

fn gather<'a>(events: impl IntoIterator<Item = &'a Event>) -> GatheredCatalog {
    let mut gathered = GatheredCatalog::new(true);
    for (position, kind, event) in events {
        gathered.insert(kind, kind == "k", *position, event.to_string().as_bytes());
    }
    gathered
}

fn counted(gathered: &GatheredCatalog) -> BTreeMap<String, BTreeMap<String, Account>> {
    let catalogue = settle(gathered, Range::default());
    let places = |places: BTreeMap<String, crate::commands::catalog::catalogue::PlaceEntry>| {
        let account = |entry: crate::commands::catalog::catalogue::PlaceEntry| {
            let types = entry.types.iter().map(|(of, count)| (of.name().to_owned(), *count)).collect();
            let lengths = entry.shortest.zip(entry.longest);
            (entry.count, entry.present, entry.of, types, lengths, entry.first, entry.last)
        };
        places.into_iter().map(|(name, entry)| (name, account(entry))).collect()
    };
    catalogue.kinds.into_iter().map(|(name, kind)| (name, places(kind.places))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn counts_are_those_of_a_naive_reader(events in events()) {
        let mut expected = BTreeMap::new();
        for wanted in ["k", "l"] {
            let mut naive = Naive::default();
            let mut count = 0;
            for (position, _, event) in events.iter().filter(|(_, kind, _)| kind == wanted) {
                count += 1;
                naive.object("", "", event.as_object().unwrap(), *position);
            }
            let accounts = naive.accounts(count);
            // Beyond the bound the catalogue leaves places out; `cases` looks at that.
            prop_assume!(accounts.len() <= 1_000);
            if count > 0 {
                expected.insert(wanted.to_owned(), accounts);
            }
        }
        prop_assert_eq!(counted(&gather(&events)), expected);
    }

    #[test]
    fn the_order_of_events_does_not_matter(
        (events, shuffled) in events().prop_flat_map(|events| (Just(events.clone()), Just(events).prop_shuffle())),
    ) {
        let (one, other) = (settle(&gather(&events), Range::default()), settle(&gather(&shuffled), Range::default()));
        prop_assert_eq!(one.print(), other.print());
    }

    #[test]
    fn two_parts_together_are_the_whole(
        events in events(), apart in prop::collection::vec(any::<bool>(), 12), later in events(),
    ) {
        let part = |wanted: bool| {
            events.iter().zip(&apart).filter(move |(_, apart)| **apart == wanted).map(|(event, _)| event)
        };
        let mut parts = gather(part(false));
        parts.merge(gather(part(true)));
        // What comes afterwards counts as it would have in the whole.
        let mut whole = gather(&events);
        for (position, kind, event) in &later {
            for gathered in [&mut parts, &mut whole] {
                gathered.insert(kind, kind == "k", 100 + position, event.to_string().as_bytes());
            }
        }
        prop_assert_eq!(settle(&parts, Range::default()).print(), settle(&whole, Range::default()).print());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, ..ProptestConfig::default() })]

    #[test]
    fn beyond_the_bounds_neither_order_nor_parts_can_be_seen(
        (names, shuffled) in prop::collection::vec("[a-h]{4}|[0-9]{4}|[a-d][0-9]{2}", 1_500..2_500)
            .prop_flat_map(|names| (Just(names.clone()), Just(names).prop_shuffle())),
        cut in 0..1_500usize,
    ) {
        // Names of letters are places of one kind, those with digits make many kinds.
        let event = |name: &String| -> Event {
            let letters = name.bytes().all(|byte| byte.is_ascii_lowercase());
            let kind = if letters { "k".to_owned() } else { name.chars().take(2).collect() };
            (1, kind, serde_json::json!({ "x": { name: [1] }, name: 1 }))
        };
        let events = |names: &[String]| names.iter().map(event).collect::<Vec<Event>>();
        let (events, shuffled) = (events(&names), events(&shuffled));
        let whole = settle(&gather(&events), Range::default()).print();
        prop_assert_eq!(&settle(&gather(&shuffled), Range::default()).print(), &whole);
        let (one, other) = shuffled.split_at(cut);
        let mut parts = gather(one);
        parts.merge(gather(other));
        prop_assert_eq!(&settle(&parts, Range::default()).print(), &whole);
    }
}
