//! The account of one place: how many values, of which types, how long the texts are, and where the first and the last
//! was seen.
//!
//! Two accounts can be put together; in which order values come does not matter.

use serde::{Deserialize, Serialize};

/// The most examples of a place.
pub(super) const EXAMPLES: usize = 3;

/// What a JSON value is; numbers are told apart by their text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JsonType {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool,
    /// A number without fraction and exponent.
    Integer,
    /// Any other number.
    Number,
    /// A string.
    Text,
    /// An array.
    Array,
    /// An object.
    Object,
}

impl JsonType {
    /// Every type, in the order in which they are listed.
    pub const ALL: [JsonType; 7] = [
        JsonType::Null,
        JsonType::Bool,
        JsonType::Integer,
        JsonType::Number,
        JsonType::Text,
        JsonType::Array,
        JsonType::Object,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            JsonType::Null => "null",
            JsonType::Bool => "bool",
            JsonType::Integer => "integer",
            JsonType::Number => "number",
            JsonType::Text => "text",
            JsonType::Array => "array",
            JsonType::Object => "object",
        }
    }
}

/// One value, as a walk meets it.
#[derive(Clone, Debug)]
pub(super) struct SeenValue {
    /// What it is.
    pub kind: JsonType,
    /// The characters of a text.
    pub length: Option<u64>,
    /// The position of its event.
    pub position: u64,
    /// The object or array that it stands in: a number of its own for each.
    pub holder: u64,
    /// Its JSON text, where examples are wanted.
    pub example: Option<Box<str>>,
}

/// The account of one place.
#[derive(Clone, Debug)]
pub(super) struct PlaceTally {
    /// The length of the spelling of the place around this one.
    pub around: usize,
    /// Values.
    pub count: u64,
    /// Objects or arrays around, in which there was at least one.
    pub present: u64,
    /// Values of each type, in the order of `JsonType::ALL`.
    types: [u64; 7],
    /// Characters of the shortest and of the longest text.
    pub lengths: Option<(u64, u64)>,
    /// The smallest position.
    pub first: u64,
    /// The largest position.
    pub last: u64,
    /// The first values that differ, each with the first position that it was seen at.
    pub examples: Vec<(u64, Box<str>)>,
    /// The holder of the newest value.
    holder: u64,
}

impl PlaceTally {
    /// Of a place whose spelling goes on behind so many bytes.
    pub(super) fn new(around: usize) -> PlaceTally {
        PlaceTally {
            around,
            count: 0,
            present: 0,
            types: [0; 7],
            lengths: None,
            first: u64::MAX,
            last: 0,
            examples: Vec::new(),
            holder: 0,
        }
    }

    /// How many of the values are of a type.
    pub(super) fn of(&self, kind: JsonType) -> u64 {
        self.types.get(kind as usize).copied().unwrap_or_default()
    }

    /// One value more.
    pub(super) fn add(&mut self, seen: &SeenValue) {
        self.count += 1;
        if let Some(count) = self.types.get_mut(seen.kind as usize) {
            *count += 1;
        }
        // All values of one holder come one after the other, whatever lies between them.
        if self.holder != seen.holder {
            self.holder = seen.holder;
            self.present += 1;
        }
        self.lengths = wider(self.lengths, seen.length.map(|length| (length, length)));
        self.first = self.first.min(seen.position);
        self.last = self.last.max(seen.position);
        if let Some(text) = &seen.example {
            self.exemplify(seen.position, text);
        }
    }

    /// What another account of the same place has.
    pub(super) fn merge(&mut self, other: PlaceTally) {
        self.count += other.count;
        self.present += other.present;
        for (own, more) in self.types.iter_mut().zip(other.types) {
            *own += more;
        }
        self.lengths = wider(self.lengths, other.lengths);
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        for (position, text) in other.examples {
            self.exemplify(position, &text);
        }
    }

    /// Keeps the values that came first. One that is pushed out is behind all that stay, so it comes back only by an
    /// earlier position, which then is its first one.
    fn exemplify(&mut self, position: u64, text: &str) {
        match self.examples.iter_mut().find(|(_, known)| &**known == text) {
            Some((first, _)) => *first = position.min(*first),
            None => self.examples.push((position, text.into())),
        }
        self.examples.sort_unstable();
        self.examples.truncate(EXAMPLES);
    }
}

fn wider(one: Option<(u64, u64)>, other: Option<(u64, u64)>) -> Option<(u64, u64)> {
    match (one, other) {
        (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
        (one, other) => one.or(other),
    }
}
