//! Whether a server and its streams suit: everything that `check --connect` prints and `run` refuses.
//!
//! Nothing is written, not even by the probe for the permission to publish, whose message the server must refuse.
//! A finding is a sentence for the operator; only the way to the server itself is an error.

use super::api;
use super::connect::Connection;
pub use super::finding::StreamFinding;
use super::greetings;
use super::overlap::sharing;
use super::permissions;
use super::remarks::{dead_letters_findings, redrives_findings, subjects_finding};
use super::source::{Source, SourceOptions};
use super::streams::{self, StreamInfo};
use super::suitable::{input_findings, output_findings, version_finding};
use super::wanted::{Role, WantedStream};
use crate::core::ids::Position;
use crate::core::output;
use crate::ports::stream::{BrokerError, StreamState};
use std::time::Duration;

/// How many of the lane's newest messages are looked at.
const TAIL: u64 = 1_000;
/// How many stored events are asked for to see whether they come.
const SAMPLE: u64 = 100;
/// How long they may take.
const SAMPLE_WITHIN: Duration = Duration::from_secs(3);
/// The server's answer to a message that expects another stream: the permission is there.
const OTHER_STREAM: u64 = 10060;
/// Its answer from a stream that takes no message any more, which is said of the stream itself.
const SEALED: u64 = 10109;

/// What the configuration wants of the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expectation {
    /// The input stream.
    pub input: String,
    /// `input.subjects`.
    pub input_subjects: Vec<String>,
    /// The output stream.
    pub output: String,
    /// The wildcards of every subject that is published to.
    pub subjects: Vec<String>,
    /// The wildcards of every subject of the input that is published to: the gateway's.
    pub input_published: Vec<String>,
    /// `output.max_bytes`.
    pub max_bytes: u64,
    /// The subject on which engines of one output tell each other that they started.
    pub claim: String,
    /// Streams that no start needs: of dead letters and of redrives.
    pub beside: Vec<WantedStream>,
}

/// What a start must refuse: the findings that do not suit, without probing permissions or reading messages.
pub async fn unsuitable(connection: &Connection, expected: &Expectation) -> Result<Vec<StreamFinding>, BrokerError> {
    let mut findings = settings(connection, expected).await?.findings;
    findings.retain(|finding| !finding.ok);
    Ok(findings)
}

/// Everything: permissions, settings, whether messages come, the lane's newest messages.
pub async fn inspect(connection: &Connection, expected: &Expectation) -> Result<Vec<StreamFinding>, BrokerError> {
    if let Some(deaf) = permissions::hearing(connection).await? {
        let needs = permissions::needs(connection, &expected.input, &expected.output, None);
        let mut findings = vec![deaf];
        findings.extend(permissions::probe(connection, &needs, true).await?);
        return Ok(findings);
    }
    let jetstream = jetstream(connection).await?;
    let go_on = jetstream.ok;
    let mut findings = vec![jetstream];
    if !go_on {
        return Ok(findings);
    }
    findings.extend(greetings::findings(connection).await);
    let settings = match settings(connection, expected).await {
        Ok(settings) => settings,
        // A server that is too old leads a stream, which is named already.
        Err(BrokerError::Transient(_)) if findings.iter().any(|finding| !finding.ok) => return Ok(findings),
        Err(error) => return Err(error),
    };
    let interest = settings.input.as_ref().map(StreamInfo::is_interest);
    let needs = permissions::needs(connection, &expected.input, &expected.output, interest);
    let permissions = permissions::probe(connection, &needs, false).await?;
    let may_read = permissions.iter().all(|finding| finding.ok);
    // What may not be asked is among the permissions already.
    let known = |finding: &StreamFinding| permissions.iter().any(|permission| permission.what == finding.what);
    findings.extend(settings.findings.into_iter().filter(|finding| !known(finding)));
    findings.extend(permissions);
    if !expected.claim.is_empty() {
        findings.extend(permissions::claiming(connection, &expected.claim).await?);
    }
    if let Some(info) = &settings.input {
        findings.push(subjects_finding(&info.config, &expected.input_subjects));
        findings.extend(no_consumer_yet(info, expected));
        if may_read {
            let mut delivering = delivering(connection, &expected.input, info).await?;
            if info.is_interest() && delivering.what.contains("Permissions Violation") {
                let hint = "an engine needs no consumer but its durable one: whether messages come was not measured";
                delivering = StreamFinding::note(delivering.what, hint);
            }
            findings.push(delivering);
        }
    }
    if let Some(lane) = &settings.output
        && may_read
    {
        findings.push(tail(connection, &expected.output, lane.state).await?);
    }
    for subject in &expected.subjects {
        findings.extend(publishing(connection, subject, settings.output.is_some()).await?);
    }
    for subject in &expected.input_published {
        findings.extend(publishing(connection, subject, settings.input.is_some()).await?);
    }
    findings.extend(beside(connection, expected).await?);
    Ok(findings)
}

