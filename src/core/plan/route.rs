//! `[[route]]`: outputs that go to another subject, or nowhere.
//!
//! A route is asked when an event's rows are joined and its changes are worked out: what is dropped here has worked on the
//! state, unlike what a filter drops. Dead letters have no route.

use super::condition::{Condition, ResolvedCondition, RuleId};
use super::kinds::applies;
use super::template::Template;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteSpec {
    /// The name under which events are counted that it drops, or that it cannot judge.
    pub name: String,
    /// The kind sections that it applies to; none: every event, also those of unknown kind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<String>,
    /// The events that go this way; all without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Condition>,
    /// Where they go; without it they are dropped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Template>,
}

impl RouteSpec {
    /// Whether it applies to a kind section; `None` is the unknown kind.
    pub fn applies_to(&self, kind: Option<&str>) -> bool {
        applies(&self.kinds, kind)
    }
}

/// A route, ready to be asked.
#[derive(Clone, Debug)]
pub struct Route {
    /// Its number among the plan's rules.
    pub rule: RuleId,
    /// The events that go this way; all without it.
    pub when: Option<ResolvedCondition>,
    /// Where they go; without it they are dropped.
    pub subject: Option<Arc<Template>>,
}
