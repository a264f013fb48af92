//! The yardstick: a forwarder as most people write one, with the client's defaults where nothing is said, and the same with
//! what a person would set who measures it.
//!
//! A durable pull consumer with explicit acks, a JetStream publish with a message id for each event, and the
//! input's ack after the publish's. Nothing is spared that helps it: acks are awaited while others are on their
//! way, payloads are shared instead of copied, and both halves run on their own tasks and connections.

use crate::Failure;
use crate::stage::INPUT;
use async_nats::HeaderMap;
use async_nats::jetstream::consumer::pull;
use async_nats::jetstream::{self, Message, context::PublishAckFuture};
use futures_util::StreamExt;
use tokio::sync::mpsc;

/// The consumer's name.
pub const DURABLE: &str = "forwarder";
/// Publishes that wait for their ack at once.
pub const IN_FLIGHT: usize = 2_000;
/// Deliveries without an ack that the server allows. Its default of 1,000 would halve what is in flight; this leaves
/// room for what the client has fetched ahead.
pub const MAX_ACK_PENDING: i64 = 10_000;

/// Commands that a tuned client may have on their way to its socket, eight times its default.
pub const CAPACITY: usize = 16_384;
/// Events that a tuned forwarder asks for at once, ten times the client's default.
pub const PULL: usize = 2_000;

/// Forwards `events` events and acks each after its publish.
pub async fn forward(url: &str, events: u64, tuned: bool) -> Result<(), Failure> {
    let options = || {
        let options = async_nats::ConnectOptions::new();
        if tuned { options.client_capacity(CAPACITY) } else { options }
    };
    let reading = options().connect(url).await?;
    let input = jetstream::new(reading.clone());
    let output = jetstream::new(options().connect(url).await?);
    let config =
        pull::Config { durable_name: Some(DURABLE.to_owned()), max_ack_pending: MAX_ACK_PENDING, ..Default::default() };
    let consumer = input.create_consumer_on_stream(config, INPUT).await?;
    let mut messages = if tuned {
        consumer.stream().max_messages_per_batch(PULL).messages().await?
    } else {
        consumer.messages().await?
    };
    let (in_flight, published) = mpsc::channel(IN_FLIGHT);
    let acks = tokio::spawn(acknowledge(published));
    for _ in 0..events {
        let message = messages.next().await.ok_or("the consumer ended")??;
        let Ok(place) = in_flight.reserve().await else { break };
        let mut headers = HeaderMap::new();
        headers.insert("Nats-Msg-Id", message.info()?.stream_sequence.to_string());
        let kind = message.subject.strip_prefix("events.").unwrap_or_default();
        let stored = output.publish_with_headers(format!("enriched.{kind}"), headers, message.payload.clone()).await?;
        place.send((message, stored));
    }
    drop(in_flight);
    acks.await??;
    reading.flush().await?;
    Ok(())
}

/// Acks each event once its copy is stored. Waiting in order holds nothing up: acks come in order.
async fn acknowledge(mut published: mpsc::Receiver<(Message, PublishAckFuture)>) -> Result<(), Failure> {
    while let Some((message, stored)) = published.recv().await {
        if stored.await?.duplicate {
            return Err("an event was published twice".into());
        }
        message.ack().await?;
    }
    Ok(())
}
