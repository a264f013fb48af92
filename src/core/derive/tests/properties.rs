//! Every operator on any JSON value: no panic, one valid value or nothing, and a plan's text that is read back.

use crate::core::derive::mask::Mask;
use crate::core::derive::salt::Salt;
use crate::core::derive::spec::DeriveSpec;
use crate::core::derive::tests::fixture::{spec, value, write};
use proptest::prelude::*;
use serde::de::IgnoredAny;

/// One of each operator, and of each of their ways.
const SPECS: &[&str] = &[
    r#""a""#,
    r#"{ copy = "a", values = { x = "y", 7 = 8 }, else = "?" }"#,
    r#"{ copy = "a", values = { x = "y", 7 = 8 } }"#,
    r#"{ first = ["a", "b"] }"#,
    r#"{ time = "a" }"#,
    r#"{ time = "a", write = "date" }"#,
    r#"{ time = "a", unit = "s" }"#,
    r#"{ time = "a", unit = "ns", write = "unix_ms" }"#,
    r#"{ time = "a", format = "%Y-%m-%d %H:%M:%S.%f", offset = "-05:30" }"#,
    r#"{ time = "a", format = "%d.%m.%Y" }"#,
    r#"{ part = "a", at = 1 }"#,
    r#"{ part = "a", at = 2, split = "::", or = false }"#,
    r#"{ id = ["a", "b"] }"#,
    r#"{ id = ["a"], join = "é" }"#,
    r#"{ value = "x" }"#,
];

/// Those that leave their own result as it is.
const SETTLED: &[&str] = &[
    r#""a""#,
    r#"{ first = ["a"] }"#,
    r#"{ time = "a" }"#,
    r#"{ time = "a", write = "date" }"#,
    r#"{ time = "a", write = "unix_ms" }"#,
    r#"{ time = "a", unit = "us" }"#,
    r#"{ time = "a", unit = "s", write = "unix" }"#,
    r#"{ time = "a", format = "%Y-%m-%d %H:%M:%S.%f", offset = "-05:30" }"#,
    r#"{ time = "a", format = "%d.%m.%Y" }"#,
    r#"{ part = "a", at = 1 }"#,
];

/// JSON values, and texts that are nearly what an operator looks for.
fn raw() -> impl Strategy<Value = String> {
    let number = (any::<i64>(), 0..20_u32, -30..30_i32).prop_map(|(n, f, e)| format!("{n}.{f}e{e}"));
    let text = prop_oneof![
        ".{0,12}",
        "[0-9.:TZ -]{0,24}",
        "2[0-9]{3}-0[1-9]-[12][0-9][T ][01][0-9]:[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,12})?(Z|\\+02:00)?",
        "[0-2][0-9]\\.[01][0-9]\\.20[0-9]{2}",
        "[a-c]{0,3}(::?[a-c]{0,3}){0,3}"
    ];
    let text = text.prop_map(|text| serde_json::to_string(&text).unwrap());
    let words = [
        "",
        "null",
        "true",
        "{}",
        "[]",
        r#"{"a":[1]}"#,
        r#""\ud800""#,
        r#""\u0041:\n""#,
        "-0",
        "1e999999999999999999999",
    ];
    prop_oneof![
        4 => text,
        2 => number,
        2 => (100_000_000..i64::MAX).prop_map(|n| n.to_string()),
        1 => any::<i64>().prop_map(|n| n.to_string()),
        1 => (1_000_000_000..2_000_000_000_u32, 0..1_000_000_000_u32).prop_map(|(n, f)| format!("{n}.{f}")),
        1 => prop::sample::select(words.to_vec()).prop_map(str::to_owned),
    ]
}

fn all(toml: &[&str]) -> Vec<DeriveSpec> {
    toml.iter().map(|toml| spec(toml).unwrap_or_else(|error| panic!("{toml}: {error}"))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn an_operator_writes_one_value_or_nothing(a in raw(), b in raw()) {
        for spec in all(SPECS) {
            let values = [a.as_str(), b.as_str()];
            // `write` of the fixture sees that nothing is written on a fault.
            if let Ok(written) = write(&spec, &values[..spec.places().len()]) {
                prop_assert!(serde_json::from_str::<IgnoredAny>(&written).is_ok(), "{:?}: {}", spec, written);
                prop_assert_eq!(written.trim(), &written);
            }
        }
        for mask in [Mask::Last4, Mask::Hash, Mask::Hide] {
            let mut out = Vec::new();
            mask.write(&value(&a), Some(&Salt::new(b"salt")), &mut out);
            prop_assert!(serde_json::from_slice::<IgnoredAny>(&out).is_ok(), "{:?}: {:?}", mask, out);
        }
    }

    #[test]
    fn a_second_pass_changes_nothing(a in raw()) {
        for spec in all(SETTLED) {
            if let Ok(once) = write(&spec, &[&a]) {
                prop_assert_eq!(write(&spec, &[&once]), Ok(once.clone()), "{:?} of {}", spec, a);
            }
        }
    }
}
