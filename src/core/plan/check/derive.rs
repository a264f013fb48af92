//! `[[derive]]`: operators whose words go together, members with one writer, and the order of the sections.

use super::fault::{PlanFault, Sentence};
use super::key_path::KeyPath;
use crate::core::derive::mask::Mask;
use crate::core::derive::section::{DeriveSection, overlap, renamed};
use crate::core::plan::selector::Selector;
use crate::core::plan::spec::PlanSpec;

/// A setting, the member that it writes or moves, and what it does to it.
type MemberWriter = (KeyPath, Vec<String>);

pub(super) fn check(spec: &PlanSpec, faults: &mut Vec<PlanFault>) {
    for (number, section) in spec.derive.iter().enumerate() {
        let at = KeyPath::derive(number);
        if section.is_empty() {
            let fault = PlanFault::mistake(at.clone(), "the section does nothing");
            let fault = fault.hint("add `set`, `rename`, `mask` or `remove`, or remove the section");
            faults.push(fault.rests_on(["set", "rename", "mask", "remove"].map(|list| at.then(list))));
        }
        kinds(spec, &section.kinds, &at, faults);
        edits(spec, section, &at, faults);
    }
    before_the_kind(spec, faults);
}

/// What a section does to its events, whichever they are.
pub(super) fn edits(spec: &PlanSpec, section: &DeriveSection, at: &KeyPath, faults: &mut Vec<PlanFault>) {
    operators(section, at, faults);
    if section.create && section.into.is_empty() {
        faults.push(super::added::no_object(at.then("create"), at.then("into")));
    }
    salted(section, at, faults);
    let writers = writers(section, at);
    one_writer(&writers, faults);
    sees_no_other(section, &writers, at, faults);
    not_added_again(spec, section, &writers, faults);
}

/// Every kind that a section names is there.
pub(super) fn kinds(spec: &PlanSpec, named: &[String], at: &KeyPath, faults: &mut Vec<PlanFault>) {
    for (number, kind) in named.iter().enumerate().filter(|(_, kind)| !spec.kinds.contains_key(*kind)) {
        let fault =
            PlanFault::mistake(at.then("kinds").then(&number.to_string()), format!("there is no [kinds.{kind}]"));
        let hint = super::hint::known(kind, "kinds", spec.kinds.keys().map(String::as_str));
        faults.push(fault.hint(hint).rests_on([KeyPath::of(["kinds"])]));
    }
}

fn operators(section: &DeriveSection, at: &KeyPath, faults: &mut Vec<PlanFault>) {
    for (name, operator) in &section.set {
        let at = at.then("set").then(name);
        if name.is_empty() {
            faults.push(PlanFault::mistake(at.clone().name(), "a derived field needs a name"));
        }
        if let Err(sentence) = operator.check() {
            faults.push(PlanFault::mistake(at, sentence));
        }
    }
    for (from, to) in section.rename.iter().filter(|(_, to)| to.is_empty() || to.contains('.')) {
        let at = at.then("rename").then(&from.names().join("."));
        let message = format!("`{to}` is no new name: a member keeps its object, so this is one name without dots");
        faults.push(PlanFault::mistake(at, message));
    }
}

/// A hash without a salt is undone by trying values; a salt without a hash is forgotten somewhere.
fn salted(section: &DeriveSection, at: &KeyPath, faults: &mut Vec<PlanFault>) {
    let hashed = section.mask.iter().find(|(_, mask)| **mask == Mask::Hash);
    let file = at.then("salt_file");
    match (hashed, &section.salt) {
        (Some((path, _)), None) => {
            let at = at.then("mask").then(&path.names().join("."));
            let hint = "make one with `head -c 32 /dev/urandom | base64 > salt && chmod 600 salt`, and add `salt_file = \"salt\"`";
            faults.push(PlanFault::mistake(at, "`hash` needs a secret `salt_file`").hint(hint).rests_on([file]));
        }
        (None, Some(_)) => {
            let fault = PlanFault::mistake(file, "nothing is hashed with this salt")
                .hint("remove it, or mask something with `hash`");
            faults.push(fault.rests_on([at.then("mask")]));
        }
        _ => {}
    }
}

/// Every setting of a section that writes or removes a member.
pub(super) fn writers(section: &DeriveSection, at: &KeyPath) -> Vec<MemberWriter> {
    let set = section.set.keys().map(|name| (at.then("set").then(name), section.set_path(name)));
    let rename = section.rename.iter().flat_map(|(from, to)| {
        let at = at.then("rename").then(&from.names().join("."));
        [(at.clone(), from.names().to_vec()), (at, renamed(from, to))]
    });
    let mask = section.mask.keys().map(|path| (at.then("mask").then(&path.names().join(".")), path.names().to_vec()));
    let remove = section.remove.iter().enumerate();
    let remove = remove.map(|(n, path)| (at.then("remove").then(&n.to_string()), path.names().to_vec()));
    set.chain(rename).chain(mask).chain(remove).collect()
}

