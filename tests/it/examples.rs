//! The examples: each configuration has no fault and no warning, and its cases pass and reach all of it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn examples() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut found: Vec<PathBuf> = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

fn sidestream(command: &str, config: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_sidestream"))
        .arg(command)
        .args(["--config", config.to_str().unwrap()])
        .args(arguments)
        .env_remove("SIDESTREAM_NATS_URL")
        .env_remove("SIDESTREAM_LOG")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    (output.status.code(), text)
}

#[test]
fn every_example_is_right_to_the_last_case() {
    let examples = examples();
    assert!(examples.len() >= 3, "{examples:?}");
    for example in examples {
        let config = example.join("config.toml");
        assert!(example.join("README.md").exists(), "{} has no README", example.display());
        let (code, text) = sidestream("check", &config, &[]);
        assert!(code == Some(0) && !text.contains("warning"), "{}: {text}", example.display());
        let (code, text) = sidestream("test", &config, &["--strict"]);
        assert_eq!(code, Some(0), "{}: {text}", example.display());
    }
}
