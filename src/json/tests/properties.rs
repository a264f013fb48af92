//! Random texts against serde_json: the same texts are taken, the same values found, the same maps come out.
//!
//! Deliberate differences: serde_json's readers limit the depth and look at number ranges and lone
//! surrogates; its `IgnoredAny` does none of it and is the oracle for the grammar.

use crate::json::fields::{Fields, ObjectSlot, Slot, Span};
use crate::json::quick::quick;
use crate::json::quote_map::QuoteMap;
use crate::json::scan::ScanFault;
use crate::json::splice::{Added, Edit, Label, Splice};
use crate::json::tests::scan::fault;
use crate::json::text::{Scalar, escape_into};
use proptest::prelude::*;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;
use std::fmt;

/// The members of an object as serde_json sees them, in order, duplicates included.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

/// What the plan of these tests looks for; names that the generator makes often.
struct Known {
    fields: Fields,
    paths: Vec<(Vec<String>, Slot)>,
    top: ObjectSlot,
    inner: ObjectSlot,
}

impl Known {
    fn new() -> Known {
        let mut fields = Fields::default();
        let paths = ["a", "p", "p.a", "p.b", "p.p.a", "c", "p.\u{fc}"]
            .map(|dotted| {
                let path: Vec<String> = dotted.split('.').map(str::to_owned).collect();
                let slot = fields.field(&path);
                (path, slot)
            })
            .to_vec();
        let top = fields.object(&[]);
        let inner = fields.object(&["p".to_owned()]);
        Known { fields, paths, top, inner }
    }

    fn scan(&self, text: &[u8]) -> Result<Vec<Span>, ScanFault> {
        fault(&self.fields, text)
    }

    /// Whether a text goes the short way.
    fn is_quick(&self, text: &str) -> bool {
        let mut spans = vec![Span::ABSENT; self.fields.len()];
        quick(&self.fields, text.as_bytes(), &mut QuoteMap::default(), &mut spans).is_some()
    }

    fn slot(&self, dotted: &str) -> Slot {
        self.paths.iter().find(|(path, _)| path.join(".") == dotted).unwrap().1
    }
}

/// Whether one of the plan's names occurs twice in its object; the oracle, straight from the definition.
fn has_duplicates(text: &str, known: &Known, prefix: &[String]) -> bool {
    let Ok(Members(members)) = serde_json::from_str::<Members<'_>>(text) else { return false };
    let named = |name: &String| {
        let path = [prefix, std::slice::from_ref(name)].concat();
        known.paths.iter().any(|(known, _)| known.starts_with(&path)).then_some(path)
    };
    members.iter().enumerate().any(|(n, (name, raw))| {
        let Some(path) = named(name) else { return false };
        members.iter().take(n).any(|(other, _)| other == name) || has_duplicates(raw.get(), known, &path)
    })
}

/// The raw text of the value at a path, by serde_json.
fn raw_at(text: &str, path: &[String]) -> Option<String> {
    let Some((name, rest)) = path.split_first() else { return Some(text.to_owned()) };
    let Members(members) = serde_json::from_str(text).ok()?;
    let (_, raw) = members.iter().find(|(known, _)| known == name)?;
    raw_at(raw.get(), rest)
}

fn space() -> impl Strategy<Value = String> {
    prop_oneof![5 => Just(String::new()), 1 => "[ \t\r\n]{1,3}"]
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => prop::sample::select(vec!["a", "b", "c", "p", "ü"]).prop_map(|name| format!("\"{name}\"")),
        2 => prop::sample::select(vec!["\\u0061", "\\u0070", "\\u00fc", "a\\\"", "\\\\u0061"]).prop_map(|name| format!("\"{name}\"")),
        1 => any::<String>().prop_map(|name| serde_json::to_string(&name).unwrap()),
    ]
}

fn scalar() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "null",
            "true",
            "false",
            "0",
            "-0",
            "1.50",
            "-2e-3",
            "9007199254740993",
            "\"\"",
            "\"\\ud83d\\ude00\""
        ])
        .prop_map(str::to_owned),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
    ]
}

fn list(open: char, items: impl Strategy<Value = String>, close: char) -> impl Strategy<Value = String> {
    (prop::collection::vec((space(), items, space()), 0..6), space()).prop_map(move |(items, empty)| {
        let inside: Vec<String> = items.into_iter().map(|(before, item, after)| before + &item + &after).collect();
        if inside.is_empty() { format!("{open}{empty}{close}") } else { format!("{open}{}{close}", inside.join(",")) }
    })
}

