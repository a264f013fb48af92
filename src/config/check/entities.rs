//! What a key names: a join looks rows up under the event's own key, so both must be keys of the same thing.
//!
//! `entity` says what a key names. It is compared here and decides no outcome, so that it is no part of the plan.

use super::super::given::Given;
use super::super::place::{At, Place};
use super::super::read::{Kind, Raw};
use super::super::report::Report;
use crate::core::plan::selector::Selector;
use std::collections::BTreeSet;

/// A kind section with its name.
type Named<'a> = (&'a str, &'a Kind);

/// Compares the kind that feeds a table with each kind that is joined to it, once a section.
pub(in super::super) fn check(raw: &Raw, report: &mut Report) {
    for kind in raw.kinds.values().filter(|kind| kind.key.is_absent()) {
        if let Some(entity) = kind.entity.valid() {
            report.error_with(
                entity.place,
                "this kind has no `key`, which `entity` is about",
                "add one, or remove `entity`",
            );
        }
    }
    for enrich in &raw.enrich {
        let mut compared = BTreeSet::new();
        for join in enrich.add.iter().filter_map(|added| added.given.valid()) {
            let name = join.value.table.as_str();
            let fed = raw.tables.get(name).and_then(|table| find(raw, table.from.valid()?));
            let kinds = enrich.kinds.valid().into_iter().flat_map(|kinds| &kinds.value);
            for enriched in kinds.filter_map(|kind| find(raw, kind)) {
                if let Some(fed) = fed.filter(|fed| fed.0 != enriched.0 && compared.insert((name, enriched.0))) {
                    compare(name, fed, enriched, join.place, report);
                }
            }
        }
    }
}

fn find<'a>(raw: &'a Raw, name: &At<String>) -> Option<Named<'a>> {
    raw.kinds.get_key_value(&name.value).map(|(name, kind)| (name.as_str(), kind))
}

fn compare(table: &str, fed: Named<'_>, enriched: Named<'_>, join: Place, report: &mut Report) {
    let (Some(left), Some(right)) = (fed.1.key.valid(), enriched.1.key.valid()) else { return };
    match (&fed.1.entity, &enriched.1.entity) {
        (Given::Valid(left), Given::Valid(right)) if left.value != right.value => {
            let (rows, events) = (report.sources().reference(left.place), report.sources().reference(right.place));
            let message = format!(
                "the rows of `{table}` are found by a `{}` ({rows}), the kind `{}` has the key of a `{}` ({events})",
                left.value, enriched.0, right.value
            );
            let hint = format!(
                "a join looks up the event's own key and would take a row that only happens to have the same one; tables that another field looks up are not built yet: remove the join, or have the producer send these fields under the key of the `{}`",
                right.value
            );
            report.error_with(join, message, hint);
        }
        (Given::Valid(said), Given::Absent) => half(said, fed.0, enriched.0, join, report),
        (Given::Absent, Given::Valid(said)) => half(said, enriched.0, fed.0, join, report),
        (Given::Absent, Given::Absent) if last_name(&left.value) != last_name(&right.value) => {
            let message = format!(
                "the rows of `{table}` are found by `{}`, the kind `{}` has the key `{}`: do both name the same thing?",
                left.value, enriched.0, right.value
            );
            let hint = format!(
                "if so, give both kinds (`{}` and `{}`) the same `entity`; if not, the join takes rows that only happen to have the same key",
                fed.0, enriched.0
            );
            report.warn(join, message, hint);
        }
        _ => {}
    }
}

/// One of the two says what its key names, and the other one does not.
fn half(said: &At<String>, by: &str, not_by: &str, join: Place, report: &mut Report) {
    let line = report.sources().reference(said.place);
    let message = format!(
        "the key of the kind `{by}` names a `{}` ({line}), and what the key of the kind `{not_by}` names is not said",
        said.value
    );
    let hint = format!(
        "write `entity = {:?}` in the section of `{not_by}` too; if its key names something else, the join takes rows that only happen to have the same key",
        said.value
    );
    report.error_with(join, message, hint);
}

/// What a place is called where it is written: the last name of a path.
fn last_name(place: &Selector) -> String {
    match place {
        Selector::Path(names) => names.last().cloned().unwrap_or_default(),
        other => other.to_string(),
    }
}
