//! The dashboard as Grafana reads it: panels, their queries, and the variables in them.

use serde_json::Value;
use sidestream::telemetry::catalogue::{ALL, MetricKind};
use std::collections::BTreeSet;

/// One query of one panel.
#[derive(Clone, Debug)]
pub(super) struct Query {
    pub(super) panel: String,
    /// Grafana's unit id, such as `s`.
    pub(super) unit: String,
    /// As it stands in the file.
    pub(super) expr: String,
    pub(super) legend: String,
}

/// A file of the repository.
pub(super) fn file(path: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The dashboard.
pub(super) fn dashboard() -> Value {
    serde_json::from_str(&file("dashboards/sidestream.json")).unwrap()
}

/// Its panels without the rows.
pub(super) fn panels(dashboard: &Value) -> Vec<Value> {
    dashboard["panels"].as_array().unwrap().iter().filter(|panel| panel["type"] != "row").cloned().collect()
}

/// Every query of every panel.
pub(super) fn queries(dashboard: &Value) -> Vec<Query> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut queries = Vec::new();
    for panel in panels(dashboard) {
        for target in panel["targets"].as_array().unwrap() {
            queries.push(Query {
                panel: text(&panel["title"]),
                unit: text(&panel["fieldConfig"]["defaults"]["unit"]),
                expr: text(&target["expr"]),
                legend: text(&target["legendFormat"]),
            });
        }
    }
    queries
}

/// Puts values for the variables, as Grafana does when the scrape interval is a second.
pub(super) fn substitute(expr: &str, instance: &str, kind: &str) -> String {
    let expr = expr.replace("$__rate_interval", "4s").replace("$__range", "1m");
    let expr = expr.replace("$instance", instance).replace("$kind", kind);
    assert!(!expr.contains('$'), "a variable that this test does not know: {expr}");
    expr
}

/// The series that an expression selects: `name` or `name{…}`, for every name that begins with ours.
pub(super) fn selectors(expr: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in expr.match_indices("sidestream_") {
        let name: String = expr[at..].chars().take_while(|c| *c == '_' || c.is_ascii_alphanumeric()).collect();
        let rest = &expr[at + name.len()..];
        let labels = if rest.starts_with('{') { rest.split_inclusive('}').next().unwrap() } else { "" };
        found.insert(name + labels);
    }
    found
}

/// What is wrong with the metrics and labels that an expression names, by the catalogue.
pub(super) fn unknown(expr: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for selector in selectors(expr) {
        let (name, labels) = selector.split_once('{').unwrap_or((&selector, ""));
        let parts = ["_bucket", "_count", "_sum"];
        let histogram = parts.iter().find_map(|part| name.strip_suffix(part));
        let metric = ALL.iter().find(|metric| match metric.kind {
            MetricKind::Histogram(_) => histogram == Some(metric.name),
            _ => metric.name == name,
        });
        let Some(metric) = metric else {
            faults.push(format!("{name} is not in the catalogue"));
            continue;
        };
        for matcher in labels.trim_end_matches('}').split(',').filter(|matcher| !matcher.is_empty()) {
            let label = matcher.trim().split(['=', '!']).next().unwrap();
            let bucket = label == "le" && histogram.is_some();
            if !bucket && !["instance", "job"].contains(&label) && !metric.labels.contains(&label) {
                faults.push(format!("{name} has no label {label}"));
            }
        }
    }
    faults
}
