//! What the reply subject of a delivery and the headers of a status message say.
//!
//! Pure parsing; a text that is no delivery gives `None` and never an invented number. Public for the fuzz targets
//! only.

use crate::core::ids::Nanos;
use crate::core::output::{self, Headers};
use async_nats::HeaderMap;

/// The numbers that a JetStream delivery carries in its reply subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The message's sequence in its stream.
    pub stream_sequence: u64,
    /// Which delivery of the consumer this is, from 1.
    pub consumer_sequence: u64,
    /// When the message was stored.
    pub stored_at: Nanos,
    /// How many messages the consumer has still to deliver.
    pub pending: u64,
}

impl Delivery {
    /// Reads `$JS.ACK.<stream>.<consumer>.<delivered>.<stream sequence>.<consumer sequence>.<time>.<pending>`; the
    /// longer form has a domain and an account before the stream (ADR-15).
    pub fn parse(reply: &str) -> Option<Delivery> {
        let rest = reply.strip_prefix(ACK)?;
        let rest = rest.as_bytes();
        // Passed over with the number of deliveries, which nobody asks for.
        let mut tokens = rest.split(|byte| *byte == b'.').skip(names(rest)? + 1);
        let mut next = || number(tokens.next()?);
        let (stream_sequence, consumer_sequence) = (next()?, next()?);
        let stored_at = Nanos(i64::try_from(next()?).ok()?);
        Some(Delivery { stream_sequence, consumer_sequence, stored_at, pending: next()? })
    }
}

/// What the reply subject of every delivery begins with, whatever the API's prefix is.
const ACK: &str = "$JS.ACK.";

/// How many tokens of a reply subject name the consumer: its stream and itself, or domain and account before them.
fn names(rest: &[u8]) -> Option<usize> {
    match rest.iter().filter(|byte| **byte == b'.').count() {
        6 => Some(2),
        8.. => Some(4),
        _ => None,
    }
}

/// A delivery's reply subject up to the consumer's name: what its acks begin with.
pub(super) fn ack_prefix(reply: &str) -> Option<&str> {
    let rest = reply.strip_prefix(ACK)?;
    let (end, _) = rest.match_indices('.').nth(names(rest.as_bytes())? - 1)?;
    reply.get(..ACK.len() + end)
}

/// Every number of so many digits fits 64 bits.
const DIGITS: usize = 19;

/// A decimal number; called four times for every message.
fn number(digits: &[u8]) -> Option<u64> {
    let (head, tail) = digits.split_at(digits.len().min(DIGITS));
    let (mut number, mut digits) = (0_u64, !head.is_empty());
    for byte in head {
        let digit = byte.wrapping_sub(b'0');
        digits &= digit < 10;
        number = number.wrapping_mul(10).wrapping_add(u64::from(digit));
    }
    let add = |number: u64, byte: &u8| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    };
    digits.then(|| tail.iter().try_fold(number, add)).flatten()
}

/// A message's headers as core wants them. The client keeps no order among names, so they are sorted by name,
/// which makes every reading of one message equal. Those of the server and our own only where they are asked for:
/// most events have a `Nats-Msg-Id` and nobody who reads it.
pub(super) fn headers(map: &HeaderMap, reserved: bool) -> Option<Headers> {
    let mut headers: Headers = map
        .iter()
        .filter(|(name, _)| reserved || !output::is_reserved(name.as_ref()))
        .flat_map(|(name, values)| values.iter().map(move |value| (name.to_string(), value.as_str().to_owned())))
        .collect();
    headers.sort_by(|a, b| a.0.cmp(&b.0));
    Some(headers).filter(|headers| !headers.is_empty())
}

/// How many messages or bytes of a pull the server will not send any more, as a header of a status message says.
pub(super) fn left_of(map: Option<&HeaderMap>, header: &str) -> Option<u64> {
    pending_messages(map?.get(header)?.as_str())
}

/// The number in that header.
pub fn pending_messages(text: &str) -> Option<u64> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_are_read_as_the_standard_library_reads_them(
            text in prop_oneof!["[0-9]{0,24}", "[0-9+. -]{1,4}", any::<u64>().prop_map(|number| number.to_string()), any::<String>()],
        ) {
            let plain = text.bytes().all(|byte| byte.is_ascii_digit());
            prop_assert_eq!(number(text.as_bytes()), text.parse().ok().filter(|_| plain), "{}", text);
        }
    }

    #[test]
    fn both_forms_of_a_delivery_are_read() {
        let expected =
            Some(Delivery { stream_sequence: 20, consumer_sequence: 10, stored_at: Nanos(1_000), pending: 3 });
        assert_eq!(Delivery::parse("$JS.ACK.EVENTS.c1.1.20.10.1000.3"), expected);
        assert_eq!(Delivery::parse("$JS.ACK.hub.ACC.EVENTS.c1.1.20.10.1000.3"), expected);
        assert_eq!(Delivery::parse("$JS.ACK.hub.ACC.EVENTS.c1.1.20.10.1000.3.token"), expected);
        for broken in ["", "_INBOX.x", "$JS.ACK.EVENTS.c1.1.20", "$JS.ACK.EVENTS.c1.1.20.10.x.3"] {
            assert_eq!(Delivery::parse(broken), None, "{broken}");
        }
    }

    #[test]
    fn acks_go_where_the_delivery_says() {
        for (reply, prefix) in [
            ("$JS.ACK.EVENTS.c1.1.20.10.1000.3", Some("$JS.ACK.EVENTS.c1")),
            ("$JS.ACK.hub.ACC.EVENTS.c1.1.20.10.1000.3", Some("$JS.ACK.hub.ACC.EVENTS.c1")),
            ("$JS.ACK.hub.ACC.EVENTS.c1.1.20.10.1000.3.token", Some("$JS.ACK.hub.ACC.EVENTS.c1")),
            ("$JS.ACK.EVENTS.c1", None),
        ] {
            assert_eq!(ack_prefix(reply), prefix, "{reply}");
        }
    }
}
