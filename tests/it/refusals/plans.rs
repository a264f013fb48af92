//! The plan changed: what goes on by itself, what needs a flag, and what the flags make of the state.

use super::stage::{SELDOM, Stage};
use crate::harness::command::run;
use crate::harness::origin::plans;
use crate::harness::wait::wait_until;

/// A column more, and an enrichment that shows it.
const CITY: &[(&str, &str)] = &[
    ("tables.user.columns.city", "properties.city"),
    ("enrich", r#"[{ kinds = ["lesson"], on_miss = "null", add = { city = "user.city" } }]"#),
];
const CHANGES: &str = "the configuration changed in ways that the stored state cannot follow:\n  \
                       tables.user.columns.city is new: \"properties.city\"";
const FLAGS: &str = "--rebuild-state applies the new configuration to the whole input; --keep-state";

/// A lesson of a user; what its output ends with.
fn lesson(stage: &mut Stage, user: &str) -> String {
    let n = stage.last() + 1;
    stage.event(&format!(r#"{{"title":"lesson","event_uuid":"l{n}","properties":{{"user_uuid":"{user}"}}}}"#));
    stage.until_done();
    stage.origins().pop().unwrap().payload
}

/// The lane has every position once.
fn is_whole(stage: &mut Stage) {
    let end = stage.last();
    assert_eq!(stage.positions(), (1..=end).collect::<Vec<_>>());
}

#[test]
fn a_change_of_enrichments_begins_behind_what_is_stored() {
    let mut stage = Stage::new(10);
    stage.run_and_kill(&[], &[]);
    let mark = ("output.mark", "done");
    let mut engine = stage.engine(&[], &[mark]);
    // What is stored is compared under the old plan.
    engine.wait_for_log("the configured plan takes over");
    let since = stage.own_output();
    assert!(stage.origins().pop().unwrap().payload.ends_with(r#""done":true}"#));
    engine.drain();
    let plans = plans(&mut stage.bed.wire);
    let [(old, 1, 10), (new, first, 1)] = &plans[..] else { panic!("{plans:?}") };
    assert_ne!(old, new);
    assert_eq!((*first, since), (11, 11), "the header names the first position under the new plan");
    // The switch is recorded: the next start is under the new plan from the beginning.
    let engine = stage.engine(&[], &[mark]);
    stage.own_output();
    let log = engine.drain();
    assert!(!log.contains("takes over") && !log.contains("begins at position"), "{log}");
    is_whole(&mut stage);
}

#[test]
fn the_first_event_after_a_change_follows_the_new_configuration() {
    let mut stage = Stage::processed(1);
    let renamed = ("enrich", r#"[{ kinds = ["lesson"], on_miss = "null", add = { land = "user.country" } }]"#);
    let mut engine = stage.engine(&[], &[renamed]);
    engine.wait_for_log("the plan of the configuration begins at position 2");
    let first = lesson(&mut stage, "u1");
    assert!(first.contains(r#""land":"#), "{first}");
    engine.drain();
    // Back again, with events that wait: none of them follows the other configuration.
    stage.event(r#"{"title":"lesson","event_uuid":"x","properties":{"user_uuid":"u1"}}"#);
    let engine = stage.engine(&[], &[]);
    stage.until_done();
    engine.drain();
    let last = stage.origins().pop().unwrap();
    assert!(!last.payload.contains(r#""land":"#) && last.since == 3, "{last:?}");
    is_whole(&mut stage);
}

#[test]
fn a_change_that_nothing_was_published_under_leaves_no_trace() {
    let mut stage = Stage::processed(5);
    let engine = stage.engine(&[], &[("output.mark", "done")]);
    wait_until("the other configuration to be ready", || engine.log().contains("ready:").then_some(()));
    engine.drain();
    let engine = stage.engine(&[], &[]);
    stage.own_output();
    engine.drain();
    let plans = plans(&mut stage.bed.wire);
    assert!(matches!(&plans[..], [(_, 1, 6)]), "{plans:?}");
}

#[test]
fn a_change_of_enrichments_over_an_empty_lane_begins_at_once() {
    let mut stage = Stage::new(0);
    let engine = stage.engine(&[], &[]);
    stage.bed.wire.flush().unwrap();
    wait_until("the first record", || engine.log().contains("ready:").then_some(()));
    engine.drain();
    let engine = stage.engine(&[], &[("output.mark", "done")]);
    stage.own_output();
    engine.drain();
    let plans = plans(&mut stage.bed.wire);
    assert!(matches!(&plans[..], [(_, 1, 1)]), "{plans:?}");
    assert!(stage.origins().pop().unwrap().payload.ends_with(r#""done":true}"#));
}

#[test]
fn an_audit_after_a_change_is_not_clean_until_it_has_the_older_configuration() {
    let mut stage = Stage::processed(10);
    let config = std::fs::read_to_string(&stage.bed.config).unwrap();
    let changed = config.replacen("\ncountry ", "\nland ", 1);
    assert_ne!(changed, config);
    let (old, new) = (stage.bed.config.clone(), stage.bed.dir.path().join("new.toml"));
    std::fs::write(&new, changed).unwrap();
    stage.bed.config.clone_from(&new);
    // While the engine runs, its directory with the texts of older plans is not the audit's to open.
    let engine = stage.engine(&[], &[]);
    lesson(&mut stage, "u1");
    let audit = |stage: &Stage, more: &[&str]| run(&stage.bed, &[&["audit", "--complete"], more].concat());
    let alone = audit(&stage, &[]);
    assert_eq!(alone.code, Some(1), "{alone:?}");
    assert!(
        alone.out.starts_with("audit: NOT CHECKED") && alone.out.contains("--config NEW --old-config OLD"),
        "{alone:?}"
    );
    assert!(!alone.out.contains("events that are gone"), "none is gone: {alone:?}");
    let json: serde_json::Value = serde_json::from_str(&audit(&stage, &["--json"]).out).unwrap();
    assert_eq!((&json["verdict"], &json["unchecked"]), (&"not_checked".into(), &11.into()), "{json}");
    let both = audit(&stage, &["--old-config", &old.display().to_string()]);
    assert!(both.code == Some(0) && both.out.contains("clean, 11 outputs checked"), "{both:?}");
    engine.drain();
}

#[test]
fn a_change_of_tables_is_refused_with_the_list_of_changes() {
    let mut stage = Stage::processed(10);
    stage.refused(&[], CITY).is(78, CHANGES, FLAGS);
    let window = ("dedup.window_s", "60");
    stage.refused(&[], &[window]).is(78, "dedup_window_s was 86400, is 60", FLAGS);
    let kind = ("kinds.exam.key", "properties.user_uuid");
    stage.refused(&[], &[kind]).is(78, "kinds.exam is new: {\"key\":\"properties.user_uuid\"}", FLAGS);
    // Nothing was done: the old configuration goes on.
    stage.publish(1);
    stage.run(&[]);
    is_whole(&mut stage);
}

#[test]
fn keep_state_fills_new_columns_from_now_on() {
    let mut stage = Stage::processed(10);
    let mut engine = stage.engine(&["--keep-state"], CITY);
    engine.wait_for_log("the plan of the configuration begins at position 11");
    let before = lesson(&mut stage, "u1");
    assert!(before.ends_with(r#","city":null,"event_processed":true}"#), "the row is there: {before}");
    stage.publish(5);
    let after = lesson(&mut stage, "u1");
    assert!(after.ends_with(r#","city":"c11","event_processed":true}"#), "{after}");
    engine.drain();
    is_whole(&mut stage);
    // Without the flag from then on.
    stage.publish(1);
    let engine = stage.engine(&[], CITY);
    stage.until_done();
    engine.drain();
}

#[test]
fn rebuild_state_applies_the_new_plan_to_the_whole_input() {
    let mut stage = Stage::processed(10);
    let mut engine = stage.engine(&["--rebuild-state"], CITY);
    engine.wait_for_log("ready:");
    let lesson = lesson(&mut stage, "u1");
    assert!(lesson.ends_with(r#","city":"c6","event_processed":true}"#), "{lesson}");
    engine.drain();
    is_whole(&mut stage);
    // The state is lost later: what the old plan published is not compared with the new one's outputs.
    stage.lose_state();
    stage.publish(1);
    let engine = stage.engine(&[], CITY);
    stage.until_done();
    engine.drain();
    is_whole(&mut stage);
}

#[test]
fn a_copy_from_before_rebuild_state_is_built_anew() {
    let mut stage = Stage::processed(10);
    let (state, kept) = (stage.bed.state("state"), stage.bed.state("kept"));
    std::fs::rename(&state, &kept).unwrap();
    let mut engine = stage.engine(&["--rebuild-state"], CITY);
    engine.wait_for_log("ready:");
    lesson(&mut stage, "u1");
    engine.drain();
    stage.lose_state();
    std::fs::rename(&kept, &state).unwrap();
    // Its rows have no city, and the newest output says that there was one from the first event on.
    let mut engine = stage.engine(&[], CITY);
    engine.wait_for_log("the output stream shows another plan where the state was made");
    let lesson = lesson(&mut stage, "u1");
    assert!(lesson.ends_with(r#","city":"c6","event_processed":true}"#), "{lesson}");
    engine.drain();
    is_whole(&mut stage);
}

#[test]
fn rebuild_state_that_was_cut_off_is_not_forgotten() {
    let mut stage = Stage::processed(10);
    let sets = [&[SELDOM], CITY].concat();
    let mut engine = stage.engine(&["--rebuild-state"], &sets);
    engine.wait_for_log("ready:");
    engine.kill();
    // No checkpoint was written, and the flag is not given again: what was begun goes on.
    let mut engine = stage.engine(&[], CITY);
    engine.wait_for_log("ready:");
    let lesson = lesson(&mut stage, "u1");
    assert!(lesson.ends_with(r#","city":"c6","event_processed":true}"#), "{lesson}");
    engine.drain();
    is_whole(&mut stage);
}
