//! The forms in which a time is written.

use super::instant::{Date, Time};
use serde::{Deserialize, Serialize};

/// `write`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WriteTime {
    /// `"2022-02-14T14:40:00.5Z"`: in UTC, with as many digits of a second as there are.
    Rfc3339,
    /// `"2022-02-14"`: the day in UTC.
    Date,
    /// `1644849600.5`: seconds since 1970, with as many digits as there are.
    Unix,
    /// `1644849600500`: milliseconds since 1970, with as many digits as there are.
    UnixMs,
}

impl Time {
    /// Appends it as JSON. Reading what was written gives the same time, but for a date, which is its midnight.
    pub fn write(self, form: WriteTime, out: &mut Vec<u8>) {
        match form {
            WriteTime::Rfc3339 => self.rfc3339(out),
            WriteTime::Date => {
                out.push(b'"');
                out.extend_from_slice(&self.date().0.text());
                out.push(b'"');
            }
            WriteTime::Unix => self.number(1, 9, out),
            WriteTime::UnixMs => self.number(1_000, 6, out),
        }
    }

    fn rfc3339(self, out: &mut Vec<u8>) {
        let (date, second) = self.date();
        let [y1, y2, y3, y4, dash, m1, m2, _, d1, d2] = date.text();
        let ([h1, h2], [n1, n2], [s1, s2]) = (two(second / 3_600), two(second / 60 % 60), two(second % 60));
        out.extend_from_slice(&[
            b'"', y1, y2, y3, y4, dash, m1, m2, dash, d1, d2, b'T', h1, h2, b':', n1, n2, b':', s1, s2,
        ]);
        fraction(self.nanos(), 9, out);
        out.extend_from_slice(b"Z\"");
    }

    /// The time in units of which so many are a second, and the digits of a nanosecond that a unit has.
    fn number(self, units: u64, digits: usize, out: &mut Vec<u8>) {
        // Towards zero: a number's sign is that of its digits.
        let (seconds, nanos) = match self.nanos() {
            nanos if self.seconds() < 0 && nanos > 0 => (self.seconds() + 1, 1_000_000_000 - nanos),
            nanos => (self.seconds(), nanos),
        };
        if self.seconds() < 0 {
            out.push(b'-');
        }
        let of_unit = 1_000_000_000 / units as u32;
        let whole = seconds.unsigned_abs() * units + u64::from(nanos / of_unit);
        out.extend_from_slice(itoa::Buffer::new().format(whole).as_bytes());
        fraction(nanos % of_unit, digits, out);
    }
}

impl Date {
    fn text(self) -> [u8; 10] {
        let ([y1, y2], [y3, y4]) = (two(self.year / 100), two(self.year % 100));
        let ([m1, m2], [d1, d2]) = (two(self.month), two(self.day));
        [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2]
    }
}

/// A number below 100 as two digits.
fn two(number: u32) -> [u8; 2] {
    [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8]
}

/// The digits behind a point, without the zeros at their end; nothing of none.
fn fraction(mut number: u32, digits: usize, out: &mut Vec<u8>) {
    if number == 0 {
        return;
    }
    let mut text = [b'0'; 9];
    for digit in text.iter_mut().take(digits).rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
    let length = text.iter().rposition(|digit| *digit != b'0').map_or(0, |last| last + 1);
    out.push(b'.');
    out.extend_from_slice(text.get(..length).unwrap_or_default());
}
