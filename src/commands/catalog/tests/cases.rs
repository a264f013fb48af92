//! Single cases: what is counted where, what collapses, what the bounds leave, and how two catalogues differ.

use crate::commands::catalog::catalogue::{Catalogue, PlaceEntry, Range};
use crate::commands::catalog::compare::compare;
use crate::commands::catalog::gather::{GatheredCatalog, UNKNOWN_KINDS};
use crate::commands::catalog::path::DEPTH;
use crate::commands::catalog::paths::{PLACES, SPELLINGS};
use crate::commands::catalog::settle::settle;

/// The catalogue of these events of one kind.
fn of<T: AsRef<str>>(events: &[T]) -> Catalogue {
    with(events, true)
}

fn with<T: AsRef<str>>(events: &[T], examples: bool) -> Catalogue {
    let mut gathered = GatheredCatalog::new(examples);
    for (position, event) in (1..).zip(events) {
        gathered.insert("order", true, position, event.as_ref().as_bytes());
    }
    settle(&gathered, Range { stream: "EVENTS".to_owned(), from: 1, until: events.len() as u64, every: 1 })
}

fn place<'a>(catalogue: &'a Catalogue, name: &str) -> &'a PlaceEntry {
    let places = &catalogue.kinds.get("order").unwrap().places;
    places.get(name).unwrap_or_else(|| panic!("{name} of {:?}", places.keys()))
}

fn names(catalogue: &Catalogue) -> Vec<&str> {
    catalogue.kinds.get("order").unwrap().places.keys().map(String::as_str).collect()
}

/// The entry as it is printed.
fn line(catalogue: &Catalogue, name: &str) -> String {
    serde_json::to_string(place(catalogue, name)).unwrap()
}

