//! A connection's two directions: in order, late, cut in the middle, silent for a while, or with a piece missing.
//!
//! What a cut loses is a tail of what was under way; later messages go over the next connection, as the client's own
//! reconnecting does it.

use super::agenda::Time;
use sidestream::generate::Random;

/// What a message under way belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    connection: u32,
    number: u64,
}

/// One direction of a connection.
#[derive(Debug, Default)]
pub struct Link {
    connection: u32,
    sent: u64,
    arrived: u64,
    /// Of the connection before, messages up to this number still arrive.
    survivors: u64,
    last_arrival: Time,
    /// Nothing arrives before.
    silent_until: Time,
    /// Messages from the first to the second number never arrive.
    lost: (u64, u64),
}

impl Link {
    /// Sends a message: its ticket, and when it arrives.
    pub fn send(&mut self, now: Time, latency: Time) -> (Ticket, Time) {
        self.sent += 1;
        let arrival = (now + latency).max(self.last_arrival + 1).max(self.silent_until);
        self.last_arrival = arrival;
        (Ticket { connection: self.connection, number: self.sent }, arrival)
    }

    /// Whether a message arrives, or was lost with its connection.
    pub fn arrives(&mut self, ticket: Ticket) -> bool {
        let cut = ticket.connection != self.connection && ticket.number > self.survivors;
        let lost = cut || (self.lost.0..=self.lost.1).contains(&ticket.number);
        self.arrived = self.arrived.max(ticket.number);
        !lost
    }

    /// Cuts the connection; returns how many messages under way are lost.
    pub fn cut(&mut self, random: &mut Random) -> u64 {
        let under_way = self.sent - self.arrived;
        let kept = random.below(under_way + 1);
        self.survivors = self.arrived + kept;
        self.connection += 1;
        under_way - kept
    }

    /// Loses some messages that follow each other out of those under way; returns how many.
    pub fn lose(&mut self, random: &mut Random) -> u64 {
        let under_way = self.sent - self.arrived;
        let count = random.below(under_way + 1);
        let first = self.arrived + 1 + random.below(under_way - count + 1);
        self.lost = (first, first + count.max(1) - 1);
        if count == 0 {
            self.lost = (0, 0);
        }
        count
    }

    /// Lets nothing arrive until then.
    pub fn silence(&mut self, until: Time) {
        self.silent_until = self.silent_until.max(until);
    }
}
