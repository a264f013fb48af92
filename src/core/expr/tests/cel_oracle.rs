//! Conditions beside the interpreter of the `cel` crate, where both must answer the same.
//!
//! That is: whole numbers without division, texts of ASCII, no declared types, nothing absent inside of a list. An error there
//! is an unknown answer here. Brackets are rare, since that crate's parser needs a very deep stack for them.

use crate::core::expr::ConditionAnswer::{self, False, True, Unknown};
use crate::core::expr::tests::fixture::holds;
use cel::{Context, Program, Value};
use proptest::prelude::*;
use std::collections::HashMap;

/// What a field may be, as JSON and as CEL writes it.
fn field() -> impl Strategy<Value = Option<&'static str>> {
    proptest::sample::select(vec![
        None,
        Some("null"),
        Some("true"),
        Some("false"),
        Some("0"),
        Some("1"),
        Some("-7"),
        Some("\"\""),
        Some("\"a\""),
        Some("\"abc\""),
        Some("[]"),
        Some("[1,\"a\",true]"),
        Some("[\"abc\",\"b\"]"),
    ])
}

fn value(json: &str) -> Value {
    let program = Program::compile(json).unwrap();
    program.execute(&Context::default()).unwrap()
}

fn event(fields: &[Option<&'static str>]) -> (String, Value) {
    let named = fields.iter().enumerate().filter_map(|(n, field)| Some((format!("f{n}"), (*field)?)));
    let named: Vec<(String, &str)> = named.collect();
    let members: Vec<String> = named.iter().map(|(name, json)| format!("\"{name}\":{json}")).collect();
    let values: HashMap<String, Value> = named.iter().map(|(name, json)| (name.clone(), value(json))).collect();
    (format!("{{{}}}", members.join(",")), values.into())
}

fn place() -> impl Strategy<Value = String> {
    (0..4_usize).prop_map(|n| format!("event.f{n}"))
}

fn constant() -> impl Strategy<Value = String> {
    proptest::sample::select(vec!["0", "1", "-7", "2", "\"\"", "\"a\"", "\"abc\"", "true", "false", "null"])
        .prop_map(str::to_owned)
}

/// A value: a place, a constant, or some arithmetic.
fn operand() -> impl Strategy<Value = String> {
    let simple = || prop_oneof![3 => place(), 2 => constant()];
    prop_oneof![
        6 => simple(),
        1 => (place(), proptest::sample::select(vec!["+", "-", "*"]), proptest::sample::select(vec!["1", "3", "\"a\""]))
            .prop_map(|(a, sign, b)| format!("{a} {sign} {b}")),
        1 => place().prop_map(|a| format!("{a}.size()")),
    ]
}

fn test() -> impl Strategy<Value = String> {
    let order = proptest::sample::select(vec!["==", "!=", "<", "<=", ">", ">="]);
    prop_oneof![
        6 => (operand(), order, operand()).prop_map(|(a, sign, b)| format!("{a} {sign} {b}")),
        1 => place().prop_map(|a| format!("has({a})")),
        1 => (place(), constant(), constant()).prop_map(|(a, b, c)| format!("{a} in [{b}, {c}]")),
        1 => (constant(), place()).prop_map(|(a, b)| format!("{a} in {b}")),
        1 => (place(), proptest::sample::select(vec!["contains", "startsWith", "endsWith"]))
            .prop_map(|(a, function)| format!("{a}.{function}(\"a\")")),
        1 => (place(), proptest::sample::select(vec!["exists", "all"]), constant())
            .prop_map(|(a, asked, b)| format!("{a}.{asked}(x, x == {b})")),
        1 => (place(), proptest::sample::select(vec!["exists", "all"]))
            .prop_map(|(a, asked)| format!("{a}.{asked}(x, x > 0)")),
        1 => place(),
    ]
}

/// A condition; `&&` and `||` mostly without brackets, so that what binds more strongly is put to the question too.
fn condition() -> impl Strategy<Value = String> {
    test().prop_recursive(3, 12, 3, |inner| {
        let terms = (inner.clone(), proptest::sample::select(vec!["&&", "||"]), inner.clone());
        prop_oneof![
            6 => terms.clone().prop_map(|(a, sign, b)| format!("{a} {sign} {b}")),
            1 => terms.prop_map(|(a, sign, b)| format!("({a} {sign} {b})")),
            2 => inner.clone().prop_map(|a| format!("!({a})")),
            1 => (inner.clone(), inner.clone(), inner).prop_map(|(a, b, c)| format!("({a} ? {b} : {c})")),
        ]
    })
}

fn cel(text: &str, event: Value) -> Option<bool> {
    let program = Program::compile(text).unwrap_or_else(|errors| panic!("{text}: {errors}"));
    let mut context = Context::default();
    context.add_variable_from_value("event", event);
    match program.execute(&context) {
        Ok(Value::Bool(answer)) => Some(answer),
        _ => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn conditions_answer_as_cel_does(text in condition(), fields in prop::collection::vec(field(), 4)) {
        let (json, event) = event(&fields);
        let right = cel(&text, event);
        let ours = match holds(&text, &json) {
            True => Some(true),
            False => Some(false),
            Unknown(_) => None,
        };
        prop_assert_eq!(ours, right, "{} over {}", text, json);
    }
}

/// Where the answers differ on purpose.
#[test]
fn some_answers_are_better_than_those_of_cel() {
    let fields = [Some("1"), Some("[1,\"a\",true]")];
    let cases: [(&str, ConditionAnswer, Option<bool>); 4] = [
        ("9007199254740993 == 9007199254740992.0", False, Some(true)),
        ("1.0 / 0.0 > 1.0", Unknown(crate::core::expr::Why::Broken), Some(true)),
        ("event.f0 * 2.5 == 2.5", True, None),
        ("1 in [event.nothing, 1]", True, None),
    ];
    for (text, ours, theirs) in cases {
        let (json, event) = event(&fields);
        assert_eq!((holds(text, &json), cel(text, event)), (ours, theirs), "{text}");
    }
}
