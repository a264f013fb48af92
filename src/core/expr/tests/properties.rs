//! What is so for every text and every event.

use crate::core::expr::tests::fixture::{Event, types};
use crate::core::expr::values::{EventValues, InputValue};
use crate::core::expr::{ConditionAnswer, Expression, Want};
use proptest::prelude::*;

/// Pieces of which any text may be made, sensible or not.
const PIECES: [&str; 52] = [
    "event",
    ".",
    "a",
    "b",
    "[",
    "]",
    "(",
    ")",
    "0",
    "1",
    "1.50",
    "-",
    "+",
    "*",
    "/",
    "%",
    "==",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    "&&",
    "||",
    "!",
    "?",
    ":",
    ",",
    "in",
    "null",
    "true",
    "\"a\"",
    "'é'",
    "\"",
    "`x y`",
    "meta",
    "time",
    "kind",
    "has",
    "present",
    "exists",
    "x",
    "size",
    "split",
    "duration",
    "\"1h\"",
    "timestamp",
    "user",
    " ",
    "=",
    "r\"\\d\"",
    "matches",
];

fn soup() -> impl Strategy<Value = String> {
    let pieces = prop::collection::vec(proptest::sample::select(PIECES.to_vec()), 0..24);
    (pieces, any::<bool>()).prop_map(|(pieces, blanks)| pieces.join(if blanks { " " } else { "" }))
}

fn leaf() -> impl Strategy<Value = String> {
    let leaves = [
        "event.a",
        "event.b",
        "event.l",
        "event.o.x",
        "event.`a b`",
        "meta.time",
        "meta.key",
        "meta.position",
        "meta.header[\"X\"]",
        "meta.subject[2]",
        "user.country",
        "user[id].country",
        "1",
        "0.10",
        "1000000",
        "\"a\"",
        "\"1644849600\"",
        "\"é:b\"",
        "true",
        "false",
        "null",
        "duration(\"1h\")",
        "[]",
        "1e30",
    ];
    proptest::sample::select(leaves.to_vec()).prop_map(str::to_owned)
}

/// An expression of every construct, of whatever types.
fn expression() -> impl Strategy<Value = String> {
    leaf().prop_recursive(5, 40, 3, |inner| {
        let signs = ["==", "!=", "<", ">=", "+", "-", "*", "/", "%", "&&", "||", "in"];
        let methods = [
            "startsWith(\"a\")", "endsWith(event.b)", "contains(\"\")", "size()", "lowerAscii()", "upperAscii()", "trim()",
            "split(\":\")", "split(\"\")[1]", "substring(1)", "substring(0, 1)", "replace(\"a\", \"bb\")",
            "matches(r\"^\\w+$\")", "exists(x, x == event.a)", "all(y, y > 0 || y.p == 1)", "p", "q[0]",
        ];
        let functions = ["has(event.a)", "present(event.o.x)", "number", "text", "timestamp", "duration"];
        prop_oneof![
            4 => (inner.clone(), proptest::sample::select(signs.to_vec()), inner.clone())
                .prop_map(|(a, sign, b)| format!("({a} {sign} {b})")),
            3 => (inner.clone(), proptest::sample::select(methods.to_vec())).prop_map(|(a, method)| format!("({a}).{method}")),
            2 => (inner.clone(), proptest::sample::select(functions.to_vec()))
                .prop_map(|(a, function)| if function.contains('(') { function.to_owned() } else { format!("{function}({a})") }),
            1 => inner.clone().prop_map(|a| format!("!({a})")),
            1 => inner.clone().prop_map(|a| format!("-({a})")),
            1 => (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| format!("({a} ? {b} : {c})")),
            1 => (inner.clone(), inner).prop_map(|(a, b)| format!("[{a}, {b}]")),
        ]
    })
}

fn json() -> impl Strategy<Value = String> {
    let scalar = proptest::sample::select(vec![
        "null",
        "true",
        "false",
        "0",
        "-0",
        "1",
        "1.0",
        "1E5",
        "1e400",
        "-1e-400",
        "1644849600",
        "1763725500123",
        "123456789012345678901234567890123456789012345",
        "\"\"",
        "\"a\"",
        "\"\\u0061\"",
        "\"\\ud800\"",
        "\"é:b\"",
        "\"12.5\"",
        "\"2022-02-14T15:40:00+01:00\"",
        "\"1h\"",
    ])
    .prop_map(str::to_owned);
    scalar.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|elements| format!("[{}]", elements.join(" , "))),
            prop::collection::vec((proptest::sample::select(vec!["x", "p", "q", "\\u0078"]), inner), 0..4).prop_map(
                |members| {
                    let members: Vec<String> =
                        members.iter().map(|(name, value)| format!("\"{name}\" : {value}")).collect();
                    format!("{{{}}}", members.join(","))
                }
            ),
        ]
    })
}

