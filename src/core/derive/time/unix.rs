//! Times as numbers: so many seconds or smaller units since 1970, exactly as their digits say.
//!
//! A number is moved by powers of ten and cut after its ninth digit of a second, on its text: binary floating point would
//! make 1763725500.122999808 of 1763725500.123.

use super::instant::Time;
use serde::{Deserialize, Serialize};

/// `unit`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// By the number's size: from 10^8 seconds (1973), from 10^11 milliseconds, from 10^14 microseconds, from 10^17
    /// nanoseconds up to the year 2262. Anything smaller is no time, so that nothing lands in 1970.
    #[default]
    Auto,
    /// Seconds.
    S,
    /// Milliseconds.
    Ms,
    /// Microseconds.
    Us,
    /// Nanoseconds.
    Ns,
}

/// The most digits that the nanoseconds from 1970 to the year 9999 (or back to the year 1) have.
const DIGITS: i64 = 21;
/// The last nanosecond of which the size of a number may tell: in the year 2262.
const LAST_AUTO_NANOS: u128 = i64::MAX as u128;

/// The time of a number in JSON's notation.
pub fn read(number: &[u8], unit: Unit) -> Option<Time> {
    let number = UnixDigits::read(number)?;
    let unit = match unit {
        Unit::Auto => number.unit()?,
        unit => unit,
    };
    let shift = match unit {
        Unit::Auto | Unit::S => 9,
        Unit::Ms => 6,
        Unit::Us => 3,
        Unit::Ns => 0,
    };
    let nanos = number.moved(shift)?;
    let (seconds, nanos) = match u64::try_from(nanos) {
        // The division of 128 bits is the slow one, and only for years after 2554.
        Ok(nanos) => (i64::try_from(nanos / 1_000_000_000).ok()?, (nanos % 1_000_000_000) as u32),
        Err(_) => (i64::try_from(nanos / 1_000_000_000).ok()?, (nanos % 1_000_000_000) as u32),
    };
    match (number.negative, nanos) {
        (false, nanos) => Time::new(seconds, nanos),
        (true, 0) => Time::new(-seconds, 0),
        (true, nanos) => Time::new(-seconds - 1, 1_000_000_000 - nanos),
    }
}

/// The time of a text of digits: JSON's notation without an exponent.
pub fn read_text(text: &str, unit: Unit) -> Option<Time> {
    let plain = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'.'));
    read(text.as_bytes(), unit).filter(|_| plain)
}

/// A number's digits, and where its point is.
struct UnixDigits<'t> {
    negative: bool,
    /// From the first digit that is not 0: what stands before the point and what stands behind it.
    whole: &'t [u8],
    fraction: &'t [u8],
    /// How many of the digits stand before the point once the exponent has moved it; negative for zeros behind the point.
    point: i64,
}

impl<'t> UnixDigits<'t> {
    /// JSON's grammar: RFC 8259, section 6.
    fn read(text: &'t [u8]) -> Option<UnixDigits<'t>> {
        let (negative, rest) = text.strip_prefix(b"-").map_or((false, text), |rest| (true, rest));
        let (whole, rest) = digits(rest);
        if whole.is_empty() || (whole.len() > 1 && whole.starts_with(b"0")) {
            return None;
        }
        let (fraction, rest) = match rest.strip_prefix(b".") {
            Some(rest) => Some(digits(rest)).filter(|(fraction, _)| !fraction.is_empty())?,
            None => (&[][..], rest),
        };
        let exponent = if rest.is_empty() { 0 } else { exponent(rest)? };
        let whole = if whole == b"0" { &[][..] } else { whole };
        let zeros = if whole.is_empty() { fraction.iter().take_while(|byte| **byte == b'0').count() } else { 0 };
        let point = (whole.len() as i64 - zeros as i64).saturating_add(exponent);
        Some(UnixDigits { negative, whole, fraction: fraction.get(zeros..)?, point })
    }

    fn is_zero(&self) -> bool {
        self.whole.is_empty() && self.fraction.is_empty()
    }

    /// The unit that a number of this size is in.
    fn unit(&self) -> Option<Unit> {
        if self.negative || self.is_zero() {
            return None;
        }
        match self.point {
            9..=11 => Some(Unit::S),
            12..=14 => Some(Unit::Ms),
            15..=17 => Some(Unit::Us),
            18..=19 if self.moved(0)? <= LAST_AUTO_NANOS => Some(Unit::Ns),
            _ => None,
        }
    }

    /// The number times ten to the power of `places`, without its sign and what is behind the point then; `None` where it
    /// is too large for any time.
    fn moved(&self, places: i64) -> Option<u128> {
        if self.is_zero() {
            return Some(0);
        }
        let before = self.point.saturating_add(places);
        if before > DIGITS {
            return None;
        }
        let digits = self.whole.iter().chain(self.fraction).map(|byte| byte - b'0').chain(std::iter::repeat(0));
        let mut digits = digits.take(usize::try_from(before).unwrap_or(0));
        // 19 digits are a number of 64 bits, which is much faster.
        let high = digits.by_ref().take(19).fold(0_u64, |number, digit| number * 10 + u64::from(digit));
        Some(digits.fold(u128::from(high), |number, digit| number * 10 + u128::from(digit)))
    }
}

/// The digits with which a text begins, and the rest.
fn digits(text: &[u8]) -> (&[u8], &[u8]) {
    let length = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    text.split_at_checked(length).unwrap_or((text, &[]))
}

/// `e9`, `E+9`, `e-9`. One that is too large for 64 bits stays as large as those can tell: nothing is a time there.
fn exponent(text: &[u8]) -> Option<i64> {
    let rest = text.strip_prefix(b"e").or_else(|| text.strip_prefix(b"E"))?;
    let (negative, rest) = match rest.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, rest),
    };
    let (digits, []) = digits(rest) else { return None };
    if digits.is_empty() {
        return None;
    }
    let add = |number: i64, byte: &u8| number.saturating_mul(10).saturating_add(i64::from(byte - b'0'));
    let exponent = digits.iter().fold(0, add);
    Some(if negative { -exponent } else { exponent })
}
