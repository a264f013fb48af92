//! A lake in a bucket: what a folder keeps, a server with S3's interface keeps, too, and what the way to it adds is borne.

use super::faults::{Between, Spoil};
use super::seaweed::Seaweed;
use super::stage::{Stage, writer};
use crate::harness::command::ended;
use crate::harness::load::publish;
use crate::harness::page::page;
use crate::harness::streams::OUTPUT;
use crate::harness::wait::{DEADLINE, wait_until};
use std::os::unix::process::ExitStatusExt;

#[test]
fn every_output_is_stored_once_in_a_bucket_and_every_command_reads_it() {
    let server = Seaweed::shared();
    let columns = "[lake.columns]\nlanguage = { at = \"properties.language\", type = \"text\" }";
    let lines =
        format!("partition = \"place={{place:properties.place}}/hour={{hour}}\"\ntarget_file_bytes = 65536\n{columns}");
    let mut stage = Stage::in_bucket(&server, 20, &lines);
    assert!(stage.lake(&["check"]).out.contains("a bucket's place without a lake"));
    for place in ["a b", "a/b", "50%", "Übung", "pt=BR", ".."] {
        let event =
            format!(r#"{{"title":"user","event_uuid":"{place}","properties":{{"uuid":"u","place":"{place}"}}}}"#);
        stage.bed.wire.publish("events.user", &[], event.as_bytes()).unwrap();
    }
    for _ in 0..2 {
        stage.process(600);
        stage.store();
    }
    let found = stage.assert_whole(&["--delta"]);
    assert!(found["files"].as_u64().unwrap() > 10, "{found}");
    assert!(stage.lake(&["check"]).out.contains("a lake of EVENTS and ENRICHED"));
    assert_eq!(stage.lake(&["status", "--json"]).lines()[0]["rows"], found["rows"]);
    let listed = stage.lake(&["files"]);
    assert!(
        listed.out.lines().count() > 10 && listed.out.lines().all(|path| path.starts_with("s3://lake-")),
        "{}",
        listed.out
    );
    let key = stage.bed.lane().iter().find_map(|message| {
        let header =
            |name: &str| message.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        header("Sidestream-Key").filter(|_| header("Sidestream-Reason").is_none())
    });
    assert_eq!(stage.lake(&["find", "--key", &key.unwrap()]).code, Some(0));
    let views = stage.lake(&["sql", "--print"]).out;
    assert!(views.contains("create secret lake (type s3") && !views.contains("aws_"), "{views}");
}

#[test]
fn killed_at_each_step_a_bucket_is_finished_by_the_next_writer() {
    let server = Seaweed::shared();
    let mut stage = Stage::in_bucket(&server, 21, "");
    let steps = [
        "lake_during_the_claim",
        "lake_after_the_intent",
        "lake_between_two_files",
        "lake_after_the_files",
        "lake_after_the_record",
    ];
    for (step, passes) in steps.into_iter().zip([0, 0, 1, 0, 0]) {
        stage.process(300);
        let mut killed = stage.begin(&["run", "--once"], &format!("{step}={passes}*off->return"));
        let status = killed.wait().unwrap();
        let ran = ended(killed);
        assert_eq!(status.signal(), Some(6), "{step}: {ran:?}");
        stage.store();
    }
    stage.assert_whole(&["--delta"]);
}

#[test]
fn a_writer_that_slept_ends_with_75_in_a_bucket_too() {
    let server = Seaweed::shared();
    let mut stage = Stage::in_bucket(&server, 22, "max_age_s = 1");
    stage.process(300);
    let mut first = writer(&stage, "first");
    first.wait_for_log("published");
    first.signal("-STOP");
    stage.process(300);
    stage.store();
    first.signal("-CONT");
    stage.process(50);
    let (code, log) = first.exited(DEADLINE);
    assert_eq!(code, Some(75), "{log}");
    stage.store();
    stage.assert_whole(&["--delta"]);
}

/// Every way in which an answer to a create can mislead, with enough that pass for the probe and for progress.
const TURNS: &[Spoil] = &[
    Spoil::Pass,
    Spoil::Lost,
    Spoil::Pass,
    Spoil::Busy,
    Spoil::Pass,
    Spoil::Conflict,
    Spoil::Pass,
    Spoil::Refused,
    Spoil::Pass,
    Spoil::Down,
    Spoil::Pass,
];

#[test]
fn answers_that_mislead_bring_no_row_twice_and_lose_none() {
    let server = Seaweed::shared();
    let mut stage = Stage::in_bucket(&server, 23, "target_file_bytes = 65536");
    let between = Between::start(server.s3(), Some(TURNS));
    let direct = format!("http://{}", server.s3());
    for _ in 0..3 {
        stage.process(300);
        stage.change(&direct, &format!("http://{}", between.address));
        stage.store();
        stage.change(&format!("http://{}", between.address), &direct);
        stage.assert_whole(&["--delta"]);
    }
    assert!(between.creates() > 4 * TURNS.len(), "{} creates", between.creates());
}

#[test]
fn what_an_operator_has_to_mend_is_said_and_ends_the_writer() {
    let server = Seaweed::shared();
    let mut stage = Stage::in_bucket(&server, 24, "");
    stage.process(100);
    stage.store();
    let refused = |stage: &Stage, words: [&str; 2]| {
        for command in [&["run", "--once"] as &[&str], &["check"]] {
            let ran = stage.lake(command);
            assert_eq!(ran.code, Some(78), "{ran:?}");
            for words in words {
                assert!(ran.err.contains(words), "{words}: {}", ran.err);
            }
        }
    };
    let keys = |path: &std::path::Path| format!("credentials_file = {path:?}");
    let text = std::fs::read_to_string(&stage.bed.config).unwrap();
    let line = text.lines().find(|line| line.starts_with("credentials_file = \"/") && line.contains("keys-")).unwrap();
    let (right, wrong) = (line.to_owned(), keys(&server.credentials(Some("wrong"))));
    stage.change(&right, &wrong);
    refused(&stage, ["SignatureDoesNotMatch", "lake.s3.credentials_file"]);
    stage.change(&wrong, &keys("/nowhere/keys".as_ref()));
    refused(&stage, ["cannot be read from /nowhere/keys", "lake.s3.credentials_file"]);
    stage.change(&keys("/nowhere/keys".as_ref()), &right);
    // A store that ignores the condition would let two writers publish under one number.
    let (direct, forgetful) = (server.s3().to_string(), Between::start(server.s3(), None).address.to_string());
    stage.change(&direct, &forgetful);
    refused(&stage, ["creates one object several times", "If-None-Match"]);
    stage.change(&forgetful, &direct);
    let (_, bucket) = stage.bucket.clone().unwrap();
    server.remove(&bucket);
    refused(&stage, ["there is no bucket", "lake.url"]);
    assert_eq!(stage.lake(&["status"]).code, Some(78));
}

#[test]
fn a_store_that_is_killed_is_waited_for_and_the_engine_goes_on_meanwhile() {
    let server = std::sync::Arc::new(Seaweed::start());
    let mut stage = Stage::in_bucket(&server, 25, "max_age_s = 1");
    let engine = stage.bed.engine("state", &[]);
    let metric = &|name: &str| {
        let (_, text) = page(engine.address().parse().unwrap(), "/metrics")?;
        let line = text.lines().find(|line| line.starts_with(&format!("{name} ")))?.to_owned();
        line.rsplit(' ').next()?.parse::<f64>().ok()
    };
    let more_of = |name: &'static str| {
        let before = metric(name).unwrap_or_default();
        move |what: &str| wait_until(what, move || metric(name).filter(|found| *found > before))
    };
    for _ in 0..2 {
        let commits = more_of("sidestream_lake_commits_total");
        publish(&mut stage.bed.wire, &mut stage.school, 200).unwrap();
        commits("the lake to publish");
        let failures = more_of("sidestream_lake_failures_total");
        server.kill();
        let lane = stage.bed.last(OUTPUT) + 150;
        publish(&mut stage.bed.wire, &mut stage.school, 200).unwrap();
        wait_until("the engine to go on without the store", || stage.bed.lane_has(lane).then_some(()));
        failures("the lake to miss its store");
        server.restart();
    }
    let end = stage.bed.finish();
    wait_until("the lake to catch up", || (metric("sidestream_lake_position")? >= end as f64).then_some(()));
    // The engine ends within its time although the lake has no store.
    publish(&mut stage.bed.wire, &mut stage.school, 200).unwrap();
    stage.bed.finish();
    server.kill();
    engine.drain();
    server.restart();
    stage.store();
    stage.assert_whole(&["--delta"]);
}
