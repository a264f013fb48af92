//! `/metrics` against the catalogue, and the figures against what was counted.

use super::client::{get, served};
use serde_json::json;
use sidestream::core::apply::Unchanged;
use sidestream::core::ids::{Nanos, Position};
use sidestream::core::plan::compiled::Plan;
use sidestream::core::plan::layout::Layout;
use sidestream::core::plan::spec::PlanSpec;
use sidestream::core::rejection::Reason;
use sidestream::core::tally::{CheckTally, KindTally, Tally};
use sidestream::protocol::machines::shard::{Holds, Waits};
use sidestream::protocol::start::StartKind;
use sidestream::telemetry::catalogue::{ALL, MetricKind};
use sidestream::telemetry::health::Phase;
use sidestream::telemetry::metrics::{Metrics, Refused, Stage};
use std::collections::{BTreeMap, BTreeSet};

fn plan(kinds: &[&str]) -> Plan {
    let kinds: BTreeMap<&str, serde_json::Value> = kinds.iter().map(|kind| (*kind, json!({ "key": "k" }))).collect();
    let spec: PlanSpec = serde_json::from_value(json!({
        "input_stream": "EVENTS", "event": { "kind": "title", "id": "id", "time": "at" }, "unknown_kinds": "forward", "kinds": kinds,
        "tables": { "user": { "from": "user", "columns": { "country": "country" }, "version": { "at": "rev" } } },
        "enrich": [], "output_subject": "enriched.{kind}", "max_bytes": 1000, "dead_subject": "dead.{reason}",
        "dedup_window_s": 60, "dedup_conflicts": true, "quality": [{ "valid": { "adult": "event.age >= 18" } }],
        "map": [{ "name": "short", "subject": "short", "fields": [["id", "id"]] }],
    }))
    .unwrap();
    let layout = Layout::default().extended(&spec);
    Plan::compile(spec, &layout)
}

/// A tally that counts `n` of everything.
fn tally(plan: &Plan, n: u64) -> Tally {
    let mut tally = Tally::new(plan);
    tally.kinds.fill(KindTally {
        processed: n,
        duplicates: n,
        conflicts: n,
        dropped: n,
        dead: n,
        outside: 0,
        without_id: n,
        without_time: n,
        newest: Some(Nanos(1_000_000_000)),
    });
    tally.stream_time = Some(Nanos(3_500_000_000));
    tally.reasons = Reason::ALL.iter().map(|reason| (*reason, n)).collect();
    tally.checks.fill(CheckTally { checked: n, broken: n });
    tally.misses.insert(plan.layout.table("user").unwrap(), n);
    tally.rows_kept.insert((plan.layout.table("user").unwrap(), Unchanged::Older), n);
    (tally.parked, tally.released, tally.wait_overflow) = (n, (n, n), n);
    tally.mapped = plan.kinds.iter().flat_map(|kind| &kind.maps).map(|map| (map.rule, n)).collect();
    tally
}

/// Calls every method of `Metrics` once.
fn use_everything(metrics: &Metrics) {
    let plan = plan(&["user", "lesson:*"]);
    metrics.received(10, 2_300);
    metrics.tally(&tally(&plan, 2), &plan);
    metrics.latencies(&[0.000_05, 0.002, 0.002, 120.0]);
    metrics.event_time_latency(-3.0);
    for stage in Stage::ALL {
        metrics.stage(stage, 0.001);
    }
    metrics.input_begins(Position(50), 100);
    metrics.taken(Position(99));
    metrics.input_reaches(130);
    metrics.input_holds(1, 140);
    metrics.in_flight(3, 900);
    metrics.unconfirmed(17);
    metrics.published(8);
    metrics.recomputed(5);
    metrics.lane_foreign(2);
    metrics.unsuitable_settings(3);
    for cause in Refused::ALL {
        metrics.lane_refused(cause);
    }
    for kind in [StartKind::Fresh, StartKind::Resume, StartKind::Rebuild("the state directory is lost")] {
        metrics.started(&kind);
    }
    metrics.source_restarted();
    metrics.source_restarted();
    metrics.deleted(4);
    metrics.accepted_gaps(1);
    metrics.checkpoint(Position(99), 0.02);
    metrics.state(0, Holds { rows: 100, global_rows: 7, ids: 50 });
    metrics.state(1, Holds { rows: 200, global_rows: 7, ids: 60 });
    metrics.cache(6, 7, 8);
    metrics.disk(1 << 20);
    metrics.lake_misfits("language", 2);
    metrics.waits(0, Waits { events: 3, bytes: 900, first: Some((Nanos(9), Nanos(1))) });
    metrics.ticked();
    metrics.ready(true);
}

