//! Target `expression`: any text as a condition or a computed value, over any values.
//!
//! The first line is an expression, each further line a value for one of its reads, the last one for all others; `=` begins
//! one from outside the JSON, and an empty line is nothing. A text is either taken or explained, and every explanation
//! points into it. What is computed is one JSON value, or nothing is written; the same again gives the same; `!(x)` is the
//! opposite of `x`.

use super::json::is_json;
use sidestream::core::expr::{ConditionAnswer, EventValues, ExprType, Expression, InputValue, Want, Why};
use std::borrow::Cow;

struct Lines<'a>(Vec<&'a str>);

impl EventValues for Lines<'_> {
    fn value(&self, read: usize) -> InputValue<'_> {
        let line = self.0.get(read).or(self.0.last()).copied().unwrap_or_default();
        let raw = line.trim_matches([' ', '\t', '\r']);
        match line.strip_prefix('=') {
            Some(outside) => InputValue::Text(Cow::Borrowed(outside)),
            None if is_json(raw) => InputValue::Json(raw.as_bytes()),
            None => InputValue::Absent,
        }
    }
}

/// Checks one input.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut lines = text.split('\n');
    let text = lines.next().unwrap_or_default();
    let values = Lines(lines.collect());
    let expression = match Expression::parse(text) {
        Ok(expression) => expression,
        Err(fault) => {
            assert!(!fault.what.is_empty() && text.get(fault.at.clone()).is_some(), "{fault:?}");
            return;
        }
    };
    for want in [Want::Condition, Want::Value] {
        for of in [ExprType::Dyn, ExprType::Text, ExprType::Number] {
            for fault in expression.check(&|_| of, want) {
                assert!(!fault.what.is_empty() && text.get(fault.at.clone()).is_some(), "{fault:?}");
            }
        }
    }
    let answer = expression.holds(&values);
    assert_eq!(answer, expression.clone().holds(&values));
    let value = computed(&expression, &values);
    assert_eq!(value, computed(&expression, &values));
    match value.as_deref() {
        Ok("true") => assert_eq!(answer, ConditionAnswer::True),
        Ok("false") => assert_eq!(answer, ConditionAnswer::False),
        Ok(_) => assert_eq!(answer, ConditionAnswer::Unknown(Why::Broken)),
        Err(why) => assert_eq!(answer, ConditionAnswer::Unknown(*why)),
    }
    // One bracket and one sign more may be too deep, or too long.
    if let Ok(opposite) = Expression::parse(&format!("!({text}\n)")) {
        let right = match answer {
            ConditionAnswer::True => ConditionAnswer::False,
            ConditionAnswer::False => ConditionAnswer::True,
            unknown => unknown,
        };
        assert_eq!(opposite.holds(&values), right);
    }
}

fn computed(expression: &Expression, values: &Lines<'_>) -> Result<String, Why> {
    let mut out = b"before".to_vec();
    let result = expression.compute(values, &mut out);
    let written = String::from_utf8(out).unwrap();
    let written = written.strip_prefix("before").unwrap();
    assert!(if result.is_ok() { is_json(written) } else { written.is_empty() }, "{written:?}");
    result.map(|()| written.to_owned())
}
