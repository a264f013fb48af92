//! Every query of every panel and alert, asked of a real Prometheus that watches a real engine under load.

use super::board::{Query, dashboard, queries, selectors, substitute};
use super::prometheus::{Prometheus, Sample, program};
use crate::gateway;
use crate::gateway::client::{JSON, post};
use crate::harness::bed::Bed;
use crate::harness::engine::Engine;
use crate::harness::load::{publish, publish_last, school};
use crate::harness::streams::{INPUT, OUTPUT, api};
use crate::harness::wait::{DEADLINE, wait_until};
use serde_json::json;
use std::net::{SocketAddr, TcpListener};
use std::process::Command;

/// Panels that must show more than zero: the load has something for each of them.
const BUSY: &[&str] = &[
    "Events in, messages out",
    "Events by kind and outcome",
    "Input, bytes",
    "End to end",
    "By stage, p99",
    "Checkpoints",
    "Checkpoint duration",
    "Keys evicted",
    "Rows and ids in memory",
    "State on disk",
    "Starts, by kind",
    "Consumer made again",
    "Duplicates",
    "Dead letters, by reason",
    "Dead letters in this range",
    "Misses and rows kept, by table",
    "Without an id or a time",
    "Dropped by a rule",
    "Conditions not known",
    "Waiting for rows, bytes",
    "Quality, rules broken",
    "Quality, rules checked",
    "Share of duplicates",
    "Share of dead letters",
    "Lake, rows published",
    "Lake, bytes",
    "Gateway, time to answer",
    "Gateway, connected",
];

#[test]
fn promtool_finds_nothing_wrong_and_every_alert_goes_off_when_it_should() {
    let promtool = program("promtool");
    for arguments in [
        ["check", "rules", "dashboards/alerts.yaml"],
        ["check", "config", "dashboards/prometheus.yaml"],
        ["test", "rules", "dashboards/alerts_test.yaml"],
    ] {
        let output = Command::new(&promtool).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "promtool {arguments:?}: {}", String::from_utf8_lossy(&said));
    }
}