/// Splits `name{a="x",b="y"} value` into name, label names and the series; label values here hold no comma.
fn series(line: &str) -> (&str, BTreeSet<&str>, &str) {
    let (series, _) = line.rsplit_once(' ').unwrap();
    let (name, labels) = series.split_once('{').unwrap_or((series, ""));
    let labels = labels.trim_end_matches('}').split(',').filter_map(|label| Some(label.split_once('=')?.0));
    (name, labels.collect(), series)
}

fn value(text: &str, series: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {series} in:\n{text}")).parse().unwrap()
}

#[test]
fn the_metrics_page_and_the_catalogue_name_the_same_things() {
    let (address, _server, metrics, _) = served();
    use_everything(&metrics);
    let page = get(address, "/metrics");
    assert_eq!((page.status, page.content_type.as_str()), (200, "text/plain; version=0.0.4"));
    for metric in ALL {
        let name = metric.name;
        assert!(page.body.contains(&format!("# TYPE {name} {}\n", metric.kind.word())), "{name}");
        assert!(page.body.contains(&format!("# HELP {name} {}\n", metric.help)), "{name}");
    }
    let mut seen = BTreeSet::new();
    for line in page.body.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let (name, mut labels, series) = series(line);
        let part = |end| name.strip_suffix(end);
        let histogram = part("_bucket").or(part("_sum")).or(part("_count"));
        let metric = ALL.iter().find(|metric| match metric.kind {
            MetricKind::Histogram(_) => histogram == Some(metric.name),
            _ => metric.name == name,
        });
        let metric = metric.unwrap_or_else(|| panic!("{name} is not in the catalogue"));
        labels.remove("le");
        assert_eq!(labels, metric.labels.iter().copied().collect(), "{series}");
        assert!(seen.insert(series.to_owned()), "{series} stands twice");
    }
    assert!(ALL.iter().all(|metric| seen.iter().any(|series| series.starts_with(metric.name))));
}

#[test]
fn the_metrics_page_shows_what_was_counted() {
    let (address, _server, metrics, health) = served();
    use_everything(&metrics);
    let page = get(address, "/metrics").body;
    for (series, expected) in [
        ("sidestream_events_received_total", 10.0),
        ("sidestream_input_bytes_total", 2300.0),
        ("sidestream_events_total{kind=\"lesson:*\",outcome=\"processed\"}", 2.0),
        ("sidestream_events_total{kind=\"unknown\",outcome=\"dead_letter\"}", 2.0),
        ("sidestream_dead_letters_total{reason=\"too_large\"}", 2.0),
        ("sidestream_misses_total{table=\"user\"}", 2.0),
        ("sidestream_without_total{kind=\"user\",what=\"id\"}", 2.0),
        ("sidestream_without_total{kind=\"unknown\",what=\"time\"}", 2.0),
        ("sidestream_rows_kept_total{table=\"user\",why=\"older\"}", 2.0),
        ("sidestream_rows_kept_total{table=\"user\",why=\"invalid\"}", 0.0),
        ("sidestream_quality_checked_total{kind=\"lesson:*\",rule=\"valid.adult\"}", 2.0),
        ("sidestream_quality_broken_total{kind=\"unknown\",rule=\"valid.adult\"}", 2.0),
        ("sidestream_conflicts_total{kind=\"unknown\"}", 2.0),
        ("sidestream_freshness_seconds{kind=\"user\"}", 2.5),
        ("sidestream_stream_timestamp_seconds", 3.5),
        ("sidestream_latency_seconds_bucket{le=\"0.0001\"}", 1.0),
        ("sidestream_latency_seconds_bucket{le=\"60\"}", 3.0),
        ("sidestream_latency_seconds_bucket{le=\"+Inf\"}", 4.0),
        ("sidestream_event_time_latency_seconds_sum", 0.0),
        ("sidestream_starts_total{kind=\"rebuild\"}", 1.0),
        ("sidestream_source_restarts_total", 2.0),
        ("sidestream_input_position", 99.0),
        ("sidestream_lag_events", 41.0),
        ("sidestream_lane_refusals_total{cause=\"another\"}", 1.0),
        ("sidestream_lane_foreign_messages", 2.0),
        ("sidestream_unsuitable_settings", 3.0),
        ("sidestream_checkpoint_position", 99.0),
        ("sidestream_state_rows{shard=\"1\"}", 200.0),
        ("sidestream_state_global_rows{shard=\"1\"}", 7.0),
        ("sidestream_state_ids{shard=\"0\"}", 50.0),
        ("sidestream_cache_evictions_total", 8.0),
        ("sidestream_state_disk_bytes", 1_048_576.0),
        ("sidestream_build_info{version=\"0.1.0\"}", 1.0),
    ] {
        assert_eq!(value(&page, series), expected, "{series}");
    }
    let age = value(&page, "sidestream_checkpoint_age_seconds");
    assert!((0.0..20.0).contains(&age), "{age}");
    health.set(Phase::Draining);
    assert_eq!(value(&get(address, "/metrics").body, "sidestream_ready"), 0.0);
}

