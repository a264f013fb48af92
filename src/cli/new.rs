//! `sidestream new`: an example's files in a directory of one's own.

use crate::app::exit::Exit;
use crate::commands::new::{EXAMPLES, write};
use clap::Args;
use std::path::PathBuf;

/// Writes an example, a configuration with its cases, into a new directory.
#[derive(Debug, Args)]
#[command(after_help = after_help())]
pub struct New {
    /// Which example.
    name: String,
    /// The directory to make.
    dir: PathBuf,
}

fn after_help() -> String {
    let list: String = EXAMPLES.iter().map(|example| format!("\n  {:14} {}", example.name, example.about)).collect();
    format!("Examples:{list}\n\nFor instance: sidestream new lake my-lake && cd my-lake && sidestream test")
}

impl New {
    /// Runs the command.
    pub fn run(self) -> Result<(), Exit> {
        for path in write(&self.name, &self.dir)? {
            println!("{}", path.display());
        }
        let config = self.dir.join("config.toml");
        println!("\nnext: sidestream test --config {0}, then sidestream check --config {0}", config.display());
        Ok(())
    }
}
