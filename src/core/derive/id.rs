//! `{ id = […] }`: an id made of several values, the same wherever and however often it is made.

use super::operator::{DeriveFault, Operator, name};
use crate::core::plan::selector::Selector;
use crate::core::read::Value;
use crate::json::text::escape_into;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use uuid::Uuid;

/// A UUID of version 5 (RFC 9562, section 5.5) in the namespace of URLs, of the values' texts as one compact JSON array:
/// every language can make it again. A value that is absent, null or an empty text makes no id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdSpec {
    /// Where the values are: texts and whole numbers, 7 being the same as "7".
    pub id: Vec<Selector>,
    /// With it, the id is the texts themselves with this between them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub join: Option<String>,
}

impl IdSpec {
    fn joined(values: &[Value<'_>], join: &str) -> Result<String, DeriveFault> {
        let mut all = String::new();
        for (n, value) in values.iter().enumerate() {
            if n > 0 {
                all.push_str(join);
            }
            all.push_str(&part(value)?);
        }
        Ok(all)
    }

    /// Puts the array where the id will stand: the hash wants it in one piece.
    fn array(values: &[Value<'_>], out: &mut Vec<u8>) -> Result<(), DeriveFault> {
        out.push(b'[');
        for (n, value) in values.iter().enumerate() {
            if n > 0 {
                out.push(b',');
            }
            escape_into(out, &part(value)?);
        }
        out.push(b']');
        Ok(())
    }
}

/// An id of nothing would be the id of all events that have nothing there, and all but one would be its duplicates.
fn part<'a>(value: &'a Value<'_>) -> Result<Cow<'a, str>, DeriveFault> {
    name(value).and_then(|text| if text.is_empty() { Err(DeriveFault::Missing) } else { Ok(text) })
}

impl Operator for IdSpec {
    fn places(&self) -> Vec<&Selector> {
        self.id.iter().collect()
    }

    fn check(&self) -> Result<(), String> {
        if self.id.is_empty() {
            return Err(
                "`id` names no place: add what tells two events apart, such as `[\"policy\", \"time\"]`".to_owned()
            );
        }
        if self.join.as_deref() == Some("") {
            return Err("`join` is empty, so that \"ab\" and \"c\" have the id of \"a\" and \"bc\": name what stands \
                        between them, such as `-`"
                .to_owned());
        }
        Ok(())
    }

    fn write(&self, values: &[Value<'_>], out: &mut Vec<u8>) -> Result<(), DeriveFault> {
        if let Some(join) = &self.join {
            escape_into(out, &IdSpec::joined(values, join)?);
            return Ok(());
        }
        let before = out.len();
        let array = IdSpec::array(values, out);
        let id = Uuid::new_v5(&Uuid::NAMESPACE_URL, out.get(before..).unwrap_or_default());
        out.truncate(before);
        array?;
        out.push(b'"');
        out.extend_from_slice(id.hyphenated().encode_lower(&mut Uuid::encode_buffer()).as_bytes());
        out.push(b'"');
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::operator::DeriveFault::{Broken, Missing};
    use super::super::tests::fixture::{check, derived};

    fn id(values: &[&str]) -> Result<String, super::DeriveFault> {
        derived(r#"{ id = ["a", "b"] }"#, values).map(|text| text.trim_matches('"').to_owned())
    }

    #[test]
    fn ids_are_those_that_other_programs_make() {
        for (values, expected) in [
            ([r#""A1111111111""#, r#""2019-07-26-08.43.28.546789""#], "4feecc3f-8dee-5e15-a88c-9ac452a296a3"),
            ([r#""a|b""#, r#""c""#], "bb8b8f35-d5ba-5c88-83de-cd438b7b455d"),
            ([r#""a""#, r#""b|c""#], "e39f66df-33d5-5a7e-8d3f-1eeca5de50a6"),
            ([r#""a""#, "7"], "2487c555-457f-5df0-8f00-6b5431a34fb9"),
            ([r#""\u0061""#, r#""7""#], "2487c555-457f-5df0-8f00-6b5431a34fb9"),
            // Python: uuid5(NAMESPACE_URL, json.dumps([...], ensure_ascii=False, separators=(",", ":"))).
            ([r#""é\"\\""#, r#""\n\u0001/""#], "8a0b2e58-7432-59f8-bb00-6dd930e5be98"),
            ([r#""😀""#, "-0"], "3fe71b5a-f47e-54b6-8f79-dbffff0cefc1"),
        ] {
            assert_eq!(id(&values).as_deref(), Ok(expected), "{values:?}");
        }
    }

    #[test]
    fn an_id_is_made_of_all_its_values_or_not_at_all() {
        for nothing in ["", "null", r#""""#] {
            assert_eq!(id(&[nothing, "1"]), Err(Missing), "{nothing}");
            assert_eq!(id(&["1", nothing]), Err(Missing), "{nothing}");
        }
        for wrong in ["7.0", "1e3", "true", "[]", "{}", r#""\ud800""#] {
            assert_eq!(id(&["1", wrong]), Err(Broken), "{wrong}");
        }
    }

    #[test]
    fn a_joined_id_can_be_read() {
        let id = |values: &[&str]| derived(r#"{ id = ["a", "b"], join = "-" }"#, values);
        assert_eq!(id(&[r#""A1""#, "7"]).as_deref(), Ok(r#""A1-7""#));
        assert_eq!(id(&[r#""a\"\u00e9""#, r#""b""#]).as_deref(), Ok(r#""a\"é-b""#));
        assert_eq!(id(&["7", "null"]), Err(Missing));
        assert_eq!(id(&["7", "[]"]), Err(Broken));
    }

    #[test]
    fn no_place_and_an_empty_join_are_refused() {
        assert!(check("{ id = [] }").unwrap_err().contains("names no place"));
        assert!(check(r#"{ id = ["a"], join = "" }"#).unwrap_err().contains("`join` is empty"));
        assert_eq!(check(r#"{ id = ["a"], join = "-" }"#), Ok(()));
    }
}
