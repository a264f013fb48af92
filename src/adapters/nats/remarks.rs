//! What `check --connect` and `provision` remark on streams although no start refuses it.
//!
//! Pure: no connection is used here.

use super::finding::StreamFinding;
use crate::core::subject::covers;
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy};

/// Remarks on the stream that copies the dead letters; nothing refuses it.
pub(super) fn dead_letters_findings(config: &Config, from: &str, filter: &str) -> Vec<StreamFinding> {
    let sources = config.sources.iter().flatten().any(|source| {
        let all = source.subject_transforms.is_empty() && source.filter_subject.is_none();
        let filtered = source.filter_subject.iter().any(|has| covers(has, filter));
        let transformed = source.subject_transforms.iter().any(|transform| covers(&transform.source, filter));
        source.name == from && (all || filtered || transformed)
    });
    let mirrors = config.mirror.as_ref().is_some_and(|mirror| mirror.name == from);
    if sources || mirrors {
        return vec![StreamFinding::good(format!("stream {}: copies the dead letters of {from}", config.name))];
    }
    let what = format!("stream {} does not source {filter} from {from}", config.name);
    vec![StreamFinding::note(what, "dead letters stand in the output stream, but are not copied into this one")]
}

/// Remarks on the stream that remembers redrives; a redrive refuses what is remarked here, an engine does not.
pub(super) fn redrives_findings(config: &Config, subject: &str) -> Vec<StreamFinding> {
    let name = &config.name;
    let forgets = [
        ("max_age", !config.max_age.is_zero()),
        ("max_msgs", config.max_messages > 0 && config.discard == DiscardPolicy::Old),
        ("max_bytes", config.max_bytes > 0 && config.discard == DiscardPolicy::Old),
        ("max_msgs_per_subject", config.max_messages_per_subject > 0),
        ("allow_msg_ttl", config.allow_message_ttl),
        ("retention", config.retention != RetentionPolicy::Limits),
    ];
    let hint = "`dead-letters redrive` refuses it: what it forgets would be redriven twice";
    let mut findings: Vec<StreamFinding> = forgets
        .iter()
        .filter(|(_, is)| *is)
        .map(|(key, _)| StreamFinding::note(format!("stream {name} forgets redrives: {key} is set"), hint))
        .collect();
    if !config.subjects.iter().any(|pattern| covers(pattern, subject)) {
        let hint = "`dead-letters redrive` refuses it: add this subject to the stream";
        findings.push(StreamFinding::note(format!("stream {name} does not cover {subject}"), hint));
    }
    if findings.is_empty() {
        findings.push(StreamFinding::good(format!("stream {name}: remembers redrives")));
    }
    findings
}

/// Whether `input.subjects` says what the stream holds. Only said by `check --connect`: everything in the stream is
/// processed, whatever the configuration says, and a mirror or a stream with sources has subjects of others.
pub(super) fn subjects_finding(config: &Config, subjects: &[String]) -> StreamFinding {
    let name = &config.name;
    if config.mirror.is_some() || config.sources.as_ref().is_some_and(|sources| !sources.is_empty()) {
        return StreamFinding::good(format!("stream {name}: takes its messages from other streams"));
    }
    let outside = |these: &[String], those: &[String]| {
        these.iter().find(|this| !those.iter().any(|that| covers(that, this))).cloned()
    };
    let hint = "write the stream's own subjects into input.subjects, or change the stream: nothing is filtered";
    if let Some(more) = outside(&config.subjects, subjects) {
        let what = format!("stream {name} also takes {more}, which input.subjects does not name: it is processed, too");
        return StreamFinding::bad(what, hint);
    }
    if let Some(less) = outside(subjects, &config.subjects) {
        let what = format!("stream {name} does not take {less} of input.subjects: events published there are lost");
        return StreamFinding::bad(what, hint);
    }
    StreamFinding::good(format!("stream {name}: takes what input.subjects names"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_nats::jetstream::stream::Source;
    use std::time::Duration;

    #[test]
    fn input_subjects_and_the_streams_own_are_compared_both_ways() {
        let config = Config { name: "I".into(), subjects: vec!["events.>".into()], ..Config::default() };
        let said = |subjects: &[&str]| {
            let subjects: Vec<String> = subjects.iter().map(|&subject| subject.to_owned()).collect();
            let finding = subjects_finding(&config, &subjects);
            (finding.ok, finding.what)
        };
        assert!(said(&["events.>"]).0);
        assert!(said(&["events.*", "events.*.>"]).1.contains("also takes events.>"), "more than one may be needed");
        let narrow = "stream I also takes events.>, which input.subjects does not name: it is processed, too";
        assert_eq!(said(&["events.lesson"]), (false, narrow.to_owned()));
        let wide = "stream I does not take orders of input.subjects: events published there are lost";
        assert_eq!(said(&["events.>", "orders"]), (false, wide.to_owned()));
        let mirror = Config { subjects: Vec::new(), mirror: Some(Source::default()), ..config.clone() };
        assert!(subjects_finding(&mirror, &["events.>".to_owned()]).ok);
    }

    #[test]
    fn streams_beside_the_engine_are_remarked_on() {
        let source = |filter: Option<&str>| Source {
            name: "OUT".into(),
            filter_subject: filter.map(str::to_owned),
            ..Source::default()
        };
        for (filter, note) in [(None, false), (Some("dead.*"), false), (Some("dead.>"), false), (Some("x.>"), true)] {
            let config = Config { name: "D".into(), sources: Some(vec![source(filter)]), ..Config::default() };
            let findings = dead_letters_findings(&config, "OUT", "dead.*");
            assert!(findings.iter().all(|finding| finding.ok) && findings.iter().any(StreamFinding::is_note) == note);
        }
        let good = Config { name: "R".into(), subjects: vec!["r.>".into()], ..Config::default() };
        assert!(!redrives_findings(&good, "r.>").iter().any(StreamFinding::is_note));
        let old = Config { max_age: Duration::from_secs(9), ..good.clone() };
        assert!(redrives_findings(&old, "r.>").iter().any(StreamFinding::is_note));
        assert!(redrives_findings(&good, "other.>").iter().any(StreamFinding::is_note));
    }
}
