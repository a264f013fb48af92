//! What the operator reads when a configuration is wrong: the whole printed text, case by case.
//!
//! The cases stand in text files. `==` begins a case; then come changes to a small configuration (`- ` a text
//! that occurs in it once, `+ ` what takes its place, or `+` alone where its lines go), then everything that is
//! printed: errors, or warnings where the configuration can be used.
#![allow(clippy::indexing_slicing, reason = "a case that is written wrongly may end the test")]

use sidestream::config::{Config, Overrides, SHIPPED};

/// A small configuration without a mistake.
pub const BASE: &str = r#"[input]
stream = "IN"
subjects = ["in.>"]
[output]
stream = "OUT"
subject = "out.{kind}"
[event]
kind = "title"
id = "id"
[kinds.user]
key = "uuid"
[kinds.lesson]
key = "by.uuid"
[kinds.visit]
[tables.user]
from = "user"
columns = { name = "name", country = "country" }
[tables.sub]
from = "user"
row = "language"
columns = { status = "status" }
[[enrich]]
kinds = ["lesson"]
add = { country = "user.country", status = "sub[language].status" }
"#;

fn printed(text: &str, overrides: &Overrides) -> String {
    match Config::parse("config.toml", text, overrides) {
        Err(error) => error.to_string(),
        Ok((_, warnings)) => {
            warnings.iter().map(|warning| format!("warning: {warning}")).collect::<Vec<_>>().join("\n\n")
        }
    }
}

/// Carries out a case's changes, one after the other; each begins where a `- ` follows a `+`.
fn changed(lines: &[&str]) -> String {
    let texts = |mark: &str, change: &[&str]| {
        let texts: Vec<&str> = change.iter().filter_map(|line| line.strip_prefix(mark)).collect();
        texts.join("\n")
    };
    let changes = lines.chunk_by(|left, right| !(left.starts_with('+') && right.starts_with('-')));
    changes.fold(BASE.to_owned(), |text, change| {
        let (mut from, to) = (texts("- ", change), texts("+ ", change));
        if change.contains(&"+") {
            from.push('\n');
        }
        assert_eq!(text.matches(&from).count(), 1, "{from}");
        text.replacen(&from, &to, 1)
    })
}

/// Runs every case of a file and shows all that differ.
fn check(cases: &str) {
    let lines: Vec<&str> = cases.lines().filter(|line| !line.starts_with("# ")).collect();
    let cases: Vec<&[&str]> = lines.split(|line| *line == "==").skip(1).collect();
    let mut wrong = Vec::new();
    for case in &cases {
        let (changes, expected) = case.split_at(case.iter().take_while(|line| line.starts_with(['-', '+'])).count());
        let printed = printed(&changed(changes), &Overrides::default());
        if printed != expected.join("\n").trim_matches('\n') {
            wrong.push(format!("==\n{}\n{printed}\n", changes.join("\n")));
        }
    }
    assert!(cases.len() > 7, "the file has its cases");
    assert!(wrong.is_empty(), "printed otherwise than expected:\n\n{}", wrong.join("\n"));
}

#[test]
fn rules_are_told_apart_and_pointed_into() {
    check(include_str!("config_diagnostics/rules.txt"));
}

#[test]
fn keys_are_known_there_and_well_formed() {
    check(include_str!("config_diagnostics/keys.txt"));
}

#[test]
fn values_have_their_types_bounds_and_notations() {
    check(include_str!("config_diagnostics/values.txt"));
}

#[test]
fn the_way_to_the_server_is_well_formed_and_shows_no_secret() {
    check(include_str!("config_diagnostics/connection.txt"));
    let secret = |url: &str| Overrides { nats_url: Some(url.to_owned()), ..Overrides::default() };
    for url in ["nats://me:secret%4@host", "http://me:secret@host", "me:secret@host", "nats://secret@"] {
        let printed = printed(SHIPPED, &secret(url));
        assert!(printed.starts_with("SIDESTREAM_NATS_URL: ") && !printed.contains("secret"), "{printed}");
    }
    let (config, _) = Config::parse("config.toml", SHIPPED, &secret("nats://me:secret@host")).unwrap();
    assert!(!format!("{config:?}").contains("secret"), "{config:?}");
}

#[test]
fn sections_fit_together() {
    check(include_str!("config_diagnostics/relations.txt"));
}

#[test]
fn the_gateway_is_well_formed_and_open_to_nobody_by_mistake() {
    check(include_str!("config_diagnostics/gateway.txt"));
}

#[test]
fn what_is_hardly_meant_is_refused_or_named() {
    check(include_str!("config_diagnostics/meaning.txt"));
}

fn set(path: &str, value: &str) -> Overrides {
    Overrides { sets: vec![(path.to_owned(), value.to_owned())], ..Overrides::default() }
}

