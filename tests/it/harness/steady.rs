//! A load on several servers: events at a steady rate, and with it NATS' own pauses, by acknowledged publishes.
//!
//! Each piece of events ends with one that the input must acknowledge. While no server does, nothing else is sent:
//! the pause is the time between two acknowledgements, to within the second after which another server is asked.

use super::load::school;
use super::wait::try_within;
use super::wire::Wire;
use sidestream::generate::{Generated, School};
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Pieces a second.
const PIECES: u64 = 20;
/// How long an acknowledgement may take before another server is asked.
const SILENCE: Duration = Duration::from_secs(1);
/// Odd events of a thousand.
const HARD: u32 = 40;

/// The time of day in nanoseconds, as servers note it with each message.
pub fn now_ns() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_nanos() as u64)
}

/// A background load until it is stopped.
pub struct Steady {
    stop: Arc<AtomicBool>,
    /// When publishes were acknowledged.
    acknowledged: Arc<Mutex<Vec<u64>>>,
    thread: JoinHandle<()>,
}

impl Steady {
    /// Begins to publish so many events a second to whichever of these servers acknowledges.
    pub fn start(servers: Vec<SocketAddr>, seed: u64, rate: u64) -> Steady {
        let stop = Arc::new(AtomicBool::new(false));
        let acknowledged = Arc::new(Mutex::new(Vec::new()));
        let (stopped, times) = (stop.clone(), acknowledged.clone());
        let thread = std::thread::spawn(move || {
            let mut school = school(seed, HARD);
            for server in servers.iter().cycle() {
                if stopped.load(Ordering::Acquire) {
                    return;
                }
                // A server may be down, stopped or cut off: then the next one is asked.
                let wire = Wire::connect_within(*server, SILENCE);
                let _ = wire.and_then(|mut wire| publish(&mut wire, &mut school, rate, &stopped, &times));
                pause(Duration::from_millis(50), &stopped);
            }
        });
        Steady { stop, acknowledged, thread }
    }

    /// Ends the load; returns when publishes were acknowledged.
    pub fn stop(self) -> Vec<u64> {
        self.stop.store(true, Ordering::Release);
        self.thread.join().unwrap();
        std::mem::take(&mut self.acknowledged.lock().unwrap())
    }
}

/// Publishes piece after piece until one is not acknowledged or the load is stopped.
fn publish(
    wire: &mut Wire,
    school: &mut School,
    rate: u64,
    stop: &AtomicBool,
    times: &Mutex<Vec<u64>>,
) -> io::Result<()> {
    let (began, mut sent) = (Instant::now(), 0);
    let mut event = Generated::default();
    let piece = rate / PIECES;
    while !stop.load(Ordering::Acquire) {
        if sent + piece > rate * began.elapsed().as_millis() as u64 / 1_000 {
            pause(Duration::from_millis(1_000 / PIECES), stop);
            continue;
        }
        // The acknowledgement comes first: without it the piece would be lost, too.
        school.write_next(&mut event);
        let reply = wire.request(&event.subject, &event.payload)?;
        let answer: serde_json::Value = serde_json::from_slice(&reply.payload).map_err(io::Error::other)?;
        if answer["seq"].as_u64().is_none() {
            return Err(io::Error::other(answer.to_string()));
        }
        times.lock().unwrap().push(now_ns());
        for _ in 1..piece {
            school.write_next(&mut event);
            wire.publish(&event.subject, &event.headers, &event.payload)?;
        }
        wire.flush()?;
        sent += piece;
    }
    Ok(())
}

/// Lets time pass, unless the load is over.
fn pause(most: Duration, stop: &AtomicBool) {
    let _ = try_within(most, || stop.load(Ordering::Acquire).then_some(()));
}

/// The longest gap in seconds between neighbours of sorted times that touches this span.
pub fn longest_gap(times: &[u64], from_ns: u64, until_ns: u64) -> f64 {
    let touches = |pair: &&[u64]| pair[1] > from_ns && pair[0] < until_ns;
    let gaps = times.windows(2).filter(touches).map(|pair| pair[1].saturating_sub(pair[0]));
    gaps.max().unwrap_or(0) as f64 / 1e9
}
