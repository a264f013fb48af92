//! Senders that never stop, while gateway, server and connections are killed: every receipt is true, and every event that was
//! sent until it had one stands in the stream once.

use super::client::{JSON, Kept};
use super::stage::{address, input, started, user};
use crate::harness::bed::Bed;
use crate::harness::engine::Engine;
use crate::harness::wait::{pause, wait_until};
use sidestream::generate::Random;
use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

const SENDERS: usize = 4;

/// What the senders know.
#[derive(Clone, Default)]
struct Known {
    /// Where each event stands, as its receipt says.
    receipts: Arc<Mutex<BTreeMap<String, u64>>>,
    /// Receipts so far.
    count: Arc<AtomicU64>,
    /// Answers and losses that were no receipts.
    others: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
}

/// Sends events, each until it has a receipt.
fn sender(number: usize, address: SocketAddr, known: Known) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut connection = None;
        for n in 0.. {
            let id = format!("s{number}-{n}");
            loop {
                if known.over.load(Ordering::Relaxed) {
                    return;
                }
                let answer = match &mut connection {
                    None => {
                        connection = Kept::connect(address);
                        pause();
                        continue;
                    }
                    Some(kept) => kept.post("/v1/events/user", &[JSON], user(&id).as_bytes()),
                };
                match answer {
                    Some(answer) if answer.status == 202 => {
                        known.receipts.lock().unwrap().insert(id, answer.stored().0);
                        known.count.fetch_add(1, Ordering::Relaxed);
                        break;
                    }
                    Some(answer) => {
                        assert_eq!(answer.status, 503, "{answer:?}");
                        known.others.fetch_add(1, Ordering::Relaxed);
                        pause();
                    }
                    None => {
                        known.others.fetch_add(1, Ordering::Relaxed);
                        connection = None;
                    }
                }
            }
        }
    })
}

fn gateway(bed: &Bed, listen: &str) -> Engine {
    let mut gateway = started(bed, &[("gateway.listen", listen), ("gateway.ack_timeout_ms", "1000")]);
    address(&mut gateway);
    gateway
}

/// How many blows: `SIDESTREAM_GATEWAY_KILLS`, or a few.
fn blows() -> usize {
    std::env::var("SIDESTREAM_GATEWAY_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(12)
}

#[test]
fn every_receipt_is_true_whatever_is_killed() {
    let mut bed = Bed::new();
    let listen = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut running = gateway(&bed, &listen.to_string());
    let known = Known::default();
    let senders: Vec<JoinHandle<()>> = (0..SENDERS).map(|n| sender(n, listen, known.clone())).collect();
    let mut random = Random::new(20);
    for blow in 0..blows() {
        let before = known.count.load(Ordering::Relaxed) + 1 + random.below(60);
        wait_until(&format!("receipts before blow {blow}"), || {
            assert!(senders.iter().all(|sender| !sender.is_finished()), "a sender was answered wrongly");
            (known.count.load(Ordering::Relaxed) >= before).then_some(())
        });
        match random.index(3) {
            0 => {
                running.kill();
                running = gateway(&bed, &listen.to_string());
            }
            1 => {
                bed.server.kill();
                bed.server.restart();
            }
            _ => {
                bed.server.pause();
                pause();
                bed.server.resume();
            }
        }
    }
    let end = known.count.load(Ordering::Relaxed) + 50;
    wait_until("the last receipts", || (known.count.load(Ordering::Relaxed) >= end).then_some(()));
    known.over.store(true, Ordering::Relaxed);
    for sender in senders {
        sender.join().unwrap();
    }
    bed.reconnect();
    let stored = input(&mut bed);
    let mut times: BTreeMap<&[u8], u64> = BTreeMap::new();
    for message in &stored {
        *times.entry(&message.payload).or_default() += 1;
    }
    let receipts = known.receipts.lock().unwrap();
    for (id, position) in receipts.iter() {
        let event = user(id);
        assert_eq!(times.get(event.as_bytes()), Some(&1), "{id} has a receipt and stands there so often");
        assert_eq!(stored[*position as usize - 1].payload, event.as_bytes(), "{id} stands at its position");
    }
    // The one that each sender was at when it was told to end may be there, too.
    assert!(stored.len() <= receipts.len() + SENDERS, "{} events, {} receipts", stored.len(), receipts.len());
    println!(
        "{} blows, {} receipts, {} other answers or losses",
        blows(),
        receipts.len(),
        known.others.load(Ordering::Relaxed)
    );
}
