//! Three events before and after, and the wait until every event has come out.
//!
//! Reads the two streams as any client would.

use crate::adapters::nats::connect::Connection;
use crate::adapters::nats::streams;
use crate::app::exit::Exit;
use crate::config::Config;
use crate::protocol::header::LaneMessage;
use std::time::Duration;

/// Returns once the newest output is the newest event's. The generated school makes no event without an output.
pub async fn caught_up(connection: &Connection, config: &Config) -> Result<(), Exit> {
    let input = streams::state(connection, &config.input.stream).await?;
    loop {
        let output = streams::state(connection, &config.output.stream).await?;
        if output.last > 0
            && let Some(message) = streams::message_at(connection, &config.output.stream, output.last).await?
            && LaneMessage::read(&message).is_some_and(|newest| newest.cause.0 >= input.last)
        {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Prints a user, a subscription and a lesson as they came and as they went.
pub async fn print(connection: &Connection, config: &Config) -> Result<(), Exit> {
    let output = streams::state(connection, &config.output.stream).await?;
    let mut wanted = vec!["enriched.user", "enriched.subscription", "enriched.lesson"];
    // From the end: late lessons have met their user and subscription.
    for sequence in (1..=output.last).rev() {
        if wanted.is_empty() {
            break;
        }
        let Some(after) = streams::message_at(connection, &config.output.stream, sequence).await? else { continue };
        let text = String::from_utf8_lossy(&after.payload).into_owned();
        let enriched = !after.subject.ends_with("lesson") || (text.contains("\"event_processed\":true"));
        let Some(at) = wanted.iter().position(|subject| **subject == *after.subject) else { continue };
        let Some(ours) = LaneMessage::read(&after).filter(|_| enriched) else { continue };
        let Some(before) = streams::message_at(connection, &config.input.stream, ours.cause.0).await? else { continue };
        wanted.remove(at);
        println!("\n{} at position {}", before.subject, ours.cause);
        println!("  before  {}", String::from_utf8_lossy(&before.payload));
        println!("  after   {text}");
    }
    println!();
    Ok(())
}
