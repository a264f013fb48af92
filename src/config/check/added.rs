//! The names that enrichments and the mark write: no two of them at one place of one event.
//!
//! Names that the event itself carries are nobody's concern here: they are replaced in place.

use super::super::place::Place;
use super::super::read::{Enrich, Raw};
use super::super::report::Report;
use std::collections::BTreeMap;

/// Checks every pair of writers that can meet in one event.
pub(in super::super) fn check(raw: &Raw, report: &mut Report) {
    if let Some(mark) = raw.output.mark.valid() {
        for enrich in &raw.enrich {
            against_mark(enrich, &mark.value, mark.place, report);
        }
    }
    for (index, later) in raw.enrich.iter().enumerate() {
        for earlier in raw.enrich.iter().take(index) {
            if let Some(kind) = shared_kind(earlier, later) {
                twice(earlier, later, kind, report);
                overwritten(earlier, later, kind, report);
                overwritten(later, earlier, kind, report);
            }
        }
    }
}

fn against_mark(enrich: &Enrich, mark: &str, place: Place, report: &mut Report) {
    let Some(into) = into(enrich) else { return };
    let line = report.sources().reference(place);
    if into.first().is_some_and(|first| first == mark) {
        let at = enrich.into.valid().map_or(place, |into| into.place);
        let message = format!("`{mark}` is the mark ({line}), which replaces the object that fields are added to");
        report.error_with(at, message, "rename `output.mark`");
    }
    for added in enrich.add.iter().filter(|added| into.is_empty() && added.name == mark) {
        let message = format!("`{mark}` is the mark ({line}) and cannot be added too");
        report.error_with(added.key, message, "rename the field or `output.mark`");
    }
}

/// One object cannot get one name from two sections.
fn twice(earlier: &Enrich, later: &Enrich, kind: &str, report: &mut Report) {
    if into(earlier).is_none() || into(earlier) != into(later) {
        return;
    }
    let first: BTreeMap<&str, Place> = earlier.add.iter().map(|added| (added.name.as_str(), added.key)).collect();
    for added in &later.add {
        if let Some(place) = first.get(added.name.as_str()) {
            let line = report.sources().reference(*place);
            let message = format!("`{}` is added to the kind `{kind}` twice", added.name);
            report.error_with(added.key, message, format!("the first is on {line}: rename or remove one"));
        }
    }
}

/// One section cannot add fields to an object that another section puts a column in place of.
fn overwritten(writer: &Enrich, inner: &Enrich, kind: &str, report: &mut Report) {
    let (Some(outer), Some(target)) = (into(writer), into(inner)) else { return };
    let Some([replaced, ..]) = target.strip_prefix(outer) else { return };
    let place = inner.into.valid().map_or(Place::File, |into| into.place);
    for added in writer.add.iter().filter(|added| added.name == *replaced) {
        let line = report.sources().reference(place);
        let message = format!("`{replaced}` replaces the object that other fields are added to ({line})");
        report.error_with(added.key, message, format!("both apply to the kind `{kind}`: rename the field"));
    }
}

/// The object that fields are added to; `None` where it could not be read.
fn into(enrich: &Enrich) -> Option<&[String]> {
    if enrich.into.is_absent() { Some(&[]) } else { enrich.into.valid().map(|into| into.value.as_slice()) }
}

fn shared_kind<'a>(left: &'a Enrich, right: &Enrich) -> Option<&'a str> {
    let right = &right.kinds.valid()?.value;
    let mut shared = left.kinds.valid()?.value.iter().filter(|kind| right.iter().any(|r| r.value == kind.value));
    shared.next().map(|kind| kind.value.as_str())
}
