//! The catalogue: every metric with its name, kind, unit, labels and meaning, once.
//!
//! Nothing is exported that does not stand here, because handles are made from these entries only. `registry`
//! describes the metrics from it, the README's table is `markdown()`, and tests hold both against `/metrics`.

/// What a metric is to Prometheus.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MetricKind {
    /// Only rises; starts at zero with the process.
    Counter,
    /// A value of the moment.
    Gauge,
    /// A distribution over these upper bounds, which rise.
    Histogram(&'static [f64]),
}

impl MetricKind {
    /// The word in Prometheus's `# TYPE` line.
    pub fn word(self) -> &'static str {
        match self {
            MetricKind::Counter => "counter",
            MetricKind::Gauge => "gauge",
            MetricKind::Histogram(_) => "histogram",
        }
    }
}

/// One entry of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Metric {
    /// The name as it is exported.
    pub name: &'static str,
    /// What it is to Prometheus.
    pub kind: MetricKind,
    /// What its value counts or measures.
    pub unit: &'static str,
    /// The names of its labels; each label's values are bounded by the configuration or by an enum.
    pub labels: &'static [&'static str],
    /// One sentence: what it says.
    pub help: &'static str,
}

/// 100 us to 60 s: from an idle engine on one machine to the time after which it counts as down.
const LATENCY: &[f64] = &[
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
];
/// 10 us to 10 s: parts of the latency.
const STAGE: &[f64] =
    &[0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 1.0, 10.0];
/// 1 ms to a day: what producers add by sending late.
const EVENT_TIME: &[f64] =
    &[0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 60.0, 300.0, 1800.0, 3600.0, 21600.0, 86400.0];
/// 1 ms to 60 s: from one clean key group to a disk that is the bottleneck.
const CHECKPOINT: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

macro_rules! catalogue {
    ($($id:ident = $name:literal, $kind:expr, $unit:literal, [$($label:literal),*], $help:literal;)*) => {
        $(
            #[doc = $help]
            pub const $id: Metric = Metric {
                name: concat!("sidestream_", $name), kind: $kind, unit: $unit, labels: &[$($label),*], help: $help,
            };
        )*

        /// Every metric, in the order of the README's table.
        pub const ALL: &[Metric] = &[$($id),*];
    };
}

use MetricKind::{Counter, Gauge, Histogram};

