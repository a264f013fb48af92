//! What only reads changes nothing: no file of the state directory, nothing beside it, whatever is wrong with it.

use crate::harness::bed::Bed;
use crate::harness::command::{Ran, run};
use crate::harness::load::publish_last;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The key of a user that the engine keeps.
const KEY: &str = "u1";

/// What is wrong, how it came about, the exit code, and words of the reason.
type Case = (&'static str, fn(&Path), i32, &'static str);

/// Everything below a directory: content and last change of files, the last change of directories.
fn tree(root: &Path) -> BTreeMap<PathBuf, (SystemTime, Option<Vec<u8>>)> {
    let mut found = BTreeMap::new();
    let mut open = vec![root.to_owned()];
    while let Some(path) = open.pop() {
        let data = fs::symlink_metadata(&path).unwrap();
        let content = data.is_file().then(|| fs::read(&path).unwrap());
        if data.is_dir() {
            open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
        found.insert(path, (data.modified().unwrap(), content));
    }
    found
}

/// A bed whose engine has kept a user and is stopped.
fn kept(engine: &'static str) -> Bed {
    let mut bed = Bed::new();
    bed.sets = vec![("state.engine", engine)];
    let event = format!(r#"{{"title":"user","event_uuid":"1","properties":{{"uuid":"{KEY}","country":"DE"}}}}"#);
    bed.wire.publish("events.user", &[], event.as_bytes()).unwrap();
    publish_last(&mut bed.wire);
    let process = bed.engine("state", &[]);
    bed.finish();
    process.drain();
    bed
}

/// Runs a command, and expects nothing in the bed's directory to be another thing than before.
fn unchanged(bed: &Bed, what: &str, arguments: &[&str]) -> Ran {
    let before = tree(bed.dir.path());
    let ran = run(bed, arguments);
    let after = tree(bed.dir.path());
    let names = |tree: &BTreeMap<PathBuf, _>| tree.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&after), names(&before), "{what}, {arguments:?}: {ran:?}");
    assert!(after == before, "{what}, {arguments:?} wrote into a file: {ran:?}");
    ran
}

#[test]
fn no_reading_command_touches_a_sound_directory() {
    for engine in ["sled", "fjall"] {
        let bed = kept(engine);
        let elsewhere = tempfile::tempdir().unwrap();
        let file = elsewhere.path().join("file").display().to_string();
        let got = unchanged(&bed, engine, &["state", "get", KEY]);
        assert!(got.code == Some(0) && got.out.contains("DE"), "{got:?}");
        assert_eq!(unchanged(&bed, engine, &["state", "get", "nobody"]).code, Some(1));
        assert_eq!(unchanged(&bed, engine, &["state", "export", &file]).code, Some(0));
        let piped = unchanged(&bed, engine, &["state", "export", "/dev/null/nothing"]);
        assert_eq!(piped.code, Some(69), "{piped:?}");
        for arguments in [
            &["audit"][..],
            &["catalog"],
            &["catalog", "--check", "/dev/null"],
            &["check"],
            &["check", "--connect"],
            &["replay", "--dry-run"],
            &["dead-letters", "list"],
            &["dead-letters", "show", "1"],
            &["dead-letters", "redrive", "1", "--dry-run"],
            &["health"],
        ] {
            unchanged(&bed, engine, arguments);
        }
    }
}

#[test]
fn an_unreadable_directory_is_an_answer_with_the_reason() {
    let cases: [Case; 7] = [
        ("conf is gone", |state| fs::remove_file(state.join("conf")).unwrap(), 69, "the file conf is gone"),
        ("FORMAT is gone", |state| fs::remove_file(state.join("FORMAT")).unwrap(), 69, "FORMAT is gone"),
        ("SYNCED is gone", |state| fs::remove_file(state.join("SYNCED")).unwrap(), 69, "SYNCED is gone"),
        ("the database is gone", |state| fs::remove_file(state.join("db")).unwrap(), 69, "files are gone"),
        ("an import did not end", |state| fs::write(state.join("IMPORTING"), "").unwrap(), 78, "part of an import"),
        (
            "a later build wrote it",
            |state| {
                let text = fs::read_to_string(state.join("FORMAT")).unwrap();
                fs::write(state.join("FORMAT"), text.replace("\"record\": ", "\"record\": 9")).unwrap();
            },
            78,
            "a later build of Sidestream",
        ),
        (
            "it is empty",
            |state| {
                fs::remove_dir_all(state).unwrap();
                fs::create_dir(state).unwrap();
            },
            69,
            "there is nothing in it",
        ),
    ];
    for (what, spoil, code, words) in cases {
        let bed = kept("sled");
        spoil(&bed.state("state"));
        let got = unchanged(&bed, what, &["state", "get", KEY]);
        assert!(got.code == Some(code) && got.err.contains(words), "{what}: {got:?}");
        assert!(got.err.contains(&bed.state("state").display().to_string()), "{what}, names the directory: {got:?}");
        let exported = unchanged(&bed, what, &["state", "export", "/dev/stdout"]);
        assert_eq!((exported.code, exported.out.as_str()), (Some(code), ""), "{what}: {exported:?}");
        unchanged(&bed, what, &["audit"]);
    }
}

#[test]
fn a_directory_that_is_not_there_is_not_made() {
    let bed = Bed::new();
    for arguments in [&["state", "get", KEY][..], &["state", "export", "-"], &["audit"], &["replay", "--dry-run"]] {
        unchanged(&bed, "missing", arguments);
        assert!(!bed.state("state").exists());
    }
    // What a crash between two renamings left is for the engine to finish.
    let bed = kept("sled");
    fs::rename(bed.state("state"), bed.state("state.next")).unwrap();
    assert_eq!(unchanged(&bed, "not in place", &["state", "get", KEY]).code, Some(69));
}
