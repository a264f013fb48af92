//! `sidestream lake`: stores what the output stream holds in files, and tells what is stored.
//!
//! Each subcommand has its file.

mod run;
mod check;
mod status;
mod audit;
mod files;
mod find;
mod sql;

use super::options::Options;
use crate::app::exit::Exit;
use clap::Subcommand;

/// Keeps every processed event in files that DuckDB opens.
#[derive(Debug, Subcommand)]
pub enum Lake {
    Run(run::LakeRunCommand),
    Check(check::LakeCheckCommand),
    Status(status::Status),
    Audit(audit::LakeAuditCommand),
    Files(files::Files),
    Find(find::Find),
    Sql(sql::Sql),
}

impl Lake {
    pub(super) fn run(self, options: &Options) -> Result<(), Exit> {
        match self {
            Lake::Run(run) => run.run(options),
            Lake::Check(check) => check.run(options),
            Lake::Status(status) => status.run(options),
            Lake::Audit(audit) => audit.run(options),
            Lake::Files(files) => files.run(options),
            Lake::Find(find) => find.run(options),
            Lake::Sql(sql) => sql.run(options),
        }
    }
}
