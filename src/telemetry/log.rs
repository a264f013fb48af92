//! The process's log: lines or JSON on standard error, filtered as `SIDESTREAM_LOG` says.
//!
//! Reads no environment variable itself and writes nothing to standard output, which belongs to the commands.

use serde::Deserialize;
use std::io::IsTerminal;
use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

/// The filter when none is given: the client library only when something is wrong.
pub const DEFAULT_FILTER: &str = "info,async_nats=warn";

/// How a line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// The log cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter is no list of directives.
    #[error("the log filter {filter:?} is not readable")]
    Filter {
        /// As it was given.
        filter: String,
        /// Where it breaks.
        source: ParseError,
    },
    /// The process has a log already.
    #[error("the log is set up already")]
    Twice(#[source] TryInitError),
}

impl LogError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            LogError::Filter { .. } => "SIDESTREAM_LOG is a list such as info,sidestream::engine=debug",
            LogError::Twice(_) => "set the log up once, in main",
        }
    }
}

/// Sets up the log of this process, once. `filter` is the value of `SIDESTREAM_LOG`; empty counts as absent.
pub fn init(format: LogFormat, filter: Option<&str>) -> Result<(), LogError> {
    let ansi = std::io::stderr().is_terminal();
    subscriber(format, filter, ansi, std::io::stderr)?.try_init().map_err(LogError::Twice)
}

/// A line of JSON beside the log, for what is said when there is no log, or none any more.
pub fn line(level: &str, message: &str, members: &[(&str, serde_json::Value)]) -> String {
    let mut object = serde_json::Map::new();
    object.insert("timestamp".to_owned(), jiff::Timestamp::now().to_string().into());
    object.insert("level".to_owned(), level.into());
    object.insert("message".to_owned(), message.into());
    object.extend(members.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    serde_json::Value::Object(object).to_string()
}

fn subscriber<W>(
    format: LogFormat,
    filter: Option<&str>,
    ansi: bool,
    writer: W,
) -> Result<Box<dyn Subscriber + Send + Sync>, LogError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let text = filter.filter(|text| !text.trim().is_empty()).unwrap_or(DEFAULT_FILTER);
    let filter =
        EnvFilter::builder().parse(text).map_err(|source| LogError::Filter { filter: text.to_owned(), source })?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(ansi).with_writer(writer);
    Ok(match format {
        LogFormat::Text => Box::new(lines.finish()),
        LogFormat::Json => Box::new(lines.json().flatten_event(true).finish()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, filter: Option<&str>) -> String {
        let sink = Sink::default();
        let writer = sink.clone();
        let subscriber = subscriber(format, filter, false, move || writer.clone()).unwrap();
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(position = 7, "checkpoint written");
            tracing::debug!("a detail");
        });
        String::from_utf8(sink.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn the_default_shows_info_and_no_detail() {
        for filter in [None, Some(""), Some(" ")] {
            let text = logged(LogFormat::Text, filter);
            assert!(text.contains("checkpoint written position=7"), "{text}");
            assert!(!text.contains("a detail") && !text.contains('\u{1b}'), "{text}");
        }
        assert!(logged(LogFormat::Text, Some("debug")).contains("a detail"));
        assert_eq!(logged(LogFormat::Text, Some("warn")), "");
    }

    #[test]
    fn json_is_one_object_a_line() {
        let text = logged(LogFormat::Json, Some("debug"));
        let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(
            (lines[0]["message"].as_str(), lines[0]["position"].as_u64()),
            (Some("checkpoint written"), Some(7))
        );
    }

    #[test]
    fn a_broken_filter_is_an_operators_error() {
        let Err(error) = subscriber(LogFormat::Text, Some("sidestream=loud"), false, std::io::sink) else {
            unreachable!("the filter names no level")
        };
        assert!(error.to_string().contains("sidestream=loud"), "{error}");
        assert!(error.hint().contains("SIDESTREAM_LOG"));
    }
}