catalogue! {
    EVENTS_RECEIVED = "events_received_total", Counter, "events", [], "Events taken from the input stream.";
    INPUT_BYTES = "input_bytes_total", Counter, "bytes", [], "Payload bytes of the events taken from the input stream.";
    EVENTS = "events_total", Counter, "events", ["kind", "outcome"],
        "Events by kind section and by outcome: processed, dead_letter, duplicate or dropped.";
    DEAD_LETTERS = "dead_letters_total", Counter, "events", ["reason"], "Dead letters by reason code.";
    WITHOUT = "without_total", Counter, "events", ["kind", "what"],
        "Events with an output that lack what the configuration looks for, by kind section: id (event.id: such an event is never a duplicate) or time (event.time).";
    FILTERED = "filtered_total", Counter, "events", ["rule"],
        "Events that a filter or a route dropped, by its name.";
    MAPPED = "mapped_total", Counter, "messages", ["map"], "Messages that a map made, by its name.";
    UNKNOWN = "unknown_total", Counter, "conditions", ["rule", "why"],
        "Conditions that an event neither met nor failed, by rule: absent (a field is not there) or broken (it cannot be compared).";
    QUALITY_CHECKED = "quality_checked_total", Counter, "events", ["kind", "rule"],
        "Events of which a rule of quality could be told, by kind section and rule.";
    QUALITY_BROKEN = "quality_broken_total", Counter, "events", ["kind", "rule"],
        "Events that break a rule of quality, by kind section and rule.";
    CONFLICTS = "conflicts_total", Counter, "events", ["kind"],
        "Duplicates whose content is another than that of the event that they repeat, by kind section; only with dedup.conflicts.";
    FRESHNESS = "freshness_seconds", Gauge, "seconds", ["kind"],
        "Stream time since the newest event of a kind section that had an output, by the event's own time where the configuration looks for it; not there before the first one of this process.";
    STREAM_TIME = "stream_timestamp_seconds", Gauge, "seconds", [],
        "Stream time: when the newest event taken was stored, in seconds since 1970; 0 before the first one of this process.";
    MISSES = "misses_total", Counter, "joins", ["table"], "Joins that found no row, by table.";
    ROWS_KEPT = "rows_kept_total", Counter, "rows", ["table", "why"],
        "Rows that an event left as they were, by table with a version: older (the row is newer) or invalid (the event says no version).";
    WAITING_EVENTS = "waiting_events", Gauge, "events", [], "Events that wait for a row.";
    WAITING_BYTES = "waiting_bytes", Gauge, "bytes", [], "Bytes of the events that wait, and of the rows that they found.";
    OLDEST_WAIT = "oldest_wait_seconds", Gauge, "seconds", [],
        "Stream time since the event was stored that waits and leaves next; 0 where none waits.";
    WAITS = "waits_total", Counter, "events", [], "Events that began to wait for a row.";
    WAITS_ENDED = "waits_ended_total", Counter, "events", ["by"],
        "Events that left after a wait, by what released them: row or time.";
    WAIT_OVERFLOW = "wait_overflow_total", Counter, "events", [],
        "Events that left at once because as many of their key group waited as engine.max_waiting allows.";
    TICKS = "ticks_total", Counter, "messages", [],
        "Messages that the engine published into the input to move time on while events waited.";
    LATENCY_SECONDS = "latency_seconds", Histogram(LATENCY), "seconds", [],
        "Time from an event's storage in the input stream to the confirmation of its output.";
    EVENT_TIME_LATENCY = "event_time_latency_seconds", Histogram(EVENT_TIME), "seconds", [],
        "Time from an event's own time, where it is readable, to the confirmation of its output.";
    STAGE_SECONDS = "stage_seconds", Histogram(STAGE), "seconds", ["stage"],
        "Time that a slice spends in a stage: decode, shard, merge, lane or confirm.";
    INPUT_POSITION = "input_position", Gauge, "position", [], "Position of the last event taken from the input stream.";
    LAG = "lag_events", Gauge, "events", [],
        "Events of the input stream that are not taken yet, as the stream itself says once a second.";
    SLICES_IN_FLIGHT = "in_flight_slices", Gauge, "slices", [], "Slices taken from the input and not confirmed yet.";
    BYTES_IN_FLIGHT = "in_flight_bytes", Gauge, "bytes", [], "Payload bytes of the slices in flight.";
    LANE_UNCONFIRMED = "lane_unconfirmed_messages", Gauge, "messages", [],
        "Messages sent to the output stream and not confirmed yet.";
    LANE_PUBLISHED = "lane_published_total", Counter, "messages", [], "Messages that the output stream confirmed.";
    LANE_RECOMPUTED = "lane_recomputed_total", Counter, "messages", [],
        "Outputs that were out already and were compared instead of published.";
    LANE_REFUSALS = "lane_refusals_total", Counter, "refusals", ["cause"],
        "Times that the server refused a message of the lane: another writer, own (an earlier start), server or unknown.";
    LANE_FOREIGN = "lane_foreign_messages", Gauge, "messages", [],
        "Messages in the output stream behind the last one that this engine sent: another writer's.";
    UNSUITABLE_SETTINGS = "unsuitable_settings", Gauge, "settings", [],
        "Settings of the streams that the next start would refuse, as looked at once a minute.";
    STARTS = "starts_total", Counter, "starts", ["kind"],
        "Starts of the engine, reconnects too: fresh, resume or rebuild.";
    SOURCE_RESTARTS = "source_restarts_total", Counter, "restarts", [],
        "Times that the input's consumer was created again after a gap or a silence.";
    DELETED_POSITIONS = "deleted_positions_total", Counter, "positions", [],
        "Positions that were deleted from the input stream before they were taken.";
    UNREADABLE_HEADERS = "unreadable_headers_total", Counter, "events", [],
        "Events whose headers or subject the client library cannot read; they are fetched one by one, which is slower.";
    ACCEPTED_GAPS = "accepted_gaps", Gauge, "gaps", [],
        "Gaps of the input that an operator accepted with --accept-gap.";
    ACCEPTED_REWINDS = "accepted_rewinds", Gauge, "rewinds", [],
        "Lost tails of the input behind which an operator went on with --accept-rewind.";
    CHECKPOINT_AGE = "checkpoint_age_seconds", Gauge, "seconds", [],
        "Time since the last checkpoint of this process, or since its start.";
    CHECKPOINT_POSITION = "checkpoint_position", Gauge, "position", [], "Position of the newest durable checkpoint.";
    CHECKPOINT_SECONDS = "checkpoint_seconds", Histogram(CHECKPOINT), "seconds", [],
        "Time to write a checkpoint, from the lane's confirmation to the last fsync.";
    CHECKPOINTS = "checkpoints_total", Counter, "checkpoints", [], "Checkpoints written.";
    STATE_ROWS = "state_rows", Gauge, "rows", ["shard"], "Rows that a shard holds in memory.";
    STATE_GLOBAL_ROWS = "state_global_rows", Gauge, "rows", ["shard"], "Of the rows that a shard holds in memory, those of global tables: every shard has them.";
    STATE_IDS = "state_ids", Gauge, "ids", ["shard"], "Event ids that a shard remembers for de-duplication.";
    CACHE_HITS = "cache_hits_total", Counter, "keys", [], "Keys whose rows were in memory when an event needed them.";
    CACHE_MISSES = "cache_misses_total", Counter, "keys", [],
        "Keys whose rows had to be loaded from the state directory.";
    CACHE_EVICTIONS = "cache_evictions_total", Counter, "keys", [], "Keys whose rows left memory to make room.";
    STATE_DISK = "state_disk_bytes", Gauge, "bytes", [], "Size of the state directory.";
    LAKE_RUNNING = "lake_running", Gauge, "0 or 1", [], "Whether the lake's writer follows the output stream.";
    LAKE_POSITION = "lake_position", Gauge, "position", [], "Position of the last row that is published in the lake.";
    LAKE_LAG = "lake_lag_events", Gauge, "events", [],
        "Messages of the output stream that the lake's writer has not read yet.";
    LAKE_OLDEST = "lake_oldest_spooled_seconds", Gauge, "seconds", [],
        "Time since the oldest row came that is read and not published in the lake.";
    LAKE_SPOOL = "lake_spool_bytes", Gauge, "bytes", [], "Size of the rows that are read and not published in the lake.";
    LAKE_COMMITS = "lake_commits_total", Counter, "commits", [], "Times that the lake's writer published rows.";
    LAKE_COMMIT_SECONDS = "lake_commit_seconds", Histogram(CHECKPOINT), "seconds", [],
        "Time to publish what was spooled, from the decision to the log.";
    LAKE_FILES = "lake_files_total", Counter, "files", ["table"], "Files published in the lake: events or dead_letters.";
    LAKE_ROWS = "lake_rows_total", Counter, "rows", ["table"], "Rows published in the lake: events or dead_letters.";
    LAKE_BYTES = "lake_bytes_total", Counter, "bytes", [], "Bytes of the files published in the lake.";
    LAKE_FAILURES = "lake_failures_total", Counter, "failures", [],
        "Failures of the lake's store or of the way to the output stream that its writer waited for.";
    LAKE_MISFITS = "lake_misfits_total", Counter, "values", ["column"],
        "Values that did not fit a declared column of the lake, by column; null there, and whole in the event's text.";
    LAKE_FALLBACKS = "lake_time_fallbacks_total", Counter, "rows", [],
        "Rows whose own time is missing, unreadable or far off; they stand in the folder of the time at which they were stored.";
    GATEWAY_CONNECTED = "gateway_connected", Gauge, "0 or 1", [], "Whether the gateway can store events.";
    GATEWAY_REQUESTS = "gateway_requests_total", Counter, "requests", ["status"],
        "Requests with events that the gateway answered, by HTTP status; 202 means that all of a request is stored.";
    GATEWAY_EVENTS = "gateway_events_total", Counter, "events", ["outcome"],
        "Events that came to the gateway, by outcome: stored, duplicate, refused, rate_limited, not_stored or unconfirmed; a request that cannot be taken apart counts as one.";
    GATEWAY_SECONDS = "gateway_seconds", Histogram(LATENCY), "seconds", [],
        "Time from the headers of a request with events to its answer.";
    GATEWAY_IN_FLIGHT = "gateway_in_flight_bytes", Gauge, "bytes", [],
        "Memory that the gateway's requests in hand have reserved.";
    READY = "ready", Gauge, "0 or 1", [], "Whether /readyz answers 200.";
    BUILD_INFO = "build_info", Gauge, "1", ["version"], "Always 1; the label says which version runs.";
}

