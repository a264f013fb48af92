//! The publisher of the input, whose events the oracle hears of as they are stored.

use super::agenda::{MILLIS, Time};
use super::entry::{Entry, Inside};
use super::oracle::Event;
use super::plans::INPUT;
use super::world::World;

impl World {
    /// Stores the next events in the input.
    pub fn publish(&mut self) {
        if self.context.up && self.context.server.state(INPUT).is_some() {
            for _ in 0..1 + self.context.random.below(4) {
                if self.left == 0 {
                    break;
                }
                self.left -= 1;
                self.publish_one();
            }
            for process in &self.processes {
                let pump = Entry::Inside(process.number, process.generation, Inside::Pump);
                self.context.agenda.after(MILLIS, pump);
            }
        }
        if self.left > 0 {
            let gap = if self.context.random.per_mille(20) { 3_000 } else { 2 * self.facts.pace_ms };
            let wait = self.context.random.below(gap) as Time * MILLIS;
            self.context.agenda.after(wait, Entry::Publish);
        }
    }

    /// Stores the next event in the input.
    pub fn publish_one(&mut self) {
        self.published += 1;
        let number = self.context.oracle.last() + 1;
        let event = match self.facts.first {
            'L' => Event::list(&mut self.context.random, number),
            _ => Event::random(&mut self.context.random, number, self.facts.twins()),
        };
        let subject = format!("events.{}.{}", if event.is_quiet() { "quiet" } else { "loud" }, event.kind);
        let stored = self.context.server.publish(&subject, None, event.body().into());
        if stored != Ok(number) {
            return self.context.violated(format!("event {number} was stored as {stored:?}"));
        }
        let stored_at = self.context.server_time();
        self.context.oracle.push(event, stored_at);
    }
}
