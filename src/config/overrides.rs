//! Settings from outside the file: `--set key.path=value` and the server's address from the environment.
//!
//! They are laid over the parsed document before anything is checked, so that they obey the same rules and
//! their mistakes name the flag. This file reads no environment: `cli` hands the value in.

use super::place::TextPlace;
use super::report::ConfigReport;
use super::tree::{self, TreeMember, TreeNode, TreeTable, TreeValue};
use super::variables;
use std::collections::BTreeMap;

/// The name under which a mistake in [`Overrides::nats_url`] is reported.
const NATS_URL: &str = "SIDESTREAM_NATS_URL";

/// What is laid over the files, weakest first: `nats_url`, then `sets` in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// The value of `SIDESTREAM_NATS_URL`, where it is set.
    pub nats_url: Option<String>,
    /// What `${NAME}` stands for in the files' values.
    pub variables: BTreeMap<String, String>,
    /// Every `--set`, as (key path, value). A value is read as TOML, and as plain text where it is none.
    pub sets: Vec<(String, String)>,
}

impl Overrides {
    /// Changes the document; what cannot be laid over it is reported and left out. The result is whether all variables are filled in.
    pub(super) fn apply(&self, document: &mut TreeTable, report: &mut ConfigReport) -> bool {
        let filled = variables::fill(document, &self.variables, report);
        if let Some(url) = &self.nats_url {
            let place = report.add_override(NATS_URL.to_owned());
            let path = ["nats".to_owned(), "url".to_owned()];
            if let Err(message) = insert(document, &path, TreeNode { value: TreeValue::Text(url.clone()), place }) {
                report.error(place, message);
            }
        }
        for (path, value) in &self.sets {
            let place = report.add_override(format!("--set {path}"));
            let Some(names) = key_path(path) else {
                let hint = "write names between dots, such as `--set nats.url=nats://127.0.0.1:4222`";
                report.error_with(place, format!("`{path}` is no key path"), hint);
                continue;
            };
            let plain = || TreeNode { value: TreeValue::Text(value.clone()), place };
            let node = tree::parse_value(value, place).unwrap_or_else(plain);
            if let Err(message) = insert(document, &names, node) {
                report.error(place, message);
            }
        }
        filled
    }
}

/// The names of a key path by TOML's own rules, quoted ones included: `kinds."lesson:*".key`.
fn key_path(path: &str) -> Option<Vec<String>> {
    if path.contains('\n') || path.trim_start().starts_with('[') {
        return None;
    }
    let mut document = tree::parse(&format!("{path} = 0"), 0).ok()?;
    let mut names = Vec::new();
    loop {
        let (name, entry) = document.pop_first()?;
        names.push(name);
        match entry.node.value {
            TreeValue::Table(inner) => document = inner,
            _ => return Some(names),
        }
    }
}

/// Puts a value where the path leads, with the sections on the way; a number counts the sections of a list.
fn insert(table: &mut TreeTable, path: &[String], node: TreeNode) -> Result<(), String> {
    let place = node.place;
    match path {
        [] => Ok(()),
        [name] => {
            table.insert(name.clone(), TreeMember { key: place, node });
            Ok(())
        }
        [name, rest @ ..] => {
            let section = || TreeNode { value: TreeValue::Table(TreeTable::new()), place };
            let entry = table.entry(name.clone()).or_insert_with(|| TreeMember { key: place, node: section() });
            descend(name, &mut entry.node.value, rest, node)
        }
    }
}

fn descend(name: &str, value: &mut TreeValue, rest: &[String], node: TreeNode) -> Result<(), String> {
    match (value, rest) {
        (TreeValue::Table(inner), _) => insert(inner, rest, node),
        (TreeValue::List(items), [index, rest @ ..]) => {
            let count = items.len();
            let item = index.parse().ok().and_then(|index: usize| items.get_mut(index));
            match (item, rest) {
                (None, _) => Err(format!("`{name}` has {count} entries, counted from 0: there is no `{name}.{index}`")),
                (Some(item), []) => {
                    *item = node;
                    Ok(())
                }
                (Some(item), rest) => descend(&format!("{name}.{index}"), &mut item.value, rest, node),
            }
        }
        (other, _) => Err(format!("`{name}` is {}, so that nothing can be set inside it", other.type_name())),
    }
}

/// Whether a place is an override's, where text that looks like another type needs quotes of its own.
pub(super) fn is_override(place: TextPlace) -> bool {
    matches!(place, TextPlace::Override(_))
}
