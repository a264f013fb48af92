//! The catalogue as data and as text: JSON with one line a place, so that two of them can be compared line by line.
//!
//! Everything is sorted: the same events give the same bytes.

use super::tally::JsonType;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// The version of the notation.
pub(super) const VERSION: u64 = 1;

/// Which events were looked at.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Range {
    /// The stream.
    pub stream: String,
    /// The first position.
    pub from: u64,
    /// The last position.
    pub until: u64,
    /// One of so many positions.
    pub every: u64,
}

/// The kinds and fields of a range of events.
#[derive(Clone, Debug)]
pub struct Catalogue {
    /// The version of the notation.
    pub version: u64,
    /// Which events were looked at.
    pub range: Range,
    /// How many there were.
    pub events: u64,
    /// By name, or, of unknown kinds, by the kind's own text.
    pub kinds: BTreeMap<String, KindEntry>,
    /// Events of unknown kinds that are not listed.
    pub more: u64,
    /// Events that a filter drops.
    pub filtered: u64,
    /// Events that cannot be read, by the reason's code.
    pub unreadable: BTreeMap<String, u64>,
}

/// One kind.
#[derive(Clone, Debug, Deserialize)]
pub struct KindEntry {
    /// Whether the configuration knows it.
    pub known: bool,
    /// Its events.
    pub events: u64,
    /// The smallest position.
    pub first: u64,
    /// The largest position.
    pub last: u64,
    /// Values at places that are not listed.
    pub more: u64,
    /// Arrays and objects that were not looked into.
    pub deeper: u64,
    /// By spelling.
    pub places: BTreeMap<String, PlaceEntry>,
}

/// One place.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PlaceEntry {
    /// Values.
    pub count: u64,
    /// Objects, or arrays, that have at least one.
    pub present: u64,
    /// Objects, or arrays, that could have one.
    pub of: u64,
    /// Values of each type.
    pub types: BTreeMap<JsonType, u64>,
    /// Characters of the shortest text.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub shortest: Option<u64>,
    /// Characters of the longest text.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub longest: Option<u64>,
    /// The smallest position.
    pub first: u64,
    /// The largest position.
    pub last: u64,
    /// Some values. A saved catalogue's are of no use.
    #[serde(skip_serializing_if = "Vec::is_empty", skip_deserializing)]
    pub examples: Vec<Box<RawValue>>,
}

/// The catalogue as it stands in a file.
#[derive(Deserialize)]
#[serde(expecting = "an object with `catalogue`, `kinds` and so on")]
struct Saved {
    catalogue: u64,
    #[serde(flatten)]
    range: Range,
    events: u64,
    more: u64,
    filtered: u64,
    unreadable: BTreeMap<String, u64>,
    kinds: BTreeMap<String, KindEntry>,
}

impl Catalogue {
    /// Reads what `print` wrote, or says in words why it cannot.
    pub fn parse(text: &str) -> Result<Catalogue, String> {
        let saved: Saved = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if saved.catalogue != VERSION {
            return Err(format!("it is of version {}, and this build reads version {VERSION}", saved.catalogue));
        }
        let Saved { catalogue: version, range, events, more, filtered, unreadable, kinds } = saved;
        Ok(Catalogue { version, range, events, kinds, more, filtered, unreadable })
    }

    /// The catalogue as JSON, without a line break at the end.
    pub fn print(&self) -> String {
        let Range { stream, from, until, every } = &self.range;
        let mut text = format!("{{\n  \"catalogue\": {},\n  \"stream\": {},\n", self.version, json(stream));
        text.push_str(&format!("  \"from\": {from},\n  \"until\": {until},\n  \"every\": {every},\n"));
        text.push_str(&format!("  \"events\": {},\n  \"more\": {},\n", self.events, self.more));
        text.push_str(&format!("  \"filtered\": {},\n", self.filtered));
        text.push_str(&format!("  \"unreadable\": {},\n  \"kinds\": {{", json(&self.unreadable)));
        list(&mut text, "    ", self.kinds.iter().map(|(name, kind)| (name, kind.print())));
        text.push_str(if self.kinds.is_empty() { "}\n}" } else { "\n  }\n}" });
        text
    }
}

impl KindEntry {
    fn print(&self) -> String {
        let mut text = format!("{{\n      \"known\": {}, \"events\": {}, ", self.known, self.events);
        text.push_str(&format!("\"first\": {}, \"last\": {}, ", self.first, self.last));
        text.push_str(&format!("\"more\": {}, \"deeper\": {},\n      \"places\": {{", self.more, self.deeper));
        list(&mut text, "        ", self.places.iter().map(|(name, place)| (name, json(place))));
        text.push_str(if self.places.is_empty() { "}\n    }" } else { "\n      }\n    }" });
        text
    }
}

/// The members of an object, a line each.
fn list<'a>(text: &mut String, indent: &str, members: impl Iterator<Item = (&'a String, String)>) {
    for (at, (name, value)) in members.enumerate() {
        let comma = if at == 0 { "" } else { "," };
        text.push_str(&format!("{comma}\n{indent}{}: {value}", json(name)));
    }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("texts, numbers and maps with names as keys can be written")
}
