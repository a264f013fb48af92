//! `[[enrich]]`: the fields that outputs gain, and what becomes of an event whose row is not there.
//!
//! Only types and notations are looked at here; the rules are those of `core::plan::check`.

use super::super::draft::ConfigDraft;
use super::super::places::ConfigPlaces;
use super::super::section::SectionReader;
use super::plan::entries;
use crate::core::plan::check::{KeyPath, WAIT_S, WAIT_WHY};
use crate::core::plan::enrich::{EnrichSpec, JoinSpec, OnMiss, WaitOrder, WaitSpec};
use crate::core::plan::selector::{Selector, index};

pub(super) fn enrich(root: &mut SectionReader<'_, '_>, draft: &mut ConfigDraft) {
    for node in root.repeated("enrich") {
        if let Some(section) = root.enter("[[enrich]]".to_owned(), node.place, node) {
            let at = KeyPath::enrich(draft.plan.enrich.len());
            draft.plan.enrich.push(enrichment(section, &at, &mut draft.places));
        }
    }
}

fn enrichment(mut section: SectionReader<'_, '_>, at: &KeyPath, places: &mut ConfigPlaces) -> EnrichSpec {
    section.require("kinds", "`kinds = [\"lesson\"]`");
    section.require("add", "`add = { country = \"user.country\" }`");
    let words =
        [("null", OnMiss::Null), ("omit", OnMiss::Omit), ("dead_letter", OnMiss::DeadLetter), ("wait", OnMiss::Wait)];
    let on_miss = places.take(&at.then("on_miss"), section.choice("on_miss", &words));
    let wait_s = places.take(&at.then("wait_s"), section.integer("wait_s", WAIT_S, WAIT_WHY));
    let then = places.take(&at.then("then"), section.choice("then", &words[..3]));
    let orders = [("overtake", WaitOrder::Overtake), ("key", WaitOrder::Key)];
    let order = places.take(&at.then("order"), section.choice("order", &orders));
    let wait = match (wait_s, then, order) {
        (None, None, None) => None,
        // What is missing is said by the rules.
        (wait_s, then, order) => Some(WaitSpec {
            wait_s: wait_s.unwrap_or(0),
            then: then.unwrap_or_default(),
            order: order.unwrap_or_default(),
        }),
    };
    let kinds = places.list(&at.then("kinds"), section.texts("kinds", |text| Ok(text.to_owned())));
    let when = section.condition("when");
    let when = places.take(&at.then("when"), when);
    let into = section.parsed("into", object_path);
    let create = places.take(&at.then("create"), section.flag("create")).unwrap_or_default();
    let unread = || JoinSpec { table: String::new(), row: None, column: String::new() };
    let add = entries(&mut section, "add", JoinSpec::parse, unread, at, places);
    let into = places.take(&at.then("into"), into.unless_misspelt(section.finish())).unwrap_or_default();
    EnrichSpec { kinds, when, on_miss: on_miss.unwrap_or_default(), wait, into, create, add }
}

/// The path of an object in the JSON; a place outside the JSON cannot take a field.
pub(super) fn object_path(text: &str) -> Result<Vec<String>, String> {
    match Selector::parse(text)? {
        Selector::Path(names) if names.iter().any(|name| index(name).is_some()) => {
            Err(format!("`{text}` lies in an array: only members of objects can be named here"))
        }
        Selector::Path(names) => Ok(names),
        _ => Err(format!("`{text}` is outside the event's JSON: name an object in it, such as `properties`")),
    }
}
