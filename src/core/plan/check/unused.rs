//! What has no effect, or one that is hardly meant: warnings only.

use super::fault::PlanFault;
use super::key_path::KeyPath;
use crate::core::expr::Read;
use crate::core::plan::key_spec::KeySpec;
use crate::core::plan::selector::Selector;
use crate::core::plan::spec::PlanSpec;
use std::collections::BTreeSet;

pub(super) fn check(spec: &PlanSpec, faults: &mut Vec<PlanFault>) {
    let joins = spec.enrich.iter().flat_map(|enrich| enrich.add.values());
    let used: BTreeSet<&str> = joins.map(|join| join.table.as_str()).chain(read(spec)).collect();
    for name in spec.tables.keys().filter(|name| !used.contains(name.as_str())) {
        let fault = PlanFault::warning(KeyPath::table(name).name(), format!("no join uses the table `{name}`"));
        let fault = fault.hint("its rows cost memory and disk: add a join or remove the table");
        faults.push(fault.rests_on([KeyPath::of(["enrich"])]));
    }
    if spec.dedup_window_s > 0 {
        let has_id = spec.event.id.is_some() || spec.kinds.values().any(|kind| kind.id.is_some());
        faults.extend(if has_id { repeated_id(spec) } else { Some(no_id()) });
    }
}

/// The tables that conditions read.
fn read(spec: &PlanSpec) -> impl Iterator<Item = &str> {
    let routes = spec.route.iter().filter_map(|route| route.when.as_ref());
    let maps = spec.map.iter().flat_map(|map| map.when.iter().chain(map.formulas().map(|(_, formula)| formula)));
    let conditions = routes.chain(spec.quality.iter().flat_map(|section| section.valid.values())).chain(maps);
    conditions.flat_map(|condition| condition.expression().reads()).filter_map(|reading| match &reading.read {
        Read::Column { table, .. } => Some(table.as_str()),
        _ => None,
    })
}

fn no_id() -> PlanFault {
    let at = KeyPath::of(["dedup", "window_s"]);
    PlanFault::warning(at, "no duplicates are dropped: [event] has no `id`")
        .hint("name the place of the id in [event], or set `window_s = 0`")
        .rests_on([KeyPath::of(["event", "id"])])
}

/// An id that is the same in every event of a key, or of a kind, leaves one event of them all. A key of a kind that feeds
/// no table may well be an id.
fn repeated_id(spec: &PlanSpec) -> Option<PlanFault> {
    let id = spec.event.id.as_ref()?;
    let is_key =
        |from: &&String| spec.kinds.get(*from).is_some_and(|kind| kind.key.as_ref() == Some(id) && kind.id.is_none());
    let is_the_kind = |places: &[Selector]| matches!(places, [place] if *id == KeySpec::from(place.clone()));
    let (with, message) = if is_the_kind(spec.event.kind.places()) {
        let message =
            "the id is the kind too: of the events of one kind and key within the window only the first is processed";
        (KeyPath::of(["event", "kind"]), message.to_owned())
    } else {
        let from = spec.tables.values().map(|table| &table.from).find(is_key)?;
        let message = format!(
            "the id is the key of the kind `{from}` too: of the events of one key within the window only the first is processed"
        );
        (KeyPath::kind(from).then("key"), message)
    };
    let hint = "name a field that differs from event to event, or set `window_s = 0` in [dedup]";
    let rests_on = [with, KeyPath::of(["dedup", "window_s"])];
    Some(PlanFault::warning(KeyPath::of(["event", "id"]), message).hint(hint).rests_on(rests_on))
}
