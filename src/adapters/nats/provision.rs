//! Creates the streams that a configuration names, or says how the existing ones differ.
//!
//! An existing stream is never altered, and nothing is created while one of them differs: half a set-up is worse
//! than none.

use super::api;
use super::connect::Connection;
use super::inspect::first_foreign;
use super::streams::{self, StreamInfo};
use crate::ports::stream::BrokerError;
use async_nats::jetstream::stream::{Config, RetentionPolicy, Source, StorageType};
use std::collections::BTreeSet;
use std::time::Duration;

/// How long the server remembers message ids, which publishers of events may use. It is its own default, written
/// down so that a created stream says what it does.
const DUPLICATE_WINDOW: Duration = Duration::from_secs(120);

/// What a stream is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// Takes the events.
    Input {
        /// The subjects that events are published to.
        subjects: Vec<String>,
    },
    /// The lane.
    Output {
        /// What covers every subject of outputs and dead letters.
        subjects: Vec<String>,
    },
    /// Copies the dead letters out of the lane, for a retention of its own.
    DeadLetters {
        /// The lane's stream.
        from: String,
        /// What covers every subject of dead letters, and of nothing else.
        filter: String,
    },
    /// Remembers which dead letters were redriven.
    Redrives {
        /// What covers every subject of its records.
        subject: String,
    },
}

/// A stream as the configuration wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its name.
    pub name: String,
    /// Its use.
    pub role: Role,
}

/// What became of a wanted stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was not there and is now.
    Created,
    /// It was there and is as wanted.
    Unchanged,
    /// It is there and differs; one sentence for each difference.
    Different(Vec<String>),
    /// It is not there, and was not created because another one differs.
    Skipped,
}

/// Creates what is missing, in the given order, with `replicas` copies of each; the outcomes are in that order too.
pub async fn provision(
    connection: &Connection,
    wanted: &[Wanted],
    replicas: usize,
) -> Result<Vec<Outcome>, BrokerError> {
    let mut outcomes = Vec::with_capacity(wanted.len());
    for stream in wanted {
        outcomes.push(compare(connection, stream, replicas).await?);
    }
    let create = !outcomes.iter().any(|outcome| matches!(outcome, Outcome::Different(_)));
    for (stream, outcome) in wanted.iter().zip(&mut outcomes) {
        if *outcome == Outcome::Skipped && create {
            self::create(connection, &config(stream, replicas)).await?;
            *outcome = Outcome::Created;
        }
    }
    Ok(outcomes)
}

/// Creates one stream if it is missing. One that is there may differ in what does not matter here (copies, storage),
/// but it must listen on its subjects and forget nothing by itself.
pub(super) async fn ensure(connection: &Connection, wanted: &Wanted, replicas: usize) -> Result<(), BrokerError> {
    let wanted_config = config(wanted, replicas);
    let Some(StreamInfo { config: found, .. }) = streams::find(connection, &wanted.name).await? else {
        return create(connection, &wanted_config).await;
    };
    let mut differences = differences(&found, &wanted_config);
    differences.retain(|difference| !["storage ", "replicas "].iter().any(|free| difference.starts_with(free)));
    if differences.is_empty() {
        return Ok(());
    }
    Err(BrokerError::Permanent {
        what: format!("stream {} does not suit: {}", wanted.name, differences.join("; ")),
        hint: "change the stream as `sidestream provision` would create it".to_owned(),
    })
}

/// The outcome without creating: a missing stream is `Skipped`.
async fn compare(connection: &Connection, wanted: &Wanted, replicas: usize) -> Result<Outcome, BrokerError> {
    let Some(StreamInfo { state, config: found }) = streams::find(connection, &wanted.name).await? else {
        return Ok(Outcome::Skipped);
    };
    let mut differences = differences(&found, &config(wanted, replicas));
    if matches!(wanted.role, Role::Output { .. })
        && let Some(sequence) = first_foreign(connection, &wanted.name, state).await?
    {
        differences
            .push(format!("message {sequence} was not written by Sidestream; the output needs a stream of its own"));
    }
    Ok(if differences.is_empty() { Outcome::Unchanged } else { Outcome::Different(differences) })
}

async fn create(connection: &Connection, config: &Config) -> Result<(), BrokerError> {
    let subject = connection.api("STREAM.CREATE", &config.name);
    let created: Result<serde_json::Value, _> = api::call(connection, &subject, config).await?;
    created.map(|_| ()).map_err(|error| error.broker(&subject))
}

