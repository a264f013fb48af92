//! What becomes of every event under the plan that lets lessons wait for their rows, in the plainest way.
//!
//! Keeps ids of its own: a lesson that waited counts as seen from where it left.

use super::oracle::{Event, Expected, Found, Oracle};
use super::plans::{MOST_WAITING, WAIT_S, WINDOW_S};
use sidestream::core::ids::KeyGroup;
use std::collections::HashMap;

type Identity = (&'static str, Option<u64>, u64);

/// A lesson that waits.
#[derive(Clone)]
struct Parked {
    deadline: i64,
    position: u64,
    event: Event,
    found: Found,
}

/// The lessons that wait, and the ids that were seen.
#[derive(Clone, Default)]
pub struct Waits {
    parked: Vec<Parked>,
    seen: HashMap<Identity, i64>,
}

impl Waits {
    /// What leaves at a position: the messages of its own event, and those of what it releases. `oracle` has the rows behind
    /// the event.
    pub fn at(&mut self, oracle: &Oracle, event: &Event, position: u64, time: i64) -> Vec<Expected> {
        let mut messages = self.own(oracle, event, position, time);
        let freed = |parked: &Parked| parked.deadline <= time || oracle.found(&parked.event, &parked.found).is_whole();
        let (mut released, stay): (Vec<Parked>, Vec<Parked>) = self.parked.drain(..).partition(freed);
        self.parked = stay;
        released.sort_by_key(|parked| (parked.deadline, parked.position));
        for parked in released {
            self.seen.extend(identity(&parked.event).map(|id| (id, time)));
            let found = oracle.found(&parked.event, &parked.found);
            messages.extend(oracle.messages(&parked.event, 'W', parked.position, &found));
        }
        messages
    }

    fn own(&mut self, oracle: &Oracle, event: &Event, position: u64, time: i64) -> Vec<Expected> {
        if event.is_low() {
            return Vec::new();
        }
        let dead = Oracle::is_dead(event).is_some();
        if let Some(id) = identity(event).filter(|_| !dead) {
            let waits = self.parked.iter().any(|parked| identity(&parked.event) == Some(id));
            if waits || self.seen.get(&id).is_some_and(|then| time - then < WINDOW_S * 1_000_000_000) {
                return Vec::new();
            }
        }
        let found = if dead { Found::default() } else { oracle.found(event, &Found::default()) };
        if event.kind == "lesson" && !dead && !found.is_whole() && self.has_room(event) {
            let deadline = time + WAIT_S * 1_000_000_000;
            self.parked.push(Parked { deadline, position, event: event.clone(), found });
            return Vec::new();
        }
        self.seen.extend(identity(event).filter(|_| !dead).map(|id| (id, time)));
        oracle.messages(event, 'W', position, &found)
    }

    fn has_room(&self, event: &Event) -> bool {
        let group = |event: &Event| event.key.map(|key| KeyGroup::of(format!("u{key}")));
        let waiting = self.parked.iter().filter(|parked| group(&parked.event) == group(event));
        waiting.count() < MOST_WAITING as usize
    }
}

fn identity(event: &Event) -> Option<Identity> {
    event.id.map(|id| (event.kind, event.key.filter(|_| event.kind != "other"), id))
}
