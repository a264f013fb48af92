//! `sidestream generate`: realistic events of a language school, published to the input stream.
//!
//! The same seed makes the same events; publishing waits for the server's acknowledgements.

use super::options::{Options, block_on, connect};
use super::text::ProgressLine;
use crate::adapters::nats::publish::Publisher;
use crate::app::exit::Exit;
use crate::generate::{Generated, School, SchoolOptions};
use clap::Args;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

/// Publishes generated events of a language school to the input stream.
#[derive(Debug, Args)]
#[command(after_help = "Example: sidestream generate --count 10000 --rate 125")]
pub struct Generate {
    /// How many events.
    #[arg(long, default_value_t = 10_000)]
    count: u64,
    /// Events a second, or `max`.
    #[arg(long, default_value = "125", value_parser = rate)]
    rate: Rate,
    /// Which events: the same seed makes the same ones.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many users the school has.
    #[arg(long, default_value_t = 1_000)]
    users: u64,
    /// Mix in broken and unusual events of every sort, these many of a thousand.
    #[arg(long, value_name = "PER_MILLE", default_value_t = 0)]
    hard: u32,
}

/// How fast to publish.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rate {
    /// Events a second.
    PerSecond(u64),
    /// As fast as the server takes them.
    Max,
}

/// Reads a rate from the command line.
pub fn rate(text: &str) -> Result<Rate, String> {
    match text {
        "max" => Ok(Rate::Max),
        _ => match text.parse() {
            Ok(rate) if rate > 0 => Ok(Rate::PerSecond(rate)),
            _ => Err("a rate is a number of events a second above 0, or `max`".to_owned()),
        },
    }
}

/// The school that a command line asks for.
pub fn school(seed: u64, users: u64, hard: u32, rate: Rate) -> School {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let events_per_s = match rate {
        Rate::PerSecond(rate) => rate,
        Rate::Max => 125,
    };
    let defaults = SchoolOptions::default();
    School::new(
        seed,
        SchoolOptions { users, hard: hard > 0, hard_per_mille: hard, start_time_s: now, events_per_s, ..defaults },
    )
}

impl std::fmt::Display for Rate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Rate::PerSecond(rate) => rate.fmt(f),
            Rate::Max => f.write_str("max"),
        }
    }
}

impl Generate {
    pub(super) fn run(self, options: &Options) -> Result<(), Exit> {
        let config = options.load()?;
        block_on(async move {
            let connection = connect(&config, "generate").await?;
            let mut publisher = Publisher::open(&connection, &config.input.stream).await?;
            let line = ProgressLine::new(self.count, "events");
            let mut school = school(self.seed, self.users, self.hard, self.rate);
            publish(&mut publisher, &mut school, self.count, self.rate, None, &mut |done| line.at(done)).await?;
            line.done(&format!("{} events published to stream {}", self.count, config.input.stream));
            Ok(())
        })
    }
}

/// Publishes `count` events at a rate, or those before `until`; `progress` hears how many are published.
pub async fn publish(
    publisher: &mut Publisher,
    school: &mut School,
    count: u64,
    rate: Rate,
    until: Option<Instant>,
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<(), Exit> {
    let began = Instant::now();
    let mut event = Generated::default();
    for done in 0..count {
        if until.is_some_and(|until| Instant::now() >= until) {
            break;
        }
        if let Rate::PerSecond(rate) = rate {
            let due = began + Duration::from_secs_f64(done as f64 / rate as f64);
            if due > Instant::now() {
                tokio::time::sleep_until(due).await;
            }
        }
        school.write_next(&mut event);
        publisher.publish(&event.subject, &event.headers, event.payload.clone()).await?;
        progress(done + 1);
    }
    publisher.finish().await?;
    Ok(())
}
