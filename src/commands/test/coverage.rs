//! What of a configuration the cases reach: kinds, tables, enrichments, and the reasons of dead letters.
//!
//! Only what can be reached under the configuration is asked for.

use super::ways::Ran;
use crate::core::plan::compiled::Plan;
use crate::core::plan::spec::{OnMiss, PlanSpec, UnknownKinds};
use crate::core::rejection::Reason;
use crate::core::step::Outcome;
use std::collections::BTreeSet;

/// The largest `output.max_bytes` that a case is expected to exceed: nobody writes down an event of a megabyte.
const SMALL: u64 = 65_536;

/// What the cases have reached so far, by the words in which it is reported.
#[derive(Debug, Default)]
pub(super) struct Coverage {
    reached: BTreeSet<String>,
}

impl Coverage {
    /// Takes a case in.
    pub(super) fn add(&mut self, plan: &Plan, ran: &Ran) {
        for (event, outcome) in ran.explained.iter().zip(&ran.outcomes) {
            let Outcome::Publish(output) = outcome else { continue };
            if let Some(dead) = &output.dead {
                self.reached.insert(reason(dead.reason));
                continue;
            }
            let Some(section) = plan.kinds.get(usize::from(event.kind)).filter(|kind| kind.known) else { continue };
            self.reached.insert(kind(&section.name));
            let fed = section.feeds.iter().filter_map(|feed| plan.layout.table_name(feed.table));
            self.reached.extend(fed.map(table));
            let enriches = (1..).zip(&plan.spec.enrich);
            let of_kind = enriches.filter(|(_, enrich)| enrich.kinds.iter().any(|name| **name == *section.name));
            // Only a row that is there shows what an enrichment adds.
            let found = |name: &str| {
                event.asks.iter().any(|asked| asked.found && plan.layout.table_name(asked.table) == Some(name))
            };
            let shown = of_kind.filter(|(_, enrich)| enrich.add.values().any(|from| found(&from.table)));
            self.reached.extend(shown.map(|(number, _)| enrich(number)));
        }
    }

    /// What no case has reached, in the order of the configuration.
    pub(super) fn missing(&self, plan: &PlanSpec) -> Vec<String> {
        let kinds = plan.kinds.keys().map(|name| kind(name));
        let tables = plan.tables.keys().map(|name| table(name));
        let enriches = (1..=plan.enrich.len()).map(enrich);
        let reasons = Reason::ALL.into_iter().filter(|reason| possible(*reason, plan)).map(reason);
        let all = kinds.chain(tables).chain(enriches).chain(reasons);
        all.filter(|what| !self.reached.contains(what)).collect()
    }
}

/// A name as a key of TOML.
fn key(name: &str) -> String {
    let bare = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if bare && !name.is_empty() { name.to_owned() } else { format!("{name:?}") }
}

fn kind(name: &str) -> String {
    format!("[kinds.{}]", key(name))
}

fn table(name: &str) -> String {
    format!("[tables.{}]", key(name))
}

fn enrich(number: usize) -> String {
    format!("[[enrich]] {number}")
}

fn reason(reason: Reason) -> String {
    format!("dead letter {}", reason.code())
}

/// Whether an event can become a dead letter for this reason.
fn possible(reason: Reason, plan: &PlanSpec) -> bool {
    let rows = plan.tables.values().any(|table| table.row.is_some());
    let keys = plan.kinds.values().any(|kind| kind.key.is_some());
    match reason {
        Reason::NotJson | Reason::NotObject | Reason::TooDeep | Reason::DuplicateKey => true,
        Reason::TooLarge => plan.max_bytes <= SMALL,
        Reason::NoKey | Reason::BadKey => keys || rows,
        Reason::BadInto => plan.enrich.iter().any(|enrich| !enrich.into.is_empty()),
        Reason::Miss => plan.enrich.iter().any(|enrich| enrich.on_miss == OnMiss::DeadLetter),
        Reason::UnknownKind => plan.unknown_kinds == UnknownKinds::DeadLetter,
        // Only a fault of the engine's leads to it.
        Reason::Internal => false,
    }
}
