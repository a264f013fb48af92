//! What is stored: every output and dead letter once, byte for byte, in the folder that its own fields say.

use super::stage::{Stage, readers, readers_path};
use crate::harness::load::publish;
use crate::harness::page::page;
use crate::harness::streams::OUTPUT;
use crate::harness::wait::wait_until;
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::Write;
use std::process::Stdio;

#[test]
fn every_output_and_dead_letter_is_stored_once_as_parquet_and_in_delta() {
    let columns = "[lake.columns]\nlanguage = { at = \"properties.language\", type = \"text\" }\namount = { at = \"properties.name\", type = \"bigint\" }";
    let mut stage = Stage::new(1, &format!("target_file_bytes = 65536\n{columns}"));
    for _ in 0..3 {
        stage.process(800);
        stage.store();
    }
    let found = stage.assert_whole(&["--delta"]);
    assert!(found["dead"].as_u64().unwrap() > 20, "{found}");
    // Three claims and three commits.
    assert_eq!(found["entries"], 6);
    assert!(found["files"].as_u64().unwrap() > 20, "{found}");
    // Nothing new makes nothing but a claim.
    stage.store();
    assert_eq!(stage.assert_whole(&["--delta"])["files"], found["files"]);
    let status = stage.lake(&["status", "--json"]).lines();
    assert_eq!((&status[0]["rows"], &status[0]["entries"]), (&found["rows"], &Value::from(7)));
    let listed = stage.lake(&["files"]);
    let letters = stage.lake(&["files", "--dead-letters", "--json"]);
    let count = listed.out.lines().count() + letters.lines().len();
    assert_eq!(Some(count as u64), found["files"].as_u64());
    assert!(listed.out.lines().all(|path| std::path::Path::new(path).is_file()), "{}", listed.out);
}

#[test]
fn a_checkpoint_says_what_the_commits_before_it_say() {
    let mut stage = Stage::new(17, "partition = \"place={place:properties.place}/event_type={type}\"");
    // Each of these makes a claim, and where there is something new, a commit.
    for entries in [2, 14, 3, 14] {
        stage
            .bed
            .wire
            .publish(
                "events.user",
                &[],
                br#"{"title":"user","event_uuid":"p","properties":{"uuid":"u","place":"a/b %"}}"#,
            )
            .unwrap();
        stage.process(200);
        for _ in 1..entries {
            stage.store();
        }
    }
    let found = stage.assert_whole(&["--delta"]);
    // Behind the entries 16 and 32, of both tables; the second one is made out of the first.
    assert_eq!(found["checkpoints"], 4, "{found}");
    std::fs::remove_file(stage.lake.join(format!("events/_delta_log/{:020}.checkpoint.parquet", 32))).unwrap();
    for _ in 0..16 {
        stage.store();
    }
    // The next one is made of the entries alone where an earlier one is missing.
    assert_eq!(stage.assert_whole(&["--delta"])["checkpoints"], 5);
}

#[test]
fn every_output_and_dead_letter_is_stored_once_as_lines() {
    let mut stage = Stage::new(2, "format = \"ndjson\"");
    for _ in 0..2 {
        stage.process(700);
        stage.store();
    }
    stage.assert_whole(&[]);
}

#[test]
fn a_key_is_found_with_no_other_program() {
    let mut stage = Stage::new(3, "");
    stage.process(1_500);
    stage.store();
    let mut of_key: Vec<String> = Vec::new();
    let (mut key, mut keys) = (String::new(), BTreeSet::new());
    for message in stage.bed.lane() {
        let header =
            |name: &str| message.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        if header("Sidestream-Reason").is_some() {
            continue;
        }
        let Some(own) = header("Sidestream-Key") else { continue };
        // The second lesson's key: one that comes more than once.
        if !keys.insert(own.to_owned()) && key.is_empty() {
            key = own.to_owned();
        }
    }
    for message in stage.bed.lane() {
        let own = message.headers.iter().any(|(name, value)| name == "Sidestream-Key" && *value == key);
        let dead = message.headers.iter().any(|(name, _)| name == "Sidestream-Reason");
        if own && !dead {
            of_key.push(String::from_utf8(message.payload).unwrap());
        }
    }
    assert!(of_key.len() > 1, "{key}");
    let found = stage.lake(&["find", "--key", &key]);
    assert_eq!((found.code, found.out), (Some(0), of_key.join("\n") + "\n"));
    let none = stage.lake(&["find", "--key", &key, "--to", "1990-01-01T00:00:00Z"]);
    let nobody = stage.lake(&["find", "--key", "nobody"]);
    assert_eq!((none.code, nobody.code), (Some(1), Some(1)), "{none:?} {nobody:?}");
}

#[test]
fn the_lake_runs_beside_the_engine_and_says_how_far_it_is() {
    let mut stage = Stage::new(4, "max_age_s = 1");
    let engine = stage.bed.engine("state", &[]);
    publish(&mut stage.bed.wire, &mut stage.school, 1_000).unwrap();
    let end = stage.bed.finish();
    let position = format!("sidestream_lake_position {end}\n");
    let metrics = || page(engine.address().parse().unwrap(), "/metrics").map(|(_, body)| body).unwrap_or_default();
    wait_until("the lake to publish the last output", || metrics().contains(&position).then_some(()));
    let metrics = metrics();
    for line in ["sidestream_lake_running 1\n", "sidestream_lake_failures_total 0\n"] {
        assert!(metrics.contains(line), "{line}");
    }
    engine.drain();
    stage.bed.assert_clean();
    stage.assert_whole(&["--delta"]);
}

