//! `{ calc = 'event.net + event.tax' }`: what an expression computes.
//!
//! Reads fields, subject, headers and the time of storage; what is known of an event only later is refused.

use super::operator::{DeriveFault, Operator};
use super::time::rfc3339;
use crate::core::expr::{EventValues, ExprType, Expression, InputValue, Read, Want, Why};
use crate::core::ids::Nanos;
use crate::core::plan::check::Severity;
use crate::core::plan::condition::place_of;
use crate::core::plan::selector::Selector;
use crate::core::read::Value;
use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize, Serializer};

/// A computed value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalcSpec {
    /// The expression.
    pub calc: Formula,
}

/// An expression, and the places of its reads, where they have some.
#[derive(Clone, Debug)]
pub struct Formula {
    expression: Expression,
    places: Vec<Selector>,
}

impl Formula {
    /// Reads its text; the error is a sentence.
    pub fn parse(text: &str) -> Result<Formula, String> {
        let expression = Expression::parse(text).map_err(|fault| {
            let hint = fault.hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
            format!("`{text}` cannot be computed: {}{hint}", fault.what)
        })?;
        let place = |read: &Read| match read {
            Read::Time => Some(Selector::Time),
            read => place_of(read),
        };
        let places: Option<Vec<Selector>> = expression.reads().iter().map(|reading| place(&reading.read)).collect();
        match places {
            Some(places) => Ok(Formula { expression, places }),
            None => Err(format!(
                "`{text}` reads what is not known yet where fields are derived: use fields of the event, \
                 `meta.subject`, `meta.header` and `meta.time`"
            )),
        }
    }
}

impl PartialEq for Formula {
    fn eq(&self, other: &Formula) -> bool {
        self.expression.text() == other.expression.text()
    }
}

impl Eq for Formula {}

impl Serialize for Formula {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.expression.text().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Formula {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Formula, D::Error> {
        Formula::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl Operator for CalcSpec {
    fn places(&self) -> Vec<&Selector> {
        self.calc.places.iter().collect()
    }

    fn check(&self) -> Result<(), String> {
        let faults = self.calc.expression.check(&|_| ExprType::Dyn, Want::Value);
        let text = self.calc.expression.text();
        match faults.into_iter().find(|fault| fault.severity == Severity::Mistake) {
            Some(fault) => Err(format!("`{text}` cannot be computed: {}", fault.what)),
            None => Ok(()),
        }
    }

    fn write(&self, values: &[Value<'_>], out: &mut Vec<u8>) -> Result<(), DeriveFault> {
        let given = CalcValues { places: &self.calc.places, values };
        self.calc.expression.compute(&given, out).map_err(|why| match why {
            Why::Absent => DeriveFault::Missing,
            Why::Broken => DeriveFault::Broken,
        })
    }
}

struct CalcValues<'a> {
    places: &'a [Selector],
    values: &'a [Value<'a>],
}

impl EventValues for CalcValues<'_> {
    fn value(&self, read: usize) -> InputValue<'_> {
        let value = self.values.get(read).expect("one value for each place");
        match (self.places.get(read), value) {
            (Some(Selector::Time), Value::Outside(text)) => time(text).map_or(InputValue::Absent, InputValue::Time),
            (_, value) => value.clone().into(),
        }
    }
}

/// The time of storage, which comes as a text.
fn time(text: &str) -> Option<Nanos> {
    let time = rfc3339::read(text)?;
    let nanos = time.seconds().checked_mul(1_000_000_000)?.checked_add(i64::from(time.nanos()))?;
    Some(Nanos(nanos))
}

#[cfg(test)]
mod tests {
    use super::super::operator::DeriveFault;
    use super::super::tests::fixture::{derived, spec};

    #[test]
    fn numbers_are_exact_and_keep_their_scale() {
        for (calc, values, expected) in [
            ("event.a + 1", ["9007199254740993", ""], Ok("9007199254740994")),
            ("event.a + event.b", ["0.1", "0.2"], Ok("0.3")),
            ("event.a * 3", ["10.10", ""], Ok("30.30")),
            ("event.a / 100", ["1500.5", ""], Ok("15.005")),
            ("event.a / event.b", ["10", "4"], Ok("2.5")),
            ("event.a / event.b", ["1", "3"], Ok("0.333333333333333333")),
            ("event.a / event.b", ["7", "0"], Err(DeriveFault::Broken)),
            ("event.a + 1", ["1e400", ""], Err(DeriveFault::Broken)),
            ("event.a * 2", ["\"x\"", ""], Err(DeriveFault::Broken)),
            ("event.a * 2", ["", ""], Err(DeriveFault::Missing)),
            ("event.a > 1 ? \"big\" : \"small\"", ["2", ""], Ok("\"big\"")),
        ] {
            let places = if calc.contains("event.b") { &values[..] } else { &values[..1] };
            let found = derived(&format!("{{ calc = '{calc}' }}"), places);
            assert_eq!(found, expected.map(str::to_owned), "{calc} of {values:?}");
        }
    }

    #[test]
    fn what_is_known_later_and_what_cannot_be_is_refused() {
        for (toml, told) in [
            ("{ calc = 'meta.key' }", "reads what is not known yet"),
            ("{ calc = 'user.country' }", "reads what is not known yet"),
            ("{ calc = 'event.a +' }", "cannot be computed"),
            ("{ calc = 5 }", "expected"),
        ] {
            let error = spec(toml).unwrap_err();
            assert!(error.contains(told), "{toml}: {error}");
        }
    }
}
