//! The way to one setting of a plan, by the names that the operator knows.
//!
//! Only names: whether something stands there, and in which line, is not known here.

use std::fmt;

/// The way to one setting as `--set` writes it, such as `kinds."lesson:*".key` or `enrich.0.kinds.1`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyPath {
    steps: Vec<String>,
    name: bool,
}

impl KeyPath {
    /// The setting at the end of these names.
    pub fn of<const N: usize>(steps: [&str; N]) -> KeyPath {
        KeyPath { steps: steps.map(str::to_owned).to_vec(), name: false }
    }

    /// `kinds.NAME`.
    pub fn kind(name: &str) -> KeyPath {
        KeyPath::of(["kinds", name])
    }

    /// `tables.NAME`.
    pub fn table(name: &str) -> KeyPath {
        KeyPath::of(["tables", name])
    }

    /// `enrich.N`, counted from 0.
    pub fn enrich(number: usize) -> KeyPath {
        KeyPath::of(["enrich"]).then(&number.to_string())
    }

    /// `derive.N`, counted from 0.
    pub fn derive(number: usize) -> KeyPath {
        KeyPath::of(["derive"]).then(&number.to_string())
    }

    /// `filter.N`, counted from 0.
    pub fn filter(number: usize) -> KeyPath {
        KeyPath::of(["filter"]).then(&number.to_string())
    }

    /// `route.N`, counted from 0.
    pub fn route(number: usize) -> KeyPath {
        KeyPath::of(["route"]).then(&number.to_string())
    }

    /// `map.N`, counted from 0.
    pub fn map(number: usize) -> KeyPath {
        KeyPath::of(["map"]).then(&number.to_string())
    }

    /// `quality.N`, counted from 0.
    pub fn quality(number: usize) -> KeyPath {
        KeyPath::of(["quality"]).then(&number.to_string())
    }

    /// Its names, the outermost first.
    pub fn steps(&self) -> Vec<&str> {
        self.steps.iter().map(String::as_str).collect()
    }

    /// One name further.
    pub fn then(&self, step: &str) -> KeyPath {
        let mut steps = self.steps.clone();
        steps.push(step.to_owned());
        KeyPath { steps, name: false }
    }

    /// The name at the end of the way itself, not what stands under it.
    pub fn name(self) -> KeyPath {
        KeyPath { name: true, ..self }
    }

    /// The name of the section that this setting stands in.
    pub fn section(&self) -> Option<KeyPath> {
        let (_, outer) = self.steps.split_last()?;
        (!outer.is_empty()).then(|| KeyPath { steps: outer.to_vec(), name: true })
    }

    /// Whether this is a part of what stands under another one; a name is no part of what stands under it.
    pub fn is_within(&self, outer: &KeyPath) -> bool {
        match self.steps.strip_prefix(outer.steps.as_slice()) {
            None => false,
            Some([]) => !self.name && !outer.name,
            Some(_) => !outer.name,
        }
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.steps.iter().enumerate() {
            let dot = if at == 0 { "" } else { "." };
            let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            if !step.is_empty() && step.chars().all(bare) {
                write!(f, "{dot}{step}")?;
            } else {
                write!(f, "{dot}{step:?}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_are_written_as_set_takes_them() {
        let key = KeyPath::kind("lesson:*").then("key");
        assert_eq!(key.to_string(), "kinds.\"lesson:*\".key");
        assert_eq!(key.section(), Some(KeyPath::kind("lesson:*").name()));
        assert_eq!(KeyPath::enrich(1).then("kinds").then("0").to_string(), "enrich.1.kinds.0");
        assert_eq!(KeyPath::of(["kinds"]).section(), None);
    }

    #[test]
    fn a_name_is_no_part_of_what_stands_under_it() {
        let table = KeyPath::table("user");
        let column = table.then("columns").then("name");
        for (path, outer, expected) in [
            (column.clone(), &table, true),
            (column.clone().name(), &table, true),
            (table.clone(), &table, true),
            (table.clone().name(), &table, false),
            (column.clone(), &table.clone().name(), false),
            (KeyPath::table("users"), &table, false),
            (table.clone(), &column, false),
        ] {
            assert_eq!(path.is_within(outer), expected, "{path:?} {outer:?}");
        }
    }
}
