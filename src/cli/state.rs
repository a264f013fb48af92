//! `sidestream state`: what the engine keeps of a key.
//!
//! Asks the running engine; where none runs, opens the state directory itself.

use super::options::Options;
use crate::app::exit::{Exit, NO, UNAVAILABLE};
use crate::app::inspect;
use clap::{Args, Subcommand};

/// Looks into the state.
#[derive(Debug, Subcommand)]
pub enum State {
    Get(Get),
}

/// Prints what is kept of one key as JSON; exit code 1 when nothing is.
#[derive(Debug, Args)]
#[command(after_help = "Example: sidestream state get 0d6b0b2e-6f2c-4a0e-9f43-000000000001")]
pub struct Get {
    /// The key, such as a user's id.
    key: String,
}

impl State {
    pub(super) fn run(self, options: &Options) -> Result<(), Exit> {
        let State::Get(get) = self;
        let config = options.load()?;
        let found = match inspect::ask_running(config.http.listen, &get.key)? {
            Some(answer) => answer,
            None => inspect::read_directory(&config, &get.key)?,
        };
        let Some(found) = found else {
            return Err(Exit::new(NO, format!("nothing is kept of key {:?}", get.key), ""));
        };
        let text = serde_json::to_string_pretty(&found);
        println!("{}", text.map_err(|error| Exit::new(UNAVAILABLE, error.to_string(), ""))?);
        Ok(())
    }
}