#[test]
fn every_panel_and_every_alert_shows_a_running_engine() {
    let mut bed = Bed::new();
    // One address for all starts, as Prometheus has one target.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let listen = format!("127.0.0.1:{port}");
    // It drops lessons near a course's end; users have no course, and it cannot be told.
    let filter = r#"[{ name = "nearly done", drop = 'event.properties.percentage_completed_in_course >= 80' }]"#;
    // Some users have no country.
    let quality = r#"[{ kinds = ["user", "lesson"], complete = ["properties.country", "properties.language"] }]"#;
    let map = r#"[{ name = "short", kinds = ["lesson"], subject = "enriched.short", fields = { who = "properties.user_uuid" } }]"#;
    // Some lessons come before their user, or have none.
    let enrich = r#"[{ kinds = ["lesson"], on_miss = "wait", wait_s = 1, add = { country = "user.country", status = "subscription[properties.language].status", kind = "subscription[properties.language].type" } }]"#;
    let course = r#"{ from = "course", scope = "global", row = "code", columns = { name = "name" } }"#;
    let lake = bed.dir.path().join("lake").display().to_string();
    let columns = r#"{ wrong = { at = "properties.language", type = "bigint" } }"#;
    let sets = [
        ("output.envelope", "true"),
        ("lake.url", &*lake),
        ("lake.max_age_s", "1"),
        ("lake.columns", columns),
        ("http.listen", &*listen),
        ("gateway.listen", "127.0.0.1:0"),
        ("engine.checkpoint_interval_ms", "200"),
        ("state.cache_rows", "200"),
        ("filter", filter),
        ("quality", quality),
        ("dedup.conflicts", "true"),
        ("enrich", enrich),
        ("clock.subject", "events.tick"),
        ("map", map),
        ("kinds.course", "{}"),
        ("tables.course", course),
        // A subscription of a type that comes earlier in the alphabet is an older one; some have none.
        ("tables.subscription.version", r#"{ at = "properties.subscription_type", as = "text", invalid = "ignore" }"#),
    ];
    let mut engine = bed.engine("state", &sets);
    let prometheus = Prometheus::start(&listen);
    engine.wait_for_log("ready:");
    wait_until("the first scrape", || (!prometheus.query("sidestream_build_info").is_empty()).then_some(()));
    remake_the_consumer(&mut bed);
    // Headers that the client library cannot read.
    let nobody = br#"{"title":"user","properties":{"uuid":"u"}}"#;
    bed.wire.publish_raw("events.user", b"X-Name: Zo\xeb\r\n", nobody).unwrap();
    let gateway = gateway::stage::address(&mut engine);
    under_load(&mut bed, &prometheus, &listen, gateway);
    alerts_are_healthy(&prometheus);
    bed.finish();
    missing_positions(&mut bed, &prometheus, engine, &sets);
}

/// Takes the input's consumer away from under the engine, which makes it again.
fn remake_the_consumer(bed: &mut Bed) {
    publish_last(&mut bed.wire);
    let names = api(&mut bed.wire, &format!("CONSUMER.NAMES.{INPUT}"), &json!({})).unwrap();
    let name = names["consumers"][0].as_str().unwrap_or_else(|| panic!("no consumer: {names}"));
    let deleted = api(&mut bed.wire, &format!("CONSUMER.DELETE.{INPUT}.{name}"), &json!({})).unwrap();
    assert_eq!(deleted["success"], true, "{deleted}");
}

/// Publishes until every panel has shown what it should, for all engines and for this one.
fn under_load(bed: &mut Bed, prometheus: &Prometheus, listen: &str, gateway: SocketAddr) {
    let mut school = school(21, 60);
    let repeated = br#"{"title":"user","event_uuid":"again","properties":{"uuid":"u","country":"NL"}}"#;
    let all = queries(&dashboard());
    let mut open: Vec<(Query, String)> = Vec::new();
    for query in &all {
        for (instance, kind) in [(".+", ".+"), (listen, "user|lesson|subscription")] {
            open.push((query.clone(), substitute(&query.expr, instance, kind)));
        }
    }
    assert!(open.len() > 80, "{} queries", open.len());
    let deadline = std::time::Instant::now() + DEADLINE;
    while !open.is_empty() {
        publish(&mut bed.wire, &mut school, 100).unwrap();
        bed.wire.publish("events.course", &[], br#"{"title":"course","code":"c1","name":"Fado"}"#).unwrap();
        for _ in 0..5 {
            bed.wire.publish("events.user", &[], repeated).unwrap();
        }
        bed.wire.flush().unwrap();
        // The first is stored, the others have its identity.
        assert_eq!(post(gateway, "/v1/events/user", &[JSON], repeated).status, 202);
        open.retain(|(query, expr)| !shows(query, &prometheus.query(expr)));
        let still: Vec<_> = open.iter().map(|(query, expr)| (&query.panel, expr)).collect();
        assert!(std::time::Instant::now() < deadline, "no data, or only zeros, after {DEADLINE:?}: {still:#?}");
    }
}

/// Whether a query has shown all that it should; what can never be right fails the test.
fn shows(query: &Query, samples: &[Sample]) -> bool {
    let Query { panel, unit, legend, .. } = query;
    for Sample { labels, value } in samples.iter().filter(|sample| !sample.value.is_nan()) {
        let most = match unit.as_str() {
            "percentunit" => 1.0,
            // The school's events carry made-up times.
            "s" if panel == "Since the events' own time" => 86_400.0,
            "s" if panel == "Freshness, by kind" => 1e9,
            "s" => 60.0,
            "eps" | "mps" | "cps" => 1e6,
            "Bps" | "bytes" => 1e9,
            "short" => 1e6,
            "none" => 1.0,
            unit => panic!("{panel}: what is plausible for the unit {unit}?"),
        };
        assert!((0.0..=most).contains(value), "{panel}: {value} {unit}, {labels}");
        for label in legend.split("{{").skip(1).filter_map(|rest| rest.split_once("}}")) {
            assert!(labels[label.0].is_string(), "{panel}: its legend names {}, but there is {labels}", label.0);
        }
    }
    let least = if BUSY.contains(&panel.as_str()) { f64::MIN_POSITIVE } else { 0.0 };
    // Of a histogram without observations, such as of one stage, the quantile is NaN.
    let whole = samples.iter().all(|sample| !sample.value.is_nan());
    whole && samples.iter().any(|sample| sample.value >= least)
}

/// Prometheus evaluates all rules without an error, every series in them is there, and what should be is pending.
fn alerts_are_healthy(prometheus: &Prometheus) {
    wait_until("the evaluation of every rule", || {
        prometheus.rules().iter().all(|rule| rule["health"] == "ok").then_some(())
    });
    let rules = prometheus.rules();
    assert!(rules.len() >= 6, "{rules:?}");
    for rule in &rules {
        let query = rule["query"].as_str().unwrap();
        for selector in selectors(query) {
            assert!(!prometheus.query(&selector).is_empty(), "{}: no series for {selector}", rule["name"]);
        }
    }
    let silent = ["SidestreamDown", "SidestreamNotReady", "SidestreamAnotherWriter", "SidestreamPositionsMissing"];
    for name in silent.into_iter().chain([
        "SidestreamInternalDeadLetters",
        "SidestreamCheckpointOld",
        "SidestreamLakeStopped",
        "SidestreamLakeFails",
    ]) {
        assert_eq!(prometheus.alert(name), "inactive", "{name}");
    }
    // Six of a hundred events of the load are odd, and most odd ones are broken.
    wait_until("the alert on dead letters", || {
        (prometheus.alert("SidestreamDeadLettersRise") == "pending").then_some(())
    });
}

/// While the engine is away three events are deleted at two places, which a start that may counts; then somebody else
/// writes to the lane.
fn missing_positions(bed: &mut Bed, prometheus: &Prometheus, engine: Engine, sets: &[(&str, &str)]) {
    engine.drain();
    wait_until("the alert on an engine that is gone", || {
        (prometheus.alert("SidestreamDown") != "inactive").then_some(())
    });
    let first = publish_last(&mut bed.wire);
    for _ in 0..8 {
        publish_last(&mut bed.wire);
    }
    for position in [first + 1, first + 4, first + 5] {
        let call = format!("STREAM.MSG.DELETE.{INPUT}");
        let deleted = api(&mut bed.wire, &call, &json!({ "seq": position })).unwrap();
        assert_eq!(deleted["success"], true, "{deleted}");
    }
    let engine = Engine::armed("state", &bed.config, &bed.sets_of("state", sets), &["--accept-gap"], "");
    bed.finish();
    let value = |name: &str| {
        wait_until(name, || prometheus.query(name).first().map(|sample| sample.value).filter(|value| *value > 0.0))
    };
    assert_eq!(value("sidestream_deleted_positions_total"), 3.0, "every hole of a feed counts");
    wait_until("the alert on missing positions", || {
        (prometheus.alert("SidestreamPositionsMissing") == "firing").then_some(())
    });
    wait_until("the end of the alert on an engine that is gone", || {
        (prometheus.alert("SidestreamDown") == "inactive").then_some(())
    });
    let reply = bed.wire.request("enriched.stranger", b"{}").unwrap();
    assert!(reply.payload.starts_with(br#"{"stream":"ENRICHED""#), "{reply:?}");
    wait_until("the alert on another writer", || {
        (prometheus.alert("SidestreamAnotherWriter") == "firing").then_some(())
    });
    assert_eq!(value("sidestream_lane_foreign_messages"), 1.0);
    // The next output is refused; an engine that may not go on ends, and a restart does not mend it.
    publish_last(&mut bed.wire);
    let (code, log) = engine.exited(DEADLINE);
    assert_eq!(code, Some(70), "{log}");
    assert!(log.contains("another program writes to the output stream"), "{log}");
    assert!(log.contains("messages that this engine did not send"), "{log}");
    assert!(bed.last(OUTPUT) > 0);
}
