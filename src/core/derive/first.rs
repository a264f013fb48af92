//! `{ first = […] }`: the first of several places that has something.

use super::copy::copied;
use super::operator::{DeriveFault, Operator};
use crate::core::plan::selector::Selector;
use crate::core::read::Value;
use serde::{Deserialize, Serialize};

/// The first value that is present.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FirstSpec {
    /// The places, in the order in which they are asked.
    pub first: Vec<Selector>,
}

impl Operator for FirstSpec {
    fn places(&self) -> Vec<&Selector> {
        self.first.iter().collect()
    }

    fn check(&self) -> Result<(), String> {
        if self.first.is_empty() {
            return Err("`first` names no place: add some, such as `[\"customer\", \"cust\"]`".to_owned());
        }
        let again = self.first.iter().enumerate().find(|(n, place)| self.first.iter().take(*n).any(|p| p == *place));
        match again {
            Some((_, place)) => Err(format!("`first` names `{place}` twice: leave one out")),
            None => Ok(()),
        }
    }

    fn write(&self, values: &[Value<'_>], out: &mut Vec<u8>) -> Result<(), DeriveFault> {
        let first = values.iter().find(|value| value.is_present());
        first.map_or(Err(DeriveFault::Missing), |value| copied(value, out))
    }
}

#[cfg(test)]
mod tests {
    use super::super::operator::DeriveFault;
    use super::super::tests::fixture::{check, derived};

    #[test]
    fn the_first_that_has_something_is_copied() {
        let first = |values: &[&str]| derived(r#"{ first = ["customer", "cust", "client"] }"#, values);
        for (values, expected) in [
            (["1", "2", "3"], "1"),
            (["", "2", "3"], "2"),
            (["null", "", "\"c\""], "\"c\""),
            (["\"\"", "false", "3"], "false"),
            (["[]", "2", "3"], "[]"),
            (["\" \"", "2", "3"], "\" \""),
            (["0.0", "2", "3"], "0.0"),
        ] {
            assert_eq!(first(&values), Ok(expected.to_owned()), "{values:?}");
        }
        assert_eq!(first(&["", "null", "\"\""]), Err(DeriveFault::Missing));
    }

    #[test]
    fn no_place_and_a_place_twice_are_refused() {
        assert!(check("{ first = [] }").unwrap_err().contains("names no place"));
        assert!(check(r#"{ first = ["a", "b", "a"] }"#).unwrap_err().contains("`a` twice"));
        assert_eq!(check(r#"{ first = ["a", "b"] }"#), Ok(()));
    }
}
