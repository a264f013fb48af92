//! The school as a whole: same seed same bytes, the mix, the fields, and every oddity within its limits.

use super::school::LARGEST_BYTES;
use super::{Generated, School, SchoolOptions, hard};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

fn school(hard: bool) -> School {
    School::new(7, SchoolOptions { users: 500, hard, ..SchoolOptions::default() })
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    for hard in [false, true] {
        let (mut one, mut two) = (school(hard), school(hard));
        let mut reused = Generated::default();
        for _ in 0..20_000 {
            one.write_next(&mut reused);
            assert_eq!(reused, two.next());
        }
        let mut other = School::new(8, SchoolOptions { users: 500, hard, ..SchoolOptions::default() });
        assert!((0..10).any(|_| one.next() != other.next()));
    }
}

#[test]
fn the_bytes_stay_what_they_are() {
    // A change here changes every seed that an issue or a failing test has named: say so in the commit.
    let mut school = school(false);
    let mut all = Vec::new();
    for _ in 0..1000 {
        all.extend(school.next().payload);
    }
    assert_eq!(format!("{:016x}", xxhash_rust::xxh3::xxh3_64(&all)), "8715b466659f3442");
}

#[test]
fn the_mix_is_20_to_5_to_100() {
    let mut school = school(false);
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    for _ in 0..125_000 {
        *counts.entry(school.next().subject).or_default() += 1;
    }
    let near = |subject: &str, wanted: f64| (f64::from(counts[subject]) / wanted - 1.0).abs() < 0.05;
    assert!(near("events.user", 20_000.0), "{counts:?}");
    assert!(near("events.subscription", 5_000.0), "{counts:?}");
    assert!(near("events.lesson", 100_000.0), "{counts:?}");
}

#[test]
fn plain_events_are_valid_and_carry_their_fields() {
    let mut school = school(false);
    let mut seen = BTreeSet::new();
    for _ in 0..20_000 {
        let event = school.next();
        assert!(school.oddities().is_empty() && event.headers.is_empty());
        let json: Json = serde_json::from_slice(&event.payload).unwrap();
        let kind = json["title"].as_str().unwrap();
        assert_eq!(event.subject, format!("events.{kind}"));
        assert!(json["event_uuid"].as_str().is_some_and(|id| id.len() == 36));
        assert!(json["created_at"].as_u64().unwrap() >= 1_767_225_600);
        let key = if kind == "user" { "uuid" } else { "user_uuid" };
        assert!(json["properties"][key].as_str().is_some_and(|id| id.len() == 36));
        let fields: Vec<&String> = json["properties"].as_object().unwrap().keys().collect();
        seen.insert(format!("{kind} {fields:?}"));
        seen.insert(format!("{kind} {}", json["properties"]["operation"]));
        seen.insert(format!("{}", json["properties"]["active"]));
        seen.insert(format!("{}", json["properties"]["subscription_status"]));
        seen.insert(format!("{}", json["properties"]["language"]));
    }
    for wanted in ["user \"create\"", "user \"update\"", "false", "\"cancelled\"", "\"pt-BR\"", "\"zh.Hans\""] {
        assert!(seen.contains(wanted), "{wanted} in {seen:?}");
    }
    // Partial updates of many shapes, one shape of lesson.
    assert!(seen.iter().filter(|shape| shape.starts_with("user [")).count() > 8);
    assert_eq!(seen.iter().filter(|shape| shape.starts_with("lesson [")).count(), 1);
}

#[test]
fn users_can_be_enrolled_before_anything_else() {
    let mut school = School::new(1, SchoolOptions { users: 50, enrol_first: true, ..SchoolOptions::default() });
    let ids: BTreeSet<Vec<u8>> = (0..50)
        .map(|_| school.next())
        .map(|e| {
            assert_eq!(e.subject, "events.user");
            let json: Json = serde_json::from_slice(&e.payload).unwrap();
            json["properties"]["uuid"].to_string().into_bytes()
        })
        .collect();
    assert_eq!((ids.len(), school.enrolled()), (50, 50));
}

#[test]
fn every_oddity_occurs_and_stays_within_its_limits() {
    for largest_bytes in [LARGEST_BYTES, 20_000, 1_500] {
        let mut school = School::new(3, SchoolOptions { hard: true, largest_bytes, ..SchoolOptions::default() });
        let (mut seen, mut odd, mut bytes) = (BTreeSet::new(), 0, 0);
        for _ in 0..20_000 {
            let event = school.next();
            odd += u32::from(!school.oddities().is_empty());
            bytes += event.payload.len();
            seen.extend(school.oddities().iter().copied());
            assert!(event.payload.len() <= largest_bytes, "{:?}", school.oddities());
            let headers: usize = event.headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
            assert!(event.payload.len() + headers + 12 <= 1_048_576, "{:?}", school.oddities());
            assert!(event.headers.iter().all(|(name, _)| !name.eq_ignore_ascii_case("nats-msg-id")));
        }
        let missing: Vec<&str> = hard::names().filter(|name| !seen.contains(name)).collect();
        assert!(missing.is_empty(), "{missing:?}");
        assert!((900..1100).contains(&odd), "{odd}");
        assert!(bytes / 20_000 < 1_500, "{}", bytes / 20_000);
    }
}
