//! What the comparison of two lanes finds.

use super::*;
use proptest::prelude::*;

fn published(position: u64, subject: &str, body: &str) -> Published {
    Published {
        key: (Position(position), 0),
        subject: subject.into(),
        dead: None,
        headers: Vec::new(),
        payload: body.to_owned().into(),
    }
}

/// Feeds both lanes as they are wanted.
fn diff(before: Vec<Published>, after: Vec<Published>) -> DiffReport {
    let mut diff = Diff::new("replay", 1..=1_000);
    let (mut before, mut after) = (before.into_iter(), after.into_iter());
    while let Some(side) = diff.wants() {
        let next = if side == DiffSide::Before { before.next() } else { after.next() };
        match next {
            Some(published) => diff.take(side, published),
            None => diff.end(side),
        }
        assert!(diff.before.len() + diff.after.len() <= 1, "nothing is held that could be compared");
    }
    diff.finish()
}

#[test]
fn each_position_is_same_changed_missing_or_extra() {
    let of = |at: u64, body: &str| published(at, "enriched.user", body);
    let now = |at: u64, body: &str| published(at, "replay.enriched.user", body);
    let report = diff(
        vec![of(1, r#"{"a":1}"#), of(2, r#"{"a":1}"#), of(3, "{}"), of(5, "{}")],
        vec![now(1, r#"{"a":1}"#), now(2, r#"{"a":2,"b":3}"#), now(4, "{}"), now(5, "{}")],
    );
    assert_eq!((report.same, report.changed, report.missing, report.extra, report.unknown), (2, 1, 1, 1, 0));
    let counts = |name: &str| report.fields[name];
    assert_eq!(counts("/a"), FieldCount { changed: 1, ..FieldCount::default() });
    assert_eq!(counts("/b"), FieldCount { added: 1, ..FieldCount::default() });
    let at = |sort: Sort| report.examples[&sort][0].position.0;
    assert_eq!((at(Sort::Changed), at(Sort::Missing), at(Sort::Extra)), (2, 3, 4));
    assert_eq!(report.examples[&Sort::Extra][0].subject, "enriched.user");
}

#[test]
fn subjects_headers_and_dead_letters_count() {
    let before = |at| published(at, "enriched.user", "{}");
    let now = |at| published(at, "replay.enriched.user", "{}");
    let dead = |mut one: Published, reason: &str| {
        one.dead = Some(reason.to_owned());
        one.headers.push((REASON.to_owned(), reason.to_owned()));
        one
    };
    let header = |mut one: Published, value: &str| {
        one.headers.push(("Trace".to_owned(), value.to_owned()));
        one
    };
    let moved = published(2, "replay.enriched.lesson", "{}");
    let report = diff(
        vec![before(1), before(2), header(before(3), "x"), dead(before(4), "miss"), dead(before(5), "miss")],
        vec![dead(now(1), "miss"), moved, header(now(3), "y"), dead(now(4), "miss"), dead(now(5), "no_key")],
    );
    assert_eq!((report.same, report.changed), (1, 4));
    let names: Vec<(&str, u64)> = report.fields.iter().map(|(name, count)| (name.as_str(), count.changed)).collect();
    assert_eq!(names, [("header Trace", 1), ("outcome", 2), ("subject", 1)]);
    let text = serde_json::to_string(&report).unwrap();
    assert!(text.contains(r#"{"field":"outcome","before":"output","after":"dead letter: miss"}"#), "{text}");
}

#[test]
fn what_nobody_knows_of_is_not_called_extra() {
    let mut diff = Diff::new("", 5..=6);
    diff.end(DiffSide::Before);
    for at in [4, 5, 7] {
        diff.take(DiffSide::After, published(at, "enriched.user", "{}"));
    }
    let report = diff.finish();
    assert_eq!((report.extra, report.unknown), (1, 2));
}

#[test]
fn a_field_that_comes_late_still_has_its_example() {
    let body = |at: u64, field: &str, value: u64| published(at, "s", &format!(r#"{{"{field}":{value}}}"#));
    let lane = |value: u64| (1..=50).map(|at| body(at, if at == 40 { "late" } else { "a" }, value)).collect();
    let report = diff(lane(1), lane(2));
    let positions: Vec<u64> = report.examples[&Sort::Changed].iter().map(|example| example.position.0).collect();
    assert_eq!(positions, [1, 2, 3, 40]);
}

proptest! {
    #[test]
    fn every_outcome_is_counted_once(
        before in prop::collection::btree_map(1..40_u64, 0..3_u8, 0..30),
        after in prop::collection::btree_map(1..40_u64, 0..3_u8, 0..30),
    ) {
        let lane = |events: &BTreeMap<u64, u8>| -> Vec<Published> {
            events.iter().map(|(at, value)| published(*at, "s", &format!(r#"{{"v":{value}}}"#))).collect()
        };
        let report = diff(lane(&before), lane(&after));
        let both = before.iter().filter(|(at, _)| after.contains_key(at));
        let same = both.clone().filter(|(at, value)| after[at] == **value).count() as u64;
        prop_assert_eq!(report.same, same);
        prop_assert_eq!(report.changed, both.count() as u64 - same);
        prop_assert_eq!(report.missing, before.keys().filter(|at| !after.contains_key(at)).count() as u64);
        prop_assert_eq!(report.extra, after.keys().filter(|at| !before.contains_key(at)).count() as u64);
    }
}
