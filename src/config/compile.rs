//! From sections that fit together to the `Config`.
//!
//! Runs the checks and then moves values; it finds no mistakes of its own. Called by `load` only.

use super::check;
use super::given::Named;
use super::read::{Enrich, Raw, Table};
use super::report::Report;
use super::settings::{Config, DeadLettersSection, InputSection, OutputSection};
use crate::core::plan::spec::{EnrichSpec, Identity, KindSpec, PlanSpec, TableSpec};
use crate::core::plan::template::Template;
use std::collections::BTreeMap;

/// `dead_letters.subject` where the operator leaves it out.
const DEAD_SUBJECT: &str = "dead.{reason}";

/// `dedup.window_s` where the operator leaves it out: a day.
const WINDOW_S: u64 = 86_400;

/// Checks all sections against each other and builds the configuration if nothing at all is wrong.
pub(super) fn compile(raw: Raw, report: &mut Report) -> Option<Config> {
    let dead_subject = match raw.dead_letters.subject.valid() {
        Some(subject) => subject.value.clone(),
        None => Template::parse(DEAD_SUBJECT).ok()?,
    };
    check::streams(&raw, &dead_subject, report);
    check::tokens(&raw, &dead_subject, report);
    check::joins(&raw, report);
    check::entities(&raw, report);
    check::added(&raw, report);
    if report.failed() {
        return None;
    }
    let config = build(raw, dead_subject)?;
    config.assert_relations();
    Some(config)
}

fn build(raw: Raw, dead_subject: Template) -> Option<Config> {
    let input_stream = raw.input.stream.value()?;
    let subjects = raw.input.subjects.value()?.into_iter().map(|subject| subject.value).collect();
    let kinds = raw.kinds.into_iter().map(|(name, kind)| (name, KindSpec { key: kind.key.value() }));
    let tables = raw.tables.into_iter().map(|(name, table)| Some((name, table_spec(table)?)));
    let event = raw.event?;
    let dedup_window_s = raw.dedup.window_s.or(WINDOW_S)?;
    // Where nothing is de-duplicated there is no rule: its number would only make another plan.
    let identity = raw.dedup.identity.or(Identity::Kind)?;
    let identity = if event.id.is_some() && dedup_window_s > 0 { identity } else { Identity::default() };
    let plan = PlanSpec {
        input_stream: input_stream.clone(),
        event,
        unknown_kinds: raw.unknown_kinds?,
        kinds: kinds.collect(),
        tables: tables.collect::<Option<_>>()?,
        enrich: raw.enrich.into_iter().map(enrich_spec).collect::<Option<_>>()?,
        output_subject: raw.output.subject.value()?,
        mark: raw.output.mark.value(),
        max_bytes: raw.output.max_bytes?,
        dead_subject,
        dedup_window_s,
        identity,
        emit: None,
    };
    Some(Config {
        nats: raw.nats?,
        input: InputSection {
            stream: input_stream,
            subjects,
            api: raw.input.api.value(),
            provision: raw.input.provision?,
        },
        output: OutputSection {
            stream: raw.output.stream.value()?,
            api: raw.output.api.value(),
            provision: raw.output.provision?,
        },
        dead_letters: DeadLettersSection {
            stream: raw.dead_letters.stream.value(),
            provision: raw.dead_letters.provision?,
        },
        redrives: raw.redrives?,
        engine: raw.engine?,
        state: raw.state?,
        http: raw.http?,
        plan,
    })
}

fn table_spec(table: Table) -> Option<TableSpec> {
    Some(TableSpec {
        from: table.from.value()?,
        row: table.row.value(),
        columns: by_name(table.columns)?,
        delete: table.delete.value(),
    })
}

fn enrich_spec(enrich: Enrich) -> Option<EnrichSpec> {
    let mut kinds: Vec<String> = enrich.kinds.value()?.into_iter().map(|kind| kind.value).collect();
    // Their order decides nothing: sorted, equal plans have equal texts.
    kinds.sort();
    let into = enrich.into.or(Vec::new())?;
    Some(EnrichSpec { kinds, on_miss: enrich.on_miss?, into, add: by_name(enrich.add)? })
}

fn by_name<T>(entries: Vec<Named<T>>) -> Option<BTreeMap<String, T>> {
    entries.into_iter().map(|entry| Some((entry.name, entry.given.value()?))).collect()
}
