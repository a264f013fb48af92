//! `schema` of `[kinds.NAME]`: a file, or the schema itself.

use super::super::places::ConfigPlaces;
use super::super::section::SectionReader;
use crate::core::plan::check::KeyPath;
use crate::core::schema::spec::SchemaSpec;
use std::path::Path;

pub(super) fn schema(
    section: &mut SectionReader<'_, '_>,
    at: &KeyPath,
    places: &mut ConfigPlaces,
) -> Option<SchemaSpec> {
    let at = at.then("schema");
    let given = places.take(&at, section.text("schema"))?;
    let parsed = if given.trim_start().starts_with('{') {
        SchemaSpec::parse(&given)
    } else {
        let path = Path::new(&given);
        let text = section.report.files().text(path, "schema");
        text.and_then(|text| SchemaSpec::parse(&text).map_err(|why| format!("{}: {why}", path.display())))
    };
    match parsed {
        Ok(schema) => Some(schema),
        Err(message) => {
            section.report.error(places.nearest(&at), message);
            places.unread(&at);
            None
        }
    }
}
