//! Lengths of time, as in `duration("1h30m")`.

use super::decimal::Decimal;

/// The units, the longer names first, and their nanoseconds.
const UNITS: [(&str, i64); 8] = [
    ("ms", 1_000_000),
    ("us", 1_000),
    ("µs", 1_000),
    ("ns", 1),
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
];

/// A little more than what lies between the first moment that is known and the last one.
const LONGEST: i128 = 10_000 * 366 * 86_400_000_000_000;

/// The length, if it is not longer than time.
pub fn known(length: i128) -> Option<i128> {
    (length.abs() <= LONGEST).then_some(length)
}

/// Reads numbers with units, such as `1h`, `1h30m`, `-1.5s`; what is finer than a nanosecond is cut.
pub fn read(text: &str) -> Option<i128> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    if rest.is_empty() {
        return None;
    }
    let mut length = 0_i128;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').filter(|digits| *digits > 0)?;
        let (number, behind) = rest.split_at_checked(digits)?;
        if number.starts_with('.') || number.ends_with('.') || number.matches('.').count() > 1 {
            return None;
        }
        let (unit, nanoseconds) = UNITS.iter().find(|(unit, _)| behind.starts_with(unit))?;
        rest = behind.strip_prefix(unit)?;
        let part = Decimal::read(number.as_bytes())?.multiply(Decimal::whole(*nanoseconds))?;
        length = known(length + part.in_units(0)?)?;
    }
    Some(if negative { -length } else { length })
}

/// The length in seconds.
pub fn seconds(length: i128) -> Option<Decimal> {
    Decimal::new(length, 9).map(Decimal::trimmed)
}

/// Appends the length as text that `read` takes.
pub fn write(length: i128, out: &mut Vec<u8>) {
    if let Some(seconds) = seconds(length) {
        seconds.write(out);
    }
    out.push(b's');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_numbers_with_units() {
        for (text, expected) in [
            ("1h", Some(3_600_000_000_000)),
            ("1h30m", Some(5_400_000_000_000)),
            ("-1.5s", Some(-1_500_000_000)),
            ("2d", Some(172_800_000_000_000)),
            ("1ms1us1ns", Some(1_001_001)),
            ("0s", Some(0)),
            ("", None),
            ("-", None),
            ("1", None),
            ("h", None),
            ("1 h", None),
            ("1.s", None),
            ("1.2.3s", None),
            ("1h1", None),
            ("1w", None),
            ("1000000000000d", None),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }
}