/// What the streams' settings come to.
struct Settings {
    findings: Vec<StreamFinding>,
    input: Option<StreamInfo>,
    output: Option<StreamInfo>,
}

/// The version and both streams' settings.
async fn settings(connection: &Connection, expected: &Expectation) -> Result<Settings, BrokerError> {
    let mut findings = vec![version_finding(&connection.server_version())];
    let (mut input, mut output) = (None, None);
    match streams::find_surely(connection, &expected.input).await {
        Ok(Some(info)) => {
            findings.extend(input_findings(&info.config));
            input = Some(info);
        }
        Ok(None) => {
            findings.push(absent(connection, "input", &expected.input, &expected.input_subjects).await?);
        }
        // Said once by the server; the next request would only find no answer.
        Err(error @ BrokerError::Denied { .. }) if permissions::deaf(&error.to_string()).is_some() => {
            return Err(error);
        }
        Err(error) => findings.push(refused(error)?),
    }
    match streams::find_surely(connection, &expected.output).await {
        Ok(Some(info)) => {
            let mut of_output = output_findings(&info.config, expected, connection.max_payload());
            for finding in of_output.iter_mut().filter(|finding| !finding.ok) {
                name_others(connection, expected, finding).await?;
            }
            findings.extend(of_output);
            output = Some(info);
        }
        Ok(None) => findings.push(absent(connection, "output", &expected.output, &expected.subjects).await?),
        Err(error) => findings.push(refused(error)?),
    }
    Ok(Settings { findings, input, output })
}

/// A subject that the output lacks may be another stream's.
async fn name_others(
    connection: &Connection,
    expected: &Expectation,
    finding: &mut StreamFinding,
) -> Result<(), BrokerError> {
    let lacks = |subject: &&String| finding.what.ends_with(&format!("cover {subject}"));
    let Some(subject) = expected.subjects.iter().find(lacks) else { return Ok(()) };
    let others = sharing(connection, &expected.output, subject).await?;
    if !others.is_empty() {
        finding.what.push_str(&format!(": stream {} has it", others.join(" and ")));
        finding.hint = "take this subject from the other stream and add it to the output stream".to_owned();
    }
    Ok(())
}

async fn jetstream(connection: &Connection) -> Result<StreamFinding, BrokerError> {
    let subject = format!("{}.INFO", connection.prefixes().account);
    match api::call::<serde_json::Value>(connection, &subject, &serde_json::json!({})).await {
        Ok(Ok(_)) => Ok(StreamFinding::good("JetStream is on")),
        Ok(Err(error)) => refused(error.broker(&subject)),
        Err(_) if !connection.has_jetstream() => Ok(StreamFinding::bad(
            "JetStream is off in the server",
            "start the server with JetStream: `-js`, or `jetstream {}` in its configuration",
        )),
        // An engine does not ask for it.
        Err(BrokerError::Denied { what, .. }) => Ok(StreamFinding::note(what, "only `check --connect` asks for this")),
        Err(error) => Err(error),
    }
}

/// Reads stored events as an engine does: an answer to the request for them is not yet their delivery.
async fn delivering(connection: &Connection, input: &str, info: &StreamInfo) -> Result<StreamFinding, BrokerError> {
    let after = Position(info.state.first.saturating_sub(1));
    let mut came = 0;
    let read = async {
        let mut source = Source::open(connection, input, after, SourceOptions::default()).await?;
        let wanted = source.pending().min(SAMPLE);
        let reading = async {
            while came < wanted {
                came += source.next(SAMPLE as usize).await?.len() as u64;
            }
            Ok::<(), BrokerError>(())
        };
        // Too late is an answer, too.
        tokio::time::timeout(SAMPLE_WITHIN, reading).await.unwrap_or(Ok(()))?;
        source.close().await?;
        Ok(wanted)
    };
    let wanted = match read.await {
        Ok(wanted) => wanted,
        Err(error) => return refused(error),
    };
    Ok(StreamFinding::either(
        came >= wanted,
        format!("stream {input}: its messages come"),
        format!("stream {input}: of {wanted} stored messages only {came} came within {} s", SAMPLE_WITHIN.as_secs()),
        "messages are lost on their way here: where the stream belongs to another account, its export must let all \
         answers through (`response_type: Stream`), not only the first",
    ))
}

