//! The names that enrichments and the mark write: no two of them at one place of one event.
//!
//! Names that the event itself carries are nobody's concern here: they are replaced in place.

use super::fault::{PlanFault, Sentence};
use super::key_path::KeyPath;
use crate::core::expr::Read;
use crate::core::plan::condition::Condition;
use crate::core::plan::enrich::EnrichSpec;
use crate::core::plan::spec::PlanSpec;

/// An enrichment and its number.
type Numbered<'a> = (usize, &'a EnrichSpec);

/// Checks every pair of writers that can meet in one event.
pub(super) fn check(spec: &PlanSpec, faults: &mut Vec<PlanFault>) {
    let sections = || spec.enrich.iter().enumerate();
    if let Some(mark) = &spec.mark {
        sections().for_each(|enrich| against_mark(enrich, mark, faults));
    }
    sections().for_each(|enrich| created(enrich, faults));
    for later in sections() {
        for earlier in sections().take(later.0) {
            if let Some(kind) = shared_kind(earlier.1, later.1) {
                twice(earlier, later, kind, faults);
                overwritten(earlier, later, kind, faults);
                overwritten(later, earlier, kind, faults);
            }
        }
    }
}

/// The full path of an added field.
pub(super) fn path(into: &[String], name: &str) -> Vec<String> {
    into.iter().map(String::as_str).chain([name]).map(str::to_owned).collect()
}

fn into(number: usize) -> KeyPath {
    KeyPath::enrich(number).then("into")
}

fn field(number: usize, name: &str) -> KeyPath {
    KeyPath::enrich(number).then("add").then(name).name()
}

/// The object is made before the key is known, and only where there is one to name.
fn created((number, enrich): Numbered<'_>, faults: &mut Vec<PlanFault>) {
    let at = KeyPath::enrich(number).then("create");
    if enrich.create && enrich.into.is_empty() {
        faults.push(no_object(at.clone(), into(number)));
    }
    let reads_key = |when: &&Condition| when.expression().reads().iter().any(|reading| reading.read == Read::Key);
    if enrich.create && enrich.when.as_ref().filter(reads_key).is_some() {
        let fault = PlanFault::mistake(at, "`when` reads `meta.key`, which is not known yet where the object is made");
        faults.push(
            fault.hint("compare the field that the key is read from").rests_on([KeyPath::enrich(number).then("when")]),
        );
    }
}

/// `create` without `into`.
pub(super) fn no_object(at: KeyPath, into: KeyPath) -> PlanFault {
    PlanFault::mistake(at, "`create` needs `into`: the top level is always there").hint("remove it").rests_on([into])
}

fn against_mark((number, enrich): Numbered<'_>, mark: &str, faults: &mut Vec<PlanFault>) {
    let setting = KeyPath::of(["output", "mark"]);
    let is_the_mark = || Sentence::from(format!("`{mark}` is the mark (")).setting(&setting);
    if enrich.into.first().is_some_and(|first| first == mark) {
        let what = is_the_mark().words("), which replaces the object that fields are added to");
        let fault = PlanFault::mistake(into(number), what).hint("rename `output.mark`");
        faults.push(fault.rests_on([setting.clone()]));
    }
    if enrich.into.is_empty() && enrich.add.contains_key(mark) {
        let fault = PlanFault::mistake(field(number, mark), is_the_mark().words(") and cannot be added too"));
        faults.push(fault.hint("rename the field or `output.mark`").rests_on([into(number), setting.clone()]));
    }
}

/// One object cannot get one name from two sections.
fn twice(earlier: Numbered<'_>, later: Numbered<'_>, kind: &str, faults: &mut Vec<PlanFault>) {
    if earlier.1.into != later.1.into {
        return;
    }
    for name in later.1.add.keys().filter(|name| earlier.1.add.contains_key(*name)) {
        let hint = Sentence::from("the first is on ").setting(&field(earlier.0, name)).words(": rename or remove one");
        let fault = PlanFault::mistake(field(later.0, name), format!("`{name}` is added to the kind `{kind}` twice"));
        faults.push(fault.hint(hint).rests_on([into(earlier.0), into(later.0)]));
    }
}

/// One section cannot add fields to an object that another section puts a column in place of.
fn overwritten(writer: Numbered<'_>, inner: Numbered<'_>, kind: &str, faults: &mut Vec<PlanFault>) {
    let Some([replaced, ..]) = inner.1.into.strip_prefix(writer.1.into.as_slice()) else { return };
    if writer.1.add.contains_key(replaced) {
        let what = Sentence::from(format!("`{replaced}` replaces the object that other fields are added to ("))
            .setting(&into(inner.0))
            .words(")");
        let hint = format!("both apply to the kind `{kind}`: rename the field");
        let fault = PlanFault::mistake(field(writer.0, replaced), what).hint(hint);
        faults.push(fault.rests_on([into(writer.0), into(inner.0)]));
    }
}

fn shared_kind<'a>(left: &'a EnrichSpec, right: &EnrichSpec) -> Option<&'a str> {
    left.kinds.iter().find(|kind| right.kinds.contains(kind)).map(String::as_str)
}
