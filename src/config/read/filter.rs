//! `[[filter]]`: what is dropped before the state sees it.

use super::super::draft::ConfigDraft;
use crate::core::plan::check::KeyPath;
use crate::core::plan::filter::FilterSpec;

pub(super) fn filter(root: &mut super::super::section::SectionReader<'_, '_>, draft: &mut ConfigDraft) {
    for node in root.repeated("filter") {
        let Some(mut section) = root.enter("[[filter]]".to_owned(), node.place, node) else { continue };
        let (at, places) = (KeyPath::filter(draft.plan.filter.len()), &mut draft.places);
        places.write(at.clone(), node.place);
        section.require("name", "`name = \"test traffic\"`");
        section.require("drop", "`drop = 'event.source == \"test\"'`");
        let name = places.required(&at.then("name"), section.text("name"));
        let drop = places.required(&at.then("drop"), section.condition("drop"));
        let kinds = section.texts("kinds", |text| Ok(text.to_owned()));
        let kinds = places.optional_list(&at.then("kinds"), kinds);
        section.finish();
        // One that could not be read has been reported, and no other setting depends on it.
        if let (Some(name), Some(drop)) = (name, drop) {
            draft.plan.filter.push(FilterSpec { name, kinds, drop });
        }
    }
}
