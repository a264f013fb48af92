//! `sidestream test`: the shipped school's cases, what is printed where a case is wrong, and what `--update` writes.
//!
//! The program itself is run, over the shipped configuration and without a broker.

mod printed;
mod recorded;
mod written;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// How a run of the program ended.
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

/// A directory with a file of cases.
pub struct Stage {
    dir: TempDir,
}

impl Stage {
    /// With this text as `cases.toml`.
    pub fn new(cases: &str) -> Stage {
        let stage = Stage { dir: TempDir::new().unwrap() };
        std::fs::write(stage.cases(), cases).unwrap();
        stage
    }

    pub fn cases(&self) -> PathBuf {
        self.dir.path().join("cases.toml")
    }

    pub fn text(&self) -> String {
        std::fs::read_to_string(self.cases()).unwrap()
    }

    /// `sidestream test` over the shipped configuration, from this directory.
    pub fn test(&self, arguments: &[&str]) -> Ran {
        test(self.dir.path(), &[arguments, &["cases.toml"]].concat())
    }
}

/// `sidestream test` with the shipped configuration, from a directory.
pub fn test(from: &Path, arguments: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sidestream"));
    command
        .current_dir(from)
        .arg("test")
        .args(arguments)
        .env_remove("SIDESTREAM_NATS_URL")
        .env_remove("SIDESTREAM_LOG");
    if !arguments.contains(&"--config") {
        command.args(["--config", concat!(env!("CARGO_MANIFEST_DIR"), "/config.toml")]);
    }
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

#[test]
fn the_shipped_schools_cases_pass_and_cover_its_configuration() {
    let Ran { code, out, err } = test(Path::new(env!("CARGO_MANIFEST_DIR")), &["--strict"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let passed: usize = out.strip_suffix(" passed\n").unwrap_or_else(|| panic!("{out}")).parse().unwrap();
    assert!(passed >= 40, "{out}");
}

#[test]
fn the_cases_stand_beside_the_configuration() {
    let elsewhere = TempDir::new().unwrap();
    let config = elsewhere.path().join("config.toml");
    std::fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/config.toml"), &config).unwrap();
    let from = TempDir::new().unwrap();
    let arguments = ["--config", config.to_str().unwrap()];
    let ran = test(from.path(), &arguments);
    assert_eq!(ran.code, 78);
    assert!(ran.err.contains("there are no cases: ") && ran.err.contains("hint: write one"), "{}", ran.err);
    std::fs::create_dir(elsewhere.path().join("tests")).unwrap();
    for (name, text) in [("b.toml", "[[case]]"), ("a.toml", "[[case]]"), ("c.txt", "no cases")] {
        std::fs::write(elsewhere.path().join("tests").join(name), text).unwrap();
    }
    let ran = test(from.path(), &arguments);
    let places =
        ["a.toml:1:1: [[case]] has no `name`", "b.toml:1:1: [[case]] has no `name`"].map(|text| ran.err.find(text));
    assert!(ran.code == 78 && places[0].is_some() && places[0] < places[1], "{}", ran.err);
}
