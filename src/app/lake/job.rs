//! What a lake's writer and its readers are given.

use crate::adapters::nats::connect::NatsSettings;
use crate::app::exit::{CONFIG, Exit, UNAVAILABLE};
use crate::config::{Config, LakeSection};
use crate::core::plan::selector::Selector;
use crate::ports::lake::LakeError;
use crate::protocol::lake::columns::Column;
use crate::protocol::lake::entry::FileRules;
use crate::protocol::lake::layout::FolderLayout;
use crate::protocol::lake::sort::Sorter;
use crate::telemetry::metrics::Metrics;

/// The work of one writer.
#[derive(Clone)]
pub struct LakeJob {
    /// The configuration.
    pub config: Config,
    /// Its `[lake]`.
    pub lake: LakeSection,
    /// The broker.
    pub nats: NatsSettings,
    /// The metrics.
    pub metrics: Metrics,
    /// Whether it ends once it has stored what the output stream held at its start.
    pub once: bool,
    /// Whether rows that the output stream does not have any more are given up.
    pub accept_gap: bool,
}

impl LakeJob {
    /// A writer that goes on until it is stopped; refuses a configuration without a lake.
    pub fn new(config: &Config, nats: NatsSettings, metrics: Metrics) -> Result<LakeJob, Exit> {
        let lake = section(config)?.clone();
        Ok(LakeJob { config: config.clone(), lake, nats, metrics, once: false, accept_gap: false })
    }

    /// How its files are made.
    pub fn made(&self) -> FileRules {
        FileRules {
            partition: self.lake.partition.to_string(),
            format: self.lake.format,
            time: self.config.plan.event.time.as_ref().map(ToString::to_string),
            target_bytes: self.lake.target_file_bytes,
            columns: self.lake.columns.clone(),
        }
    }
}

/// The configuration's lake.
pub fn section(config: &Config) -> Result<&LakeSection, Exit> {
    config.lake.as_ref().ok_or_else(|| {
        Exit::new(CONFIG, "the configuration has no [lake]", "add it, such as `[lake]` with `url = \"lake\"`")
    })
}

/// The sorter of files that are made so.
pub fn sorter(made: &FileRules) -> Result<Sorter, Exit> {
    let layout = FolderLayout::parse(&made.partition).map_err(unknown)?;
    let time = made.time.as_deref().map(Selector::parse).transpose().map_err(unknown)?;
    Ok(Sorter::new(layout, &made.columns, time.as_ref()))
}

/// Later files may have more columns than earlier ones, and nothing else may differ that makes a table another one.
pub fn follows(before: &FileRules, after: &FileRules) -> Result<(), Exit> {
    let refuse = |what: String| {
        let hint =
            "set it back, or begin a lake in another folder: the output stream can be stored again from its beginning";
        Err(Exit::new(CONFIG, what, hint))
    };
    if before.partition != after.partition {
        return refuse(format!("the lake has lake.partition = \"{}\"", before.partition));
    }
    if before.format != after.format {
        return refuse(format!("the lake's files are {}", before.format.suffix()));
    }
    let kept = |column: &&Column| after.columns.iter().any(|now| now.name == column.name && now.kind == column.kind);
    match before.columns.iter().find(|column| !kept(column)) {
        Some(column) => refuse(format!(
            "the lake has a column `{}` that the configuration has not, or has with another type",
            column.name
        )),
        None => Ok(()),
    }
}

fn unknown(why: String) -> Exit {
    Exit::new(CONFIG, format!("an entry of the lake is not known to this build: {why}"), "take a later build")
}

impl From<LakeError> for Exit {
    fn from(error: LakeError) -> Exit {
        match error {
            LakeError::Unsure { what, source } => {
                let message = source.map_or(what.clone(), |source| format!("{what}: {source}"));
                Exit::new(UNAVAILABLE, message, "is the lake's folder or bucket there, writable, and with room?")
            }
            LakeError::Unsuitable { what, hint } => Exit::new(CONFIG, what, hint),
        }
    }
}
