//! The figures of the gateway; see the catalogue for what each one says.

use super::catalogue as all;
use super::registry::Registry;
use metrics::{Counter, Gauge, Histogram};

/// The statuses of answers to requests with events.
const STATUSES: [u16; 14] = [202, 400, 401, 403, 408, 411, 413, 415, 421, 422, 429, 500, 503, 0];
/// What becomes of an event.
const OUTCOMES: [&str; 6] = ["stored", "duplicate", "refused", "rate_limited", "not_stored", "unconfirmed"];

/// Handles of everything.
pub struct GatewayMetrics {
    connected: Gauge,
    requests: [(u16, Counter); 14],
    events: [(&'static str, Counter); 6],
    seconds: Histogram,
    in_flight: Gauge,
}

impl GatewayMetrics {
    pub(super) fn new(registry: &Registry) -> GatewayMetrics {
        let status = |status: u16| match status {
            0 => registry.counter(&all::GATEWAY_REQUESTS, &["other"]),
            status => registry.counter(&all::GATEWAY_REQUESTS, &[&status.to_string()]),
        };
        GatewayMetrics {
            connected: registry.gauge(&all::GATEWAY_CONNECTED, &[]),
            requests: STATUSES.map(|known| (known, status(known))),
            events: OUTCOMES.map(|outcome| (outcome, registry.counter(&all::GATEWAY_EVENTS, &[outcome]))),
            seconds: registry.histogram(&all::GATEWAY_SECONDS, &[]),
            in_flight: registry.gauge(&all::GATEWAY_IN_FLIGHT, &[]),
        }
    }

    /// Events can be stored, or cannot.
    pub fn connected(&self, connected: bool) {
        self.connected.set(f64::from(u8::from(connected)));
    }

    /// So many events had this fate: `stored`, `duplicate`, `refused`, `rate_limited`, `not_stored` or `unconfirmed`.
    pub fn events(&self, outcome: &str, events: u64) {
        for (_, counter) in self.events.iter().filter(|(known, _)| *known == outcome) {
            counter.increment(events);
        }
    }

    /// The requests in hand hold so many bytes.
    pub fn in_flight(&self, bytes: usize) {
        self.in_flight.set(bytes as f64);
    }

    pub(super) fn answered(&self, status: u16, seconds: f64) {
        let known = self.requests.iter().find(|(known, _)| *known == status);
        if let Some((_, counter)) = known.or(self.requests.last()) {
            counter.increment(1);
        }
        self.seconds.record(seconds);
    }
}