#[test]
fn a_mistake_in_an_override_names_the_flag() {
    for (path, value, expected) in [
        ("nats.urk", "x", "--set nats.urk: unknown key `urk` in [nats]\n   = hint: did you mean `url`?"),
        ("natz.url", "x", "--set natz.url: unknown section [natz]\n   = hint: did you mean `nats`?"),
        (
            "engine.shards",
            "two",
            "--set engine.shards: `shards` must be a whole number, not text\n   = hint: write digits without quotes, such as 1_000",
        ),
        (
            "output.mark",
            "true",
            "--set output.mark: `mark` must be text, not true or false\n   = hint: keep the quotes from the shell: '\"text\"'",
        ),
        ("nats.url.x", "1", "--set nats.url.x: `url` is text, so that nothing can be set inside it"),
        (
            "enrich.1.on_miss",
            "omit",
            "--set enrich.1.on_miss: `enrich` has 1 entries, counted from 0: there is no `enrich.1`",
        ),
        (
            "a..b",
            "1",
            "--set a..b: `a..b` is no key path\n   = hint: write names between dots, such as `--set nats.url=nats://127.0.0.1:4222`",
        ),
        (
            "tables.user.from",
            "usr",
            "--set tables.user.from: there is no section for the kind `usr`\n   = hint: did you mean `user`?",
        ),
    ] {
        assert_eq!(printed(SHIPPED, &set(path, value)), expected);
    }
    let overrides = Overrides { nats_url: Some("host".to_owned()), ..Overrides::default() };
    let printed = printed(SHIPPED, &overrides);
    assert!(printed.starts_with("SIDESTREAM_NATS_URL: `host` is no server address"), "{printed}");
}

#[test]
fn a_file_that_cannot_be_read_is_a_diagnostic_too() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.toml");
    let error = Config::load(&path, &Overrides::default()).unwrap_err().to_string();
    assert!(error.starts_with(&format!("{}: cannot read the configuration: ", path.display())), "{error}");
    std::fs::write(&path, b"\xff").unwrap();
    let error = Config::load(&path, &Overrides::default()).unwrap_err().to_string();
    assert!(error.contains("the configuration is not UTF-8 text"), "{error}");
    std::fs::write(&path, SHIPPED).unwrap();
    assert_eq!(
        Config::load(&path, &Overrides::default()).unwrap().0,
        Config::parse("config.toml", SHIPPED, &Overrides::default()).unwrap().0
    );
}

#[test]
fn later_files_are_laid_over_earlier_ones_and_values_are_filled_in() {
    let directory = tempfile::tempdir().unwrap();
    let (base, prod) = (directory.path().join("base.toml"), directory.path().join("prod.toml"));
    std::fs::write(&base, SHIPPED).unwrap();
    let over = r#"
[nats]
url = "nats://${HOST:-127.0.0.1}:4222"
[engine]
shards = "${SHARDS}"
[output]
subject = "out.${NAME}.{kind}"
[[enrich]]
kinds = ["lesson"]
add = { country = "user.country" }
"#;
    std::fs::write(&prod, over).unwrap();
    let variables = |list: &[(&str, &str)]| Overrides {
        variables: list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        ..Overrides::default()
    };
    let all = variables(&[("SHARDS", "3"), ("NAME", "prod")]);
    let (config, _) = Config::load_layers(&[&base, &prod], &all).unwrap();
    assert_eq!((config.engine.shards, config.nats.url.0.as_str()), (3, "nats://127.0.0.1:4222"));
    assert_eq!(config.output.stream, "ENRICHED", "what the later file does not name stays");
    assert_eq!(config.plan.enrich.len(), 1, "a list takes the earlier one's place");
    assert_eq!(config.plan.output_subject.to_string(), "out.prod.{kind}");
    let refused = |list: &[(&str, &str)]| {
        let error = Config::load_layers(&[&base, &prod], &variables(list)).unwrap_err().to_string();
        error.replace(&format!("{}/", directory.path().display()), "")
    };
    let shards = r#"prod.toml:5:10: `shards` must be a whole number, not text
  |
5 | shards = "${SHARDS}"
  |          ^^^^^^^^^^^
  = hint: write digits without quotes, such as 1_000"#;
    assert_eq!(refused(&[("SHARDS", "many"), ("NAME", "prod")]).trim_end(), shards);
    let name = r#"prod.toml:7:11: the variable `NAME` is not set, or empty
  |
7 | subject = "out.${NAME}.{kind}"
  |           ^^^^^^^^^^^^^^^^^^^^
  = hint: set it in the environment, or give it a default: ${NAME:-value}"#;
    assert_eq!(refused(&[("SHARDS", "3")]).trim_end(), name);
}

/// Whatever is left of a configuration, it compiles or is refused with a reason: nothing panics.
#[test]
fn a_damaged_configuration_is_refused_or_compiles() {
    let judge = |text: &str| {
        if let Err(error) = Config::parse("config.toml", text, &Overrides::default()) {
            assert!(!error.diagnostics.is_empty(), "{text}");
        }
    };
    for text in [BASE, SHIPPED] {
        (0..text.len()).filter(|end| text.is_char_boundary(*end)).for_each(|end| judge(&text[..end]));
        let lines: Vec<&str> = text.lines().collect();
        for damaged in 0..lines.len() {
            let name = lines[damaged].split('=').next().unwrap_or_default();
            for value in
                [None, Some("1"), Some("\"\""), Some("\"$\""), Some("[]"), Some("[{}]"), Some("{}"), Some("true")]
            {
                let mut lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
                match value {
                    None => drop(lines.remove(damaged)),
                    Some(value) => lines[damaged] = format!("{name}= {value}"),
                }
                judge(&lines.join("\n"));
            }
        }
    }
}
