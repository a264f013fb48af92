//! A reader of events that knows nothing of bounds in memory: it keeps every value of serde_json, and counts at the end.
//!
//! The oracle of `properties`. It shares only the spelling of names with what it checks.

use crate::commands::catalog::path::spelled;
use crate::commands::catalog::paths::SPELLINGS;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Count, present, of, types, lengths, first and last position.
pub(super) type Account = (u64, u64, u64, BTreeMap<String, u64>, Option<(u64, u64)>, u64, u64);

/// What the naive reader knows of one general spelling: the values with their own spelling, and their position.
#[derive(Default)]
pub(super) struct Naive<'a> {
    /// General spelling and own one of the place around, and of the place; the value; which container it stands in.
    values: Vec<(String, String, String, String, &'a Value, u64, u64)>,
    containers: u64,
}

impl<'a> Naive<'a> {
    pub(super) fn object(&mut self, general: &str, own: &str, members: &'a Map<String, Value>, position: u64) {
        self.containers += 1;
        let holder = self.containers;
        for (name, value) in members {
            let dot = if own.is_empty() { "" } else { "." };
            let id = name.bytes().any(|byte| byte.is_ascii_digit());
            let next = (
                format!("{general}{dot}{}", if id { "*".into() } else { spelled(name) }),
                format!("{own}{dot}{}", spelled(name)),
            );
            self.value(general, own, next, value, holder, position);
        }
    }

    fn value(&mut self, g: &str, o: &str, next: (String, String), value: &'a Value, holder: u64, position: u64) {
        let (general, own) = next;
        self.values.push((g.to_owned(), o.to_owned(), general.clone(), own.clone(), value, holder, position));
        match value {
            Value::Object(members) => self.object(&general, &own, members, position),
            Value::Array(values) => {
                self.containers += 1;
                let holder = self.containers;
                for value in values {
                    let next = (format!("{general}[]"), format!("{own}[]"));
                    self.value(&general, &own, next, value, holder, position);
                }
            }
            _ => {}
        }
    }

    /// The accounts of all places, as the page about catalogues says.
    pub(super) fn accounts(&self, events: u64) -> BTreeMap<String, Account> {
        let mut spellings: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (_, _, general, own, ..) in &self.values {
            spellings.entry(general).or_default().insert(own);
        }
        let crowded: Vec<&str> =
            spellings.iter().filter(|(_, own)| own.len() > SPELLINGS).map(|(general, _)| *general).collect();
        // A place collapses with any place around it.
        let within = |general: &str, outer: &str| {
            general.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        let collapsed = |general: &str| crowded.iter().any(|outer| within(general, outer));
        let shown = |general: &str, own: &str| (if collapsed(general) { general } else { own }).to_owned();
        let mut accounts: BTreeMap<String, Account> = BTreeMap::new();
        let mut holders: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
        for (_, _, general, own, value, holder, position) in &self.values {
            let name = shown(general, own);
            holders.entry(name.clone()).or_default().insert(*holder);
            let account = accounts.entry(name).or_insert((0, 0, 0, BTreeMap::new(), None, u64::MAX, 0));
            account.0 += 1;
            *account.3.entry(kind(value).to_owned()).or_default() += 1;
            if let Value::String(text) = value {
                let length = text.chars().count() as u64;
                let (shortest, longest) = account.4.unwrap_or((length, length));
                account.4 = Some((shortest.min(length), longest.max(length)));
            }
            account.5 = account.5.min(*position);
            account.6 = account.6.max(*position);
        }
        for (name, holders) in holders {
            accounts.get_mut(&name).unwrap().1 = holders.len() as u64;
        }
        for (outer_general, outer_own, general, own, ..) in &self.values {
            let name = shown(general, own);
            let wanted = if own.ends_with("[]") && own.len() == outer_own.len() + 2 { "array" } else { "object" };
            // No spelling is empty, so only the event itself is around a place without one.
            let of = if outer_general.is_empty() {
                events
            } else {
                let alike = |(_, _, g, o, value, ..): &&(String, String, String, String, &Value, u64, u64)| {
                    let same = if collapsed(general) { g == outer_general } else { o == outer_own };
                    same && kind(value) == wanted
                };
                self.values.iter().filter(alike).count() as u64
            };
            accounts.get_mut(&name).unwrap().2 = of;
        }
        accounts
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.to_string().contains(['.', 'e', 'E']) => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "text",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