fn config(wanted: &Wanted, replicas: usize) -> Config {
    let mut config = Config {
        name: wanted.name.clone(),
        storage: StorageType::File,
        retention: RetentionPolicy::Limits,
        num_replicas: replicas,
        max_messages: -1,
        max_bytes: -1,
        max_messages_per_subject: -1,
        max_age: Duration::ZERO,
        max_message_size: -1,
        duplicate_window: DUPLICATE_WINDOW,
        ..Config::default()
    };
    match &wanted.role {
        Role::Input { subjects } => config.subjects.clone_from(subjects),
        Role::Output { subjects } => {
            config.subjects.clone_from(subjects);
            config.allow_batch_publish = true;
            config.allow_direct = true;
        }
        Role::DeadLetters { from, filter } => {
            let source = Source { name: from.clone(), filter_subject: Some(filter.clone()), ..Source::default() };
            config.sources = Some(vec![source]);
        }
        Role::Redrives { subject } => config.subjects.push(subject.clone()),
    }
    config
}

/// One sentence for each setting that decides something and differs.
fn differences(found: &Config, wanted: &Config) -> Vec<String> {
    let mut differences = Vec::new();
    let mut compare = |what: &str, found: String, wanted: String| {
        if found != wanted {
            differences.push(format!("{what} is {found}, wanted {wanted}"));
        }
    };
    compare("subjects", list(&found.subjects), list(&wanted.subjects));
    compare("retention", format!("{:?}", found.retention), format!("{:?}", wanted.retention));
    compare("storage", format!("{:?}", found.storage), format!("{:?}", wanted.storage));
    compare("replicas", found.num_replicas.to_string(), wanted.num_replicas.to_string());
    compare("max_msgs", limit(found.max_messages), limit(wanted.max_messages));
    compare("max_bytes", limit(found.max_bytes), limit(wanted.max_bytes));
    let per_subject = |config: &Config| limit(config.max_messages_per_subject);
    compare("max_msgs_per_subject", per_subject(found), per_subject(wanted));
    let size = |config: &Config| limit(i64::from(config.max_message_size));
    compare("max_msg_size", size(found), size(wanted));
    compare("max_age", format!("{:?}", found.max_age), format!("{:?}", wanted.max_age));
    compare("allow_batched", found.allow_batch_publish.to_string(), wanted.allow_batch_publish.to_string());
    if wanted.allow_direct {
        compare("allow_direct", found.allow_direct.to_string(), wanted.allow_direct.to_string());
    }
    compare("allow_msg_ttl", found.allow_message_ttl.to_string(), wanted.allow_message_ttl.to_string());
    compare("mirror", mirror(found), mirror(wanted));
    compare("sources", sources(found), sources(wanted));
    differences
}

fn limit(value: i64) -> String {
    if value <= 0 { "unlimited".to_owned() } else { value.to_string() }
}

fn list(subjects: &[String]) -> String {
    let sorted: BTreeSet<&str> = subjects.iter().map(String::as_str).collect();
    format!("{sorted:?}")
}

fn mirror(config: &Config) -> String {
    config.mirror.as_ref().map_or_else(|| "none".to_owned(), |mirror| mirror.name.clone())
}

fn sources(config: &Config) -> String {
    let describe = |source: &Source| format!("{} ({})", source.name, source.filter_subject.as_deref().unwrap_or(">"));
    let all: BTreeSet<String> = config.sources.iter().flatten().map(describe).collect();
    if all.is_empty() { "none".to_owned() } else { format!("{all:?}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_decides_something_is_a_difference() {
        let wanted = Wanted { name: "A".into(), role: Role::Output { subjects: vec!["a".into(), "b".into()] } };
        let wanted = config(&wanted, 1);
        let equal = Config {
            subjects: vec!["b".into(), "a".into()],
            max_messages: 0,
            description: Some("ours".into()),
            ..wanted.clone()
        };
        assert_eq!(differences(&equal, &wanted), Vec::<String>::new());
        let other = Config { subjects: vec!["a".into()], max_bytes: 5, allow_batch_publish: false, ..wanted.clone() };
        assert_eq!(
            differences(&other, &wanted),
            [
                "subjects is {\"a\"}, wanted {\"a\", \"b\"}",
                "max_bytes is 5, wanted unlimited",
                "allow_batched is false, wanted true",
            ]
        );
    }
}
