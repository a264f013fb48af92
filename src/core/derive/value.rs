//! `{ value = … }`: the same value in every event.

use super::constant::Constant;
use super::operator::{DeriveFault, Operator};
use crate::core::plan::selector::Selector;
use crate::core::read::Value;
use serde::{Deserialize, Serialize};

/// A constant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValueSpec {
    /// What is written.
    pub value: Constant,
}

impl Operator for ValueSpec {
    fn places(&self) -> Vec<&Selector> {
        Vec::new()
    }

    fn check(&self) -> Result<(), String> {
        Ok(())
    }

    fn write(&self, _: &[Value<'_>], out: &mut Vec<u8>) -> Result<(), DeriveFault> {
        self.value.write(out);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::fixture::{derived, spec};

    #[test]
    fn every_scalar_of_the_configuration_is_written_as_json() {
        for (toml, expected) in [
            (r#"{ value = "mainframe" }"#, r#""mainframe""#),
            (r#"{ value = "null" }"#, r#""null""#),
            (r#"{ value = "a\"\\\n\u0001é" }"#, r#""a\"\\\n\u0001é""#),
            ("{ value = 9223372036854775807 }", "9223372036854775807"),
            ("{ value = -7 }", "-7"),
            ("{ value = 1.50 }", "1.5"),
            ("{ value = 1e300 }", "1e+300"),
            ("{ value = true }", "true"),
            ("{ value = false }", "false"),
        ] {
            assert_eq!(derived(toml, &[]), Ok(expected.to_owned()), "{toml}");
            let text = serde_json::to_string(&spec(toml).unwrap()).unwrap();
            assert_eq!(text, format!(r#"{{"value":{expected}}}"#), "the plan's text");
            assert_eq!(serde_json::from_str(&text).ok(), spec(toml).ok(), "{text} is read back");
        }
    }

    #[test]
    fn what_is_no_scalar_is_refused() {
        for toml in ["{ value = [1] }", "{ value = {} }", "{ value = inf }", "{ value = nan }"] {
            let told = spec(toml).unwrap_err();
            assert!(told.contains("expected a text, a number, true or false"), "{toml}: {told}");
        }
    }
}
