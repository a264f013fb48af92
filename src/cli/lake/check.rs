//! `sidestream lake check`: whether the folder suits, and how many files a day the layout makes.

use crate::app::exit::Exit;
use crate::app::lake::forecast::{MANY_FILES, forecast};
use crate::app::lake::job::LakeJob;
use crate::app::lake::store::suits;
use crate::cli::options::{Options, block_on, connect_to_streams, nats_settings};
use crate::cli::text::say;
use crate::telemetry::metrics::Metrics;
use clap::Args;

/// Says whether the lake's folder suits, and how many files a day come at the present rate of the output stream.
#[derive(Debug, Args)]
#[command(after_help = "Example: sidestream lake check --config config.toml")]
pub struct LakeCheckCommand {}

impl LakeCheckCommand {
    pub(super) fn run(self, options: &Options) -> Result<(), Exit> {
        let config = options.load()?;
        let job = LakeJob::new(&config, nats_settings(&config), Metrics::new())?;
        say(&format!("ok     {}", suits(&job)?))?;
        let forecast = block_on(async {
            let connection = connect_to_streams(&config, "lake").await?;
            forecast(&job, &connection).await
        })?;
        if forecast.sample == 0 {
            return say("note   the output stream is empty: nothing can be said about files");
        }
        say(&format!(
            "{}  the newest {} outputs came at {:.1} a second in {} folders: at most {} files a day of {} bytes before compression",
            if forecast.files > MANY_FILES { "WARN " } else { "ok   " },
            forecast.sample,
            forecast.rows_per_s,
            forecast.folders,
            forecast.files,
            forecast.bytes_per_file
        ))?;
        if forecast.files > MANY_FILES {
            say(
                "       hint: a longer lake.max_age_s, or a lake.partition with fewer folders, makes fewer and larger files",
            )?;
        }
        Ok(())
    }
}
