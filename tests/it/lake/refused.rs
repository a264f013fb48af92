//! What a lake refuses, and what it takes: streams made anew, retention, other settings, folders of others.

use super::stage::Stage;
use crate::harness::streams::{INPUT, OUTPUT, api, create_output, input, recreate_output};
use serde_json::json;

/// Runs the writer and expects it to refuse with these words.
fn refused(stage: &Stage, words: &str) {
    let ran = stage.lake(&["run", "--once"]);
    assert_eq!(ran.code, Some(78), "{ran:?}");
    assert!(ran.err.contains(words), "{}", ran.err);
}

#[test]
fn an_output_stream_that_is_made_again_brings_nothing_twice() {
    let mut stage = Stage::new(11, "");
    stage.process(500);
    stage.store();
    recreate_output(&mut stage.bed.wire);
    std::fs::remove_dir_all(stage.bed.state("state")).unwrap();
    // Other sequences, too: a stream of the same rows that begins further back.
    stage.process(200);
    stage.store();
    stage.assert_whole(&["--delta"]);
}

#[test]
fn an_input_stream_that_is_made_again_is_another_one() {
    let mut stage = Stage::new(12, "");
    stage.process(200);
    stage.store();
    for stream in [INPUT, OUTPUT] {
        api(&mut stage.bed.wire, &format!("STREAM.DELETE.{stream}"), &json!({})).unwrap();
    }
    api(&mut stage.bed.wire, &format!("STREAM.CREATE.{INPUT}"), &input()).unwrap();
    create_output(&mut stage.bed.wire);
    refused(&stage, "EVENTS was made anew since");
}

#[test]
fn rows_that_retention_took_are_given_up_only_by_consent() {
    let mut stage = Stage::new(13, "");
    stage.process(300);
    stage.store();
    stage.process(300);
    let purge = json!({ "seq": stage.bed.last(OUTPUT) - 50 });
    api(&mut stage.bed.wire, &format!("STREAM.PURGE.{OUTPUT}"), &purge).unwrap();
    refused(&stage, "does not have all rows behind 0:");
    let ran = stage.lake(&["run", "--once", "--accept-gap"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let audited = stage.lake(&["audit", "--json"]).lines();
    assert_eq!((&audited[0]["gaps"], &audited[0]["clean"]), (&json!(1), &json!(true)), "{audited:?}");
    assert!(audited[0]["proven"].as_u64() >= Some(51), "{audited:?}");
    // What is lost is lost once.
    stage.store();
    assert_eq!(stage.lake(&["audit", "--json"]).lines()[0]["gaps"], json!(1));
}

#[test]
fn a_lake_keeps_its_layout_its_format_and_its_columns() {
    let mut stage = Stage::new(14, "[lake.columns]\nlanguage = { at = \"properties.language\", type = \"text\" }");
    stage.process(200);
    stage.store();
    let text = std::fs::read_to_string(&stage.bed.config).unwrap();
    for (from, to, words) in [
        ("\n[lake.columns]", "\npartition = \"day={date}\"\n[lake.columns]", "the lake has lake.partition"),
        ("\n[lake.columns]", "\nformat = \"ndjson\"\n[lake.columns]", "the lake's files are parquet"),
        ("type = \"text\"", "type = \"bigint\"", "a column `language`"),
    ] {
        std::fs::write(&stage.bed.config, text.replace(from, to)).unwrap();
        refused(&stage, words);
    }
    // A column more is a column more.
    std::fs::write(&stage.bed.config, text + "amount = { at = \"properties.amount\", type = \"double\" }\n").unwrap();
    stage.process(200);
    stage.store();
    stage.assert_whole(&["--delta"]);
}

#[test]
fn a_file_that_was_changed_is_found() {
    let mut stage = Stage::new(15, "");
    stage.process(200);
    stage.store();
    let listed = stage.lake(&["files"]);
    let paths: Vec<&str> = listed.out.lines().collect();
    std::fs::copy(paths[0], paths[1]).unwrap();
    std::fs::copy(paths[0], std::path::Path::new(paths[0]).with_file_name("stranger.parquet")).unwrap();
    let audited = stage.lake(&["audit"]);
    assert_eq!(audited.code, Some(1), "{audited:?}");
    for words in ["NOT CLEAN", "others than its entry says", "stranger.parquet is named by no entry"] {
        assert!(audited.out.contains(words), "{words}: {}", audited.out);
    }
}
