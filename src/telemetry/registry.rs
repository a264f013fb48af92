//! The recorder behind the metrics: makes handles from catalogue entries and renders them.
//!
//! Never installed globally, so that one process (a test, a replay beside a run) may hold several.

use super::catalogue::{ALL, Metric, MetricKind};
use metrics::{Counter, Gauge, Histogram, Key, Label, Level, Metadata, Recorder, Unit};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Samples that may wait in the histograms before they are folded into buckets.
///
/// A waiting sample costs 16 bytes, so nobody has to scrape to keep memory bounded (256 KiB here).
const PENDING_MAX: usize = 16_384;

static ORIGIN: Metadata<'static> = Metadata::new("sidestream", Level::INFO, None);

/// Handles by catalogue entry, and their text.
pub(super) struct Registry {
    recorder: PrometheusRecorder,
    exporter: PrometheusHandle,
    pending: AtomicUsize,
}

impl Registry {
    /// A registry of its own, with every entry described.
    pub(super) fn new() -> Registry {
        let mut builder = PrometheusBuilder::new();
        for metric in ALL {
            if let MetricKind::Histogram(bounds) = metric.kind {
                let name = Matcher::Full(metric.name.to_owned());
                // The only failure is an empty list, which a test of the catalogue rules out.
                builder =
                    builder.set_buckets_for_metric(name, bounds).expect("histograms of the catalogue have bounds");
            }
        }
        let recorder = builder.build_recorder();
        for metric in ALL {
            describe(&recorder, metric);
        }
        let exporter = recorder.handle();
        Registry { recorder, exporter, pending: AtomicUsize::new(0) }
    }

    /// The counter of an entry with these label values; asking twice gives the same counter.
    pub(super) fn counter(&self, metric: &Metric, values: &[&str]) -> Counter {
        self.recorder.register_counter(&key(metric, values), &ORIGIN)
    }

    /// The gauge of an entry with these label values.
    pub(super) fn gauge(&self, metric: &Metric, values: &[&str]) -> Gauge {
        self.recorder.register_gauge(&key(metric, values), &ORIGIN)
    }

    /// The histogram of an entry with these label values; tell `recorded` how much goes in.
    pub(super) fn histogram(&self, metric: &Metric, values: &[&str]) -> Histogram {
        self.recorder.register_histogram(&key(metric, values), &ORIGIN)
    }

    /// Notes that `samples` went into histograms, and folds them into buckets when enough are waiting.
    pub(super) fn recorded(&self, samples: usize) {
        if self.pending.fetch_add(samples, Ordering::Relaxed) + samples >= PENDING_MAX {
            self.pending.store(0, Ordering::Relaxed);
            self.exporter.run_upkeep();
        }
    }

    /// Everything in Prometheus's text format; folds waiting samples first.
    pub(super) fn render(&self) -> String {
        self.pending.store(0, Ordering::Relaxed);
        self.exporter.run_upkeep();
        self.exporter.render()
    }
}

fn key(metric: &Metric, values: &[&str]) -> Key {
    debug_assert_eq!(metric.labels.len(), values.len(), "{} has other labels", metric.name);
    let labels = metric.labels.iter().zip(values).map(|(name, value)| Label::new(*name, (*value).to_owned()));
    Key::from_parts(metric.name, labels.collect::<Vec<Label>>())
}

fn describe(recorder: &PrometheusRecorder, metric: &Metric) {
    let unit = match metric.unit {
        "seconds" => Unit::Seconds,
        "bytes" => Unit::Bytes,
        _ => Unit::Count,
    };
    let (name, help) = (metric.name.into(), metric.help.into());
    match metric.kind {
        MetricKind::Counter => recorder.describe_counter(name, Some(unit), help),
        MetricKind::Gauge => recorder.describe_gauge(name, Some(unit), help),
        MetricKind::Histogram(_) => recorder.describe_histogram(name, Some(unit), help),
    }
}

#[cfg(test)]
mod tests {
    use super::super::catalogue;
    use super::*;

    #[test]
    fn samples_wait_only_up_to_the_bound() {
        let registry = Registry::new();
        let latency = registry.histogram(&catalogue::LATENCY_SECONDS, &[]);
        for _ in 0..PENDING_MAX + 10 {
            latency.record(0.002);
            registry.recorded(1);
        }
        assert_eq!(registry.pending.load(Ordering::Relaxed), 10);
        let text = registry.render();
        assert!(text.contains(&format!("sidestream_latency_seconds_count {}\n", PENDING_MAX + 10)), "{text}");
        assert!(text.contains("sidestream_latency_seconds_bucket{le=\"0.001\"} 0\n"), "{text}");
    }
}
