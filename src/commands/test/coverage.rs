//! What of a configuration the cases reach: kinds, tables, enrichments, rules, and the reasons of dead letters.
//!
//! Only what can be reached under the configuration is asked for.

use super::ways::CaseRun;
use crate::core::derive::section::OnError;
use crate::core::explain::Explained;
use crate::core::outcome::{Outcome, Silence};
use crate::core::output::Output;
use crate::core::plan::compiled::{Kind, Plan};
use crate::core::plan::enrich::OnMiss;
use crate::core::plan::quality::OnViolation;
use crate::core::plan::route::RouteSpec;
use crate::core::plan::spec::{PlanSpec, UnknownKinds};
use crate::core::plan::template::Template;
use crate::core::rejection::Reason;
use crate::core::subject::covers;
use std::collections::BTreeSet;

/// The largest `output.max_bytes` that a case is expected to exceed: nobody writes down an event of a megabyte.
const SMALL: u64 = 65_536;

/// Duplicates that leave aside.
const KEPT: &str = "[dedup] keep";

/// What the cases have reached so far, by the words in which it is reported.
#[derive(Debug, Default)]
pub(super) struct Coverage {
    reached: BTreeSet<String>,
}

impl Coverage {
    /// Takes a case in.
    pub(super) fn add(&mut self, plan: &Plan, ran: &CaseRun) {
        for section in plan.kinds.iter().flat_map(|kind| &kind.quality) {
            // An event that breaks a rule shows what the rule is for.
            let broken = |number: usize| ran.tally.checks.get(number).is_some_and(|check| check.broken > 0);
            let rules = section.rules.iter().filter(|rule| broken(rule.number));
            self.reached.extend(rules.map(|rule| quality(section.number, &rule.name)));
        }
        // A route that keeps the usual output from leaving, beside messages of maps, is no silence.
        let counted = ran.tally.dropped.keys().chain(ran.tally.mapped.keys());
        let counted = counted.filter_map(|rule| plan.rules.get(usize::from(*rule)));
        self.reached.extend(counted.map(|name| name.as_ref().to_owned()));
        for (event, outcome) in ran.explained.iter().zip(&ran.each) {
            let rule = match outcome {
                Outcome::Silent(Silence::Filtered(rule)) => plan.rules.get(usize::from(*rule)),
                _ => None,
            };
            self.reached.extend(rule.map(|name| name.as_ref().to_owned()));
            if rule.is_some_and(|rule| plan.spec.route.iter().any(|route| *route.name == **rule)) {
                // It worked on the state all the same.
                self.processed(plan, event);
            }
            let dead = outcome.outputs().iter().find_map(|output| output.dead.as_ref());
            self.reached.extend(dead.map(|dead| reason(dead.reason)));
            if outcome.outputs().iter().any(Output::is_duplicate) {
                self.reached.insert(KEPT.to_owned());
            }
            if !outcome.is_processed() {
                continue;
            }
            for output in outcome.outputs() {
                let routes = plan.spec.route.iter().filter(|route| is_of(route, &plan.spec, &output.subject));
                self.reached.extend(routes.map(|route| route.name.clone()));
            }
            let Some(section) = self.processed(plan, event) else { continue };
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

    /// Notes the kind of an event that was processed, and the tables that its kind feeds.
    fn processed<'a>(&mut self, plan: &'a Plan, event: &Explained) -> Option<&'a Kind> {
        let section = plan.kinds.get(usize::from(event.kind)).filter(|kind| kind.known)?;
        self.reached.insert(kind(&section.name));
        let fed = section.feeds.iter().filter_map(|feed| plan.layout.table_name(feed.table));
        self.reached.extend(fed.map(table));
        Some(section)
    }

    /// What no case has reached, in the order of the configuration.
    pub(super) fn missing(&self, plan: &PlanSpec) -> Vec<String> {
        let kinds = plan.kinds.keys().map(|name| kind(name));
        let tables = plan.tables.keys().map(|name| table(name));
        let enriches = (1..=plan.enrich.len()).map(enrich);
        let reasons = Reason::ALL.into_iter().filter(|reason| possible(*reason, plan)).map(reason);
        let filters = plan.filter.iter().map(|filter| filter.name.clone());
        let rules = filters.chain(plan.route.iter().map(|route| route.name.clone()));
        let rules = rules.chain(plan.map.iter().map(|map| map.name.clone()));
        let sections = plan.quality.iter().enumerate();
        let checks = sections.flat_map(|(at, section)| section.names().map(move |rule| quality(at, &rule)));
        let kept = plan.dedup_keep.iter().map(|_| KEPT.to_owned());
        let all = kinds.chain(tables).chain(enriches).chain(rules).chain(checks).chain(kept).chain(reasons);
        all.filter(|what| !self.reached.contains(what)).collect()
    }
}

/// Whether an output went a route's way, as far as its subject tells.
fn is_of(route: &RouteSpec, plan: &PlanSpec, subject: &str) -> bool {
    let way = route.subject.as_ref().map(Template::wildcard);
    way.is_some_and(|way| covers(&way, subject)) && !covers(&plan.output_subject.wildcard(), subject)
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

fn quality(section: usize, rule: &str) -> String {
    format!("[[quality]] {} {rule}", section + 1)
}

fn reason(reason: Reason) -> String {
    format!("dead letter {}", reason.code())
}

/// Whether an event can become a dead letter for this reason.
fn possible(reason: Reason, plan: &PlanSpec) -> bool {
    let rows = plan.tables.values().any(|table| table.row.is_some());
    let keys = plan.kinds.values().any(|kind| kind.key.is_some());
    match reason {
        Reason::Unwrap => !plan.event.unwrap.is_empty(),
        Reason::NotJson | Reason::NotObject | Reason::TooDeep | Reason::DuplicateKey => true,
        Reason::TooLarge => plan.max_bytes <= SMALL,
        Reason::NoKey | Reason::BadKey => keys || rows,
        Reason::BadInto => plan.enrich.iter().any(|enrich| !enrich.into.is_empty()),
        Reason::Miss => plan.enrich.iter().any(|enrich| enrich.at_last() == OnMiss::DeadLetter),
        // A case of a thousand events would be no case.
        Reason::WaitFull => false,
        Reason::Derive => {
            let upcast = plan.kinds.values().flat_map(|kind| &kind.upcast);
            plan.derive.iter().chain(upcast).any(|section| section.on_error == OnError::DeadLetter)
        }
        Reason::Version => plan.kinds.values().any(|kind| kind.version.is_some()),
        Reason::Quality => plan.quality.iter().any(|section| section.on_violation == OnViolation::DeadLetter),
        Reason::UnknownKind => plan.unknown_kinds == UnknownKinds::DeadLetter,
        // Only a fault of the engine's leads to it.
        Reason::Internal => false,
    }
}
