//! `version` and `upcast` of `[kinds.NAME]`.
//!
//! Only types and notations are looked at here; an entry of `upcast` has the words of a `[[derive]]` section.

use super::super::places::ConfigPlaces;
use super::super::section::SectionReader;
use super::super::tree::TreeValue;
use super::derive;
use crate::core::derive::section::{DeriveSection, MemberPath};
use crate::core::plan::check::{KeyPath, NEWEST, NEWEST_WHY};
use crate::core::plan::version::{NewerPolicy, VersionSpec};

/// Where an event's version is; `None` where nothing is said, or nothing that can be used.
pub(super) fn version(
    section: &mut SectionReader<'_, '_>,
    at: &KeyPath,
    places: &mut ConfigPlaces,
) -> Option<VersionSpec> {
    if !section.has("version") {
        // Asking makes the key known, so that a misspelt one is recognised.
        section.node("version");
        return None;
    }
    let at = at.then("version");
    places.write(at.clone(), section.key_place("version"));
    let Some(mut version) = section.optional("version") else {
        places.unread(&at);
        return None;
    };
    version.require("at", "`at = \"v\"`");
    version.require("newest", "`newest = 2`");
    let place = places.required(&at.then("at"), version.parsed("at", MemberPath::parse));
    let newest = places.required(&at.then("newest"), version.integer("newest", NEWEST, NEWEST_WHY));
    let missing = version.integer("missing", NEWEST, NEWEST_WHY);
    let words = [("dead_letter", NewerPolicy::DeadLetter), ("forward", NewerPolicy::Forward)];
    let newer = version.choice("newer", &words).value().unwrap_or_default();
    let missing = places.take(&at.then("missing"), missing.unless_misspelt(version.finish()));
    let (Some(place), Some(newest)) = (place, newest) else {
        places.unread(&at);
        return None;
    };
    Some(VersionSpec { at: place, newest, missing, newer })
}

/// How each version becomes the next one.
pub(super) fn upcast(
    section: &mut SectionReader<'_, '_>,
    at: &KeyPath,
    places: &mut ConfigPlaces,
) -> Vec<DeriveSection> {
    let at = at.then("upcast");
    let Some(node) = section.node("upcast") else { return Vec::new() };
    places.write(at.clone(), section.key_place("upcast"));
    let TreeValue::List(entries) = &node.value else {
        let message = format!("`upcast` must be a list of tables, not {}", node.value.type_name());
        let hint = "write an entry for each step to the next version: upcast = [{ rename = { cust = \"customer\" } }]";
        section.report.error_with(node.place, message, hint);
        places.unread(&at);
        return Vec::new();
    };
    let title = format!("[{}.upcast", section.title());
    let mut read = Vec::new();
    for (number, node) in entries.iter().enumerate() {
        let at = at.then(&number.to_string());
        places.write(at.clone(), node.place);
        match section.enter(format!("{title}.{number}]"), node.place, node) {
            Some(entry) => read.push(derive::words_of(entry, Vec::new(), &at, places)),
            None => {
                places.unread(&at);
                read.push(DeriveSection::default());
            }
        }
    }
    read
}