/// Of two edits of one section neither may lie in the other: they are put in at once.
fn one_writer(writers: &[MemberWriter], faults: &mut Vec<PlanFault>) {
    for (number, (later, member)) in writers.iter().enumerate() {
        let meets = |(_, other): &&MemberWriter| overlap(other, member);
        let Some((earlier, other)) = writers.iter().take(number).find(meets) else { continue };
        let what = if other == member {
            format!("`{}` is written twice", member.join("."))
        } else {
            format!(
                "`{}` lies in `{}`, or the other way round, and both are written",
                member.join("."),
                other.join(".")
            )
        };
        let hint = Sentence::from("the other one is ")
            .setting(earlier)
            .words(": remove one, or put it in a section of its own");
        faults.push(PlanFault::mistake(later.clone(), what).hint(hint).rests_on([earlier.clone()]));
    }
}

/// What a section sets is not seen within it: who reads it there would get the text from before.
fn sees_no_other(section: &DeriveSection, writers: &[MemberWriter], at: &KeyPath, faults: &mut Vec<PlanFault>) {
    let made = |member: &[String]| {
        let own = section.set.keys().map(|name| section.set_path(name));
        let moved = section.rename.iter().map(|(from, to)| renamed(from, to));
        own.chain(moved).any(|path| path == member)
    };
    for (name, operator) in &section.set {
        let own = section.set_path(name);
        for place in operator.places() {
            let Selector::Path(read) = place else { continue };
            let other = writers.iter().find(|(_, member)| *member != own && made(member) && overlap(member, read));
            let Some((other, member)) = other else { continue };
            let what = format!("`{place}` is read before this section makes `{}`", member.join("."));
            let hint = Sentence::from("put this field in a later [[derive]] section than ").setting(other);
            faults.push(PlanFault::mistake(at.then("set").then(name), what).hint(hint).rests_on([other.clone()]));
        }
    }
}

/// One member of one kind has one writer: a derived field or an added one.
pub(super) fn not_added_again(
    spec: &PlanSpec,
    section: &DeriveSection,
    writers: &[MemberWriter],
    faults: &mut Vec<PlanFault>,
) {
    for (at, member) in writers {
        if spec.mark.as_ref().is_some_and(|mark| *member == [mark.clone()]) {
            let setting = KeyPath::of(["output", "mark"]);
            let what = Sentence::from(format!("`{}` is the mark (", member.join("."))).setting(&setting).words(") too");
            faults.push(PlanFault::mistake(at.clone(), what).hint("rename one of them").rests_on([setting]));
        }
        for (number, enrich) in spec.enrich.iter().enumerate() {
            let shared = enrich.kinds.iter().any(|kind| section.applies_to(Some(kind)));
            let added = |name: &&String| shared && *member == super::added::path(&enrich.into, name);
            let Some(name) = enrich.add.keys().find(added) else { continue };
            let setting = KeyPath::enrich(number).then("add").then(name);
            let what = Sentence::from(format!("`{}` is added by an enrichment (", member.join("."))).setting(&setting);
            faults.push(
                PlanFault::mistake(at.clone(), what.words(") too")).hint("rename one of them").rests_on([setting]),
            );
        }
    }
}

/// What the kind is read from is derived for all events alike, and so is everything before it.
fn before_the_kind(spec: &PlanSpec, faults: &mut Vec<PlanFault>) {
    let kind = spec.kind_paths();
    let feeds = |section: &DeriveSection| section.written().any(|path| kind.iter().any(|kind| overlap(&path, kind)));
    let Some(last) = spec.derive.iter().rposition(feeds) else { return };
    let setting = KeyPath::of(["event", "kind"]);
    for (number, section) in spec.derive.iter().enumerate().take(last + 1).filter(|(_, s)| !s.kinds.is_empty()) {
        let at = KeyPath::derive(number).then("kinds");
        let (what, hint) = if feeds(section) {
            ("the section writes what the kind is read from, so it cannot depend on the kind", "remove `kinds`")
        } else {
            let what = "a later section writes what the kind is read from, and is only reached behind this one";
            (what, "put this section behind it")
        };
        faults.push(PlanFault::mistake(at, what).hint(hint).rests_on([setting.clone()]));
    }
}