/// The catalogue as the README's table, one line a metric.
pub fn markdown() -> String {
    let mut table = String::from("| metric | kind | unit | labels | what it says |\n|---|---|---|---|---|\n");
    for metric in ALL {
        let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
        let (name, kind, labels) = (metric.name, metric.kind.word(), labels.join(", "));
        table.push_str(&format!("| `{name}` | {kind} | {} | {labels} | {} |\n", metric.unit, metric.help));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_follow_the_conventions_of_prometheus() {
        let names: BTreeSet<&str> = ALL.iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), ALL.len(), "a name stands twice");
        for metric in ALL {
            let name = metric.name;
            assert!(name.starts_with("sidestream_"), "{name}");
            assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{name}");
            assert_eq!(metric.kind == Counter, name.ends_with("_total"), "{name}");
            assert!(metric.help.ends_with('.') && !metric.help.contains('|'), "{name}");
            if metric.kind != Counter && ["seconds", "bytes"].contains(&metric.unit) {
                assert!(name.ends_with(&format!("_{}", metric.unit)), "{name}");
            }
            if let Histogram(bounds) = metric.kind {
                assert!(bounds.len() > 5 && bounds.is_sorted_by(|a, b| a < b), "{name}");
            }
        }
    }

    #[test]
    fn the_readme_gets_a_line_for_every_metric() {
        let table = markdown();
        assert_eq!(table.lines().count(), ALL.len() + 2);
        assert!(table.lines().all(|line| line.matches('|').count() == 6));
    }
}