fn object(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let member = (name(), space(), space(), value).prop_map(|(name, a, b, value)| format!("{name}{a}:{b}{value}"));
    list('{', member, '}')
}

fn value() -> impl Strategy<Value = String> {
    scalar().prop_recursive(4, 40, 6, |inner| prop_oneof![list('[', inner.clone(), ']'), object(inner)])
}

/// An event: an object with white space around it, valid, possibly with duplicate names; half of them without any white
/// space but blanks.
fn event() -> impl Strategy<Value = String> {
    (any::<bool>(), space(), object(value()), space()).prop_map(|(blanks, before, object, after)| {
        let event = before + &object + &after;
        if blanks { event.replace(['\t', '\r', '\n'], " ") } else { event }
    })
}

/// Bytes near the grammar's edge: pieces of JSON in any order.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let pieces = [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\\",
        "\"a\"",
        "\"p\":",
        "{\"p\":{\"a\":",
        "0",
        "1",
        "-",
        ".",
        "e",
        "+",
        "true",
        "nul",
        "l",
        " ",
        "\n",
        "\\u00",
        "\\ud8",
        "a",
        "ü",
        "\u{1}",
        "\u{c}",
        "\u{feff}",
    ];
    prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..24).prop_map(|pieces| pieces.concat().into_bytes())
}

/// A valid event with a few bytes changed, taken out or put in.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<prop::sample::Index>(), any::<u8>(), 0..3);
    (event(), prop::collection::vec(change, 1..4)).prop_map(|(text, changes)| {
        let mut bytes = text.into_bytes();
        for (at, byte, how) in changes {
            let at = at.index(bytes.len() + 1);
            match how {
                0 => bytes.insert(at, byte),
                1 if at < bytes.len() => bytes[at] = byte,
                _ if at < bytes.len() => drop(bytes.remove(at)),
                _ => {}
            }
        }
        bytes
    })
}

/// RFC 8259 by serde_json: all but the depth, number ranges and surrogates.
fn is_json(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok())
}

fn taken(bytes: &[u8]) -> bool {
    !matches!(Known::new().scan(bytes), Err(ScanFault::NotJson { .. }))
}

