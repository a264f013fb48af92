//! The defaults on the page: each of them, written into a configuration, changes nothing.

use super::keys::all;
use crate::config::{Config, Overrides};

/// Sections with what they cannot do without.
const LEAST: &[(&str, &str, &str)] = &[
    ("nats", "[nats]", ""),
    ("nats.tls", "[nats.tls]", ""),
    ("input", "[input]", "stream = \"IN\"\nsubjects = [\"in.>\", \"events.>\"]"),
    ("input.provision", "[input.provision]", ""),
    ("output", "[output]", "stream = \"OUT\"\nsubject = \"out.{kind}\"\n?envelope = true"),
    ("output.provision", "[output.provision]", ""),
    ("dead_letters", "[dead_letters]", "stream = \"DEAD\""),
    ("dead_letters.provision", "[dead_letters.provision]", ""),
    ("redrives.provision", "[redrives.provision]", ""),
    ("engine", "[engine]", ""),
    ("clock", "[clock]", "subject = \"in.tick\""),
    ("dedup", "[dedup]", ""),
    ("state", "[state]", ""),
    ("http", "[http]", ""),
    ("lake", "[lake]", "url = \"lake\""),
    ("gateway", "[gateway]", ""),
    ("event", "[event]", "kind = \"k\"\nid = \"i\"\n"),
    ("event.unwrap", "[event.unwrap]", "at = \"payload\""),
    ("derive[]", "[[derive]]", "into = \"p\"\nset = { x = \"y\" }"),
    ("kinds.NAME", "[kinds.a]", "key = \"c\""),
    ("kinds.NAME.version", "[kinds.a.version]", "at = \"v\"\nnewest = 1"),
    ("tables.NAME", "[tables.t]", "from = \"a\"\ncolumns = { x = \"x\" }"),
    ("tables.NAME.version", "[tables.t.version]", "at = \"r\""),
    ("aggregates.NAME", "[aggregates.s]", "from = \"a\"\ncolumns = { n = \"count()\" }"),
    ("enrich[]", "[[enrich]]", "kinds = [\"a\"]\ninto = \"q\"\nadd = { x = \"t.x\" }"),
    ("quality[]", "[[quality]]", "complete = [\"x\"]"),
    ("map[]", "[[map]]", "name = \"m\"\nsubject = \"m.x\"\nfields = { x = \"x\" }"),
];

/// The configuration with these keys in one section; the lake wants an envelope of its own accord.
fn with(section: &str, lines: &str) -> String {
    let sections = LEAST.iter().filter(|(name, ..)| section.starts_with("lake") || *name != "lake");
    let sections = sections.map(|(name, title, least)| {
        let envelope = if section.starts_with("lake") { "" } else { "#" };
        let least = least.replace('?', envelope);
        format!("{title}\n{least}\n{}\n", if *name == section { lines } else { "" })
    });
    sections.collect()
}

fn read(text: &str) -> String {
    let (config, _) =
        Config::parse("config.toml", text, &Overrides::default()).unwrap_or_else(|e| panic!("{e}\n{text}"));
    format!("{config:?}")
}

#[test]
fn a_default_that_is_written_changes_nothing() {
    let mut checked = 0;
    for key in all() {
        let Some(value) = key.default.strip_prefix('`').and_then(|rest| rest.strip_suffix('`')) else { continue };
        if toml::from_str::<toml::Table>(&format!("x = {value}")).is_err() {
            // It names another key.
            continue;
        }
        assert!(LEAST.iter().any(|(section, ..)| *section == key.section), "{key:?}: its section is not in the list");
        let line = format!("{} = {value}", key.name);
        assert_eq!(read(&with(key.section, &line)), read(&with(key.section, "")), "{line} in {}", key.section);
        checked += 1;
    }
    assert!(checked > 25, "{checked}");
}
