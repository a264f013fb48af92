//! The streams that a configuration wants, and how the server is told to make each of them.
//!
//! Pure: nothing is asked or made here; `provision` does that.

use super::source::durable_name;
use async_nats::jetstream::stream::{Compression, Config, Placement, RetentionPolicy, Source, StorageType};
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
        /// The output stream of the engine that reads it, which names the consumer of an interest stream.
        output: String,
    },
    /// The lane.
    Output {
        /// What covers every subject of outputs and dead letters.
        subjects: Vec<String>,
        /// The largest message that the engine publishes.
        max_bytes: u64,
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

/// What may be chosen of a stream that is made; a stream that exists is never compared with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Messages go once every consumer has acknowledged them; for the input only.
    pub interest: bool,
    /// How long messages are kept; `None` for ever.
    pub max_age: Option<Duration>,
    /// How large the stream may become, in bytes; `None` without a limit.
    pub max_bytes: Option<u64>,
    /// Copies in a cluster.
    pub replicas: usize,
    /// The cluster that the stream is placed in.
    pub cluster: Option<String>,
    /// Tags that the servers of the stream must have.
    pub tags: Vec<String>,
    /// Whether its files are compressed (S2).
    pub compressed: bool,
}

impl Default for Choice {
    fn default() -> Choice {
        Choice {
            interest: false,
            max_age: None,
            max_bytes: None,
            replicas: 1,
            cluster: None,
            tags: Vec::new(),
            compressed: false,
        }
    }
}

/// A stream as the configuration wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedStream {
    /// Its name.
    pub name: String,
    /// Its use.
    pub role: Role,
    /// How it is made.
    pub choice: Choice,
}

impl WantedStream {
    /// The durable consumer that the engine reads an interest input with; `None` for other streams.
    pub(super) fn durable(&self) -> Option<String> {
        match &self.role {
            Role::Input { output, .. } => Some(durable_name(output)),
            _ => None,
        }
    }

    /// How it would be made, for people.
    pub fn words(&self) -> String {
        let config = self.config();
        let mut words: Vec<String> = config.subjects.iter().map(|subject| format!("subject {subject}")).collect();
        words.extend(
            config
                .sources
                .iter()
                .flatten()
                .map(|source| format!("from {} {}", source.name, source.filter_subject.as_deref().unwrap_or(">"))),
        );
        words.push(format!("{} copies", config.num_replicas));
        words.push(match config.retention {
            RetentionPolicy::Interest => "kept while a consumer wants it".to_owned(),
            _ if config.max_age.is_zero() => "kept without end".to_owned(),
            _ => format!("kept for {} s", config.max_age.as_secs()),
        });
        words.extend((config.max_bytes >= 0).then(|| format!("{} bytes at most", config.max_bytes)));
        words.join(", ")
    }

    /// What the server is told.
    pub(super) fn config(&self) -> Config {
        let Choice { interest, max_age, max_bytes, replicas, cluster, tags, compressed } = &self.choice;
        let placed = cluster.is_some() || !tags.is_empty();
        let max_age = max_age.unwrap_or_default();
        let mut config = Config {
            name: self.name.clone(),
            storage: StorageType::File,
            retention: if *interest { RetentionPolicy::Interest } else { RetentionPolicy::Limits },
            num_replicas: *replicas,
            max_messages: -1,
            max_bytes: max_bytes.and_then(|bytes| i64::try_from(bytes).ok()).unwrap_or(-1),
            max_messages_per_subject: -1,
            max_age,
            max_message_size: -1,
            // The server refuses to remember ids for longer than messages.
            duplicate_window: if max_age.is_zero() { DUPLICATE_WINDOW } else { DUPLICATE_WINDOW.min(max_age) },
            placement: placed.then(|| Placement { cluster: cluster.clone(), tags: tags.clone() }),
            compression: compressed.then_some(Compression::S2),
            ..Config::default()
        };
        match &self.role {
            Role::Input { subjects, .. } => config.subjects.clone_from(subjects),
            Role::Output { subjects, .. } => {
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_chosen_reaches_the_server_and_the_rest_stays() {
        let role = Role::Output { subjects: vec!["out.*".into()], max_bytes: 1_000 };
        let choice = Choice {
            max_age: Some(Duration::from_secs(60)),
            max_bytes: Some(5_000),
            replicas: 3,
            tags: vec!["fast".into()],
            compressed: true,
            ..Choice::default()
        };
        let config = WantedStream { name: "OUT".into(), role: role.clone(), choice }.config();
        assert_eq!((config.max_age.as_secs(), config.max_bytes, config.num_replicas), (60, 5_000, 3));
        assert_eq!(config.duplicate_window, config.max_age, "never longer than the messages are kept");
        assert_eq!(config.placement, Some(Placement { cluster: None, tags: vec!["fast".into()] }));
        assert_eq!(config.compression, Some(Compression::S2));
        assert!(config.allow_batch_publish);
        let plain = WantedStream { name: "OUT".into(), role, choice: Choice::default() }.config();
        assert_eq!((plain.max_age.as_secs(), plain.max_bytes, plain.num_replicas), (0, -1, 1));
        assert_eq!((plain.placement, plain.compression, plain.duplicate_window), (None, None, DUPLICATE_WINDOW));
    }
}
