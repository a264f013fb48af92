//! `[[derive]]`: what is worked out from an event alone.
//!
//! Only types and notations are looked at here; an operator's own words are read by the operator.

use super::super::draft::ConfigDraft;
use super::super::place::Placed;
use super::super::places::ConfigPlaces;
use super::super::section::SectionReader;
use super::super::tree::{TreeMember, TreeNode, TreeValue};
use super::enrich::object_path;
use super::paths::path;
use super::plan::entries;
use crate::core::derive::mask::Mask;
use crate::core::derive::salt::Salt;
use crate::core::derive::section::{DeriveSection, MemberPath, OnError};
use crate::core::derive::spec::DeriveSpec;
use crate::core::plan::check::KeyPath;
use serde_json::Value as Words;
use std::collections::BTreeMap;

/// The words of `on_error`.
pub(super) const ON_ERROR: [(&str, OnError); 3] =
    [("null", OnError::Null), ("omit", OnError::Omit), ("dead_letter", OnError::DeadLetter)];

pub(super) fn derive(root: &mut SectionReader<'_, '_>, draft: &mut ConfigDraft) {
    for node in root.repeated("derive") {
        if let Some(section) = root.enter("[[derive]]".to_owned(), node.place, node) {
            let at = KeyPath::derive(draft.plan.derive.len());
            draft.places.write(at.clone(), node.place);
            draft.plan.derive.push(one(section, &at, &mut draft.places));
        }
    }
}

fn one(mut section: SectionReader<'_, '_>, at: &KeyPath, places: &mut ConfigPlaces) -> DeriveSection {
    let kinds = section.texts("kinds", |text| Ok(text.to_owned()));
    let kinds = places.optional_list(&at.then("kinds"), kinds);
    words_of(section, kinds, at, places)
}

/// What a section says beside its kinds, to its end; an entry of `upcast` has the same words.
pub(super) fn words_of(
    mut section: SectionReader<'_, '_>,
    kinds: Vec<String>,
    at: &KeyPath,
    places: &mut ConfigPlaces,
) -> DeriveSection {
    let when = section.condition("when");
    let when = places.take(&at.then("when"), when);
    let into = section.parsed("into", object_path);
    let into = places.take(&at.then("into"), into).unwrap_or_default();
    let create = places.take(&at.then("create"), section.flag("create")).unwrap_or_default();
    let on_error = section.choice("on_error", &ON_ERROR).value().unwrap_or_default();
    let remove = section.texts("remove", |text| MemberPath::parse(text).map(String::from));
    let remove = places.optional_list(&at.then("remove"), remove);
    let path = |text: &String| MemberPath::parse(text).ok();
    let remove = remove.iter().filter_map(path).collect();
    let rename = by_path(&mut section, "rename", |text| Ok(text.to_owned()), String::new, at, places);
    let mask = by_path(&mut section, "mask", mask, || Mask::Hide, at, places);
    let salt = salt(&mut section, at, places);
    let set = set(&mut section, at, places);
    if !section.finish() {
        // What is missing may have been misspelt.
        places.unread(at);
    }
    DeriveSection { kinds, when, into, create, on_error, remove, rename, mask, salt, set }
}

/// What stands under paths of members.
fn by_path<T>(
    section: &mut SectionReader<'_, '_>,
    name: &'static str,
    parse: impl Fn(&str) -> Result<T, String>,
    unread: impl Fn() -> T,
    at: &KeyPath,
    places: &mut ConfigPlaces,
) -> BTreeMap<MemberPath, T> {
    if !section.has(name) {
        section.node(name);
        return BTreeMap::new();
    }
    let mut found = BTreeMap::new();
    for (text, value) in entries(section, name, parse, unread, at, places) {
        match MemberPath::parse(&text) {
            Ok(path) => drop(found.insert(path, value)),
            Err(message) => {
                let at = at.then(name).then(&text);
                section.report.error(places.nearest(&at.name()), message);
            }
        }
    }
    found
}

fn mask(word: &str) -> Result<Mask, String> {
    match word {
        "last4" => Ok(Mask::Last4),
        "hide" => Ok(Mask::Hide),
        "hash" => Ok(Mask::Hash),
        _ => Err(format!("`{word}` is no mask: use `last4`, `hash` or `hide`")),
    }
}

/// The salt in the file that is named.
fn salt(section: &mut SectionReader<'_, '_>, at: &KeyPath, places: &mut ConfigPlaces) -> Option<Salt> {
    let path = places.take(&at.then("salt_file"), path(section, "salt_file"))?;
    let place = places.nearest(&at.then("salt_file"));
    match section.report.files().salt(&path) {
        Ok((salt, warning)) => {
            if let Some(warning) = warning {
                section.report.warn(place, warning, format!("chmod 600 {}", path.display()));
            }
            Some(salt)
        }
        Err(message) => {
            section.report.error(place, message);
            places.unread(&at.then("salt_file"));
            None
        }
    }
}

fn set(section: &mut SectionReader<'_, '_>, at: &KeyPath, places: &mut ConfigPlaces) -> BTreeMap<String, DeriveSpec> {
    let at = at.then("set");
    let Some(node) = section.node("set") else { return BTreeMap::new() };
    let TreeValue::Table(fields) = &node.value else {
        let message = format!("`set` must be a table, not {}", node.value.type_name());
        let hint =
            "write names and how they are worked out: set = { day = { time = \"created_at\", write = \"date\" } }";
        section.report.error_with(node.place, message, hint);
        places.unread(&at);
        return BTreeMap::new();
    };
    let (mut set, mut all_read) = (BTreeMap::new(), true);
    for (name, TreeMember { key, node }) in fields {
        let at = at.then(name);
        places.write(at.clone().name(), *key);
        places.write(at.clone(), node.place);
        match words(node)
            .and_then(|words| DeriveSpec::read(words).map_err(|message| Placed { value: message, place: node.place }))
        {
            Ok(operator) => drop(set.insert(name.clone(), operator)),
            Err(Placed { value: message, place }) => {
                section.report.error(place, message);
                all_read = false;
            }
        }
    }
    if !all_read {
        places.unread(&at);
    }
    set
}

/// An operator's words, as it reads them; the error is a sentence with its place.
pub(super) fn words(node: &TreeNode) -> Result<Words, Placed<String>> {
    let fault = |message: String| Placed { value: message, place: node.place };
    Ok(match &node.value {
        TreeValue::Text(text) => Words::String(text.clone()),
        TreeValue::Integer(integer) => Words::from(*integer),
        TreeValue::Bool(flag) => Words::Bool(*flag),
        TreeValue::Fraction(digits) => {
            let number = digits.parse().ok().and_then(serde_json::Number::from_f64);
            Words::Number(number.ok_or_else(|| fault(format!("`{digits}` is no number that JSON can hold")))?)
        }
        TreeValue::List(items) => Words::Array(items.iter().map(words).collect::<Result<_, _>>()?),
        TreeValue::Table(members) => {
            let members = members.iter().map(|(name, entry)| Ok((name.clone(), words(&entry.node)?)));
            Words::Object(members.collect::<Result<_, Placed<String>>>()?)
        }
        TreeValue::Other(what) => {
            return Err(fault(format!("a derived field takes texts, numbers, true and false, not {what}")));
        }
    })
}
