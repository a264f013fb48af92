//! What an engine without events costs, and whether memory stays flat under a full load.

use crate::Failure;
use crate::plot;
use crate::process::Process;
use crate::report::thousands;
use crate::stage::{Stage, limit};
use crate::usage;
use async_nats::jetstream::context::PublishAckFuture;
use sidestream::generate::{Generated, School, SchoolOptions};
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The share of a core and the memory of an engine that waits.
pub async fn section(stage: &mut Stage, seconds: u64) -> Result<String, Failure> {
    stage.open_input().await?;
    stage.open_output().await?;
    let place = stage.place("idle")?;
    let mut job = Process::job(&stage.url, &place, &[])?;
    job.ready().await?;
    // Starting is not waiting.
    sleep(Duration::from_secs(3)).await;
    let (began, before) = (Instant::now(), job.cpu_s().unwrap_or_default());
    sleep(Duration::from_secs(seconds)).await;
    let share = (job.cpu_s().unwrap_or_default() - before) / began.elapsed().as_secs_f64();
    let resident = usage::resident_mib(job.pid).unwrap_or_default();
    job.end().await?;
    stage.close_output().await?;
    Ok(format!("Without events for {seconds} s: {resident:.0} MiB resident, {:.2} % of a core.\n", share * 100.0))
}

/// Users, and how many of their rows the cache holds: a quarter.
const USERS: u64 = 200_000;
const CACHE: u64 = 100_000;
/// Messages that both streams keep; the publisher stays within half of it.
const KEPT: i64 = 1_000_000;
/// Between two looks at the memory.
const SAMPLE: Duration = Duration::from_secs(10);

/// Full speed with a working set four times the cache, for so long: a sample of the memory every ten seconds.
pub async fn memory(stage: &mut Stage, minutes: u64) -> Result<(String, Vec<(String, String)>), Failure> {
    let input = stage.open_input().await?;
    let mut output = stage.open_output().await?;
    limit(&stage.context, &input, KEPT).await?;
    limit(&stage.context, &output, KEPT).await?;
    let place = stage.place("memory")?;
    let settings = [("state.cache_rows", CACHE.to_string()), ("dedup.window_s", "60".to_owned())];
    let mut job = Process::job(&stage.url, &place, &settings)?;
    job.ready().await?;
    let mut school = School::new(1, SchoolOptions { users: USERS, enrol_first: true, ..SchoolOptions::default() });
    let mut event = Generated::default();
    let mut outstanding: VecDeque<PublishAckFuture> = VecDeque::new();
    let (began, mut published) = (Instant::now(), 0_u64);
    let mut samples: Vec<(f64, f64)> = Vec::new();
    let mut next = Duration::ZERO;
    while began.elapsed() < Duration::from_secs(minutes * 60) {
        if began.elapsed() >= next {
            next += SAMPLE;
            job.is_running()?;
            samples.push((began.elapsed().as_secs_f64() / 60.0, usage::resident_mib(job.pid).unwrap_or_default()));
        }
        // The engine must not be overtaken by the input's limit, nor idle for want of events.
        let out = output.info().await?.state.last_sequence;
        if published.saturating_sub(out) > KEPT as u64 / 4 {
            sleep(Duration::from_millis(20)).await;
            continue;
        }
        for _ in 0..10_000 {
            school.write_next(&mut event);
            outstanding.push_back(stage.context.publish(event.subject.clone(), event.payload.clone().into()).await?);
            if outstanding.len() >= 2_000
                && let Some(oldest) = outstanding.pop_front()
            {
                oldest.await?;
            }
        }
        published += 10_000;
    }
    for ack in outstanding {
        ack.await?;
    }
    let rate = published as f64 / began.elapsed().as_secs_f64();
    stage.wait_for(&mut output, published, &mut job).await?;
    job.end().await?;
    stage.close_output().await?;
    let half = samples.len() / 2;
    let most = |samples: &[(f64, f64)]| samples.iter().map(|(_, mib)| *mib).fold(0.0, f64::max);
    let (first, second) =
        (most(samples.get(..half).unwrap_or_default()), most(samples.get(half..).unwrap_or_default()));
    let text = format!(
        "{} events in {minutes} minutes ({} a second; publisher, server and engine share the machine), {} users with up to \
         two rows and more each, a cache of {} rows, ids kept for 60 s. Largest resident memory of the first half \
         {first:.0} MiB, of the second half {second:.0} MiB.\n",
        thousands(published as f64),
        thousands(rate),
        thousands(USERS as f64),
        thousands(CACHE as f64),
    );
    Ok((text, vec![("memory".to_owned(), plot::lines("minutes", "MiB resident", &[("engine".to_owned(), samples)])?)]))
}