#[test]
fn every_value_counts_at_its_place() {
    let catalogue = of(&[
        r#" {"amount":9007199254740993,"items":[{"sku":"ab"},{"sku":"\u00e9xy"},{}],"note":null}"#,
        r#"{"amount":1e400,"items":[],"note":"","note":true}"#,
        r#"{"amount":-0,"customer":{"name":"Ana"}}"#,
    ]);
    for (name, expected) in [
        (
            "amount",
            r#"{"count":3,"present":3,"of":3,"types":{"integer":2,"number":1},"first":1,"last":3,"examples":[9007199254740993,1e400,-0]}"#,
        ),
        ("items", r#"{"count":2,"present":2,"of":3,"types":{"array":2},"first":1,"last":2}"#),
        ("items[]", r#"{"count":3,"present":1,"of":2,"types":{"object":3},"first":1,"last":1}"#),
        (
            "items[].sku",
            r#"{"count":2,"present":2,"of":3,"types":{"text":2},"shortest":2,"longest":3,"first":1,"last":1,"examples":["ab","éxy"]}"#,
        ),
        // A name that stands twice in its object is two values and present once.
        (
            "note",
            r#"{"count":3,"present":2,"of":3,"types":{"null":1,"bool":1,"text":1},"shortest":0,"longest":0,"first":1,"last":2,"examples":[null,"",true]}"#,
        ),
        (
            "customer.name",
            r#"{"count":1,"present":1,"of":1,"types":{"text":1},"shortest":3,"longest":3,"first":3,"last":3,"examples":["Ana"]}"#,
        ),
    ] {
        assert_eq!(line(&catalogue, name), expected, "{name}");
    }
    assert_eq!(names(&catalogue).len(), 7);
}

#[test]
fn examples_are_the_first_ones_that_differ_and_no_longer_than_a_line() {
    let long = "ü".repeat(90);
    let digits = "1".repeat(81);
    let values = ["\"a\"", "\"a\"", &format!("\"{long}\""), &digits, r#""\ud83d""#, "\"b\"", "\"c\""];
    let catalogue = of(&values.map(|value| format!("{{\"x\":{value}}}")));
    let shown: Vec<&str> = place(&catalogue, "x").examples.iter().map(|example| example.get()).collect();
    assert_eq!(shown, ["\"a\"", &format!("\"{}…\"", "ü".repeat(80)), "\"b\""]);
    assert!(!with(&[r#"{"x":"secret"}"#], false).print().contains("secret"));
}

#[test]
fn names_that_look_like_ids_collapse_when_there_are_too_many() {
    let event = |ids: std::ops::Range<usize>| {
        let members: Vec<String> = ids.map(|id| format!(r#""u-{id}":{{"days":{id},"step2":1}}"#)).collect();
        format!(r#"{{"total":1,"of":{{{}}}}}"#, members.join(","))
    };
    let few = of(&[event(0..60), event(40..SPELLINGS)]);
    assert_eq!(names(&few).len(), 2 + 3 * SPELLINGS);
    assert_eq!(place(&few, "of.u-50.days").count, 2);
    assert_eq!((place(&few, "of.u-50.step2").of, place(&few, "of.u-0").of), (2, 2));
    let many = of(&[event(0..60), event(40..SPELLINGS + 1)]);
    assert_eq!(names(&many), ["of", "of.*", "of.*.*", "of.*.days", "total"]);
    let all = place(&many, "of.*");
    assert_eq!((all.count, all.present, all.of), (60 + 61, 2, 2));
    assert_eq!((place(&many, "of.*.days").present, place(&many, "of.*.days").of), (121, 121));
    // What is in only a few of them collapses with them.
    let rare = of(&[event(0..SPELLINGS + 1), r#"{"of":{"u-7":{"rare":1}}}"#.to_owned()]);
    assert_eq!((place(&rare, "of.*.rare").count, place(&rare, "of.*.rare").of), (1, SPELLINGS as u64 + 2));
    // Names without a digit are fields, however many there are.
    let letters = |n: usize| n.to_string().bytes().map(|digit| char::from(digit + 49)).collect::<String>();
    let fields: Vec<String> = (0..150).map(|n| format!("\"{}\":1", letters(n))).collect();
    assert_eq!(names(&of(&[format!("{{{}}}", fields.join(","))])).len(), 150);
}

#[test]
fn what_is_too_deep_is_counted() {
    let nested = |depth: usize| format!("{}{}{}", "{\"a\":".repeat(depth), "[1]", "}".repeat(depth));
    let at_the_end = of(&[nested(DEPTH - 1)]);
    assert_eq!(names(&at_the_end).len(), DEPTH);
    assert_eq!(at_the_end.kinds["order"].deeper, 0);
    let beyond = of(&[nested(DEPTH), nested(40), nested(DEPTH - 1), "{}".to_owned()]);
    assert_eq!(names(&beyond).len(), DEPTH + 1);
    assert_eq!(beyond.kinds["order"].deeper, 2);
    let empty = of(&[nested(DEPTH).replace("[1]", "[ ]"), nested(DEPTH).replace("[1]", "{}")]);
    assert_eq!(empty.kinds["order"].deeper, 0);
}

#[test]
fn of_too_many_places_the_shallow_ones_stay_and_the_rest_is_counted() {
    let letters = |n: usize| format!("{n:04}").bytes().map(|digit| char::from(digit + 49)).collect::<String>();
    let one = |n: usize| format!(r#"{{"z":{{"inner":1}},"{}":[1]}}"#, letters(n));
    let mut events: Vec<String> = (0..PLACES + 10).map(one).collect();
    let catalogue = of(&events);
    let kind = &catalogue.kinds["order"];
    // Names from `bbbb` on, sorted; `z` comes behind them, and what is deeper is last of all.
    assert_eq!(names(&catalogue).len(), PLACES);
    assert!(kind.places.keys().eq((0..PLACES).map(letters).collect::<Vec<_>>().iter()));
    let values: usize = (PLACES + 10) * 4;
    assert_eq!(kind.more, (values - PLACES) as u64);
    events.reverse();
    let reversed = of(&events);
    assert_eq!(reversed.kinds["order"].more, kind.more);
    assert!(reversed.kinds["order"].places.keys().eq(kind.places.keys()));
}

#[test]
fn of_too_many_unknown_kinds_the_rest_is_counted() {
    let gather = |kinds: &mut dyn Iterator<Item = usize>| {
        let mut gathered = GatheredCatalog::new(false);
        gathered.insert("order", true, 1, b"{}");
        for n in kinds {
            gathered.insert(&format!("k{n:03}"), false, n as u64, b"{}");
            gathered.insert("zzz", true, n as u64, b"{}");
        }
        settle(&gathered, Range::default())
    };
    let (one, other) = (gather(&mut (0..250)), gather(&mut (0..250).rev()));
    assert_eq!((one.kinds.len(), one.more), (UNKNOWN_KINDS + 2, 150));
    assert_eq!(one.print(), other.print());
}

#[test]
fn what_is_printed_reads_as_the_same() {
    let odd = [r#"{"a\n\"b\"":[[1,"x"]],"n":1e400}"#, "{}"];
    for events in [&[][..], &odd] {
        let (text, shown) = (with(events, false).print(), with(events, true).print());
        assert_eq!(Catalogue::parse(&text).unwrap().print(), text);
        // Examples are for people.
        assert_eq!(Catalogue::parse(&shown).unwrap().print(), text);
        serde_json::from_str::<serde_json::Value>(&text).unwrap();
    }
    let text = of(&["{}"]).print();
    for (text, why) in [
        (String::new(), "EOF"),
        ("[]".to_owned(), "expected an object with `catalogue`"),
        ("{}".to_owned(), "missing field"),
        (text.replace("\"catalogue\": 1", "\"catalogue\": 2"), "it is of version 2, and this build reads version 1"),
        (text.replace("\"events\": 1", "\"events\": -1"), "invalid"),
    ] {
        let error = Catalogue::parse(&text).unwrap_err();
        assert!(error.contains(why), "{text}: {error}");
    }
}

#[test]
fn a_line_says_what_differs() {
    for (before, now, expected) in [
        (
            &["{\"amount\":1.5}"][..],
            &["{\"amount\":1.5}", "{\"amount\":2,\"note\":\"x\"}", "{\"amount\":\"3\"}"][..],
            &["order.amount: number -> number, text (1 of 3)", "order.note: new"][..],
        ),
        (&["{\"a\":1,\"b\":1}"], &["{\"b\":1}"], &["order.a: gone"]),
        (&["{\"a\":1}", "{\"a\":2}"], &["{\"a\":1}", "{}", "{\"a\":1}"], &["order.a: newly absent (1 of 3)"]),
        (&["{\"a\":1}", "{}"], &["{}", "{\"a\":1}", "{}"], &[]),
        // Integers are numbers, but numbers are no integers.
        (&["{\"a\":1.5}"], &["{\"a\":1}"], &[]),
        (&["{\"a\":1}"], &["{\"a\":1}", "{\"a\":1.0}"], &["order.a: integer -> number (1 of 2)"]),
        (&["{\"a\":null}", "{\"a\":\"x\"}"], &["{\"a\":\"x\"}"], &["order.a: null, text -> text"]),
        (&["{\"a\":1}"], &["{\"a\":1.5}", "{\"a\":null}"], &["order.a: integer -> null (1 of 2), number (1 of 2)"]),
        // An object that is new tells of what is in it, too.
        (&["{}"], &["{\"a\":{\"b\":1}}"], &["order.a: new", "order.a.b: new"]),
        (&["{\"l\":[{\"x\":1}]}"], &["{\"l\":[{\"x\":1},{}]}"], &["order.l[].x: newly absent (1 of 2)"]),
        (&["{\"a\":1}"], &["{\"a\":1}"], &[]),
    ] {
        assert_eq!(compare(&of(before), &of(now)), expected, "{before:?} {now:?}");
    }
    let (empty, mut odd) = (settle(&GatheredCatalog::new(false), Range::default()), GatheredCatalog::new(false));
    odd.insert("a.b", false, 1, b"{\"x\":1}");
    let odd = settle(&odd, Range::default());
    assert_eq!(compare(&empty, &odd), ["\"a.b\": new"]);
    assert_eq!(compare(&odd, &empty), ["\"a.b\": gone"]);
}

#[test]
fn what_comes_after_a_merge_stands_in_objects_of_its_own() {
    let (mut one, mut other) = (GatheredCatalog::new(false), GatheredCatalog::new(false));
    one.insert("order", true, 1, b"{\"b\":1}");
    other.insert("order", true, 2, b"{\"b\":1}");
    other.insert("order", true, 3, b"{\"a\":1}");
    one.merge(other);
    // The second object of the one, as the last `a` was in the second object of the other.
    one.insert("order", true, 4, b"{\"a\":1}");
    assert_eq!(place(&settle(&one, Range::default()), "a").present, 2);
}