fn event() -> impl Strategy<Value = String> {
    (json(), json(), json(), json()).prop_map(|(a, b, l, o)| format!(r#"{{"a":{a},"b":{b},"l":{l},"o":{o}}}"#))
}

/// The same bytes, JSON or not, at every place.
struct Everywhere<'a>(&'a [u8]);

impl EventValues for Everywhere<'_> {
    fn value(&self, _: usize) -> InputValue<'_> {
        InputValue::Json(self.0)
    }
}

/// Checks and evaluates an expression in every way, over values that may be anything.
fn every_way(expression: &mut Expression, values: &dyn EventValues) -> (ConditionAnswer, Vec<u8>) {
    let mut out = Vec::new();
    let computed = expression.compute(values, &mut out);
    assert!(computed.is_ok() || out.is_empty());
    let answer = expression.holds(values);
    // A condition's value is its answer.
    if let (Ok(()), b"true" | b"false") = (computed, out.as_slice()) {
        assert_eq!(answer, if out == b"true" { ConditionAnswer::True } else { ConditionAnswer::False });
    }
    (answer, out)
}

fn faults_are_inside(text: &str) -> Option<Expression> {
    let inside = |at: &std::ops::Range<usize>| assert!(text.get(at.clone()).is_some(), "{text}: {at:?}");
    match Expression::parse(text) {
        Err(fault) => {
            inside(&fault.at);
            None
        }
        Ok(expression) => {
            for want in [Want::Condition, Want::Value] {
                expression.check(&types, want).iter().for_each(|fault| inside(&fault.at));
            }
            expression.reads().iter().for_each(|reading| inside(&reading.at));
            Some(expression)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn no_text_breaks_anything(text in prop_oneof![any::<String>(), soup(), expression()], bytes in any::<Vec<u8>>()) {
        if let Some(mut expression) = faults_are_inside(&text) {
            every_way(&mut expression, &Everywhere(&bytes));
            expression.rely_on(&types);
            every_way(&mut expression, &Everywhere(&bytes));
        }
    }

    #[test]
    fn every_expression_is_a_pure_function(text in expression(), json in event()) {
        let mut one = faults_are_inside(&text).expect("the generator writes what the parser takes");
        let mut other = Expression::parse(&text).unwrap();
        let of = |expression: &mut Expression| {
            let copy = expression.clone();
            every_way(expression, &Event { expression: &copy, json: &json })
        };
        let first = of(&mut one);
        prop_assert_eq!(&first, &of(&mut other));
        prop_assert_eq!(&first, &of(&mut one));
        // What is written is JSON, since what is moved was.
        if !first.1.is_empty() {
            prop_assert!(serde_json::from_slice::<&serde_json::value::RawValue>(&first.1).is_ok(), "{:?}", first.1);
        }
    }

    #[test]
    fn the_three_values_obey_their_laws(a in expression(), b in expression(), json in event()) {
        let holds = |text: String| crate::core::expr::tests::fixture::holds(&text, &json);
        prop_assert_eq!(holds(format!("({a}) && ({b})")), holds(format!("({b}) && ({a})")));
        prop_assert_eq!(holds(format!("({a}) || ({b})")), holds(format!("({b}) || ({a})")));
        prop_assert_eq!(holds(format!("!(({a}) && ({b}))")), holds(format!("!({a}) || !({b})")));
        prop_assert_eq!(holds(format!("({a}) == ({b})")), holds(format!("({b}) == ({a})")));
        prop_assert_eq!(holds(format!("({a}) != ({b})")), holds(format!("!(({a}) == ({b}))")));
        prop_assert_eq!(holds(format!("({a}) < ({b})")), holds(format!("({b}) > ({a})")));
    }

    /// Without a fault that was found by types, nothing is broken by types: only by what is in a value.
    #[test]
    fn what_the_check_lets_through_is_told_apart(text in expression()) {
        let expression = Expression::parse(&text).unwrap();
        let any = expression.check(&|_| crate::core::expr::ExprType::Dyn, Want::Value);
        let constant = expression.reads().is_empty();
        prop_assert!(!any.is_empty() || !constant, "{} is the same for all events, and nobody said so", text);
    }
}
