//! `version` of `[tables.NAME]`: a place, or a place and what stands there.
//!
//! Only types and notations are looked at here.

use super::super::places::ConfigPlaces;
use super::super::section::SectionReader;
use super::super::tree::TreeValue;
use crate::core::plan::check::KeyPath;
use crate::core::plan::row_version::{Compared, Invalid, RowVersion};
use crate::core::plan::selector::Selector;

/// Where an event says how new it is; `None` where nothing is said, or nothing that can be used.
pub(super) fn row_version(
    section: &mut SectionReader<'_, '_>,
    at: &KeyPath,
    places: &mut ConfigPlaces,
) -> Option<RowVersion> {
    let at = at.then("version");
    let is_table = section.node("version").is_some_and(|node| matches!(node.value, TreeValue::Table(_)));
    if !is_table {
        let place = places.take(&at, section.parsed("version", Selector::parse));
        return place.map(|at| RowVersion { at, compared: Compared::default(), invalid: Invalid::default() });
    }
    places.write(at.clone(), section.key_place("version"));
    let mut version = section.optional("version")?;
    version.require("at", "`at = \"properties.updated_at\"`");
    let place = places.required(&at.then("at"), version.parsed("at", Selector::parse));
    let compared = places.take(&at.then("as"), version.choice("as", &Compared::NAMED)).unwrap_or_default();
    let words = [("dead_letter", Invalid::DeadLetter), ("ignore", Invalid::Ignore)];
    let invalid = version.choice("invalid", &words).value().unwrap_or_default();
    version.finish();
    let Some(place) = place else {
        places.unread(&at);
        return None;
    };
    Some(RowVersion { at: place, compared, invalid })
}