#[test]
fn a_check_says_how_many_files_come() {
    let mut stage = Stage::new(5, "max_age_s = 1");
    stage.process(500);
    let checked = stage.lake(&["check"]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
    assert!(
        checked.out.contains("is made at the first start") && checked.out.contains("files a day"),
        "{}",
        checked.out
    );
    assert!(checked.out.contains("WARN") && checked.out.contains("lake.max_age_s"), "{}", checked.out);
    stage.store();
    assert!(stage.lake(&["check"]).out.contains("a lake of EVENTS and ENRICHED"));
}

/// DuckDB's answer to a statement, a row a line as JSON.
fn ask(stage: &Stage, statement: &str) -> String {
    let mut asked = readers("sql", &stage.lake);
    let mut asked = asked.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    asked.stdin.take().unwrap().write_all(statement.as_bytes()).unwrap();
    let answer = asked.wait_with_output().unwrap();
    assert!(answer.status.success(), "{statement}");
    String::from_utf8(answer.stdout).unwrap()
}

#[test]
fn awkward_values_stay_what_they_are_in_folders_names() {
    let mut stage = Stage::new(16, "partition = \"place={place:properties.place}/hour={hour}\"");
    let long = "x".repeat(300);
    let places = [
        r#""account""#,
        r#""a b""#,
        r#""a:b""#,
        r#""a/b""#,
        r#""pt=BR""#,
        r#""50%""#,
        r#""Übung""#,
        "null",
        r#""NULL""#,
        r#""""#,
        r#""..""#,
        "7",
        "1.50",
        "true",
        "[1]",
    ];
    let places: Vec<String> = places.map(str::to_owned).into_iter().chain([format!("\"{long}\"")]).collect();
    for (n, place) in places.iter().enumerate() {
        // Its own time is that of a day in 1970, which is too far from its storage.
        let event = format!(
            r#"{{"title":"user","event_uuid":"p{n}","created_at":86400,"properties":{{"uuid":"u{n}","place":{place}}}}}"#
        );
        stage.bed.wire.publish("events.user", &[], event.as_bytes()).unwrap();
    }
    stage.process(0);
    stage.store();
    stage.assert_whole(&["--delta"]);
    let found = ask(
        &stage,
        "select place, count(*) from read_parquet('lake/events/data/**/*.parquet', hive_partitioning = true, hive_types_autocast = false) group by place order by place nulls last",
    );
    let mut expected = vec![
        "\"..\"",
        "\"1.50\"",
        "\"50%\"",
        "\"7\"",
        "\"NULL\"",
        "\"__empty__\"",
        "\"__long__\"",
        "\"a b\"",
        "\"a/b\"",
        "\"a:b\"",
        "\"account\"",
        "\"pt=BR\"",
        "\"true\"",
        "\"\\u00dcbung\"",
    ];
    expected.push("null");
    // Null, the array, and the event that ends the load have no place.
    let lines = expected.iter().map(|place| format!("[{place}, {}]", if *place == "null" { 3 } else { 1 }));
    assert_eq!(found.lines().collect::<Vec<_>>(), lines.collect::<Vec<_>>());
    let fallbacks =
        ask(&stage, "select count(*) from read_parquet('lake/events/data/**/*.parquet') where event_time is null");
    assert_eq!(fallbacks.trim(), format!("[{}]", places.len() + 1));
}

/// The blocks of a language on the page.
fn blocks(language: &str) -> Vec<String> {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/lake.md")).unwrap();
    page.split(&format!("```{language}\n")).skip(1).map(|block| block.split("```").next().unwrap().to_owned()).collect()
}

#[test]
fn the_pages_example_is_stored_and_its_questions_are_answered() {
    let [config] = blocks("toml").try_into().unwrap();
    let (_, lines) = config.split_once("\nurl ").unwrap();
    let lines = lines.split_once('\n').unwrap().1;
    let mut stage = Stage::new(6, lines);
    stage.process(500);
    stage.store();
    stage.assert_whole(&["--delta"]);
    let [statements] = blocks("sql").try_into().unwrap();
    let mut answers = Vec::new();
    for statement in statements.split("\n\n") {
        answers.push(ask(&stage, statement));
    }
    for kind in ["lesson", "subscription", "user"] {
        assert!(answers[0].contains(&format!("[\"{kind}\", ")), "{}", answers[0]);
    }
    assert!(answers[1].lines().count() > 3, "{}", answers[1]);
    let rows = stage.bed.last(OUTPUT);
    let sql = |question: &str| {
        let mut command = stage.command(&["sql", question]);
        command.env("PYTHONPATH", readers_path()).output().unwrap()
    };
    let asked = sql(
        "select (select count(*) from events) + (select count(*) from dead_letters) as rows, (select max(n) from commits) as n",
    );
    assert_eq!(String::from_utf8_lossy(&asked.stdout).trim(), format!("{{\"rows\":{rows},\"n\":1}}"), "{asked:?}");
    assert_eq!(sql("select nothing").status.code(), Some(1));
}
