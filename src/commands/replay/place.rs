//! From a position or a time, as typed, to a position of the input.
//!
//! Asks the stream for single messages: a time is searched for by halves, which takes stored-at times that do not step
//! back. Done once, when a replay is settled.

use crate::adapters::nats::connect::Connection;
use crate::adapters::nats::streams;
use crate::app::exit::{CONFIG, Exit, USAGE};
use crate::core::ids::{Nanos, Position};
use crate::ports::stream::{BrokerError, StoredMessage, StreamState};

/// Where a range begins or ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RangeEnd {
    /// At a position.
    At(Position),
    /// At a time at which events were stored.
    Time(Nanos),
}

impl RangeEnd {
    /// Reads a number, or a time such as `2026-11-21T12:00:00Z`.
    pub fn parse(text: &str) -> Result<RangeEnd, String> {
        if let Ok(position) = text.parse::<u64>() {
            return if position == 0 {
                Err("positions begin with 1".to_owned())
            } else {
                Ok(RangeEnd::At(Position(position)))
            };
        }
        let time: Result<jiff::Timestamp, _> = text.parse();
        let nanos = time.ok().and_then(|time| i64::try_from(time.as_nanosecond()).ok());
        nanos.map(|nanos| RangeEnd::Time(Nanos(nanos))).ok_or_else(|| {
            format!("`{text}` is neither a position nor a time: write 1234, or 2026-11-21T12:00:00Z, or 2026-11-21T13:00:00+01:00")
        })
    }
}

/// The positions of a range, both included; refused when the input no longer holds its beginning.
pub async fn range(
    connection: &Connection,
    stream: &str,
    state: StreamState,
    from: Option<&str>,
    until: Option<&str>,
) -> Result<(Position, Position), Exit> {
    let place = |text: Option<&str>| text.map(RangeEnd::parse).transpose().map_err(|error| Exit::new(USAGE, error, ""));
    let (from, until) = (place(from)?, place(until)?);
    if state.messages == 0 {
        return Err(Exit::new(CONFIG, format!("stream {stream} holds no event"), "there is nothing to read"));
    }
    let holds = format!("it holds positions {} to {}", state.first, state.last);
    let first = match from {
        None => state.first,
        Some(RangeEnd::At(position)) => position.0,
        Some(RangeEnd::Time(time)) => {
            let first = first_where(connection, stream, state, |message| message.stored_at >= time).await?;
            if first == state.first && state.first > 1 {
                // What retention took may have been stored since then.
                let oldest = streams::message_at(connection, stream, first).await?.map(|message| message.stored_at);
                if oldest.is_none_or(|oldest| oldest > time) {
                    return Err(gone(stream, 1, state.first - 1, &holds, "some of which may be of the range: "));
                }
            }
            first
        }
    };
    let last = match until {
        None => state.last,
        Some(RangeEnd::At(position)) => position.0,
        Some(RangeEnd::Time(time)) => {
            first_where(connection, stream, state, |message| message.stored_at > time).await?.saturating_sub(1)
        }
    };
    if first < state.first {
        return Err(gone(stream, first, last.min(state.first - 1), &holds, ""));
    }
    if last > state.last {
        let what = format!("stream {stream} ends at {}, before the range's end {last}", state.last);
        return Err(Exit::new(CONFIG, what, "leave --until away to replay up to its end"));
    }
    if first > last {
        let what = format!("no event of stream {stream} is in the range: it would begin at {first} and end at {last}");
        return Err(Exit::new(CONFIG, what, holds));
    }
    Ok((Position(first), Position(last)))
}

fn gone(stream: &str, from: u64, to: u64, holds: &str, some: &str) -> Exit {
    let what = format!("stream {stream} no longer holds positions {from} to {to}, {some}{holds}");
    Exit::new(CONFIG, what, "begin the range at a position that is still there")
}

/// The first sequence at which a message is that satisfies a condition which, once true, stays true; behind the last
/// one if none does.
pub async fn first_where(
    connection: &Connection,
    stream: &str,
    state: StreamState,
    holds: impl Fn(&StoredMessage) -> bool,
) -> Result<u64, BrokerError> {
    let (mut low, mut high) = (state.first, state.last + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        // Deleted messages leave holes: the first one that is there stands for them.
        let found = streams::message_from(connection, stream, middle, ">").await?;
        match found.filter(|message| message.sequence <= state.last) {
            Some(message) if !holds(&message) => low = message.sequence + 1,
            _ => high = middle,
        }
    }
    Ok(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_position_or_a_time() {
        assert_eq!(RangeEnd::parse("17"), Ok(RangeEnd::At(Position(17))));
        let noon = RangeEnd::Time(Nanos(1_795_262_400_000_000_000));
        assert_eq!(RangeEnd::parse("2026-11-21T12:00:00Z"), Ok(noon));
        assert_eq!(RangeEnd::parse("2026-11-21T13:00:00+01:00"), Ok(noon));
        for bad in ["", "0", "-1", "yesterday", "2026-11-21", "2026-11-21T12:00:00"] {
            assert!(RangeEnd::parse(bad).is_err(), "{bad}");
        }
    }
}