#[test]
fn a_kind_without_an_event_has_no_age_and_the_newest_time_of_all_shards_counts() {
    let (metrics, plan) = (Metrics::new(), plan(&["user", "lesson:*"]));
    let lesson = plan.kinds.iter().position(|kind| &*kind.name == "lesson:*").unwrap();
    for (newest, stream_time) in [(4, 9), (2, 7)] {
        let mut tally = Tally::new(&plan);
        tally.kinds[lesson].newest = Some(Nanos(newest * 1_000_000_000));
        tally.stream_time = Some(Nanos(stream_time * 1_000_000_000));
        metrics.tally(&tally, &plan);
    }
    let page = metrics.render();
    assert_eq!(value(&page, "sidestream_freshness_seconds{kind=\"lesson:*\"}"), 5.0);
    assert_eq!(value(&page, "sidestream_stream_timestamp_seconds"), 9.0);
    assert_eq!(page.matches("\nsidestream_freshness_seconds{").count(), 1, "{page}");
}

#[test]
fn labels_come_from_the_configuration_and_from_enums_only() {
    let metrics = Metrics::new();
    let (first, second) = (plan(&["user", "lesson:*"]), plan(&["a", "user"]));
    // The second plan gives `user` another number; its counts must go on under the same name.
    for plan in [&first, &second, &first] {
        metrics.tally(&tally(plan, 1), plan);
    }
    let page = metrics.render();
    let kinds: BTreeSet<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("sidestream_events_total{kind=\"")?.split('"').next())
        .collect();
    assert_eq!(kinds, ["a", "lesson:*", "unknown", "user"].into());
    assert_eq!(value(&page, "sidestream_events_total{kind=\"user\",outcome=\"dropped\"}"), 3.0);
    assert_eq!(value(&page, "sidestream_events_total{kind=\"a\",outcome=\"dropped\"}"), 1.0);
    let reasons = page.lines().filter(|line| line.starts_with("sidestream_dead_letters_total{")).count();
    assert_eq!(reasons, Reason::ALL.len());
}

#[test]
fn the_lag_is_what_the_input_still_holds() {
    let metrics = Metrics::new();
    metrics.input_begins(Position(10), 50);
    assert_eq!(metrics.figures().lag, 40);
    metrics.taken(Position(30));
    metrics.input_reaches(45);
    assert_eq!(metrics.figures().lag, 20, "a delivery's word is older than the stream's");
    metrics.input_holds(41, 60);
    assert_eq!(metrics.figures().lag, 20, "what the stream has dropped is not to come");
    metrics.input_holds(61, 60);
    assert_eq!(metrics.figures().lag, 0, "an empty stream");
    metrics.taken(Position(60));
    metrics.input_begins(Position(10), 20);
    assert_eq!(metrics.figures().lag, 10, "a start after the input lost its tail");
    assert_eq!(value(&metrics.render(), "sidestream_lag_events"), 10.0);
}

#[test]
fn two_engines_in_one_process_count_apart() {
    let (one, other) = (Metrics::new(), Metrics::new());
    one.received(5, 50);
    one.clone().received(1, 1);
    assert_eq!(value(&one.render(), "sidestream_events_received_total"), 6.0);
    assert_eq!(value(&other.render(), "sidestream_events_received_total"), 0.0);
}

#[test]
fn the_live_figures_agree_with_the_page() {
    let metrics = Metrics::new();
    assert_eq!((metrics.figures().p50_s, metrics.figures().p99_s), (None, None));
    use_everything(&metrics);
    let figures = metrics.figures();
    // Three kinds (user, lesson:*, unknown) with two of each outcome.
    assert_eq!((figures.processed, figures.dead, figures.duplicates, figures.dropped), (6, 6, 6, 6));
    assert_eq!((figures.received, figures.input_bytes, figures.misses), (10, 2_300, 2));
    assert_eq!((figures.published, figures.recomputed, figures.lag, figures.unconfirmed), (8, 5, 41, 17));
    assert_eq!((figures.slices_in_flight, figures.bytes_in_flight, figures.checkpoint_position), (3, 900, 99));
    assert!((0.002..0.0022).contains(&figures.p50_s.unwrap()), "{figures:?}");
    assert!(figures.p99_s.unwrap() >= 120.0 && figures.checkpoint_age_s < 20.0, "{figures:?}");
}
