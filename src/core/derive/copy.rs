//! `{ copy = … }`: a value of the event, or what a list of values makes of it.

use super::constant::Constant;
use super::operator::{DeriveFault, Operator, name, one};
use crate::core::plan::selector::Selector;
use crate::core::read::Value;
use crate::json::text::{Scalar, escape_into};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A copy. A place alone, `"properties.language"`, is one too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CopySpec {
    /// Where the value is.
    pub copy: Selector,
    /// What is written for which value. Texts, whole numbers, true and false are found by their texts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<BTreeMap<String, Constant>>,
    /// What is written for a value that is not in the list.
    #[serde(default, rename = "else", skip_serializing_if = "Option::is_none")]
    pub otherwise: Option<Constant>,
}

impl CopySpec {
    /// The copy of a place, its bytes as they are.
    pub fn of(place: Selector) -> CopySpec {
        CopySpec { copy: place, values: None, otherwise: None }
    }

    /// Whether it is nothing but a place.
    pub fn is_plain(&self) -> bool {
        self.values.is_none() && self.otherwise.is_none()
    }

    fn translated<'a>(
        &'a self,
        values: &'a BTreeMap<String, Constant>,
        value: &Value<'_>,
    ) -> Result<&'a Constant, DeriveFault> {
        let known = match value.scalar() {
            Scalar::Bool(true) => values.get("true"),
            Scalar::Bool(false) => values.get("false"),
            _ => values.get(name(value)?.as_ref()),
        };
        known.or(self.otherwise.as_ref()).ok_or(DeriveFault::Broken)
    }
}

impl Operator for CopySpec {
    fn places(&self) -> Vec<&Selector> {
        vec![&self.copy]
    }

    fn check(&self) -> Result<(), String> {
        match &self.values {
            None if self.otherwise.is_some() => {
                Err("`else` says what becomes of a value that is not in `values`: add \
                                                     `values`, or leave `else` out"
                    .to_owned())
            }
            Some(values) if values.is_empty() => {
                Err("`values` is empty: add what is written for which value, such as `{ BR = \"Brasil\" }`".to_owned())
            }
            _ => Ok(()),
        }
    }

    fn write(&self, values: &[Value<'_>], out: &mut Vec<u8>) -> Result<(), DeriveFault> {
        match &self.values {
            None => copied(one(values), out),
            Some(list) => {
                self.translated(list, one(values))?.write(out);
                Ok(())
            }
        }
    }
}

/// The value itself: the bytes of the event, null too, or the text from outside the JSON.
pub(super) fn copied(value: &Value<'_>, out: &mut Vec<u8>) -> Result<(), DeriveFault> {
    match value {
        Value::Absent => return Err(DeriveFault::Missing),
        Value::Json { raw, .. } => out.extend_from_slice(raw),
        Value::Outside(text) => escape_into(out, text),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::fixture::{BROKEN, MISSING, cases, check, spec};

    #[test]
    fn a_copy_keeps_every_byte() {
        let raw = ["1.0", "-0", "1E5", "9007199254740993", "1e400", "null", "true", r#""a\u0041""#, "[ 1, {} ]", "{}"];
        let same: Vec<(&str, &str)> = raw.iter().map(|raw| (*raw, *raw)).collect();
        for toml in [r#""amount""#, r#"{ copy = "amount" }"#] {
            cases(toml, &same);
            cases(toml, &[("", MISSING)]);
        }
        assert_eq!(spec(r#""amount""#), spec(r#"{ copy = "amount" }"#));
    }

    #[test]
    fn values_are_translated_by_their_texts() {
        let toml = r#"{ copy = "country", values = { BR = "Brasil", 7 = 1, true = "yes", NL = "null" } }"#;
        let listed = [
            (r#""BR""#, r#""Brasil""#),
            (r#""\u0042R""#, r#""Brasil""#),
            ("7", "1"),
            (r#""7""#, "1"),
            ("true", r#""yes""#),
            (r#""NL""#, r#""null""#),
            ("null", MISSING),
            ("", MISSING),
            ("7.0", BROKEN),
            ("[]", BROKEN),
            (r#""\ud800""#, BROKEN),
        ];
        cases(toml, &listed);
        cases(toml, &[(r#""XX""#, BROKEN), (r#""br""#, BROKEN), ("false", BROKEN), (r#""""#, BROKEN)]);
        let with_else = toml.replace("} }", r#"}, else = "?" }"#);
        cases(&with_else, &listed);
        cases(&with_else, &[(r#""XX""#, r#""?""#), ("false", r#""?""#), ("8", r#""?""#), (r#""""#, r#""?""#)]);
    }

    #[test]
    fn else_wants_values_and_values_want_entries() {
        assert!(check(r#"{ copy = "a", else = "?" }"#).unwrap_err().contains("add `values`"));
        assert!(check(r#"{ copy = "a", values = {} }"#).unwrap_err().contains("`values` is empty"));
        assert_eq!(check(r#"{ copy = "a", values = { b = 1 } }"#), Ok(()));
    }
}
