//! Which versions and stream settings an engine can keep its promise with.
//!
//! Pure: no connection is used here. Each rule that refuses has its reason beside it.

use super::finding::StreamFinding;
use super::inspect::Expectation;
use super::pull::INACTIVE;
use crate::core::subject::covers;
use async_nats::jetstream::stream::{Config, DiscardPolicy, PersistenceMode, RetentionPolicy, StorageType};
use std::time::Duration;

/// The first version with fast-ingest batches.
const OLDEST: (u64, u64) = (2, 14);

/// Consumers of a stream below which a start may have to wait for a place.
const CONSUMERS: i32 = 3;

pub(super) fn version_finding(version: &str) -> StreamFinding {
    StreamFinding::of(new_enough(version), format!("nats-server {version}"), "use nats-server 2.14 or later")
}

/// The server that leads a stream may be another one than greeted us, and of another version: it says which.
fn leader(config: &Config) -> Option<StreamFinding> {
    let version = config.metadata.get("_nats.ver").filter(|version| !new_enough(version))?;
    Some(StreamFinding::bad(
        format!("stream {} is led by a server of version {version}", config.name),
        "use nats-server 2.14 or later on every server of the cluster: each of them may come to lead",
    ))
}

pub(super) fn new_enough(version: &str) -> bool {
    let mut numbers = version.split('.').map(|number| number.parse::<u64>().ok());
    let found = (numbers.next().flatten().unwrap_or(0), numbers.next().flatten().unwrap_or(0));
    found >= OLDEST
}

/// What is wrong with the server that leads a stream while the one that greeted us suits: servers are being upgraded, and
/// this one's turn will come. What can be known of the stream's other servers is in `greetings`.
pub(super) fn old_leader(greeted_by: &str, config: &Config) -> Option<String> {
    let version = config.metadata.get("_nats.ver")?;
    (new_enough(greeted_by) && !new_enough(version)).then(|| {
        format!("stream {} is led by nats-server {version}, which is older than 2.14: waiting for another", config.name)
    })
}

pub(super) fn input_findings(config: &Config) -> Vec<StreamFinding> {
    let named = |what: String| format!("stream {}: {what}", config.name);
    let per_subject = config.max_messages_per_subject;
    let mut findings = vec![
        // A work queue gives each message to one consumer and then deletes it; nothing could be read again.
        // Interest retention suits: a durable consumer acknowledges after each checkpoint.
        StreamFinding::of(
            config.retention != RetentionPolicy::WorkQueue,
            named(format!("retention {:?}", config.retention)),
            "the input needs limits or interest retention: events must still be there after a crash",
        ),
        // Messages would vanish from the middle, and a rebuild would see another input.
        StreamFinding::of(
            per_subject <= 0,
            named(if per_subject <= 0 {
                "no limit per subject".to_owned()
            } else {
                format!("max_msgs_per_subject is {per_subject}")
            }),
            "remove max_msgs_per_subject: it deletes events from the middle of the stream",
        ),
        StreamFinding::of(
            !config.allow_message_ttl,
            named(format!("allow_msg_ttl is {}", config.allow_message_ttl)),
            "make the stream anew without allow_msg_ttl: it deletes events from the middle of the stream",
        ),
        StreamFinding::of(
            !config.allow_message_schedules,
            named(format!("allow_msg_schedules is {}", config.allow_message_schedules)),
            "make the stream anew without allow_msg_schedules: the server deletes a schedule from the middle of it",
        ),
        written_first(config),
    ];
    findings.extend(leader(config));
    findings.extend(consumer_limits(config));
    findings.extend(in_memory(config));
    findings.extend(few_consumers(config));
    findings
}

/// An input or output that the server confirms before it has written it is gone when the server is merely killed.
fn written_first(config: &Config) -> StreamFinding {
    let mode = if config.persist_mode == Some(PersistenceMode::Async) { "async" } else { "default" };
    StreamFinding::of(
        mode == "default",
        format!("stream {}: persist_mode is {mode}", config.name),
        "make the stream anew without persist_mode: under async, the server confirms what a kill of it takes away",
    )
}

