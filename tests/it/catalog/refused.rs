//! What cannot be listed or compared is refused, with a reason, and nothing is printed.

use super::{catalog, publish};
use crate::harness::bed::Bed;
use crate::harness::streams::{INPUT, api};
use serde_json::json;

fn refused(bed: &Bed, arguments: &[&str], code: i32, words: &str) {
    let ran = catalog(bed, arguments);
    assert_eq!((ran.code, ran.out.as_str()), (Some(code), ""), "{arguments:?}: {ran:?}");
    assert!(ran.err.contains(words), "{arguments:?}: {ran:?}");
}

#[test]
fn an_empty_stream_has_no_catalogue() {
    let mut bed = Bed::new();
    refused(&bed, &[], 78, "stream EVENTS holds no event");
    publish(&mut bed, "{}");
    api(&mut bed.wire, &format!("STREAM.PURGE.{INPUT}"), &json!({})).unwrap();
    refused(&bed, &[], 78, "stream EVENTS holds no event");
}

#[test]
fn a_stream_that_does_not_exist_is_named() {
    let mut bed = Bed::new();
    bed.sets = vec![("input.stream", "NOWHERE")];
    refused(&bed, &[], 78, "NOWHERE");
}

#[test]
fn a_range_has_to_be_one() {
    let mut bed = Bed::new();
    publish(&mut bed, "{}");
    for (arguments, code, words) in [
        (&["--from", "0"][..], 64, "positions begin with 1"),
        (&["--from", "yesterday"], 64, "neither a position nor a time"),
        (&["--from", "2"], 78, "no event of stream EVENTS is in the range"),
        (&["--until", "2"], 78, "ends at 1, before the range's end 2"),
        (&["--every", "0"], 64, "--every"),
        (&["--check", "x", "--examples"], 64, "cannot be used with"),
    ] {
        refused(&bed, arguments, code, words);
    }
}

#[test]
fn a_file_that_is_no_catalogue_is_refused() {
    let mut bed = Bed::new();
    publish(&mut bed, "{}");
    let path = |name: &str| bed.dir.path().join(name).display().to_string();
    std::fs::write(path("bytes"), b"\xff").unwrap();
    std::fs::write(path("toml"), "[kinds]").unwrap();
    std::fs::write(path("later"), catalog(&bed, &[]).out.replace("\"catalogue\": 1", "\"catalogue\": 2")).unwrap();
    std::fs::create_dir(path("directory")).unwrap();
    for (name, words) in [
        ("missing", "cannot read"),
        ("directory", "cannot read"),
        ("bytes", "cannot read"),
        ("toml", "is not a catalogue"),
        ("later", "is not a catalogue: it is of version 2, and this build reads version 1"),
    ] {
        let file = path(name);
        refused(&bed, &["--check", &file], 78, words);
        refused(&bed, &["--check", &file], 78, &file);
    }
}
