//! A `[[derive]]` section as events run through it: places resolved, members sorted by the object that they are in.
//!
//! Works on a section that `plan::check` accepted.

use super::create::CreatedObject;
use super::mask::Mask;
use super::salt::Salt;
use super::section::{DeriveSection, OnError, renamed};
use super::spec::DeriveSpec;
use crate::core::plan::compiled::Place;
use crate::core::plan::condition::{Condition, ResolvedCondition};
use crate::core::plan::selector::Selector;
use crate::json::fields::{ObjectSlot, Slot};
use crate::json::splice::Label;

/// What a section needs of a scan: slots of names that it asks for.
pub trait SlotRequests {
    /// A condition, under the name of its rule.
    fn test(&mut self, condition: &Condition, rule: &str) -> ResolvedCondition;
    /// The place of a selector.
    fn place(&mut self, selector: &Selector) -> Place;
    /// The slot of a member's value.
    fn member(&mut self, path: &[String]) -> Slot;
    /// The slot of an object to which members are added.
    fn object(&mut self, path: &[String]) -> ObjectSlot;
}

/// One section, ready to run.
#[derive(Clone, Debug)]
pub struct CompiledSection {
    /// Where it applies.
    pub when: Option<ResolvedCondition>,
    /// The object that is made before anything else, where it is not there.
    pub create: Option<CreatedObject>,
    /// What becomes of a member that cannot be worked out.
    pub on_error: OnError,
    /// The values that it works out.
    pub values: Vec<Computed>,
    /// The values that it hides.
    pub masks: Vec<(Mask, Slot)>,
    /// The salt of those that are hashed.
    pub salt: Option<Salt>,
    /// The objects that it edits, each once.
    pub objects: Vec<Edited>,
}

/// One value and where its parts are.
#[derive(Clone, Debug)]
pub struct Computed {
    /// The member's full path, for messages.
    pub name: String,
    /// How it is worked out.
    pub spec: DeriveSpec,
    /// The places of `DeriveSpec::places`, in order.
    pub places: Vec<Place>,
}

/// One object and what becomes of its members.
#[derive(Clone, Debug)]
pub struct Edited {
    /// The object.
    pub object: ObjectSlot,
    /// The members, those that are added in the order in which they stand then.
    pub members: Vec<DerivedMember>,
}

/// One member.
#[derive(Clone, Debug)]
pub struct DerivedMember {
    /// Its name as the splice writes it.
    pub label: Label,
    /// Where its value is.
    pub there: Slot,
    /// What becomes of it.
    pub change: MemberChange,
}

/// What becomes of a member.
#[derive(Clone, Copy, Debug)]
pub enum MemberChange {
    /// It gets a value, by its place in `CompiledSection::values`.
    Set(usize),
    /// It gets the value of another member, where there is one.
    MovedFrom(Slot),
    /// It goes.
    Removed,
    /// Its value is hidden where there is one, by its place in `CompiledSection::masks`.
    Masked(usize),
}

impl Computed {
    /// Finds the places of a value.
    pub fn compile(name: String, spec: &DeriveSpec, places: &mut dyn SlotRequests) -> Computed {
        let read = spec.places().into_iter().map(|selector| places.place(selector)).collect();
        Computed { name, spec: spec.clone(), places: read }
    }
}

impl CompiledSection {
    /// Compiles a section over the names that a scan looks for; `rule` is the name of its condition.
    pub fn compile(rule: &str, spec: &DeriveSection, places: &mut dyn SlotRequests) -> CompiledSection {
        let mut section = CompiledSection {
            when: spec.when.as_ref().map(|when| places.test(when, rule)),
            create: (spec.create && !spec.into.is_empty()).then(|| CreatedObject::compile(&spec.into, places)),
            on_error: spec.on_error,
            values: Vec::new(),
            masks: Vec::new(),
            salt: spec.salt.clone(),
            objects: Vec::new(),
        };
        for (name, how) in &spec.set {
            let path = spec.set_path(name);
            section.values.push(Computed::compile(path.join("."), how, places));
            let change = MemberChange::Set(section.values.len() - 1);
            section.add(places, &path, change);
        }
        for (from, to) in &spec.rename {
            let there = places.member(from.names());
            section.add(places, &renamed(from, to), MemberChange::MovedFrom(there));
            section.add(places, from.names(), MemberChange::Removed);
        }
        for path in &spec.remove {
            section.add(places, path.names(), MemberChange::Removed);
        }
        for (path, mask) in &spec.mask {
            section.masks.push((*mask, places.member(path.names())));
            let change = MemberChange::Masked(section.masks.len() - 1);
            section.add(places, path.names(), change);
        }
        section
    }

    fn add(&mut self, places: &mut dyn SlotRequests, path: &[String], change: MemberChange) {
        let (name, object) = path.split_last().expect("a member's path has at least one name");
        let object = places.object(object);
        let member = DerivedMember { label: Label::new(name), there: places.member(path), change };
        match self.objects.iter_mut().find(|edited| edited.object == object) {
            Some(edited) => edited.members.push(member),
            None => self.objects.push(Edited { object, members: vec![member] }),
        }
    }
}
