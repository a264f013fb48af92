//! What an enriched event must look like, written from the rules of splicing.
//!
//! Goes through the members that serde_json sees and copies, replaces or leaves out what stands between them. It knows
//! no offsets of the product's, and nothing of tables.

use super::json::{Member, Object};
use serde_json::Value;
use std::collections::BTreeMap;

/// What an object gains and loses.
#[derive(Debug, Default)]
pub struct Target {
    /// The members by name, with their value; `None` is left out.
    pub add: BTreeMap<String, Option<String>>,
    /// A member that is appended behind all others.
    pub last: Option<(String, String)>,
    /// Objects inside this one.
    pub inside: BTreeMap<String, Target>,
}

impl Target {
    /// The target at a path, made where it is not there.
    pub fn at(&mut self, path: &[String]) -> &mut Target {
        path.iter().fold(self, |target, name| target.inside.entry(name.clone()).or_default())
    }

    fn value(&self, name: &str) -> Option<Option<&str>> {
        match &self.last {
            Some((last, value)) if last == name => Some(Some(value)),
            _ => self.add.get(name).map(Option::as_deref),
        }
    }

    /// Every member, in the order in which they are appended.
    fn members(&self) -> impl Iterator<Item = (&str, &str)> {
        let added = self.add.iter().filter_map(|(name, value)| Some((name.as_str(), value.as_deref()?)));
        added.chain(self.last.as_ref().map(|(name, value)| (name.as_str(), value.as_str())))
    }
}

/// An object with its target's changes; `None` where a target inside it is no object.
pub fn render(object: &Object<'_>, target: &Target) -> Option<String> {
    let Object { text, raw, at, members } = object;
    let open = at + raw.find('{')? + 1;
    let mut out = text[*at..open].to_owned();
    let is_removed = |member: &Member<'_>| matches!(member.name.as_deref().map(|n| target.value(n)), Some(Some(None)));
    let mut kept = false;
    // The space before a member, with its comma, goes with the member; where no kept one stands before, the space
    // after it goes instead.
    let mut before = open;
    let mut space_goes = false;
    for member in members {
        let space = &text[before..member.name_at];
        before = member.end();
        if is_removed(member) {
            if !kept && !space_goes {
                out += space;
                space_goes = true;
            }
            continue;
        }
        if !space_goes {
            out += space;
        }
        space_goes = false;
        kept = true;
        out += &text[member.name_at..member.at];
        let name = member.name.as_deref().unwrap_or_default();
        match (target.value(name), target.inside.get(name)) {
            (Some(Some(value)), _) if member.name.is_some() => out += value,
            (_, Some(inside)) if member.name.is_some() => out += &render(member.inside.as_ref()?, inside)?,
            _ => out += member.raw,
        }
    }
    for (name, value) in target.members() {
        if object.member(name).is_none() {
            let comma = if std::mem::replace(&mut kept, true) { "," } else { "" };
            out += &format!("{comma}{}:{value}", Value::from(name));
        }
    }
    if target.inside.keys().any(|name| object.member(name).is_none()) {
        return None;
    }
    Some(out + &text[before..at + raw.len()])
}

/// The same for the values that serde_json makes of the event, where it makes one.
pub fn change(value: &mut Value, target: &Target) {
    let Some(members) = value.as_object_mut() else { return };
    for (name, inside) in &target.inside {
        if let Some(member) = members.get_mut(name) {
            change(member, inside);
        }
    }
    for (name, value) in target.add.iter().filter(|(_, value)| value.is_none()) {
        debug_assert!(value.is_none());
        members.remove(name);
    }
    for (name, value) in target.members() {
        members.insert(name.to_owned(), serde_json::from_str(value).unwrap_or_default());
    }
}