/// The map edit that the splice stands for.
fn edit_map(map: &mut Value, members: &[(&str, Option<Value>)]) {
    let map = map.as_object_mut().unwrap();
    for (name, value) in members {
        match value {
            Some(value) => drop(map.insert((*name).to_owned(), value.clone())),
            None => drop(map.remove(*name)),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_judged_as_serde_json_judges_them(bytes in prop_oneof![
        prop::collection::vec(any::<u8>(), 0..64), pieces(), damaged(), value().prop_map(String::into_bytes),
    ]) {
        prop_assert_eq!(taken(&bytes), is_json(&bytes));
        // Whatever the bytes are, none of these panics; where a member stands is given within them.
        let _ = Scalar::read(&bytes);
        let mut splice = Splice::default();
        let label = Label::new("x");
        let there = Span { start: 1, end: 40.min(bytes.len() as u32) };
        let edits = [Added::Omit, Added::Value(b"1")].map(|added| Edit { label: &label, added, there });
        if is_json(&bytes) && bytes.first() == Some(&b'{') {
            splice.object(&bytes, crate::json::fields::Tail { open: 0, insert_at: 1 }, edits);
        }
        splice.write(&bytes, &mut Vec::new());
    }

    #[test]
    fn spans_are_the_raw_values_of_serde_json(text in event()) {
        let known = Known::new();
        let duplicates = has_duplicates(&text, &known, &[]);
        match known.scan(text.as_bytes()) {
            Err(fault) => {
                prop_assert_eq!(fault, ScanFault::DuplicateKey);
                prop_assert!(duplicates);
            }
            Ok(spans) => {
                prop_assert!(!duplicates);
                for (path, slot) in &known.paths {
                    let found = slot.of(&spans).of(text.as_bytes()).map(|raw| String::from_utf8_lossy(raw).into_owned());
                    prop_assert_eq!(found, raw_at(&text, path));
                }
                let inner = raw_at(&text, &["p".to_owned()]).is_some_and(|raw| raw.starts_with('{'));
                prop_assert_eq!(known.inner.of(&spans).is_some(), inner);
            }
        }
    }

    #[test]
    fn what_is_ordinary_goes_the_short_way(text in event()) {
        let known = Known::new();
        let odd = text.trim_end().contains(['\\', '\t', '\r', '\n']) || has_duplicates(&text, &known, &[]);
        prop_assert_eq!(known.is_quick(&text), !odd, "{}", text);
    }

    #[test]
    fn a_splice_is_a_map_edit(
        text in event(),
        top in prop::collection::vec(prop::option::of(scalar()), 2),
        inner in prop::collection::vec(prop::option::of(scalar()), 2),
        mark in prop::option::of(scalar()),
    ) {
        let known = Known::new();
        let Ok(spans) = known.scan(text.as_bytes()) else { return Ok(()) };
        let targets = [
            (Some(known.top), vec![("a", "a", &top[0]), ("c", "c", &top[1])]),
            (known.inner.of(&spans).map(|_| known.inner), vec![("p.a", "a", &inner[0]), ("p.b", "b", &inner[1])]),
        ];
        let mut expected: Value = serde_json::from_str(&text).unwrap();
        let mut splice = Splice::default();
        let mark_label = Label::new("mark");
        for (object, members) in &targets {
            let Some(tail) = object.and_then(|object| object.of(&spans)) else { continue };
            let labels: Vec<Label> = members.iter().map(|(_, name, _)| Label::new(name)).collect();
            let edits = members.iter().zip(&labels).map(|((path, _, value), label)| {
                let added = value.as_ref().map_or(Added::Omit, |value| Added::Value(value.as_bytes()));
                Edit { label, added, there: known.slot(path).of(&spans) }
            });
            let is_top = *object == Some(known.top);
            let marks = mark.as_ref().filter(|_| is_top).map(|value| Edit {
                label: &mark_label, added: Added::Value(value.as_bytes()), there: Span::ABSENT,
            });
            splice.object(text.as_bytes(), tail, edits.chain(marks));
            let mut values: Vec<(&str, Option<Value>)> = members.iter()
                .map(|(_, name, value)| (*name, value.as_ref().map(|value| serde_json::from_str(value).unwrap()))).collect();
            if let Some(value) = mark.as_ref().filter(|_| is_top) {
                values.push(("mark", Some(serde_json::from_str(value).unwrap())));
            }
            edit_map(if is_top { &mut expected } else { expected.get_mut("p").unwrap() }, &values);
        }
        let mut out = Vec::new();
        splice.write(text.as_bytes(), &mut out);
        let found: Value = serde_json::from_slice(&out).map_err(|error| {
            TestCaseError::fail(format!("{error}: {text} became {}", String::from_utf8_lossy(&out)))
        })?;
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn an_addition_takes_out_again(text in event(), value in scalar()) {
        let known = Known::new();
        let Ok(spans) = known.scan(text.as_bytes()) else { return Ok(()) };
        let label = Label::new("added");
        let tail = known.top.of(&spans).unwrap();
        let mut splice = Splice::default();
        let edit = Edit { label: &label, added: Added::Value(value.as_bytes()), there: Span::ABSENT };
        splice.object(text.as_bytes(), tail, [edit]);
        let mut out = Vec::new();
        splice.write(text.as_bytes(), &mut out);
        let comma = if tail.is_empty() { "" } else { "," };
        let inserted = format!("{comma}\"added\":{value}").into_bytes();
        let at = tail.insert_at as usize;
        prop_assert_eq!(out.drain(at..at + inserted.len()).collect::<Vec<u8>>(), inserted);
        prop_assert_eq!(out, text.as_bytes());
    }

    #[test]
    fn strings_are_read_and_written_as_serde_json_does(text in any::<String>(), raw in "\"(\\\\u[dD][89a-fA-F][0-9a-f]{2}|\\\\u00[0-9a-f]{2}|\\\\[bfnrt/\"]|[a-z]){0,6}\"") {
        let mut out = Vec::new();
        escape_into(&mut out, &text);
        prop_assert_eq!(&out, &serde_json::to_vec(&text).unwrap());
        prop_assert_eq!(Scalar::read(&out), Scalar::Text(text.into()));
        let expected = serde_json::from_str::<String>(&raw).map_or(Scalar::Other, |text| Scalar::Text(text.into()));
        prop_assert_eq!(Scalar::read(raw.as_bytes()), expected);
    }
}
