//! The texts of the plan in force and of earlier ones, by fingerprint.
//!
//! ```text
//! key    "plan/" | fingerprint | "/" | part u16 BE
//! body   the plan's text, cut into values by `parts`
//! ```
//!
//! A text is never rewritten, since the fingerprint is made of it. One that this build cannot read to the last word, or
//! whose words do not come to its fingerprint, is a later build's: to run what is left of it would be another plan under
//! the later one's name.

use super::error::RecordError;
use super::parts::{Joiner, StoreChange, WholeRecord, split};
use super::shape::PLAN_1;
use super::version::RecordKind;
use crate::core::mutants::{Mutant, planted};
use crate::core::plan::spec::PlanSpec;

/// The prefix of every plan.
pub const PLANS: &[u8] = b"plan/";

/// Appends what stores a plan's text; storing it again changes nothing.
pub fn encode_plan(fingerprint: &str, text: &str, out: &mut Vec<StoreChange>) -> Result<u16, RecordError> {
    let version = PLAN_1.version(text.as_bytes());
    split(&[PLANS, fingerprint.as_bytes(), b"/"].concat(), version, text.as_bytes(), 0, out)
}

/// The plan of a text that stands under a fingerprint.
pub fn read_plan(fingerprint: &str, text: &str) -> Result<PlanSpec, RecordError> {
    let later = |why: String| RecordError::LaterPlan { plan: fingerprint.to_owned(), why };
    if planted(Mutant::LaterWordsDropped) {
        return without_later_words(text).ok_or_else(|| later("it does not parse".to_owned()));
    }
    let plan: PlanSpec = serde_json::from_str(text).map_err(|error| later(error.to_string()))?;
    match plan.fingerprint() {
        ours if ours == fingerprint => Ok(plan),
        ours => Err(later(format!("what this build reads of it is plan {ours}"))),
    }
}

/// What an early build made of a text: members of the plan that it did not know were left out.
fn without_later_words(text: &str) -> Option<PlanSpec> {
    let mut value: serde_json::Value = serde_json::from_str(text).ok()?;
    value.as_object_mut()?.retain(|name, _| PLAN_1.names(name));
    serde_json::from_value(value).ok()
}

/// Puts plans together from the entries of a scan over `PLANS`.
#[derive(Debug)]
pub struct PlanReader {
    joiner: Joiner,
}

impl Default for PlanReader {
    fn default() -> PlanReader {
        PlanReader { joiner: Joiner::new(RecordKind::Plan) }
    }
}

impl PlanReader {
    /// Takes the next entry of the scan; returns fingerprint and text of the plan that it completes, if it does.
    pub fn push<'a>(&'a mut self, key: &'a [u8], value: &'a [u8]) -> Result<Option<(&'a str, &'a str)>, RecordError> {
        let Some(WholeRecord { prefix, body, .. }) = self.joiner.push(key, value)? else { return Ok(None) };
        let name = prefix.strip_prefix(PLANS).and_then(|rest| rest.strip_suffix(b"/"));
        let fingerprint = name.and_then(|name| std::str::from_utf8(name).ok());
        let fingerprint = fingerprint.ok_or(RecordError::Damaged("its key is no plan's key"))?;
        let text = std::str::from_utf8(body).map_err(|_| RecordError::Damaged("a plan's text is not UTF-8"))?;
        Ok(Some((fingerprint, text)))
    }

    /// Asked at the end of the scan: whether its last plan was whole.
    pub fn finish(&self) -> Result<(), RecordError> {
        self.joiner.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::record::VALUE_LIMIT;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn texts_come_back(fingerprint in "[0-9a-f]{16}", start in ".{0,40}", more in 0_usize..5000) {
            let text = start + &"é".repeat(more);
            let mut out = Vec::new();
            encode_plan(&fingerprint, &text, &mut out).unwrap();
            let mut reader = PlanReader::default();
            let mut found = None;
            for (key, value) in &out {
                prop_assert!(key.starts_with(PLANS) && value.as_ref().unwrap().len() < VALUE_LIMIT);
                if let Some((name, text)) = reader.push(key, value.as_ref().unwrap()).unwrap() {
                    found = Some((name.to_owned(), text.to_owned()));
                }
            }
            reader.finish().unwrap();
            prop_assert_eq!(found, Some((fingerprint, text)));
        }

        #[test]
        fn arbitrary_bytes_are_no_panic(key in prop::collection::vec(any::<u8>(), 0..30), value in prop::collection::vec(any::<u8>(), 0..30)) {
            let _ = PlanReader::default().push(&key, &value);
        }
    }
}
