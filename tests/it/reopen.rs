//! A batch of outputs that the server gives up while the connection holds: made good in the same start.

use crate::harness::bed::Bed;
use crate::harness::engine::Engine;
use crate::harness::load::{Load, school};
use crate::harness::wait::DEADLINE;
use crate::harness::wire::Wire;
use std::time::Instant;

/// How far the background load keeps the input ahead of the lane: enough for batches that stay open.
const LEAD: u64 = 8_000;
/// Batches to be spoiled.
const TIMES: usize = 3;
/// Acknowledgements inside batches between two that are spoiled.
const SOME: u64 = 7;

fn opened_again(engine: &Engine) -> usize {
    engine.log().matches("the lane is opened again").count()
}

/// The batch's name in the reply subject of an acknowledgement inside a batch.
fn open_batch(subject: &str, payload: &[u8]) -> Option<String> {
    let mut tokens = subject.rsplit('.');
    let ours = tokens.next() == Some("$FI") && payload.starts_with(br#"{"type":"ack""#);
    tokens.nth(4).filter(|_| ours).map(str::to_owned)
}

#[test]
fn a_batch_that_the_server_gives_up_is_made_good_without_another_start() {
    let mut bed = Bed::new();
    let load = Load::ahead(bed.server.address(), school(71, 40), LEAD);
    let mut engine = bed.engine("engine", &[("engine.checkpoint_interval_ms", "50")]);
    engine.wait_for_log("ready:");
    // Somebody sends a message of the engine's batch out of turn: the server stores nothing of it and ends the batch.
    let mut spoiler = Wire::connect(bed.server.address()).unwrap();
    spoiler.subscribe("_INBOX.*.*.*.*.*.*.*.$FI").unwrap();
    let inbox = spoiler.inbox().to_owned();
    let (began, mut acks) = (Instant::now(), 0);
    while opened_again(&engine) < TIMES {
        assert!(began.elapsed() < DEADLINE, "{}", engine.log());
        let reply = spoiler.next().unwrap();
        let Some(batch) = open_batch(&reply.subject, &reply.payload) else { continue };
        acks += 1;
        if acks % SOME == 0 {
            let reply = format!("{inbox}.0.{batch}.500.fail.99999999.1.$FI");
            spoiler.publish_to("enriched.user", &reply, b"", b"{}").unwrap();
            spoiler.flush().unwrap();
        }
    }
    drop(spoiler);
    load.stop();
    bed.finish();
    assert!(engine.runs());
    let log = engine.drain();
    assert!(!log.contains("starting again"), "{log}");
    bed.assert_clean();
}
