//! Moments as numbers of nanoseconds, which can be added to and compared.
//!
//! They are read and written by the operator of derived times, so that both always mean the same.

use super::decimal::Decimal;
use crate::core::derive::time::instant::Time;
use crate::core::derive::time::unix::{self, Unit};
use crate::core::derive::time::{rfc3339, write::WriteTime};

const SECOND: i128 = 1_000_000_000;

fn nanoseconds(time: Time) -> i128 {
    i128::from(time.seconds()) * SECOND + i128::from(time.nanos())
}

fn time(nanoseconds: i128) -> Option<Time> {
    let seconds = i64::try_from(nanoseconds.div_euclid(SECOND)).ok()?;
    Time::new(seconds, u32::try_from(nanoseconds.rem_euclid(SECOND)).ok()?)
}

/// The moment, if it is within the years 1 to 9999.
pub fn known(moment: i128) -> Option<i128> {
    time(moment).map(|_| moment)
}

/// A Unix time as JSON writes it, in the unit that its size tells.
pub fn from_digits(raw: &[u8]) -> Option<i128> {
    unix::read(raw, Unit::Auto).map(nanoseconds)
}

/// A Unix time that was worked out.
pub fn from_number(number: Decimal) -> Option<i128> {
    let mut raw = Vec::new();
    number.write(&mut raw);
    from_digits(&raw)
}

/// RFC 3339 text with an offset, or the digits of a Unix time.
pub fn from_text(text: &str) -> Option<i128> {
    rfc3339::read(text).or_else(|| unix::read_text(text, Unit::Auto)).map(nanoseconds)
}

/// Appends the moment as RFC 3339 text in UTC, quotes included.
pub fn write(moment: i128, out: &mut Vec<u8>) {
    time(moment).expect("no other moments are made").write(WriteTime::Rfc3339, out);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(moment: i128) -> String {
        let mut out = Vec::new();
        write(moment, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_and_texts_become_moments() {
        for (given, expected) in [
            ("1644849600", "2022-02-14T14:40:00Z"),
            ("1712511721.02", "2024-04-07T17:42:01.02Z"),
            ("1629235179", "2021-08-17T21:19:39Z"),
            ("1763725500.123", "2025-11-21T11:45:00.123Z"),
            ("1763725500123", "2025-11-21T11:45:00.123Z"),
            ("1626175065.5934923", "2021-07-13T11:17:45.5934923Z"),
            ("1763725500123456789", "2025-11-21T11:45:00.123456789Z"),
            ("2022-02-14T15:40:00+01:00", "2022-02-14T14:40:00Z"),
            ("100000000", "1973-03-03T09:46:40Z"),
            ("99999999999", "5138-11-16T09:46:39Z"),
        ] {
            let moment = from_text(given).unwrap_or_else(|| panic!("{given}"));
            assert_eq!(written(moment), format!("\"{expected}\""), "{given}");
            if let Some(number) = Decimal::read(given.as_bytes()).filter(|_| !given.contains(':')) {
                assert_eq!((from_number(number), from_digits(given.as_bytes())), (Some(moment), Some(moment)));
            }
        }
        for given in ["0", "-1", "99999999", "", "soon", "2022-02-14", "2022-02-14T14:40:00", "2016-12-31T23:59:60Z"] {
            assert_eq!(from_text(given), None, "{given}");
        }
        assert_eq!(from_digits(b"1e400"), None);
    }

    proptest! {
        #[test]
        fn every_moment_is_what_another_library_says(
            moment in -62_135_596_800 * SECOND..=253_402_300_799 * SECOND + SECOND - 1,
        ) {
            let text = jiff::Timestamp::from_nanosecond(moment).unwrap().to_string();
            prop_assert_eq!(written(moment), format!("\"{text}\""));
            prop_assert_eq!(from_text(&text), Some(moment));
            prop_assert_eq!(known(moment), Some(moment));
        }
    }
}
