//! `version` and `upcast` of a kind: numbers that go together, and entries that leave the version and the kind alone.

use super::derive;
use super::fault::{PlanFault, Sentence};
use super::key_path::KeyPath;
use crate::core::derive::section::{DeriveSection, overlap};
use crate::core::plan::spec::{KindSpec, PlanSpec};
use crate::core::plan::version::VersionSpec;
use std::ops::RangeInclusive;

/// `version.newest`: the longest chain that an event may run through.
pub const NEWEST: RangeInclusive<u64> = 1..=64;

/// Why the newest version has its range.
pub const NEWEST_WHY: &str = "versions are counted from 1, and an event runs through at most 63 entries of `upcast`";

pub(super) fn check(spec: &PlanSpec, faults: &mut Vec<PlanFault>) {
    for (name, kind) in &spec.kinds {
        let at = KeyPath::kind(name);
        match &kind.version {
            Some(version) => {
                numbers(version, kind, &at, faults);
                place(spec, name, version, &at, faults);
            }
            None if kind.upcast.is_empty() => {}
            None => {
                let fault = PlanFault::mistake(at.then("upcast"), "`upcast` needs `version`");
                let hint =
                    "say where an event's version is and which is the newest: version = { at = \"v\", newest = 2 }";
                faults.push(fault.hint(hint).rests_on([at.then("version")]));
            }
        }
        for (number, section) in kind.upcast.iter().enumerate() {
            let entry = at.then("upcast").then(&number.to_string());
            if !section.kinds.is_empty() {
                let what = "an entry of `upcast` is for its own kind alone";
                faults.push(PlanFault::mistake(entry.then("kinds"), what).hint("remove `kinds`"));
            }
            let section = DeriveSection { kinds: vec![name.clone()], ..section.clone() };
            derive::edits(spec, &section, &entry, faults);
            leaves_alone(spec, kind, &section, &entry, &at, faults);
        }
    }
}

/// The newest version, the one of events that say none, and as many entries as lead from the oldest to the newest.
fn numbers(version: &VersionSpec, kind: &KindSpec, at: &KeyPath, faults: &mut Vec<PlanFault>) {
    let (newest, missing) = (at.then("version").then("newest"), at.then("version").then("missing"));
    if !NEWEST.contains(&version.newest) {
        let what = format!("`newest` must be from {} to {}, not {}", NEWEST.start(), NEWEST.end(), version.newest);
        faults.push(PlanFault::mistake(newest, what).hint(NEWEST_WHY));
        return;
    }
    if version.missing.is_some_and(|missing| !(1..=version.newest).contains(&missing)) {
        let what = format!("`missing` must be a version from 1 to {}, the newest", version.newest);
        faults.push(PlanFault::mistake(missing, what).rests_on([newest]));
        return;
    }
    let most = version.newest - 1;
    let least = version.newest - version.missing.unwrap_or(1);
    let there = kind.upcast.len() as u64;
    if !(least..=most).contains(&there) {
        let wanted = if least == most { format!("{most}") } else { format!("{least} to {most}") };
        let what = Sentence::from(format!("`upcast` has {there} of {wanted} entries: `newest` (")).setting(&newest);
        let what = what.words(format!(") is {}", version.newest));
        let hint = "each entry makes one version of the one before it, the last one the newest; `{}` changes nothing";
        let fault = PlanFault::mistake(at.then("upcast"), what).hint(hint);
        faults.push(fault.rests_on([newest, missing, at.then("upcast")]));
    }
}

/// The version's member is written, so it may be nobody else's.
fn place(spec: &PlanSpec, name: &str, version: &VersionSpec, at: &KeyPath, faults: &mut Vec<PlanFault>) {
    let (setting, path) = (at.then("version").then("at"), version.at.names().to_vec());
    if spec.kind_paths().iter().any(|kind| overlap(&path, kind)) {
        let what = format!("`{}` is where the kind is read", path.join("."));
        faults.push(PlanFault::mistake(setting.clone(), what).rests_on([KeyPath::of(["event", "kind"])]));
    }
    let own = DeriveSection { kinds: vec![name.to_owned()], ..DeriveSection::default() };
    derive::not_added_again(spec, &own, &[(setting, path)], faults);
}

/// No entry writes the version, which the chain sets at its end, or the kind, which is known by then.
fn leaves_alone(
    spec: &PlanSpec,
    kind: &KindSpec,
    section: &DeriveSection,
    entry: &KeyPath,
    at: &KeyPath,
    faults: &mut Vec<PlanFault>,
) {
    let version = kind.version.as_ref().map(|version| version.at.names());
    let version = version
        .map(|at_| (at_, at.then("version").then("at"), "the version is read from, and set behind the last entry"));
    let kinds = spec.kind_paths();
    let kinds = kinds
        .iter()
        .map(|kind| (kind.as_slice(), KeyPath::of(["event", "kind"]), "the kind is read from, which is known by then"));
    for (member, setting, why) in version.into_iter().chain(kinds) {
        let Some((writer, _)) = derive::writers(section, entry).into_iter().find(|(_, own)| overlap(own, member))
        else {
            continue;
        };
        let fault = PlanFault::mistake(writer, format!("the entry writes what {why}"));
        faults.push(fault.hint("take it out of the entry").rests_on([setting]));
    }
}
