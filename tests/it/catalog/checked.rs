//! What differs from a saved catalogue is told, line by line, and by the exit code.

use super::{catalog, listed, publish};
use crate::harness::bed::Bed;

#[test]
fn a_drift_is_told_and_its_absence_too() {
    let mut bed = Bed::new();
    for event in [
        r#"{"title":"order","amount":10.5,"customer":"a","old":1}"#,
        r#"{"title":"order","amount":12,"customer":"b","old":2}"#,
        r#"{"title":"refund"}"#,
    ] {
        publish(&mut bed, event);
    }
    let file = bed.dir.path().join("catalog.json").display().to_string();
    std::fs::write(&file, catalog(&bed, &[]).out).unwrap();
    let same = catalog(&bed, &["--check", &file]);
    assert_eq!((same.code, same.out.as_str(), same.err.as_str()), (Some(0), "", ""));

    for event in [
        r#"{"title":"order","amount":9007199254740993,"customer":"a"}"#,
        r#"{"title":"order","amount":"12.50","customer":"b","note":"x"}"#,
        r#"{"title":"order","amount":1e400}"#,
        r#"{"title":"a new kind","x":1}"#,
    ] {
        publish(&mut bed, event);
    }
    let drift = catalog(&bed, &["--from", "4", "--check", &file]);
    let expected = [
        "\"a new kind\": new",
        "order.amount: number -> number, text (1 of 3)",
        "order.customer: newly absent (1 of 3)",
        "order.note: new",
        "order.old: gone",
        "refund: gone",
    ];
    assert_eq!((drift.code, drift.out.lines().collect::<Vec<_>>()), (Some(1), expected.to_vec()), "{drift:?}");
    // Up to the change nothing differs, and a sample that misses it does not tell.
    assert_eq!(catalog(&bed, &["--until", "3", "--check", &file]).code, Some(0));
    let sample = catalog(&bed, &["--every", "4", "--until", "4", "--check", &file]);
    assert_eq!((sample.code, sample.out.as_str()), (Some(1), "refund: gone\n"), "{sample:?}");
}

#[test]
fn values_are_shown_only_where_somebody_asks() {
    let mut bed = Bed::new();
    let secret = "4929-0000-1111-2222";
    publish(&mut bed, &format!(r#"{{"title":"order","card":"{secret}","amount":1e400}}"#));
    assert!(!catalog(&bed, &[]).out.contains(secret));
    // 1e400 is a number, which not everything reads as one.
    let shown = catalog(&bed, &["--examples"]);
    assert!(shown.out.contains(&format!("\"examples\":[\"{secret}\"]")) && shown.out.contains("[1e400]"), "{shown:?}");
    let place = &listed(&bed, &[])["kinds"]["order"]["places"]["card"];
    assert_eq!(place.get("examples"), None);
}
