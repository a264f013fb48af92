//! Which versions and stream settings an engine can keep its promise with.
//!
//! Pure: no connection is used here. Each rule that refuses has its reason beside it.

use super::inspect::{Expectation, Finding};
use crate::core::subject::covers;
use async_nats::jetstream::stream::{Config, DiscardPolicy, PersistenceMode, RetentionPolicy};

/// The first version with fast-ingest batches.
const OLDEST: (u64, u64) = (2, 14);

pub(super) fn version_finding(version: &str) -> Finding {
    let mut numbers = version.split('.').map(|number| number.parse::<u64>().ok());
    let found = (numbers.next().flatten().unwrap_or(0), numbers.next().flatten().unwrap_or(0));
    Finding::of(found >= OLDEST, format!("nats-server {version}"), "use nats-server 2.14 or later")
}

pub(super) fn input_findings(config: &Config) -> Vec<Finding> {
    let named = |what: String| format!("stream {}: {what}", config.name);
    let per_subject = config.max_messages_per_subject;
    vec![
        // A work queue gives each message to one consumer and then deletes it; nothing could be read again.
        // Interest retention suits: a durable consumer acknowledges after each checkpoint.
        Finding::of(
            config.retention != RetentionPolicy::WorkQueue,
            named(format!("retention {:?}", config.retention)),
            "the input needs limits or interest retention: events must still be there after a crash",
        ),
        // Messages would vanish from the middle, and a rebuild would see another input.
        Finding::of(
            per_subject <= 0,
            named(if per_subject <= 0 {
                "no limit per subject".to_owned()
            } else {
                format!("max_msgs_per_subject is {per_subject}")
            }),
            "remove max_msgs_per_subject: it deletes events from the middle of the stream",
        ),
        Finding::of(
            !config.allow_message_ttl,
            named(format!("allow_msg_ttl is {}", config.allow_message_ttl)),
            "switch allow_msg_ttl off: it deletes events from the middle of the stream",
        ),
        written_first(config),
    ]
}

/// An input or output that the server confirms before it has written it is gone when the server is merely killed.
fn written_first(config: &Config) -> Finding {
    let mode = if config.persist_mode == Some(PersistenceMode::Async) { "async" } else { "default" };
    Finding::of(
        mode == "default",
        format!("stream {}: persist_mode is {mode}", config.name),
        "make the stream anew without persist_mode: under async, the server confirms what a kill of it takes away",
    )
}

pub(super) fn output_findings(config: &Config, expected: &Expectation, max_payload: usize) -> Vec<Finding> {
    let named = |what: String| format!("stream {}: {what}", config.name);
    let mut findings = vec![
        Finding::of(
            config.allow_batch_publish,
            named(format!("allow_batched is {}", config.allow_batch_publish)),
            "switch allow_batched on: the lane is written in fast-ingest batches",
        ),
        // Acknowledged consumers must not delete what recovery reads.
        Finding::of(
            config.retention == RetentionPolicy::Limits,
            named(format!("retention {:?}", config.retention)),
            "the output needs limits retention",
        ),
        // Other writers would break the lane's numbering.
        Finding::of(
            config.mirror.is_none() && config.sources.as_ref().is_none_or(Vec::is_empty),
            named("no mirror and no sources of its own".to_owned()),
            "the output must not be a mirror or have sources: the engine is its only writer",
        ),
        // The newest message of a subject would delete older ones out of the lane's middle.
        Finding::of(
            config.max_messages_per_subject <= 0,
            named(format!("max_msgs_per_subject is {}", config.max_messages_per_subject)),
            "remove max_msgs_per_subject from the output",
        ),
        Finding::of(
            !config.no_ack && !config.sealed && config.subject_transform.is_none() && !config.allow_message_counter,
            named("takes and acknowledges messages as they are".to_owned()),
            "remove no_ack, sealed, subject_transform and allow_msg_counter from the output",
        ),
        written_first(config),
    ];
    findings.push(Finding::good(named(discard(config))));
    findings.extend(size_findings(config, expected.max_bytes, max_payload));
    findings.extend(expected.subjects.iter().map(|subject| {
        Finding::of(
            config.subjects.iter().any(|pattern| covers(pattern, subject)),
            named(format!("covers {subject}")),
            "add this subject to the output stream",
        )
    }));
    findings
}

fn discard(config: &Config) -> String {
    let limited = config.max_messages > 0 || config.max_bytes > 0;
    match (limited, config.discard) {
        (false, _) => "no limit on messages or bytes".to_owned(),
        (true, DiscardPolicy::Old) => "when full, the oldest outputs go".to_owned(),
        (true, DiscardPolicy::New) => "when full, the engine waits for room".to_owned(),
    }
}

fn size_findings(config: &Config, max_bytes: u64, max_payload: usize) -> Vec<Finding> {
    let stream = u64::try_from(config.max_message_size).ok().filter(|limit| *limit > 0);
    let hint = "lower output.max_bytes, or raise this limit";
    let mut findings = vec![Finding::of(
        max_bytes <= max_payload as u64,
        format!("max_payload of the server is {max_payload}, output.max_bytes is {max_bytes}"),
        hint,
    )];
    if let Some(limit) = stream {
        let what = format!("stream {}: max_msg_size is {limit}, output.max_bytes is {max_bytes}", config.name);
        findings.push(Finding::of(max_bytes <= limit, what, hint));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let bad = |findings: Vec<Finding>| findings.iter().filter(|finding| !finding.ok).count();
        assert_eq!(bad(input_findings(&input)), 2);
        let hasty = Config { persist_mode: Some(PersistenceMode::Async), ..Config::default() };
        assert_eq!(bad(input_findings(&hasty)), 1);
        let queue = Config { retention: RetentionPolicy::WorkQueue, ..Config::default() };
        assert_eq!(bad(input_findings(&queue)), 1);
        let expected = Expectation {
            input: "I".into(),
            output: "O".into(),
            subjects: vec!["enriched.*".into(), "dead.*".into()],
            max_bytes: 1_000,
        };
        let good = Config {
            subjects: vec!["enriched.>".into(), "dead.>".into()],
            allow_batch_publish: true,
            ..Config::default()
        };
        assert_eq!(bad(output_findings(&good, &expected, 1_000)), 0);
        let hasty = Config { persist_mode: Some(PersistenceMode::Async), ..good.clone() };
        assert_eq!(bad(output_findings(&hasty, &expected, 1_000)), 1);
        let small = Config { max_message_size: 500, ..good.clone() };
        assert_eq!(bad(output_findings(&small, &expected, 999)), 2);
        let half = Config { subjects: vec!["enriched.>".into()], allow_batch_publish: false, ..good };
        assert_eq!(bad(output_findings(&half, &expected, 1_000)), 2);
    }
}
