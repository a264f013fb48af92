//! Creates the streams that a configuration names and that are not there.
//!
//! An existing stream is never altered, and compared only in what an engine would refuse; how else it was made is its
//! owner's business. Nothing is created while one of them would be refused: half a set-up is worse than none.

use super::api;
use super::connect::Connection;
use super::finding::StreamFinding;
use super::inspect::{Expectation, first_foreign};
use super::overlap::sharing;
use super::pull;
use super::remarks::{dead_letters_findings, redrives_findings};
use super::streams::{self, StreamInfo};
use super::suitable::{input_findings, output_findings, version_finding};
use super::wanted::{Role, WantedStream};
use crate::ports::stream::BrokerError;

/// The server's answer to subjects that another stream has.
const SUBJECTS_OVERLAP: u64 = 10065;

/// What became of a wanted stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProvisionOutcome {
    /// It was not there and is now.
    Created,
    /// It was there and suits; remarks on what no start minds.
    Unchanged(Vec<String>),
    /// It is there and would be refused; one sentence for each reason.
    Unsuitable(Vec<String>),
    /// It is not there, and was not created because another one would be refused.
    Skipped,
}

/// Creates what is missing, in the given order; the outcomes are in that order too.
pub async fn provision(connection: &Connection, wanted: &[WantedStream]) -> Result<Vec<ProvisionOutcome>, BrokerError> {
    let mut outcomes = vec![ProvisionOutcome::Skipped; wanted.len()];
    go_on(connection, wanted, &mut outcomes).await?;
    Ok(outcomes)
}

/// The same, going on where an earlier attempt was interrupted by an error: what that one created stays `Created`.
pub async fn go_on(
    connection: &Connection,
    wanted: &[WantedStream],
    outcomes: &mut [ProvisionOutcome],
) -> Result<(), BrokerError> {
    // Before anything is made: an older server takes some of the streams and fails over the others.
    let version = version_finding(&connection.server_version());
    if !version.ok {
        return Err(BrokerError::Permanent { what: version.what, hint: version.hint });
    }
    for (stream, outcome) in
        wanted.iter().zip(outcomes.iter_mut()).filter(|(_, outcome)| **outcome != ProvisionOutcome::Created)
    {
        *outcome = look(connection, stream).await?;
    }
    let create = !outcomes.iter().any(|outcome| matches!(outcome, ProvisionOutcome::Unsuitable(_)));
    for (stream, outcome) in wanted.iter().zip(outcomes.iter_mut()).filter(|_| create) {
        if *outcome == ProvisionOutcome::Skipped {
            self::create(connection, stream).await?;
            *outcome = ProvisionOutcome::Created;
        }
        consumer(connection, stream).await?;
    }
    Ok(())
}

/// What is there and what is not, and nothing is created: what is missing is `Skipped`.
pub async fn plan(connection: &Connection, wanted: &[WantedStream]) -> Result<Vec<ProvisionOutcome>, BrokerError> {
    let mut outcomes = Vec::new();
    for stream in wanted {
        outcomes.push(look(connection, stream).await?);
    }
    Ok(outcomes)
}

/// Creates one stream if it is missing. One that is there must listen on its subjects and forget nothing by itself.
pub(super) async fn ensure(connection: &Connection, wanted: &WantedStream) -> Result<(), BrokerError> {
    match look(connection, wanted).await? {
        ProvisionOutcome::Skipped => create(connection, wanted).await,
        ProvisionOutcome::Unchanged(remarks) if !remarks.is_empty() => Err(BrokerError::Permanent {
            what: format!("stream {} does not suit: {}", wanted.name, remarks.join("; ")),
            hint: "change the stream as `sidestream provision` would create it".to_owned(),
        }),
        _ => Ok(()),
    }
}

/// The outcome without creating: a missing stream is `Skipped`.
async fn look(connection: &Connection, wanted: &WantedStream) -> Result<ProvisionOutcome, BrokerError> {
    let Some(StreamInfo { state, config, .. }) = streams::find(connection, &wanted.name).await? else {
        return Ok(ProvisionOutcome::Skipped);
    };
    let findings = match &wanted.role {
        Role::Input { .. } => input_findings(&config),
        Role::Output { subjects, max_bytes } => {
            let expected = Expectation {
                output: wanted.name.clone(),
                subjects: subjects.clone(),
                max_bytes: *max_bytes,
                ..Expectation::default()
            };
            let mut findings = output_findings(&config, &expected, connection.max_payload());
            if let Some(sequence) = first_foreign(connection, &wanted.name, state).await? {
                findings.push(StreamFinding::foreign(&wanted.name, sequence));
            }
            findings
        }
        Role::DeadLetters { from, filter } => dead_letters_findings(&config, from, filter),
        Role::Redrives { subject } => redrives_findings(&config, subject),
    };
    let said = |finding: &StreamFinding| format!("{} ({})", finding.what, finding.hint);
    let refused: Vec<String> = findings.iter().filter(|finding| !finding.ok).map(said).collect();
    if !refused.is_empty() {
        return Ok(ProvisionOutcome::Unsuitable(refused));
    }
    Ok(ProvisionOutcome::Unchanged(findings.iter().filter(|finding| finding.is_note()).map(said).collect()))
}

async fn create(connection: &Connection, wanted: &WantedStream) -> Result<(), BrokerError> {
    let subject = connection.api("STREAM.CREATE", &wanted.name);
    let config = wanted.config();
    let created: Result<serde_json::Value, _> = api::call(connection, &subject, &config).await?;
    let Err(error) = created else { return Ok(()) };
    if error.err_code != SUBJECTS_OVERLAP {
        return Err(error.broker(&subject));
    }
    let mut others = Vec::new();
    for wildcard in &config.subjects {
        for name in sharing(connection, &wanted.name, wildcard).await? {
            others.push(format!("stream {name} has subjects of {wildcard}"));
        }
    }
    let words = format!("stream {} cannot be made: its subjects overlap with another stream's", wanted.name);
    let what = if others.is_empty() { words } else { format!("{words}: {}", others.join(", ")) };
    let hint = "delete the other stream or take these subjects from it, or choose other subjects in the configuration";
    Err(BrokerError::Permanent { what, hint: hint.to_owned() })
}

/// Makes the durable consumer of an interest input, so that no event is dropped before the engine's first start.
async fn consumer(connection: &Connection, wanted: &WantedStream) -> Result<(), BrokerError> {
    let Some(durable) = wanted.durable() else { return Ok(()) };
    if streams::info(connection, &wanted.name).await?.is_interest() {
        pull::make_durable(connection, &wanted.name, &durable).await?;
    }
    Ok(())
}
