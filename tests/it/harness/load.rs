//! Events of a generated school into the input stream: all at once, or in the background ahead of the engine.

use super::streams::{INPUT, cause, last};
use super::wait::wait_until;
use super::wire::Wire;
use sidestream::generate::{Generated, School, SchoolOptions};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// Events between two looks at what the server has stored.
const PIECE: u64 = 1_000;
/// Events that may be on their way into the stream: the server drops what its queue does not hold.
const UNSTORED: u64 = 10_000;

/// A school whose events are odd in so many of a thousand.
pub fn school(seed: u64, hard_per_mille: u32) -> School {
    let defaults = SchoolOptions::default();
    let options = SchoolOptions { users: 2_000, hard: true, hard_per_mille, largest_bytes: 20_000, ..defaults };
    School::new(seed, options)
}

/// Publishes the next `count` events and waits until they are stored.
pub fn publish(wire: &mut Wire, school: &mut School, count: u64) -> io::Result<()> {
    let before = last(wire, INPUT)?;
    let mut event = Generated::default();
    for n in 1..=count {
        school.write_next(&mut event);
        wire.publish(&event.subject, &event.headers, &event.payload)?;
        if n % PIECE == 0 || n == count {
            wire.flush()?;
            let least = before + if n == count { n } else { n.saturating_sub(UNSTORED) };
            stored(wire, least)?;
        }
    }
    Ok(())
}

/// Waits until the input's last sequence is at least this.
fn stored(wire: &mut Wire, least: u64) -> io::Result<()> {
    wait_until("events to be stored", || match last(wire, INPUT) {
        Ok(last) => (last >= least).then_some(Ok(())),
        Err(error) => Some(Err(error)),
    })
}

/// Publishes an event that surely has an output, behind everything that this connection published, and returns its
/// position.
pub fn publish_last(wire: &mut Wire) -> u64 {
    try_publish_last(wire).unwrap()
}

/// The same where the stream may have no leader just now.
pub fn try_publish_last(wire: &mut Wire) -> io::Result<u64> {
    let id = wire.unique();
    let event = format!(r#"{{"title":"user","event_uuid":"{id}","properties":{{"uuid":"{id}"}}}}"#);
    let reply = wire.request("events.user", event.as_bytes())?;
    let ack: serde_json::Value = serde_json::from_slice(&reply.payload).map_err(io::Error::other)?;
    ack["seq"].as_u64().ok_or_else(|| io::Error::other(format!("not stored: {ack}")))
}

/// A background load that keeps the input this far ahead of the lane until it is stopped.
pub struct Load {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Load {
    /// Begins to publish; connections that break are made again, and events that were lost with them are not missed:
    /// the input is what the stream has stored.
    pub fn ahead(address: SocketAddr, mut school: School, lead: u64) -> Load {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            let mut wire = None;
            while !stopped.load(Ordering::Acquire) {
                let connected = wire.take().map_or_else(|| Wire::connect(address), Ok);
                wire = connected.and_then(|mut wire| piece(&mut wire, &mut school, lead).map(|()| wire)).ok();
            }
        });
        Load { stop, thread }
    }

    /// Ends the load.
    pub fn stop(self) {
        self.stop.store(true, Ordering::Release);
        self.thread.join().unwrap();
    }
}

/// Publishes one piece if the lead is smaller than it should be.
fn piece(wire: &mut Wire, school: &mut School, lead: u64) -> io::Result<()> {
    let ahead = last(wire, INPUT)?.saturating_sub(cause(wire)?);
    if ahead < lead { publish(wire, school, PIECE) } else { Ok(()) }
}
