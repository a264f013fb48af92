//! The page, and what the readers tell for it.

use super::keys::{KeyReference, all};
use crate::config::place::Sources;
use crate::config::report::ConfigReport;
use crate::config::{read, tree};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

/// A configuration in which every section stands, so that each reader asks for all its keys. It need not be right.
const EVERYTHING: &str = r#"
input = {}
output = {}
dead_letters = {}
redrives = {}
event = { unwrap = {} }
clock = {}
gateway = {}
lake = { url = "s3://lake/x", s3 = {}, columns = { x = {} } }
kinds = { a = { version = {}, upcast = [{}] } }
tables = { a = { version = {}, delete = {} } }
aggregates = { b = {} }
derive = [{}]
filter = [{}]
enrich = [{}]
quality = [{}]
map = [{}]
route = [{}]
"#;

/// The sections that stand in lists.
const LISTS: [&str; 6] = ["derive", "filter", "enrich", "quality", "map", "route"];

/// What the readers want, by section and key.
fn wanted() -> BTreeMap<(String, &'static str), String> {
    let sources = Sources::of("everything", EVERYTHING);
    let mut report = ConfigReport::new(sources);
    read::read(&tree::parse(EVERYTHING, 0).unwrap(), &mut report);
    let mut wanted: BTreeMap<(String, &'static str), String> = BTreeMap::new();
    for (title, name, what) in report.wanted {
        // Of several words for one key, those that say most: a reader may ask twice.
        let known = wanted.entry((section(&title), name)).or_default();
        if what.len() > known.len() {
            *known = what;
        }
    }
    // An entry of `upcast` has the keys of `derive[]` without `kinds`.
    let of = |of: &str, name: &str| -> BTreeSet<&str> {
        wanted.keys().filter(|(s, n)| s == of && *n != name).map(|(_, name)| *name).collect()
    };
    assert_eq!(of("kinds.NAME.upcast[]", ""), of("derive[]", "kinds"));
    wanted.retain(|(section, _), _| section != "kinds.NAME.upcast[]");
    wanted
}

/// A section's title without the names that the operator gave.
fn section(title: &str) -> String {
    let parts: Vec<&str> = title.split('.').collect();
    match parts[..] {
        [list] if LISTS.contains(&list) => format!("{list}[]"),
        ["kinds", _, "upcast", _] => "kinds.NAME.upcast[]".to_owned(),
        [of @ ("kinds" | "tables" | "aggregates"), _, ref rest @ ..] => [&[of, "NAME"], rest].concat().join("."),
        ["lake", "columns", _] => "lake.columns.NAME".to_owned(),
        _ => title.to_owned(),
    }
}

/// Whether a key only leads to keys that have lines of their own.
fn leads_on(section: &str, name: &str, sections: &BTreeSet<&str>) -> bool {
    let whole = if section.is_empty() { name.to_owned() } else { format!("{section}.{name}") };
    let list = format!("{whole}[]");
    let named = format!("{whole}.NAME");
    let inner = format!("{whole}.");
    sections.iter().any(|known| [&whole, &list, &named].contains(&&(*known).to_owned()) || known.starts_with(&inner))
}

fn page(keys: &[KeyReference], wanted: &BTreeMap<(String, &'static str), String>) -> String {
    let mut page = String::from(
        "# Configuration\n\n\
         Every key of `config.toml`. This page is made from the code that reads it: edit `src/config/reference/keys.txt` and run\n\
         `SIDESTREAM_WRITE_DOCS=1 cargo test --lib config::reference`; a test holds both equal.\n\n\
         `sidestream check` reports every mistake with its line, column and a hint; `--set key.path=value` changes one key for one run. A list\n\
         of sections is written `[[derive]]`; NAME is a name of your own. The [README](../README.md#configuration) explains places, subject\n\
         templates, kinds and duplicates.\n",
    );
    let mut section = "";
    for key in keys {
        if key.section != section {
            section = key.section;
            let title = match section.strip_suffix("[]") {
                Some(list) => format!("[[{list}]]"),
                None => format!("[{section}]"),
            };
            write!(page, "\n## {title}\n\n| key | takes | default | meaning |\n|---|---|---|---|\n").unwrap();
        }
        let told = wanted.get(&(key.section.to_owned(), key.name)).map_or("", String::as_str);
        let takes = key.takes.unwrap_or(told);
        let more = key.page.map(|page| format!("[more]({page})"));
        let sentence: Vec<&str> =
            [key.sentence, more.as_deref().unwrap_or_default()].into_iter().filter(|part| !part.is_empty()).collect();
        writeln!(page, "| `{}` | {takes} | {} | {} |", key.name, key.default, sentence.join(" ")).unwrap();
    }
    page
}

#[test]
fn every_key_that_a_reader_knows_has_its_line_and_no_other() {
    let (keys, wanted) = (all(), wanted());
    let listed: BTreeSet<(String, &str)> = keys.iter().map(|key| (key.section.to_owned(), key.name)).collect();
    assert_eq!(listed.len(), keys.len(), "a key stands twice");
    let sections: BTreeSet<&str> = keys.iter().map(|key| key.section).collect();
    let asked = wanted.keys().filter(|key| listed.contains(*key) || !leads_on(&key.0, key.1, &sections));
    let asked: BTreeSet<(String, &str)> = asked.cloned().collect();
    let without: Vec<_> = asked.difference(&listed).collect();
    let stale: Vec<_> = listed.difference(&asked).collect();
    assert!(without.is_empty() && stale.is_empty(), "without a line in keys.txt: {without:?}; not read: {stale:?}");
    for key in &keys {
        let told = wanted.get(&(key.section.to_owned(), key.name)).unwrap();
        assert!(key.takes.is_some() || !told.is_empty(), "{key:?}: the reader does not say what it takes");
        let whole = key.sentence.ends_with('.') && key.sentence.len() > 9;
        assert!(whole || (key.sentence.is_empty() && key.section.ends_with(".provision")), "{key:?}");
    }
}

#[test]
fn the_page_is_what_the_readers_and_the_list_say() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    for key in all() {
        let page = key.page.map(|page| root.join(page.split('#').next().unwrap()));
        assert!(page.is_none_or(|page| page.exists()), "{key:?} leads nowhere");
    }
    let (path, page) = (root.join("configuration.md"), page(&all(), &wanted()));
    if std::env::var_os("SIDESTREAM_WRITE_DOCS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == page, "docs/configuration.md is not what the readers say: see its first lines");
}