/// An interest stream drops what it takes while no consumer is there.
fn no_consumer_yet(info: &StreamInfo, expected: &Expectation) -> Option<StreamFinding> {
    (info.is_interest() && info.consumers == 0).then(|| {
        StreamFinding::note(
            format!("stream {} has interest retention and no consumer: it drops every event", expected.input),
            "`sidestream provision` makes the engine's consumer, so that no event before the first start is lost",
        )
    })
}

async fn tail(connection: &Connection, output: &str, state: StreamState) -> Result<StreamFinding, BrokerError> {
    match first_foreign(connection, output, state).await {
        Ok(None) => Ok(StreamFinding::good(format!("stream {output}: its newest messages are ours"))),
        Ok(Some(sequence)) => Ok(StreamFinding::foreign(output, sequence)),
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
    while foreign.is_none() {
        let messages = source.next_until(100, state.last).await?;
        if messages.is_empty() {
            break;
        }
        foreign = messages.iter().find(|message| !message.headers.as_deref().is_some_and(ours)).map(|m| m.sequence);
    }
    source.close().await?;
    Ok(foreign)
}

/// Publishes what the server must refuse: the answer shows whether we may publish at all.
async fn publishing(
    connection: &Connection,
    wildcard: &str,
    exists: bool,
) -> Result<Option<StreamFinding>, BrokerError> {
    let subject = wildcard.replace(['*', '>'], "check");
    let mut headers = async_nats::HeaderMap::new();
    headers.insert(async_nats::header::NATS_EXPECTED_STREAM, "sidestream-check-no-such-stream");
    let allowed = || Some(StreamFinding::good(format!("publishing to {wildcard} is allowed")));
    Ok(match connection.request_with(&subject, Some(headers), "".into()).await {
        Ok(reply) => match api::parse::<serde_json::Value>(&reply.payload) {
            Ok(Err(error)) if [OTHER_STREAM, SEALED].contains(&error.err_code) => allowed(),
            Ok(Err(error)) => Some(StreamFinding::bad(
                format!("publishing to {wildcard}: the stream answers: {} ({})", error.description, error.err_code),
                "each subject must be taken by its own stream alone",
            )),
            _ => Some(StreamFinding::bad(
                format!("publishing to {wildcard}: somebody who is no stream answers on {subject}"),
                "no other subscriber may answer on the streams' subjects",
            )),
        },
        // Said of the stream: that it does not exist, or does not cover the subject.
        Err(BrokerError::Transient(_)) if !exists => None,
        Err(BrokerError::Transient(what)) => Some(StreamFinding::bad(what, "let the stream cover this subject")),
        Err(error) => Some(refused(error)?),
    })
}

/// Remarks on the streams that no start needs, where they are there.
async fn beside(connection: &Connection, expected: &Expectation) -> Result<Vec<StreamFinding>, BrokerError> {
    let mut findings = Vec::new();
    for WantedStream { name, role, .. } in &expected.beside {
        match (streams::find(connection, name).await, role) {
            (Ok(Some(info)), Role::DeadLetters { from, filter }) => {
                findings.extend(dead_letters_findings(&info.config, from, filter));
            }
            (Ok(Some(info)), Role::Redrives { subject }) => findings.extend(redrives_findings(&info.config, subject)),
            // A permission that `run` does not need.
            (Ok(_) | Err(BrokerError::Denied { .. }), _) => {}
            (Err(error), _) => return Err(error),
        }
    }
    Ok(findings)
}

/// A permanent error is a finding; a transient one ends the inspection.
fn refused(error: BrokerError) -> Result<StreamFinding, BrokerError> {
    match error {
        BrokerError::Permanent { what, hint } | BrokerError::Denied { what, hint, .. } => {
            Ok(StreamFinding { ok: false, what, hint })
        }
        transient => Err(transient),
    }
}

/// A stream that does not exist; `provision` makes it unless another one has its subjects.
async fn absent(
    connection: &Connection,
    role: &str,
    stream: &str,
    subjects: &[String],
) -> Result<StreamFinding, BrokerError> {
    let mut others = Vec::new();
    for subject in subjects {
        others.extend(sharing(connection, stream, subject).await?.into_iter().map(|name| (name, subject)));
    }
    let what = format!("the {role} stream {stream} does not exist");
    let Some((other, subject)) = others.first() else {
        return Ok(StreamFinding::bad(what, "create it with `sidestream provision`, or correct its name"));
    };
    Ok(StreamFinding::bad(
        format!("{what}, and stream {other} has subjects of {subject}, so that it cannot be made"),
        format!("name stream {other} in [{role}], or take these subjects from it, or choose other subjects"),
    ))
}