/// What the server would answer with a refusal once the engine makes a consumer, perhaps at a later start only; or a
/// consumer that it would forget while the engine is away, and with it the events of an interest stream.
fn consumer_limits(config: &Config) -> Option<StreamFinding> {
    let limit = config.consumer_limits.as_ref()?.inactive_threshold;
    if limit.is_zero() {
        return None;
    }
    let what = format!("stream {}: consumer_limits.inactive_threshold is {limit:?}", config.name);
    if config.retention == RetentionPolicy::Interest {
        let hint = "remove this limit: the server would forget the engine's consumer, and the events kept for it";
        return Some(StreamFinding::bad(what, hint));
    }
    let hint = format!("remove this limit, or raise it to {INACTIVE:?}: the engine's consumers are refused below that");
    Some(StreamFinding::of(limit >= INACTIVE, what, &hint))
}

/// Whether there is room for the engine's consumer decides the moment at which it is made: a start waits for it.
fn few_consumers(config: &Config) -> Option<StreamFinding> {
    (1..=CONSUMERS).contains(&config.max_consumers).then(|| {
        StreamFinding::note(
            format!("stream {}: max_consumers is {}", config.name, config.max_consumers),
            "raise it: a start may have to wait until the server forgets the consumer of the one before, 90 s after a \
             crash, and `check`, `audit` and streams that source this one take a place, too",
        )
    })
}

/// Allowed, for those who know what they do.
fn in_memory(config: &Config) -> Option<StreamFinding> {
    (config.storage == StorageType::Memory).then(|| {
        StreamFinding::note(
            format!("stream {} is kept in memory only", config.name),
            "a restart of its server empties it; make it anew with file storage if that is not meant",
        )
    })
}

pub(super) fn output_findings(config: &Config, expected: &Expectation, max_payload: usize) -> Vec<StreamFinding> {
    let named = |what: String| format!("stream {}: {what}", config.name);
    let mut findings = vec![
        StreamFinding::of(
            config.allow_batch_publish,
            named(format!("allow_batched is {}", config.allow_batch_publish)),
            "switch allow_batched on: the lane is written in fast-ingest batches",
        ),
        // Acknowledged consumers must not delete what recovery reads.
        StreamFinding::of(
            config.retention == RetentionPolicy::Limits,
            named(format!("retention {:?}", config.retention)),
            "the output needs limits retention",
        ),
        // Other writers would break the lane's numbering.
        StreamFinding::either(
            config.mirror.is_none() && config.sources.as_ref().is_none_or(Vec::is_empty),
            named("no mirror and no sources of its own".to_owned()),
            format!("stream {} is a mirror or has sources", config.name),
            "the output must not be a mirror or have sources: the engine is its only writer",
        ),
        // The newest message of a subject would delete older ones out of the lane's middle.
        StreamFinding::either(
            config.max_messages_per_subject <= 0,
            named("no limit per subject".to_owned()),
            named(format!("max_msgs_per_subject is {}", config.max_messages_per_subject)),
            "remove max_msgs_per_subject from the output: it deletes outputs from the middle of the stream",
        ),
        written_first(config),
    ];
    findings.extend(leader(config));
    findings.extend(taken_as_they_are(config));
    findings.extend(written_by_the_server(config));
    findings.push(StreamFinding::good(named(discard(config))));
    findings.extend(consumer_limits(config));
    findings.extend(in_memory(config));
    findings.extend(few_consumers(config));
    findings.extend(size_findings(config, expected.max_bytes, max_payload));
    findings.extend(expected.subjects.iter().map(|subject| {
        StreamFinding::either(
            config.subjects.iter().any(|pattern| covers(pattern, subject)),
            named(format!("covers {subject}")),
            format!("stream {} does not cover {subject}", config.name),
            "add this subject to the output stream",
        )
    }));
    findings
}

/// The stream stores what is published, and says so.
fn taken_as_they_are(config: &Config) -> Vec<StreamFinding> {
    let name = &config.name;
    let faults = [
        (config.sealed, format!("stream {name} is sealed: it takes no message any more"), "name another stream"),
        (config.no_ack, format!("stream {name}: no_ack is true"), "switch no_ack off: outputs must be confirmed"),
        (
            config.subject_transform.is_some(),
            format!("stream {name} has a subject_transform"),
            "remove subject_transform from the output: outputs keep their subjects",
        ),
        (
            config.allow_message_counter,
            format!("stream {name}: allow_msg_counter is true"),
            "make the stream anew without allow_msg_counter: it takes counters only",
        ),
    ];
    let faults: Vec<StreamFinding> =
        faults.into_iter().filter(|(is, ..)| *is).map(|(_, what, hint)| StreamFinding::bad(what, hint)).collect();
    if !faults.is_empty() {
        return faults;
    }
    vec![StreamFinding::good(format!("stream {name}: takes and acknowledges messages as they are"))]
}

