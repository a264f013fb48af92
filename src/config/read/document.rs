//! The whole document: every section in its turn.

use super::super::draft::ConfigDraft;
use super::super::report::ConfigReport;
use super::super::section::SectionReader;
use super::super::tree;
use super::{derive, enrich, filter, gateway, lake, machine, map, nats, plan, quality, route, streams};
use crate::core::plan::check::KeyPath;

/// Reads every section and reports every key that none of them knows.
pub(in super::super) fn read(document: &tree::TreeTable, report: &mut ConfigReport) -> ConfigDraft {
    let mut draft = ConfigDraft::blank();
    let mut root = SectionReader::root(document, report);
    draft.nats = root.optional("nats").and_then(nats::nats);
    streams::input(root.required("input", "[input] with `stream` and `subjects`"), &mut draft);
    streams::output(root.required("output", "[output] with `stream` and `subject`"), &mut draft);
    streams::dead_letters(root.optional("dead_letters"), &mut draft);
    draft.redrives = root.optional("redrives").and_then(streams::redrives);
    draft.engine =
        root.optional("engine").and_then(|section| machine::engine(section, &mut draft.plan, &mut draft.places));
    plan::clock(&mut root, &mut draft);
    plan::dedup(root.optional("dedup"), &mut draft);
    draft.state = root.optional("state").and_then(machine::state);
    draft.http = root.optional("http").and_then(machine::http);
    lake::lake(&mut root, &mut draft);
    gateway::gateway(&mut root, &mut draft);
    let needs_kind = !root.all_have("kinds", &["when", "schema"]);
    plan::event(root.required("event", "[event] with `kind`"), needs_kind, &mut draft);
    derive::derive(&mut root, &mut draft);
    filter::filter(&mut root, &mut draft);
    plan::kinds(&mut root, &mut draft);
    plan::tables(&mut root, &mut draft);
    plan::aggregates(&mut root, &mut draft);
    enrich::enrich(&mut root, &mut draft);
    quality::quality(&mut root, &mut draft);
    map::map(&mut root, &mut draft);
    route::route(&mut root, &mut draft);
    let all_known = root.finish();
    if !all_known && draft.plan.tables.is_empty() {
        // [tables] may have been misspelt.
        draft.places.unread(&KeyPath::of(["tables"]));
    }
    draft
}
