//! An event's own time, for the latency that its producer sees.
//!
//! Decides no outcome: what cannot be read is simply not measured.

use super::event::StoredMessage;
use super::ids::Nanos;
use super::json::fields::Span;
use super::json::text::Scalar;
use super::plan::compiled::Plan;
use super::read::Value;

/// Numbers from here on are milliseconds: as seconds they would be later than the year 5138.
const MILLISECONDS_FROM: f64 = 1e11;

/// The time at `event.time`: seconds since 1970 with or without a fraction, milliseconds, or RFC 3339 text.
pub fn event_time(plan: &Plan, message: &StoredMessage, spans: &[Span]) -> Option<Nanos> {
    let value = Value::at(plan.time.as_ref()?, message, spans);
    match (value.scalar(), &value) {
        (Scalar::Text(text), _) => {
            let time: jiff::Timestamp = text.parse().ok()?;
            i64::try_from(time.as_nanosecond()).ok().map(Nanos)
        }
        (_, Value::Json { raw, .. }) => {
            let number: f64 = std::str::from_utf8(raw).ok()?.parse().ok()?;
            let seconds = if number >= MILLISECONDS_FROM { number / 1e3 } else { number };
            // Years that a 64-bit number of nanoseconds holds; anything else is no time of an event.
            (0.0..9e9).contains(&seconds).then_some(Nanos((seconds * 1e9) as i64))
        }
        _ => None,
    }
}