/// What the server itself writes into a stream, or takes from the middle of it, the engine would later find as another
/// writer's message or as an output that is gone.
fn written_by_the_server(config: &Config) -> Vec<StreamFinding> {
    let name = &config.name;
    let ttl = config.subject_delete_marker_ttl.unwrap_or_default();
    let faults = [
        (
            ttl > Duration::ZERO,
            format!("stream {name}: subject_delete_marker_ttl is {ttl:?}"),
            "make the stream anew without subject_delete_marker_ttl: the server writes its markers among the outputs",
        ),
        (
            config.allow_message_ttl && ttl.is_zero(),
            format!("stream {name}: allow_msg_ttl is true"),
            "make the stream anew without allow_msg_ttl: it deletes outputs from the middle of the stream",
        ),
        (
            config.allow_message_schedules,
            format!("stream {name}: allow_msg_schedules is true"),
            "make the stream anew without allow_msg_schedules: the server writes scheduled messages among the outputs",
        ),
    ];
    let faults: Vec<StreamFinding> =
        faults.into_iter().filter(|(is, ..)| *is).map(|(_, what, hint)| StreamFinding::bad(what, hint)).collect();
    if !faults.is_empty() {
        return faults;
    }
    vec![StreamFinding::good(format!("stream {name}: the server writes nothing into it by itself"))]
}

fn discard(config: &Config) -> String {
    let limited = config.max_messages > 0 || config.max_bytes > 0;
    match (limited, config.discard) {
        (false, _) => "no limit on messages or bytes".to_owned(),
        (true, DiscardPolicy::Old) => "when full, the oldest outputs go".to_owned(),
        (true, DiscardPolicy::New) => "when full, the engine waits for room".to_owned(),
    }
}

