//! `sidestream replay --dry-run`: what a replay would publish, worked out in memory.
//!
//! Makes no stream, no directory and no consumer but those that read.

use super::shape::Summary;
use crate::adapters::nats::connect::Connection;
use crate::adapters::nats::streams;
use crate::app::exit::Exit;
use crate::cli::text::ProgressLine;
use crate::commands::replay::compare::{ComparedWith, compare};
use crate::commands::replay::computed::DryRun;
use crate::commands::replay::settle;
use crate::config::Config;
use crate::protocol::replay::request::ReplayOptions;
use std::time::Instant;

/// Works it out, compares it if asked, and prints the summary.
pub(super) async fn run(
    connection: &Connection,
    config: &Config,
    given: &ReplayOptions,
    diff: bool,
    json: bool,
) -> Result<(), Exit> {
    let input = streams::info(connection, &config.input.stream).await?;
    let request = settle::new(connection, config, given, &input).await?;
    let began = Instant::now();
    let line = ProgressLine::new(request.emit().until.0, "positions");
    let mut computed = Box::new(DryRun::new(connection, &config.input.stream, input.state, &request));
    let mut report = None;
    if diff {
        let mut after = ComparedWith::Computed(computed);
        report = Some(compare(connection, &request, &mut after, &mut |position| line.at(position.0)).await?);
        let ComparedWith::Computed(done) = after else { return Err(Exit::broken("a dry run became another")) };
        computed = done;
    } else {
        while computed.next().await?.is_some() {
            line.at(computed.position.0);
        }
    }
    line.clear();
    let mut summary = Summary::dry(&request, computed.counted.clone(), began.elapsed());
    computed.close().await;
    summary.diff = report;
    summary.print(json)
}
