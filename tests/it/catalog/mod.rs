//! `sidestream catalog` over a real server: what it lists of a school's events, and what it tells of those that changed.

mod checked;
mod derived;
mod page;
mod refused;
mod school;

use crate::harness::bed::Bed;
use crate::harness::command::{Ran, run};
use serde_json::Value;

/// Publishes an event and waits until it is stored.
fn publish(bed: &mut Bed, event: &str) {
    let reply = bed.wire.request("events.order", event.as_bytes()).unwrap();
    assert!(String::from_utf8_lossy(&reply.payload).contains("\"seq\""), "{reply:?}");
}

/// `sidestream catalog` with these arguments.
fn catalog(bed: &Bed, arguments: &[&str]) -> Ran {
    run(bed, &[&["catalog"], arguments].concat())
}

/// The catalogue that it prints.
fn listed(bed: &Bed, arguments: &[&str]) -> Value {
    let ran = catalog(bed, arguments);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
}
