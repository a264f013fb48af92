//! `[[enrich]]` as data: which fields an output gains from which rows, and what becomes of an event whose row is not there.
//!
//! What an enrichment has to obey is `check`'s business.

use super::condition::Condition;
use super::key_spec::{KeyPart, KeySpec};
use super::selector::Selector;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `[[enrich]]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnrichSpec {
    /// The kind sections that it applies to.
    pub kinds: Vec<String>,
    /// The events that it applies to; all of its kinds without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Condition>,
    /// What happens when a join finds no row.
    pub on_miss: OnMiss,
    /// How long an event waits for its rows, and what happens then; with `on_miss = "wait"` alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<WaitSpec>,
    /// The path of the object that the fields are added to; empty for the top level.
    pub into: Vec<String>,
    /// Whether that object is made where it is not there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub create: bool,
    /// Added field to the column that it takes.
    pub add: BTreeMap<String, JoinSpec>,
}

/// `enrich.on_miss`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnMiss {
    /// The added fields are null.
    #[default]
    Null,
    /// The added fields are left out, and removed where the event carries them.
    Omit,
    /// The event becomes a dead letter.
    DeadLetter,
    /// The event waits for the row.
    Wait,
}

/// `enrich.wait_s` and `enrich.then`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WaitSpec {
    /// Seconds of stream time.
    pub wait_s: u64,
    /// What happens when they are over and a row is still not there: anything but waiting.
    #[serde(default, skip_serializing_if = "OnMiss::is_null")]
    pub then: OnMiss,
    /// Whether later events of the key go on.
    #[serde(default, skip_serializing_if = "WaitOrder::is_overtake")]
    pub order: WaitOrder,
}

/// `enrich.order`: what becomes of later events of the key while one waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitOrder {
    /// They go on.
    #[default]
    Overtake,
    /// Those of the enrichment's kinds wait behind it.
    Key,
}

impl WaitOrder {
    fn is_overtake(&self) -> bool {
        *self == WaitOrder::Overtake
    }
}

impl OnMiss {
    fn is_null(&self) -> bool {
        *self == OnMiss::Null
    }
}

impl EnrichSpec {
    /// What becomes of a join that finds no row and is not, or no longer, waited for.
    pub fn at_last(&self) -> OnMiss {
        self.wait.map_or(self.on_miss, |wait| wait.then)
    }
}

/// `table.column` or `table[selector].column`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JoinSpec {
    /// The table's name.
    pub table: String,
    /// The row selector, for a table with several rows a key.
    pub row: Option<KeySpec>,
    /// The column's name.
    pub column: String,
}

impl JoinSpec {
    /// Parses the notation of `[enrich.add]`.
    pub fn parse(text: &str) -> Result<JoinSpec, String> {
        let wrong = || format!("`{text}` is no join: write `table.column` or `table[path.to.row].column`");
        let (table, row, column) = if let Some((table, rest)) = text.split_once('[') {
            let (row, column) = rest.rsplit_once("].").ok_or_else(wrong)?;
            let parts =
                parts(row).into_iter().map(|part| Selector::parse(part.trim())).collect::<Result<Vec<_>, _>>()?;
            let row = match <[Selector; 1]>::try_from(parts) {
                Ok([place]) => KeySpec::from(place),
                Err(parts) => KeySpec::All(parts.into_iter().map(KeyPart::At).collect()),
            };
            (table, Some(row), column)
        } else {
            let (table, column) = text.split_once('.').ok_or_else(wrong)?;
            (table, None, column)
        };
        if table.is_empty() || column.is_empty() || column.contains(['.', '[', ']']) {
            return Err(wrong());
        }
        Ok(JoinSpec { table: table.to_owned(), row, column: column.to_owned() })
    }
}

/// What stands between the commas of a text, but for those in double quotes.
fn parts(text: &str) -> Vec<&str> {
    let mut quoted = false;
    let outside = |letter: char| {
        quoted ^= letter == '"';
        letter == ',' && !quoted
    };
    text.split(outside).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_parse_or_say_what_is_right() {
        let join = JoinSpec::parse("subscription[properties.language].status").unwrap();
        assert_eq!((join.table.as_str(), join.column.as_str()), ("subscription", "status"));
        assert_eq!(join.row, Some(Selector::Path(vec!["properties".into(), "language".into()]).into()));
        let of_parts = JoinSpec::parse("weather[origin, \"a,b.c\",at[0]].temp").unwrap();
        let shown = of_parts.row.as_ref().map(ToString::to_string);
        assert_eq!((shown.as_deref(), of_parts.column.as_str()), (Some("origin and \"a,b.c\" and at[0]"), "temp"));
        for text in ["user", "user.", ".country", "t[a.b", "t[a]b", "t[a].b.c", "t[].b", "t[a,].b", "t[,].b"] {
            assert!(JoinSpec::parse(text).is_err(), "{text}");
        }
    }
}
