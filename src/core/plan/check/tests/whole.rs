//! Each rule finds its fault, alone and among others, and what has none can be run.

use crate::core::plan::check::tests::cases::{Change, MISTAKES, WARNINGS, enrichment, good, path};
use crate::core::plan::check::tests::{global, rules};
use crate::core::plan::check::*;
use crate::core::plan::compiled::Plan;
use crate::core::plan::layout::Layout;
use crate::core::plan::table::TableSpec;
use proptest::prelude::*;

fn faults(changes: &[Change]) -> (PlanSpec, Vec<PlanFault>) {
    let (mut spec, mut said) = (good(), Entities::new());
    changes.iter().for_each(|change| change(&mut spec, &mut said));
    let faults = check(&spec, &said);
    (spec, faults)
}

fn unusable(faults: &[PlanFault]) -> bool {
    faults.iter().any(|fault| fault.severity == Severity::Mistake)
}

#[test]
fn a_good_plan_has_no_fault() {
    assert_eq!(faults(&[]).1, []);
}

#[test]
fn each_rule_finds_its_fault() {
    let all = [
        (Severity::Mistake, MISTAKES),
        (Severity::Mistake, rules::MISTAKES),
        (Severity::Mistake, global::MISTAKES),
        (Severity::Warning, WARNINGS),
        (Severity::Warning, rules::WARNINGS),
    ];
    for (severity, cases) in all {
        for (change, expected) in cases {
            let found = faults(&[*change]).1;
            let fault = found.first().map(|fault| (fault.severity, fault.to_string()));
            let fine = fault.as_ref().is_some_and(|(s, text)| *s == severity && text.starts_with(expected));
            assert!(fine, "expected {severity:?} {expected}\nfound {fault:?}");
            assert!(severity == Severity::Mistake || !unusable(&found), "{found:?}");
        }
    }
}

#[test]
fn a_fault_says_what_it_follows_from() {
    let (_, found) = faults(&[|spec, _| spec.enrich[0].kinds.push("visit".to_owned())]);
    let settings: Vec<String> = found.iter().flat_map(PlanFault::settings).map(KeyPath::to_string).collect();
    assert_eq!(settings, ["enrich.0.kinds.1", "kinds.visit.key"]);
}

/// Whatever else is changed: a plan with a planted mistake has one. Each mistake behind each change that only warns.
#[test]
fn a_planted_mistake_is_found() {
    for (planted, expected) in MISTAKES.iter().chain(rules::MISTAKES).chain(global::MISTAKES) {
        for (other, warning) in WARNINGS.iter().chain(rules::WARNINGS) {
            assert!(unusable(&faults(&[*other, *planted]).1), "{expected}\nbehind {warning}");
        }
    }
}

proptest! {
    /// A plan of random names either has a mistake or compiles, which would panic at a name that leads nowhere.
    #[test]
    fn a_plan_without_a_mistake_compiles(
        fed in prop::collection::vec((0..3_usize, any::<bool>()), 0..3),
        joined in prop::collection::vec((0..3_usize, 0..3_usize, any::<bool>(), 0..3_usize), 0..4),
    ) {
        let (kinds, tables, columns) = (["user", "lesson", "visit"], ["t0", "t1", "t2"], ["x", "y", "z"]);
        let mut spec = PlanSpec { tables: Default::default(), enrich: Vec::new(), ..good() };
        for (n, (from, rows)) in fed.into_iter().enumerate() {
            let columns = columns.iter().take(1 + n).map(|column| ((*column).to_owned(), path(column))).collect();
            let row = rows.then(|| path("row").into());
            let table = TableSpec { from: kinds[from].to_owned(), row, columns, ..TableSpec::default() };
            spec.tables.insert(tables[n].to_owned(), table);
        }
        for (n, (kind, table, row, column)) in joined.into_iter().enumerate() {
            let row = if row { "[row]" } else { "" };
            let join = format!("{}{row}.{}", tables[table], columns[column]);
            spec.enrich.push(enrichment(&[kinds[kind]], &[(&format!("f{n}"), &join)]));
        }
        if !unusable(&check(&spec, &Entities::new())) {
            let plan = Plan::compile(spec, &Layout::default());
            prop_assert_eq!(plan.spec.kinds.len(), 3);
        }
    }
}
