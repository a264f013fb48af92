//! Driving the audit: both streams are read side by side and handed to the judge.
//!
//! Judges nothing; `crate::audit` does, with the same core as the engine and without any state directory.

use crate::adapters::nats::connect::Connection;
use crate::adapters::nats::streams;
use crate::app::broker::listed;
use crate::app::disk_read::look;
use crate::app::exit::Exit;
use crate::app::reader::StreamReader;
use crate::audit::judge::{Audit, AuditOptions, AuditedStream, StreamBounds};
use crate::audit::report::AuditReport;
use crate::config::Config;
use crate::core::plan::spec::PlanSpec;
use crate::ports::stream::{BrokerError, StreamState};
use crate::protocol::facts::Rewind;
use crate::protocol::header::LaneMessage;
use std::collections::BTreeMap;

/// How far an audit is.
#[derive(Clone, Copy, Debug)]
pub struct AuditProgress {
    /// Messages read, of both streams.
    pub read: u64,
    /// Messages to read, of both streams.
    pub total: u64,
}

/// Audits the configured streams as they are now.
pub async fn audit(
    connection: &Connection,
    config: &Config,
    older: &[PlanSpec],
    complete: bool,
    progress: &mut (dyn FnMut(AuditProgress) + Send),
) -> Result<AuditReport, Exit> {
    // The output first: whatever stands in it, the input has had by then.
    let output = streams::state(connection, &config.output.stream).await?;
    let input = streams::state(connection, &config.input.stream).await?;
    let rewinds = rewinds(connection, &config.output.stream).await?;
    let mut audit = Audit::new(AuditOptions {
        plan: config.plan.clone(),
        older: older_plans(config, older),
        input: bounds(input),
        output: bounds(output),
        rewinds,
        complete,
    });
    let mut inputs = StreamReader::new(connection, &config.input.stream, input);
    let mut outputs = StreamReader::new(connection, &config.output.stream, output);
    let total = input.messages + output.messages;
    while let Some(side) = audit.wants() {
        let reader = if side == AuditedStream::Input { &mut inputs } else { &mut outputs };
        let messages = reader.next().await?;
        if messages.is_empty() {
            audit.end(side);
        }
        for message in messages {
            match side {
                AuditedStream::Input => audit.input(message),
                AuditedStream::Output => audit.output(message),
            }
        }
        progress(AuditProgress { read: inputs.read + outputs.read, total });
    }
    inputs.close().await;
    outputs.close().await;
    Ok(audit.finish())
}

/// The rewinds that the newest message of a lane stands behind.
pub async fn rewinds(connection: &Connection, output: &str) -> Result<Vec<Rewind>, BrokerError> {
    match streams::newest(connection, output).await?.as_ref().and_then(LaneMessage::read) {
        Some(newest) => listed(connection, output, &newest).await,
        None => Ok(Vec::new()),
    }
}

fn bounds(state: StreamState) -> StreamBounds {
    StreamBounds { first: state.first, last: state.last }
}

/// Plans of the past: those that are given, and those of the state directory where that is there and free, which stays as
/// it is.
fn older_plans(config: &Config, given: &[PlanSpec]) -> BTreeMap<String, PlanSpec> {
    let mut plans = stored_plans(config);
    plans.values_mut().for_each(|plan| plan.borrow_salts(&config.plan));
    // What is hashed with another salt cannot be recomputed, as if the plan's text were gone.
    plans.retain(|_, plan| plan.has_its_salts());
    plans.extend(given.iter().map(|plan| (plan.fingerprint(), plan.clone())));
    plans
}

/// The plans whose text the state directory holds; without them their positions are unchecked.
fn stored_plans(config: &Config) -> BTreeMap<String, PlanSpec> {
    if !config.state.path.exists() {
        return BTreeMap::new();
    }
    match look(&config.state) {
        Ok(look) => look.opened.disk.plans,
        Err(why) => {
            tracing::warn!(%why, "without the texts of earlier plans: positions under them are not checked");
            BTreeMap::new()
        }
    }
}
