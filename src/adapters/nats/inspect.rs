//! Whether a server and its streams suit: everything that `check --connect` prints and `run` refuses.
//!
//! Nothing is written, not even by the probe for the permission to publish, whose message the server must refuse.
//! A finding is a sentence for the operator; only the way to the server itself is an error.

use super::api;
use super::connect::Connection;
use super::source::{Source, SourceOptions};
use super::streams::{self, StreamInfo};
use super::suitable::{input_findings, output_findings, version_finding};
use crate::core::ids::Position;
use crate::core::output;
use crate::ports::stream::{BrokerError, StreamState};

/// How many of the lane's newest messages are looked at.
const TAIL: u64 = 1_000;
/// The server's answer to a message that expects another stream: the permission is there.
const OTHER_STREAM: u64 = 10060;

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Whether it suits.
    pub ok: bool,
    /// What was seen.
    pub what: String,
    /// What to do about it; empty when it suits.
    pub hint: String,
}

/// What the configuration wants of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// The input stream.
    pub input: String,
    /// The output stream.
    pub output: String,
    /// The wildcards of every subject that is published to.
    pub subjects: Vec<String>,
    /// `output.max_bytes`.
    pub max_bytes: u64,
}

/// What a start must refuse: the findings that do not suit, without probing permissions or reading messages.
pub async fn unsuitable(connection: &Connection, expected: &Expectation) -> Result<Vec<Finding>, BrokerError> {
    let (mut findings, _) = settings(connection, expected).await?;
    findings.retain(|finding| !finding.ok);
    Ok(findings)
}

/// Everything: settings, the lane's newest messages, and permissions.
pub async fn inspect(connection: &Connection, expected: &Expectation) -> Result<Vec<Finding>, BrokerError> {
    let jetstream = jetstream(connection).await?;
    let go_on = jetstream.ok;
    let mut findings = vec![jetstream];
    if !go_on {
        return Ok(findings);
    }
    let (more, lane) = settings(connection, expected).await?;
    findings.extend(more);
    findings.push(reading(connection, &expected.input).await?);
    if let Some(lane) = lane {
        findings.push(tail(connection, &expected.output, lane).await?);
        for subject in &expected.subjects {
            findings.push(publishing(connection, subject).await?);
        }
    }
    Ok(findings)
}

/// The version and both streams' settings; the lane's state if it exists.
async fn settings(
    connection: &Connection,
    expected: &Expectation,
) -> Result<(Vec<Finding>, Option<StreamState>), BrokerError> {
    let mut findings = vec![version_finding(&connection.server_version())];
    match streams::find(connection, &expected.input).await {
        Ok(Some(StreamInfo { config, .. })) => findings.extend(input_findings(&config)),
        Ok(None) => findings.push(absent("input", &expected.input)),
        Err(error) => findings.push(refused(error)?),
    }
    let mut lane = None;
    match streams::find(connection, &expected.output).await {
        Ok(Some(StreamInfo { config, state })) => {
            findings.extend(output_findings(&config, expected, connection.max_payload()));
            lane = Some(state);
        }
        Ok(None) => findings.push(absent("output", &expected.output)),
        Err(error) => findings.push(refused(error)?),
    }
    Ok((findings, lane))
}

async fn jetstream(connection: &Connection) -> Result<Finding, BrokerError> {
    let subject = format!("{}.INFO", connection.prefixes().account);
    match api::call::<serde_json::Value>(connection, &subject, &serde_json::json!({})).await {
        Ok(Ok(_)) => Ok(Finding::good("JetStream is on")),
        Ok(Err(error)) => refused(error.broker(&subject)),
        Err(_) if !connection.has_jetstream() => Ok(Finding::bad(
            "JetStream is off in the server",
            "start the server with JetStream: `-js`, or `jetstream {}` in its configuration",
        )),
        Err(error) => refused(error),
    }
}

