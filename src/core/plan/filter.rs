//! `[[filter]]`: events that are dropped before the state sees them.

use super::condition::{Condition, ResolvedCondition};
use super::kinds::applies;
use serde::{Deserialize, Serialize};

/// One filter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilterSpec {
    /// The name under which dropped events are counted.
    pub name: String,
    /// The kind sections that it applies to; none: every event, also those of unknown kind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<String>,
    /// Events for which this holds are dropped: nothing leaves, no row and no id remembers them.
    pub drop: Condition,
}

impl FilterSpec {
    /// Whether it applies to a kind section; `None` is the unknown kind.
    pub fn applies_to(&self, kind: Option<&str>) -> bool {
        applies(&self.kinds, kind)
    }
}

/// A filter, ready to be asked.
#[derive(Clone, Debug)]
pub struct Filter {
    /// Its condition, whose rule is the filter.
    pub drop: ResolvedCondition,
}
