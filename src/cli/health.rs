//! `sidestream health`: what `/healthz` or `/readyz` of the engine on this machine says, as an exit code.
//!
//! For images without a shell or an HTTP client, whose health check needs a program. Changes nothing.

use super::options::Options;
use crate::app::exit::{Exit, NO};
use crate::app::inspect;
use clap::Args;

/// Asks the engine that listens on http.listen whether it lives; exit code 1 when it says no, 69 when none is there.
#[derive(Debug, Args)]
#[command(after_help = "Example: sidestream health --config config.toml --ready")]
pub struct HealthCommand {
    /// Ask whether it is ready instead: connected, recovered and not draining.
    #[arg(long)]
    ready: bool,
}

impl HealthCommand {
    pub(super) fn run(self, options: &Options) -> Result<(), Exit> {
        let config = options.load()?;
        let page = if self.ready { "/readyz" } else { "/healthz" };
        let (yes, words) = inspect::ask_health(config.http.listen, page)?;
        println!("{words}");
        if yes { Ok(()) } else { Err(Exit::new(NO, "", "")) }
    }
}
