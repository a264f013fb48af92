//! The house rules that a text check can see: layers, sizes, headers, bans, and documents in step with the code.

use sidestream::core::rejection::Reason;
use std::fs;
use std::path::{Path, PathBuf};

/// A file longer than this holds more than one concept.
const LINES_MAX: usize = 500;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below a folder, with its path from the root and its text.
fn rust_files(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root()).unwrap().display().to_string();
                found.push((name, fs::read_to_string(path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

fn document(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The code of a file: no comments, and nothing behind its first test module.
fn code(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_layer_knows_only_what_lies_below_it() {
    // A folder of src, and what may not stand in its code.
    let rules: [(&str, &[&str]); 6] = [
        (
            "src/core",
            &[
                "async fn",
                ".await",
                "std::fs",
                "std::net",
                "std::io",
                "std::thread",
                "SystemTime",
                "Instant",
                "tokio",
                "tracing",
                "rand::",
                "crate::engine",
                "crate::app",
                "crate::ports",
                "crate::adapters",
                "crate::config",
                "crate::telemetry",
                "crate::http",
                "crate::cli",
                "std::env",
            ],
        ),
        ("src/ports", &["crate::engine", "crate::app", "crate::adapters", "crate::config", "crate::cli", "tokio"]),
        ("src/adapters", &["crate::engine", "crate::app", "crate::config", "crate::cli", "crate::http", "actix"]),
        ("src/engine", &["crate::app", "crate::adapters", "crate::config", "crate::cli", "crate::http", ".do_send("]),
        ("src/audit", &["crate::engine", "crate::app", "crate::adapters", "crate::ports", "tokio", "async fn"]),
        ("src/generate", &["crate::", "tokio", "SystemTime", "Instant"]),
    ];
    for (folder, banned) in rules {
        for (name, text) in rust_files(folder) {
            let code = code(&text);
            for word in banned {
                let own = folder == "src/generate"
                    && *word == "crate::"
                    && !code.replace("crate::generate", "").contains(word);
                assert!(own || !code.contains(word), "{name} names {word}");
            }
        }
    }
    for (name, text) in rust_files("src") {
        let code = code(&text);
        let only = |word: &str, folders: &[&str]| {
            let allowed = folders.iter().any(|folder| name.starts_with(folder));
            assert!(allowed || !code.contains(word), "{name} names {word}, which only {folders:?} may");
        };
        only("async_nats", &["src/adapters/nats", "src/telemetry/log.rs"]);
        only("sled::Db", &["src/adapters/sled"]);
        only("use ::sled", &["src/adapters/sled"]);
        only("actix", &["src/engine", "src/http", "src/app", "src/cli/run.rs", "src/cli/demo.rs"]);
    }
}

#[test]
fn files_are_short_and_begin_with_what_they_are_for() {
    for (name, text) in rust_files("src").into_iter().chain(rust_files("tests")) {
        assert!(text.lines().count() <= LINES_MAX, "{name} has more than {LINES_MAX} lines");
        assert!(text.starts_with("//! "), "{name} does not begin with a header");
    }
}

#[test]
fn no_test_sleeps_or_is_ignored() {
    for (name, text) in rust_files("tests") {
        // Spelled in two halves, so that this line is not found itself.
        assert!(!text.contains(concat!("#[ign", "ore")), "{name} ignores a test");
        let harness = name.contains("harness/wait.rs") || name.contains("proxy.rs") || name.contains("server.rs");
        assert!(harness || !text.contains(concat!("thread::sl", "eep(")), "{name} sleeps");
    }
}

#[test]
fn every_crash_point_has_its_row_and_its_test() {
    let architecture = document("ARCHITECTURE.md");
    let tests = document("tests/it/crash_table.rs");
    let files = rust_files("src");
    let lines = files.iter().flat_map(|(_, text)| text.lines()).filter(|line| line.contains("crash::point"));
    let name = |text: &&str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let mut points: Vec<&str> = lines.flat_map(|line| line.split('"').skip(1).step_by(2)).filter(name).collect();
    points.sort();
    points.dedup();
    assert_eq!(points.len(), 11, "{points:?}");
    for point in points {
        assert!(architecture.contains(&format!("| `{point}` |")), "ARCHITECTURE.md has no row for {point}");
        assert!(tests.contains(&format!("fn {point}()")), "no test is named {point}");
    }
    assert!(architecture.lines().count() < 250);
}

#[test]
fn the_readme_names_every_reason_and_exit_code() {
    let readme = document("README.md");
    for reason in Reason::ALL {
        assert!(readme.contains(&format!("| `{}` |", reason.code())), "README.md does not explain {}", reason.code());
    }
    for code in [0, 1, 64, 69, 70, 75, 78] {
        assert!(readme.contains(&format!("| {code} |")), "README.md does not explain exit code {code}");
    }
    let top: Vec<&str> = readme.lines().filter(|line| line.starts_with("scripts/")).take(2).collect();
    assert!(top[0].starts_with("scripts/demo") && top[1].starts_with("scripts/test"), "{top:?}");
}
