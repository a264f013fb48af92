//! What becomes of every event under the plans with worlds of their own, in the plainest way. Lessons wait for their rows: under W
//! they overtake each other, under V those of a key keep their order, under H it is the row of a global table that they wait for.
//! Under G, a lesson without that row is a dead letter.
//!
//! Keeps ids of its own: a lesson that waited counts as seen from where it left, and a dead one not at all.

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
#[derive(Clone)]
pub struct Waits {
    letter: char,
    parked: Vec<Parked>,
    seen: HashMap<Identity, i64>,
}

impl Waits {
    /// Nobody waits yet under the plan of a letter.
    pub fn under(letter: char) -> Waits {
        Waits { letter, parked: Vec::new(), seen: HashMap::new() }
    }

    /// What leaves at a position: the messages of its own event, and those of what it releases. `oracle` has the rows behind
    /// the event.
    pub fn at(&mut self, oracle: &Oracle, event: &Event, position: u64, time: i64) -> Vec<Expected> {
        let mut messages = self.own(oracle, event, position, time);
        let mut held = Vec::new();
        let (mut released, mut stay) = (Vec::new(), Vec::new());
        // They stand in the order of their positions.
        for parked in std::mem::take(&mut self.parked) {
            let key = parked.event.key;
            let has_its_rows = self.is_there(&oracle.found(&parked.event, &parked.found));
            if parked.deadline <= time || has_its_rows && !(self.letter == 'V' && held.contains(&key)) {
                released.push(parked);
            } else {
                held.push(key);
                stay.push(parked);
            }
        }
        self.parked = stay;
        released.sort_by_key(|parked| (parked.deadline, parked.position));
        for parked in released {
            self.seen.extend(identity(&parked.event).map(|id| (id, time)));
            let found = oracle.found(&parked.event, &parked.found);
            messages.extend(oracle.messages(&parked.event, self.letter, parked.position, &found));
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
        let before = self.parked.iter().filter(|parked| self.letter == 'V' && parked.event.key == event.key);
        let behind = before.map(|parked| parked.deadline).max().filter(|_| event.kind == "lesson" && !dead);
        if behind.is_some() && !self.has_room(event) {
            return vec![Expected { subject: "dead.wait_full".to_owned(), payload: event.text() }];
        }
        let misses = event.kind == "lesson" && !dead && !self.is_there(&found);
        if misses && self.letter == 'G' {
            return vec![Expected { subject: "dead.miss".to_owned(), payload: event.text() }];
        }
        let misses = misses && self.has_room(event);
        if misses || behind.is_some() {
            let deadline = (time + WAIT_S * 1_000_000_000).max(behind.unwrap_or(0));
            self.parked.push(Parked { deadline, position, event: event.clone(), found });
            return Vec::new();
        }
        self.seen.extend(identity(event).filter(|_| !dead).map(|id| (id, time)));
        oracle.messages(event, self.letter, position, &found)
    }

    /// Whether the rows are there that matter.
    fn is_there(&self, found: &Found) -> bool {
        if ['G', 'H'].contains(&self.letter) { found.land.is_some() } else { found.is_whole() }
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
