//! An event's own time, for the latency that its producer sees.
//!
//! Decides no outcome: what cannot be read is simply not measured.

use super::event::StoredMessage;
use super::ids::Nanos;
use super::plan::compiled::Plan;
use super::read::Value;
use crate::json::fields::Span;
use crate::json::text::Scalar;

/// Numbers from here on are milliseconds: as seconds they would be later than the year 5138.
const MILLISECONDS_FROM: f64 = 1e11;
/// The longest number of whole seconds and of whole milliseconds within the years that are taken.
const SECONDS_DIGITS: usize = 10;
const MILLISECONDS_DIGITS: usize = 13;

/// The time at `event.time`: seconds since 1970 with or without a fraction, milliseconds, or RFC 3339 text.
pub fn event_time(plan: &Plan, message: &StoredMessage, spans: &[Span]) -> Option<Nanos> {
    time_of(&Value::at(plan.time.as_ref()?, message, spans))
}

/// The time that a value is, if it is one.
pub fn time_of(value: &Value<'_>) -> Option<Nanos> {
    if let Value::Json { raw, .. } = value
        && let Some(time) = whole(raw)
    {
        return Some(time);
    }
    match (value.scalar(), value) {
        (Scalar::Text(text), _) => {
            let time: jiff::Timestamp = text.parse().ok()?;
            i64::try_from(time.as_nanosecond()).ok().map(Nanos)
        }
        (_, Value::Json { raw, .. }) => number_of(raw),
        _ => None,
    }
}

/// Any number: seconds or milliseconds, with or without a fraction.
fn number_of(raw: &[u8]) -> Option<Nanos> {
    let number: f64 = std::str::from_utf8(raw).ok()?.parse().ok()?;
    let seconds = if number >= MILLISECONDS_FROM { number / 1e3 } else { number };
    // Years that a 64-bit number of nanoseconds holds; anything else is no time of an event.
    (0.0..9e9).contains(&seconds).then_some(Nanos((seconds * 1e9) as i64))
}

/// A whole number of seconds or milliseconds, which is what most events carry: read without a detour over fractions.
/// `None` for every other text, also where the slow way would find a time.
fn whole(raw: &[u8]) -> Option<Nanos> {
    if raw.len() > MILLISECONDS_DIGITS || raw.is_empty() {
        return None;
    }
    let (mut number, mut digits) = (0_i64, true);
    for byte in raw {
        let digit = byte.wrapping_sub(b'0');
        digits &= digit < 10;
        number = number * 10 + i64::from(digit);
    }
    if !digits {
        return None;
    }
    match raw.len() {
        ..SECONDS_DIGITS => Some(Nanos(number * 1_000_000_000)),
        SECONDS_DIGITS if number < 9_000_000_000 => Some(Nanos(number * 1_000_000_000)),
        12..=MILLISECONDS_DIGITS if number < 9_000_000_000_000 => Some(Nanos(number * 1_000_000)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// The short way and the long way differ by no more than what a 64-bit fraction loses.
        #[test]
        fn whole_numbers_are_read_as_the_long_way_reads_them(number in prop_oneof![
            0..20_000_000_000_i64, 90_000_000_000..110_000_000_000_i64, 0..20_000_000_000_000_i64, any::<i64>(),
        ]) {
            let text = number.to_string();
            if let Some(short) = whole(text.as_bytes()) {
                let long = number_of(text.as_bytes()).expect("the long way reads it, too");
                prop_assert!((short.0 - long.0).abs() <= 2_000, "{short} and {long}");
            }
        }
    }

    #[test]
    fn what_is_no_whole_number_goes_the_long_way() {
        for text in ["", "-1", "1.5", "1e3", "99999999999999", "9000000000", "x"] {
            assert_eq!(whole(text.as_bytes()), None, "{text}");
        }
        assert_eq!(whole(b"1763725500"), Some(Nanos(1_763_725_500_000_000_000)));
        assert_eq!(whole(b"1763725500123"), Some(Nanos(1_763_725_500_123_000_000)));
        assert_eq!(whole(b"0"), Some(Nanos(0)));
    }
}