/// Makes the very consumer that a run makes, and lets it go again.
async fn reading(connection: &Connection, input: &str) -> Result<Finding, BrokerError> {
    let read = async {
        let state = streams::state(connection, input).await?;
        streams::message_at(connection, input, state.last.max(1)).await?;
        let source = Source::open(connection, input, Position(state.last), SourceOptions::default()).await?;
        source.close().await
    };
    match read.await {
        Ok(()) => Ok(Finding::good(format!("stream {input}: state, messages and a consumer may be had"))),
        Err(error) => refused(error),
    }
}

async fn tail(connection: &Connection, output: &str, state: StreamState) -> Result<Finding, BrokerError> {
    match first_foreign(connection, output, state).await {
        Ok(None) => Ok(Finding::good(format!("stream {output}: its newest messages are ours"))),
        Ok(Some(sequence)) => Ok(Finding::bad(
            format!("stream {output}: message {sequence} was not written by Sidestream"),
            "give the output a stream of its own, with subjects that nobody else publishes to",
        )),
        Err(error) => refused(error),
    }
}

/// The first of the newest messages that does not carry our header.
pub(super) async fn first_foreign(
    connection: &Connection,
    stream: &str,
    state: StreamState,
) -> Result<Option<u64>, BrokerError> {
    let after = Position(state.last.saturating_sub(TAIL));
    if state.messages == 0 {
        return Ok(None);
    }
    let options = SourceOptions { batch: TAIL, headers_only: true, ..SourceOptions::default() };
    let mut source = Source::open(connection, stream, after, options).await?;
    let ours = |headers: &output::Headers| headers.iter().any(|(name, _)| name == output::POSITION);
    let mut foreign = None;
    while foreign.is_none() && source.pending() > 0 && source.last().0 < state.last {
        let messages = source.next(100).await?;
        foreign = messages.iter().find(|message| !message.headers.as_deref().is_some_and(ours)).map(|m| m.sequence);
    }
    source.close().await?;
    Ok(foreign)
}

/// Publishes what the server must refuse: the answer shows whether we may publish at all.
async fn publishing(connection: &Connection, wildcard: &str) -> Result<Finding, BrokerError> {
    let subject = wildcard.replace(['*', '>'], "check");
    let mut headers = async_nats::HeaderMap::new();
    headers.insert(async_nats::header::NATS_EXPECTED_STREAM, "sidestream-check-no-such-stream");
    match connection.request_with(&subject, Some(headers), "".into()).await {
        Ok(reply) => Ok(match api::parse::<serde_json::Value>(&reply.payload) {
            Ok(Err(error)) if error.err_code == OTHER_STREAM => {
                Finding::good(format!("publishing to {wildcard} is allowed"))
            }
            other => Finding::bad(
                format!("publishing to {wildcard}: an unexpected answer: {other:?}"),
                "no other subscriber may answer on the output's subjects",
            ),
        }),
        Err(BrokerError::Transient(what)) => Ok(Finding::bad(what, "let the output stream cover this subject")),
        Err(error) => refused(error),
    }
}

/// A permanent error is a finding; a transient one ends the inspection.
fn refused(error: BrokerError) -> Result<Finding, BrokerError> {
    match error {
        BrokerError::Permanent { what, hint } => Ok(Finding { ok: false, what, hint }),
        transient => Err(transient),
    }
}

fn absent(role: &str, stream: &str) -> Finding {
    Finding::bad(
        format!("the {role} stream {stream} does not exist"),
        "create it with `sidestream provision`, or correct its name",
    )
}

impl Finding {
    pub(super) fn good(what: impl Into<String>) -> Finding {
        Finding { ok: true, what: what.into(), hint: String::new() }
    }

    pub(super) fn bad(what: impl Into<String>, hint: impl Into<String>) -> Finding {
        Finding { ok: false, what: what.into(), hint: hint.into() }
    }

    /// Good or bad by a condition; the hint is for the bad case.
    pub(super) fn of(ok: bool, what: impl Into<String>, hint: &str) -> Finding {
        if ok { Finding::good(what) } else { Finding::bad(what, hint) }
    }
}
