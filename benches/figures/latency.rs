//! From stored in the input to stored in the output, event by event, at several rates: both times are the server's.
//!
//! The publisher takes part of the machine, too, as any producer on the same machine would.

use crate::Failure;
use crate::plot;
use crate::process::{Process, generate};
use crate::report::row;
use crate::stage::Stage;
use async_nats::jetstream::consumer::pull::OrderedConfig;
use async_nats::jetstream::stream::Stream;
use futures_util::StreamExt;
use sidestream::core::output::TIME;

/// Events a second: the first user's, ten times and a hundred times as many.
const RATES: [u64; 3] = [125, 1_250, 12_500];
/// The shares that are reported.
const QUANTILES: [(&str, f64); 4] = [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999), ("largest", 1.0)];

/// Runs every rate for so long.
pub async fn section(stage: &mut Stage, seconds: u64) -> Result<(String, Vec<(String, String)>), Failure> {
    let mut text = String::new();
    let mut head = vec!["events/s".to_owned(), "events".to_owned()];
    head.extend(QUANTILES.iter().map(|(name, _)| format!("{name}, ms")));
    row(&mut text, &head);
    row(&mut text, &vec!["---:".to_owned(); head.len()]);
    let mut curves = Vec::new();
    for rate in RATES {
        let latencies = at(stage, rate, rate * seconds).await?;
        let mut cells = vec![rate.to_string(), latencies.len().to_string()];
        cells.extend(QUANTILES.iter().map(|(_, share)| format!("{:.2}", quantile(&latencies, *share))));
        row(&mut text, &cells);
        eprintln!("bench: latency: {}", cells.join(", "));
        let curve = (0..=100).map(|n| 1.0 - 10_f64.powf(-f64::from(n) / 25.0));
        curves.push((format!("{rate} events/s"), curve.map(|share| (share, quantile(&latencies, share))).collect()));
    }
    text.push_str(&format!(
        "\n* From the time at which nats-server stored an event in the input to the time at which it stored its output, by \
         the server's own clock; every event of {seconds} s counts, the first ones after the start included. Checkpoints \
         every second. `sidestream generate` publishes from the same machine.\n"
    ));
    Ok((text, vec![("latency".to_owned(), plot::latency(&curves)?)]))
}

/// The sorted latencies in milliseconds of so many events at a rate.
async fn at(stage: &mut Stage, rate: u64, events: u64) -> Result<Vec<f64>, Failure> {
    stage.open_input().await?;
    let mut output = stage.open_output().await?;
    let place = stage.place(&format!("latency-{rate}"))?;
    let mut job = Process::job(&stage.url, &place, &[])?;
    job.ready().await?;
    generate(&stage.url, &place, &rate.to_string(), events, rate).await?;
    stage.wait_for(&mut output, events, &mut job).await?;
    let latencies = read(&output, events).await?;
    job.end().await?;
    stage.close_output().await?;
    Ok(latencies)
}

async fn read(output: &Stream, events: u64) -> Result<Vec<f64>, Failure> {
    let config = OrderedConfig { headers_only: true, ..Default::default() };
    let mut messages = output.create_consumer(config).await?.messages().await?;
    let mut latencies = Vec::new();
    while (latencies.len() as u64) < events {
        let message = messages.next().await.ok_or("the output cannot be read")??;
        let stored_out = message.info()?.published.unix_timestamp_nanos();
        let stored_in = message.headers.as_ref().and_then(|headers| headers.get(TIME));
        let stored_in: i128 = stored_in.ok_or("an output without its time")?.as_str().parse()?;
        latencies.push((stored_out - stored_in) as f64 / 1e6);
    }
    latencies.sort_by(f64::total_cmp);
    Ok(latencies)
}

/// The value below which this share of the sorted values lies.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(at.clamp(1, sorted.len().max(1)) - 1).copied().unwrap_or_default()
}
