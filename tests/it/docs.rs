//! The documents keep step with the code: tables that are made from the code stand in them word for word.

use sidestream::commands::new::EXAMPLES;
use sidestream::telemetry::catalogue;
use std::path::Path;
use std::process::{Command, Stdio};

#[test]
fn the_readme_has_the_metrics_catalogue() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let table = catalogue::markdown();
    assert!(readme.contains(table.trim()), "README.md must contain this table:\n\n{table}");
}

/// The blocks of TOML in a section of the README.
fn blocks(section: &str) -> Vec<String> {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let (_, rest) = readme.split_once(&format!("\n## {section}\n")).unwrap();
    let text = rest.split("\n## ").next().unwrap();
    text.split("```toml\n").skip(1).map(|block| block.split("```").next().unwrap().to_owned()).collect()
}

#[test]
fn a_newcomers_configuration_does_what_the_readme_says() {
    let [config, cases] = blocks("Your own events in five minutes").try_into().unwrap();
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("tests")).unwrap();
    std::fs::write(dir.path().join("config.toml"), config).unwrap();
    std::fs::write(dir.path().join("tests/shop.toml"), cases).unwrap();
    for (command, last) in [("check", "fine, plan"), ("test", "1 passed")] {
        let ran = sidestream(dir.path(), &[command]);
        assert!(ran.0 && ran.1.contains(last) && !ran.1.contains("warning"), "{command}: {}", ran.1);
    }
}

/// Blocks of TOML in a page come in pairs: a configuration, and its cases.
#[test]
fn the_configurations_of_a_page_pass_the_cases_behind_them() {
    for page in ["envelopes", "tables", "waiting"] {
        cases_of(page);
    }
}

fn cases_of(page: &str) {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(page).with_extension("md");
    let page = std::fs::read_to_string(page).unwrap();
    let blocks: Vec<&str> = page.split("```toml\n").skip(1).map(|block| block.split("```").next().unwrap()).collect();
    assert!(!blocks.is_empty() && blocks.len().is_multiple_of(2), "{} blocks", blocks.len());
    for pair in blocks.chunks(2) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("tests")).unwrap();
        std::fs::write(dir.path().join("config.toml"), pair[0]).unwrap();
        std::fs::write(dir.path().join("tests/page.toml"), pair[1]).unwrap();
        for (command, last) in [("check", "fine, plan"), ("test", " passed")] {
            let ran = sidestream(dir.path(), &[command]);
            assert!(ran.0 && ran.1.contains(last) && !ran.1.contains("warning"), "{command}: {}\n{}", ran.1, pair[0]);
        }
    }
}

#[test]
fn every_example_can_be_written_tried_and_is_not_written_over() {
    for example in EXAMPLES {
        let dir = tempfile::tempdir().unwrap();
        let made = sidestream(dir.path(), &["new", example.name, "mine"]);
        assert!(made.0, "{}: {}", example.name, made.1);
        let tried = sidestream(&dir.path().join("mine"), &["test"]);
        assert!(tried.0 && tried.1.contains(" passed"), "{}: {}", example.name, tried.1);
        let again = sidestream(dir.path(), &["new", example.name, "mine"]);
        assert!(!again.0 && again.1.contains("is not empty"), "{}", again.1);
    }
    let dir = tempfile::tempdir().unwrap();
    let unknown = sidestream(dir.path(), &["new", "scool", "mine"]);
    assert!(!unknown.0 && unknown.1.contains("the examples are school, lake"), "{}", unknown.1);
}

/// Whether a command of the program succeeds, and all that it prints.
fn sidestream(from: &Path, arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sidestream"));
    command.current_dir(from).args(arguments).env_remove("SIDESTREAM_NATS_URL").env_remove("SIDESTREAM_LOG");
    let output = command.stdin(Stdio::null()).output().unwrap();
    (output.status.success(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}

#[cfg(feature = "failpoints")]
#[test]
fn every_planted_mistake_has_its_row_with_the_seeds_that_it_took() {
    let page = include_str!("../../docs/simulation.md");
    for (_, name, words) in sidestream::core::mutants::Mutant::ALL {
        let row = format!("| `{name}` | {} | ", words.trim());
        assert_eq!(page.matches(&row).count(), 1, "{row}");
    }
}
