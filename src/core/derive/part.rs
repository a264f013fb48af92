//! `{ part = …, at = N }`: one part of a text, such as the first name in `payment:order:completed`.

use super::constant::Constant;
use super::operator::{DeriveFault, Operator, one};
use crate::core::plan::selector::Selector;
use crate::core::read::Value;
use crate::json::text::{Scalar, escape_into};
use serde::{Deserialize, Serialize};

/// A part of a text. One that is not there, or is empty, is missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartSpec {
    /// Where the text is.
    pub part: Selector,
    /// Which part, from 1.
    pub at: usize,
    /// What stands between two parts.
    #[serde(default = "colon", skip_serializing_if = "is_colon")]
    pub split: String,
    /// What is written where the part is missing, or the whole text is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub or: Option<Constant>,
}

fn colon() -> String {
    ":".to_owned()
}

fn is_colon(split: &String) -> bool {
    split == ":"
}

impl PartSpec {
    /// The part of a text that no character has to be escaped in.
    fn of<'t>(&self, text: &'t [u8]) -> Option<&'t [u8]> {
        let nth = self.at.checked_sub(1)?;
        let part = match self.split.as_bytes() {
            // A byte below 128 is never inside a character: bytes may be compared.
            [between] => text.split(|byte| byte == between).nth(nth),
            _ => std::str::from_utf8(text).ok()?.split(self.split.as_str()).nth(nth).map(str::as_bytes),
        };
        part.filter(|part| !part.is_empty())
    }

    fn found(&self, value: &Value<'_>, out: &mut Vec<u8>) -> Result<(), DeriveFault> {
        // Most texts have no escapes, and no part of them needs any.
        if let Value::Json { raw: [b'"', inner @ .., b'"'], .. } = value
            && !inner.contains(&b'\\')
        {
            let part = self.of(inner).ok_or(DeriveFault::Missing)?;
            out.push(b'"');
            out.extend_from_slice(part);
            out.push(b'"');
            return Ok(());
        }
        match value.scalar() {
            Scalar::Null => Err(DeriveFault::Missing),
            Scalar::Text(text) => {
                let part = self.of(text.as_bytes()).and_then(|part| std::str::from_utf8(part).ok());
                escape_into(out, part.ok_or(DeriveFault::Missing)?);
                Ok(())
            }
            _ => Err(DeriveFault::Broken),
        }
    }
}

impl Operator for PartSpec {
    fn places(&self) -> Vec<&Selector> {
        vec![&self.part]
    }

    fn check(&self) -> Result<(), String> {
        if self.at == 0 {
            return Err("`at = 0` is no part: the first one is `at = 1`".to_owned());
        }
        if self.split.is_empty() {
            return Err("`split` is empty: name what stands between two parts, such as `:`".to_owned());
        }
        Ok(())
    }

    fn write(&self, values: &[Value<'_>], out: &mut Vec<u8>) -> Result<(), DeriveFault> {
        match (self.found(one(values), out), &self.or) {
            (Err(DeriveFault::Missing), Some(or)) => {
                or.write(out);
                Ok(())
            }
            (found, _) => found,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::operator::DeriveFault;
    use super::super::tests::fixture::{BROKEN, MISSING, cases, check, derived, json_text, spec};
    use proptest::prelude::*;

    #[test]
    fn parts_are_counted_from_one_and_empty_ones_are_missing() {
        let rows = [
            (r#""payment:order:completed""#, r#""payment""#, r#""order""#),
            (r#""account""#, r#""account""#, MISSING),
            (r#""account:""#, r#""account""#, MISSING),
            (r#"":x""#, MISSING, r#""x""#),
            (r#""a::b""#, r#""a""#, MISSING),
            (r#""""#, MISSING, MISSING),
            (r#"":""#, MISSING, MISSING),
            (r#""é\u003a\"ü\"""#, r#""é""#, r#""\"ü\"""#),
            (r#""\n:\u0001\u002f""#, r#""\n""#, r#""\u0001/""#),
            ("null", MISSING, MISSING),
            ("", MISSING, MISSING),
            ("7", BROKEN, BROKEN),
            ("true", BROKEN, BROKEN),
            (r#"["a:b"]"#, BROKEN, BROKEN),
            (r#""\ud800:b""#, BROKEN, BROKEN),
        ];
        for (event_name, first, second) in rows {
            cases(r#"{ part = "event_name", at = 1 }"#, &[(event_name, first)]);
            cases(r#"{ part = "event_name", at = 2 }"#, &[(event_name, second)]);
            let or = |part| if part == MISSING { r#""none""# } else { part };
            cases(r#"{ part = "event_name", at = 2, or = "none" }"#, &[(event_name, or(second))]);
        }
    }

    #[test]
    fn a_second_pass_over_the_first_part_changes_nothing() {
        cases(r#"{ part = "event_name", at = 1 }"#, &[(r#""payment""#, r#""payment""#)]);
    }

    #[test]
    fn what_stands_between_the_parts_may_be_long() {
        cases(r#"{ part = "path", at = 2, split = "::" }"#, &[(r#""a::b:c::d""#, r#""b:c""#)]);
        cases(r#"{ part = "path", at = 2, split = "é" }"#, &[(r#""aébéc""#, r#""b""#)]);
        cases(r#"{ part = "path", at = 2, split = "\"" }"#, &[(r#""a\"b\"c""#, r#""b""#)]);
        cases(r#"{ part = "path", at = 2, split = "\\" }"#, &[(r#""a\\b\\c""#, r#""b""#)]);
    }

    #[test]
    fn at_and_split_have_their_limits_and_short_texts() {
        assert!(check(r#"{ part = "a", at = 0 }"#).unwrap_err().contains("`at = 1`"));
        assert!(check(r#"{ part = "a", at = 1, split = "" }"#).unwrap_err().contains("`split` is empty"));
        let toml = r#"{ part = "a", at = 1, split = ":" }"#;
        assert_eq!(serde_json::to_string(&spec(toml).unwrap()).unwrap(), r#"{"part":"a","at":1}"#);
    }

    proptest! {
        #[test]
        fn parts_are_those_of_a_naive_split(
            text in r#"[a-c:é"\\\n]{0,12}"#,
            split in prop_oneof![Just(":"), Just("::"), Just("é"), Just("\""), Just("\\"), Just("ab")],
            at in 1..5_usize,
        ) {
            let toml = format!("{{ part = \"a\", at = {at}, split = {} }}", json_text(split));
            let naive = text.split(split).nth(at - 1).filter(|part| !part.is_empty());
            let expected = naive.map(json_text).ok_or(DeriveFault::Missing);
            prop_assert_eq!(derived(&toml, &[&json_text(&text)]), expected);
        }
    }
}
