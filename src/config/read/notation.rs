//! Places that are written in another notation than ours, such as `items[0].id`, `/p/uuid` or `p."user.id"`.
//!
//! They parse, as paths with odd names, and then match no field of any event. `core` takes them all the same, so that a
//! plan that was stored once stays readable.

use super::super::given::{Given, Named};
use super::super::place::Place;
use super::super::report::Report;
use super::super::section::Section;
use crate::core::plan::selector::Selector;
use crate::core::plan::spec::JoinSpec;

const NAMES_ALONE: &str = "a place is the names of members with dots between them, such as `properties.uuid`";

/// Reads a place.
pub(super) fn place(section: &mut Section<'_, '_>, name: &'static str) -> Given<Selector> {
    let given = section.parsed(name, Selector::parse);
    if let Some(at) = given.valid() {
        selector(&at.value, at.place, section.report);
    }
    given
}

/// Looks at places under names of the operator's own.
pub(super) fn columns(columns: &[Named<Selector>], report: &mut Report) {
    for at in columns.iter().filter_map(|column| column.given.valid()) {
        selector(&at.value, at.place, report);
    }
}

/// Looks at the row selectors of joins.
pub(super) fn joins(joins: &[Named<JoinSpec>], report: &mut Report) {
    for at in joins.iter().filter_map(|join| join.given.valid()) {
        if let Some(row) = &at.value.row {
            selector(row, at.place, report);
        }
    }
}

fn selector(selector: &Selector, place: Place, report: &mut Report) {
    if let Selector::Path(names) = selector {
        path(names, place, report);
    }
}

/// Refuses what no event has, and warns of what hardly one has.
pub(super) fn path(names: &[String], place: Place, report: &mut Report) {
    let text = names.join(".");
    let quoted = |name: &String| name.contains(['"', '`', '\\']) || name.starts_with('\'') || name.ends_with('\'');
    if text.contains(['[', ']']) {
        let hint = format!("{NAMES_ALONE}; what lies in an array cannot be named yet");
        report.error_with(place, format!("`{text}` matches no field: a place has no brackets"), hint);
    } else if names.iter().any(quoted) {
        let hint = format!("{NAMES_ALONE}; a name that has a dot in it cannot be written yet");
        report.error_with(place, format!("`{text}` matches no field: a place has no quotes and no backslashes"), hint);
    } else if let Some(rest) = text.strip_prefix('/') {
        let hint = format!("did you mean `{}`?", rest.replace('/', "."));
        report.error_with(place, format!("`{text}` matches no field: a place begins with a name, not with `/`"), hint);
    } else if text.contains('/') {
        let hint = format!("write `{}` for members of members", text.replace('/', "."));
        report.warn(place, format!("`{text}` is looked for as a member with a `/` in its name"), hint);
    } else if let Some(name) = names.iter().find(|name| name.trim() != *name) {
        report.warn(place, format!("`{text}` is looked for with the blank in `{name}`"), NAMES_ALONE);
    } else if let Some(name) =
        names.iter().skip(1).find(|name| *name == "*" || name.bytes().all(|b| b.is_ascii_digit()))
    {
        let message = format!("`{name}` in `{text}` is looked for as the name of an object's member");
        report.warn(place, message, "what lies in an array cannot be named yet");
    }
}
