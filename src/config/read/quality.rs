//! `[[quality]]`: what an event should be, and what becomes of one that is not.

use super::super::draft::{ConfigDraft, NO_PLACE};
use super::super::given::Named;
use super::super::places::ConfigPlaces;
use super::super::section::SectionReader;
use crate::core::plan::check::KeyPath;
use crate::core::plan::condition::Condition;
use crate::core::plan::quality::{OnViolation, QualitySpec};
use crate::core::plan::selector::Selector;
use std::collections::BTreeMap;

pub(super) fn quality(root: &mut SectionReader<'_, '_>, draft: &mut ConfigDraft) {
    for node in root.repeated("quality") {
        if let Some(section) = root.enter("[[quality]]".to_owned(), node.place, node) {
            let at = KeyPath::quality(draft.plan.quality.len());
            draft.places.write(at.clone(), node.place);
            draft.plan.quality.push(one(section, &at, &mut draft.places));
        }
    }
}

fn one(mut section: SectionReader<'_, '_>, at: &KeyPath, places: &mut ConfigPlaces) -> QualitySpec {
    let kinds = section.texts("kinds", |text| Ok(text.to_owned()));
    let kinds = places.optional_list(&at.then("kinds"), kinds);
    let complete = section.texts("complete", |text| Selector::parse(text).map(|_| text.to_owned()));
    let complete = places.optional_list(&at.then("complete"), complete);
    let complete = complete.iter().map(|text| Selector::parse(text).unwrap_or(NO_PLACE)).collect();
    let unique = places.take(&at.then("unique"), section.flag("unique")).unwrap_or_default();
    let valid = valid(&mut section, &at.then("valid"), places);
    let words = [("count", OnViolation::Count), ("mark", OnViolation::Mark), ("dead_letter", OnViolation::DeadLetter)];
    let on_violation = section.choice("on_violation", &words);
    let mark = section.text("mark");
    let all_known = section.finish();
    if !all_known {
        // What is missing may have been misspelt.
        places.unread(at);
    }
    let on_violation = places.take(&at.then("on_violation"), on_violation).unwrap_or_default();
    let mark = places.take(&at.then("mark"), mark);
    QualitySpec { kinds, complete, unique, valid, on_violation, mark }
}

/// The conditions by their names; one that cannot be read is reported and left out.
fn valid(section: &mut SectionReader<'_, '_>, at: &KeyPath, places: &mut ConfigPlaces) -> BTreeMap<String, Condition> {
    if !section.has("valid") {
        // Asking makes the key known, so that a misspelt one is recognised.
        section.node("valid");
        return BTreeMap::new();
    }
    let Some(conditions) = section.conditions("valid") else {
        places.unread(at);
        return BTreeMap::new();
    };
    places.write(at.clone(), section.key_place("valid"));
    let mut valid = BTreeMap::new();
    for Named { name, key, given } in conditions {
        let own = at.then(&name);
        places.write(own.clone().name(), key);
        match places.take(&own, given) {
            Some(condition) => drop(valid.insert(name, condition)),
            None => places.unread(at),
        }
    }
    valid
}
