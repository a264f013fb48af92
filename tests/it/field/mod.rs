//! What operators and producers are known to run into, as public reports tell it: a case each, with its right value.
//!
//! Most of such cases stand where their subject is tested. Here are those that belong to no other page: events that need
//! no server are cases of `sidestream test`, the others run the real program on a real server.

mod messages;
mod streams;
mod uses;

use std::path::Path;
use std::process::{Command, Stdio};

fn sidestream(command: &str, config: &Path, cases: &Path) -> (Option<i32>, String) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_sidestream"));
    program.arg(command).arg("--config").arg(config).env_remove("SIDESTREAM_NATS_URL").env_remove("SIDESTREAM_LOG");
    if command == "test" {
        program.arg(cases);
    }
    let output = program.stdin(Stdio::null()).output().unwrap();
    (output.status.code(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}

/// Cases over the shipped configuration.
#[test]
fn events_come_out_as_their_cases_say() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (code, text) = sidestream("test", &root.join("config.toml"), &root.join("tests/it/field/school.toml"));
    assert_eq!(code, Some(0), "{text}");
}

/// A file as editors of other systems write it.
#[test]
fn a_configuration_may_begin_with_a_mark_and_end_its_lines_as_it_likes() {
    let dir = tempfile::tempdir().unwrap();
    let shipped = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/config.toml")).unwrap();
    for (text, right) in [
        (format!("\u{feff}{shipped}"), true),
        (shipped.replace('\n', "\r\n"), true),
        ("input:\n  stream: EVENTS\n".to_owned(), false),
        (r#"{"input":{"stream":"EVENTS"}}"#.to_owned(), false),
        (format!("{shipped}\n[input]\nstream = \"X\"\n"), false),
    ] {
        let path = dir.path().join("config.toml");
        std::fs::write(&path, &text).unwrap();
        let (code, said) = sidestream("check", &path, &path);
        assert_eq!((code == Some(0), code == Some(78) && said.contains("config.toml:")), (right, !right), "{said}");
    }
}