fn size_findings(config: &Config, max_bytes: u64, max_payload: usize) -> Vec<StreamFinding> {
    let stream = u64::try_from(config.max_message_size).ok().filter(|limit| *limit > 0);
    let hint = "lower output.max_bytes, or raise this limit";
    let mut findings = vec![StreamFinding::of(
        max_bytes <= max_payload as u64,
        format!("max_payload of the server is {max_payload}, output.max_bytes is {max_bytes}"),
        hint,
    )];
    if let Some(limit) = stream {
        let what = format!("stream {}: max_msg_size is {limit}, output.max_bytes is {max_bytes}", config.name);
        findings.push(StreamFinding::of(max_bytes <= limit, what, hint));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_nats::jetstream::stream::{ConsumerLimits, Source};

    fn expected() -> Expectation {
        Expectation {
            output: "O".into(),
            subjects: vec!["enriched.*".into(), "dead.*".into()],
            max_bytes: 1_000,
            ..Expectation::default()
        }
    }

    fn good() -> Config {
        Config {
            name: "O".into(),
            subjects: vec!["enriched.>".into(), "dead.>".into()],
            allow_batch_publish: true,
            ..Config::default()
        }
    }

    fn said(findings: Vec<StreamFinding>) -> Vec<String> {
        findings.into_iter().filter(|finding| !finding.ok).map(|finding| finding.what).collect()
    }

    #[test]
    fn a_leader_that_is_too_old_is_waited_for_where_another_server_suits() {
        let led_by = |version: &str| Config {
            name: "EVENTS".to_owned(),
            metadata: [("_nats.ver".to_owned(), version.to_owned())].into(),
            ..Config::default()
        };
        assert!(old_leader("2.15.1", &led_by("2.12.8")).is_some_and(|what| what.contains("2.12.8")));
        assert_eq!(old_leader("2.15.1", &led_by("2.14.6")), None);
        assert_eq!(old_leader("2.12.8", &led_by("2.12.8")), None, "that is said of the server itself");
        assert_eq!(old_leader("2.15.1", &Config::default()), None, "not told");
    }

    #[test]
    fn versions_are_compared_by_number() {
        for (version, ok) in
            [("2.14.0", true), ("2.15.1", true), ("3.0.0", true), ("2.14.0-RC.1", true), ("2.9.99", false), ("", false)]
        {
            assert_eq!(version_finding(version).ok, ok, "{version}");
        }
    }

    #[test]
    fn unsuitable_streams_are_refused_each_for_its_reason() {
        let input = Config { max_messages_per_subject: 3, allow_message_ttl: true, ..Config::default() };
        let bad = |findings: Vec<StreamFinding>| findings.iter().filter(|finding| !finding.ok).count();
        assert_eq!(bad(input_findings(&input)), 2);
        let hasty = Config { persist_mode: Some(PersistenceMode::Async), ..Config::default() };
        assert_eq!(bad(input_findings(&hasty)), 1);
        let queue = Config { retention: RetentionPolicy::WorkQueue, ..Config::default() };
        assert_eq!(bad(input_findings(&queue)), 1);
        let expected = expected();
        let good = good();
        assert_eq!(bad(output_findings(&good, &expected, 1_000)), 0);
        let hasty = Config { persist_mode: Some(PersistenceMode::Async), ..good.clone() };
        assert_eq!(bad(output_findings(&hasty, &expected, 1_000)), 1);
        let small = Config { max_message_size: 500, ..good.clone() };
        assert_eq!(bad(output_findings(&small, &expected, 999)), 2);
        let half = Config { subjects: vec!["enriched.>".into()], allow_batch_publish: false, ..good };
        assert_eq!(bad(output_findings(&half, &expected, 1_000)), 2);
    }
    #[test]
    fn a_refusal_says_what_is_wrong_and_not_what_would_be_right() {
        let minute = Some(Duration::from_secs(60));
        let limits = |inactive_threshold| Some(ConsumerLimits { inactive_threshold, max_ack_pending: 0 });
        for (config, words) in [
            (Config { subjects: vec!["enriched.>".into()], ..good() }, "stream O does not cover dead.*"),
            (Config { sealed: true, ..good() }, "stream O is sealed: it takes no message any more"),
            (Config { no_ack: true, ..good() }, "stream O: no_ack is true"),
            (Config { allow_message_counter: true, ..good() }, "stream O: allow_msg_counter is true"),
            (Config { allow_message_ttl: true, ..good() }, "stream O: allow_msg_ttl is true"),
            (Config { allow_message_schedules: true, ..good() }, "stream O: allow_msg_schedules is true"),
            (
                Config { allow_message_ttl: true, subject_delete_marker_ttl: minute, ..good() },
                "stream O: subject_delete_marker_ttl is 60s",
            ),
            (Config { sources: Some(vec![Source::default()]), ..good() }, "stream O is a mirror or has sources"),
            (
                Config { consumer_limits: limits(Duration::from_secs(5)), ..good() },
                "stream O: consumer_limits.inactive_threshold is 5s",
            ),
        ] {
            assert_eq!(said(output_findings(&config, &expected(), 1_000)), [words]);
        }
        let old = Config { metadata: [("_nats.ver".to_owned(), "2.12.8".to_owned())].into(), ..good() };
        assert_eq!(said(output_findings(&old, &expected(), 1_000)), ["stream O is led by a server of version 2.12.8"]);
        assert_eq!(said(input_findings(&old)), ["stream O is led by a server of version 2.12.8"]);
        let generous = Config { consumer_limits: limits(INACTIVE), ..good() };
        assert_eq!(said(output_findings(&generous, &expected(), 1_000)), Vec::<String>::new());
        let few = Config { max_consumers: 1, ..good() };
        let notes = output_findings(&few, &expected(), 1_000).into_iter().chain(input_findings(&few));
        let notes = notes.filter(StreamFinding::is_note).map(|note| note.what).collect::<Vec<_>>();
        assert_eq!(notes, ["stream O: max_consumers is 1"; 2]);
        let forgetful = Config { retention: RetentionPolicy::Interest, ..generous };
        assert_eq!(said(input_findings(&forgetful)), ["stream O: consumer_limits.inactive_threshold is 90s"]);
    }
}
