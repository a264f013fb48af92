//! The load of a round: events of a generated school at a steady rate, and surges, so that blows fall under load.
//!
//! What a broken connection loses is not missed: the input is what the stream has stored. It goes around the proxy.

use crate::harness::load::school;
use crate::harness::streams::{INPUT, last};
use crate::harness::wait::try_within;
use crate::harness::wire::Wire;
use sidestream::generate::{Generated, School};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Events a second between surges.
const RATE: u64 = 800;
/// Events of a surge.
const SURGE: u64 = 3_000;
/// Events between two looks at what is due.
const PIECE: u64 = 60;
/// Odd events of a thousand.
const HARD: u32 = 40;

#[derive(Default)]
struct Orders {
    stop: AtomicBool,
    /// Events that are due at once.
    surge: AtomicU64,
}

/// A background load until it is stopped.
pub struct Load {
    orders: Arc<Orders>,
    thread: JoinHandle<()>,
}

impl Load {
    /// Begins to publish.
    pub fn start(address: SocketAddr, seed: u64) -> Load {
        let orders = Arc::new(Orders::default());
        let theirs = orders.clone();
        let thread = std::thread::spawn(move || {
            let mut school = school(seed, HARD);
            while !theirs.stop.load(Ordering::Acquire) {
                // The server may be down or stopped: then the next connection goes on.
                let _ = Wire::connect(address).and_then(|mut wire| publish(&mut wire, &mut school, &theirs));
                pause(Duration::from_millis(100), &theirs);
            }
        });
        Load { orders, thread }
    }

    /// Publishes a few thousand events at once.
    pub fn surge(&self) {
        self.orders.surge.store(SURGE, Ordering::Release);
    }

    /// Ends the load.
    pub fn stop(self) {
        self.orders.stop.store(true, Ordering::Release);
        self.thread.join().unwrap();
    }
}

/// Publishes what is due until the connection breaks or the load is stopped.
fn publish(wire: &mut Wire, school: &mut School, orders: &Orders) -> io::Result<()> {
    let (began, mut steady) = (Instant::now(), 0);
    let mut event = Generated::default();
    last(wire, INPUT)?;
    while !orders.stop.load(Ordering::Acquire) {
        let due = RATE * began.elapsed().as_millis() as u64 / 1_000;
        let surging = orders.surge.load(Ordering::Acquire) > 0;
        if steady + PIECE > due && !surging {
            pause(Duration::from_millis(1_000 * PIECE / RATE), orders);
            continue;
        }
        for _ in 0..PIECE {
            school.write_next(&mut event);
            wire.publish(&event.subject, &event.headers, &event.payload)?;
        }
        wire.flush()?;
        if surging {
            let less = |left: u64| Some(left.saturating_sub(PIECE));
            let _ = orders.surge.fetch_update(Ordering::AcqRel, Ordering::Acquire, less);
        } else {
            steady += PIECE;
        }
    }
    Ok(())
}

/// Lets time pass, unless the load is wanted.
fn pause(most: Duration, orders: &Orders) {
    let wanted = || orders.stop.load(Ordering::Acquire) || orders.surge.load(Ordering::Acquire) > 0;
    let _ = try_within(most, || wanted().then_some(()));
}
