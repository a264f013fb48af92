//! The shipped files by themselves: every metric is known, every panel says what it shows, every link leads somewhere.

use super::board::{dashboard, file, panels, queries, unknown};
use sidestream::telemetry::catalogue::ALL;
use std::collections::BTreeSet;

#[test]
fn panels_and_alerts_name_metrics_of_the_catalogue_only() {
    let mut faults: Vec<String> = Vec::new();
    for query in queries(&dashboard()) {
        faults.extend(unknown(&query.expr).iter().map(|fault| format!("panel {:?}: {fault}", query.panel)));
    }
    // Prose is passed over: it holds no name of a metric, or it must be one of the catalogue too.
    for path in ["dashboards/alerts.yaml", "dashboards/alerts_test.yaml"] {
        faults.extend(unknown(&file(path)).iter().map(|fault| format!("{path}: {fault}")));
    }
    assert!(faults.is_empty(), "{faults:#?}");
    assert_eq!(unknown("rate(sidestream_events_total{outcome=\"x\"}[1m])"), [] as [&str; 0]);
    assert_eq!(unknown("sidestream_event_total").len() + unknown("sidestream_lag_events{kind=\"x\"}").len(), 2);
    assert_eq!(unknown("sidestream_latency_seconds").len(), 1, "a histogram has no series of its own name");
}

#[test]
fn every_metric_is_on_a_panel() {
    let board: String = queries(&dashboard()).into_iter().map(|query| query.expr + "\n").collect();
    let unseen: Vec<&str> = ALL.iter().map(|metric| metric.name).filter(|name| !board.contains(name)).collect();
    assert_eq!(unseen, [] as [&str; 0]);
}

#[test]
fn every_panel_has_a_description_a_unit_a_place_and_a_legend() {
    let dashboard = dashboard();
    let mut taken: BTreeSet<(u64, u64)> = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for panel in panels(&dashboard) {
        let title = panel["title"].as_str().unwrap();
        let description = panel["description"].as_str().unwrap_or_default();
        assert!(description.len() > 20 && description.ends_with('.'), "{title}: {description:?}");
        assert!(panel["fieldConfig"]["defaults"]["unit"].is_string(), "{title} has no unit");
        assert!(panel["fieldConfig"]["defaults"]["thresholds"]["steps"].is_array(), "{title} has no thresholds");
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{title}: importable beside any data source");
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{title}: its id stands twice");
        let at = |key: &str| panel["gridPos"][key].as_u64().unwrap();
        for x in at("x")..at("x") + at("w") {
            for y in at("y")..at("y") + at("h") {
                assert!(x < 24 && taken.insert((x, y)), "{title} overlaps another panel, or the edge, at {x}, {y}");
            }
        }
    }
    assert!(queries(&dashboard).iter().all(|query| query.legend.contains("{{")), "a legend names a label");
    let variables = dashboard["templating"]["list"].as_array().unwrap();
    let names: Vec<&str> = variables.iter().map(|variable| variable["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["datasource", "instance", "kind"]);
}

#[test]
fn every_alert_says_what_to_do_and_its_runbook_is_there() {
    let (alerts, tests) = (file("dashboards/alerts.yaml"), file("dashboards/alerts_test.yaml"));
    let names: Vec<&str> = alerts.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(names.len() >= 6, "{names:?}");
    let rules: Vec<&str> = alerts.split("- alert: ").skip(1).collect();
    for (name, rule) in names.iter().zip(rules) {
        for part in ["summary: ", "description: ", "severity: "] {
            assert!(rule.contains(part), "{name} has no {part}");
        }
        let (path, anchor) = rule.split_once("runbook: \"").unwrap().1.split_once('#').unwrap();
        let anchor = anchor.split('"').next().unwrap();
        let heading = format!("### {name}\n");
        assert!(file(path).contains(&heading), "{path} has no section {name}");
        assert_eq!(anchor, name.to_ascii_lowercase(), "the anchor of a heading is its text in lower case");
        // A time at which it is silent, and one at which it goes off.
        let tested = tests.matches(&format!("alertname: {name}\n")).count();
        assert!(tested >= 2, "{name} is tested {tested} times");
    }
}
