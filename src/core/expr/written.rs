//! A JSON number of any length, for the one thing that can be done with all of them: to compare them.
//!
//! Allocates, and stands behind `decimal` for what does not fit there.

use super::decimal::Decimal;
use std::cmp::Ordering;

/// `0.d1d2d3... * 10^point`, where the first and the last digit are not zero; zero has no digits.
#[derive(Debug, PartialEq, Eq)]
pub struct WrittenNumber {
    negative: bool,
    digits: Vec<u8>,
    point: i128,
}

impl WrittenNumber {
    /// Reads a JSON number.
    pub fn read(raw: &[u8]) -> WrittenNumber {
        let negative = raw.first() == Some(&b'-');
        let exponent_at = raw.iter().position(|byte| matches!(byte, b'e' | b'E')).unwrap_or(raw.len());
        let (mantissa, exponent) = raw.split_at(exponent_at);
        let whole = mantissa.iter().position(|byte| *byte == b'.').unwrap_or(mantissa.len()) - usize::from(negative);
        let all = mantissa.iter().filter(|byte| byte.is_ascii_digit());
        let mut digits: Vec<u8> = all.map(|byte| byte - b'0').collect();
        let zeros = digits.iter().take_while(|digit| **digit == 0).count();
        digits.drain(..zeros);
        while digits.last() == Some(&0) {
            digits.pop();
        }
        if digits.is_empty() {
            return WrittenNumber { negative: false, digits, point: 0 };
        }
        let point = power_of_ten(exponent).saturating_add(whole as i128).saturating_sub(zeros as i128);
        WrittenNumber { negative, digits, point }
    }

    /// Its digits from the first that is not zero.
    pub fn digits(&self) -> impl Iterator<Item = u8> {
        self.digits.iter().copied()
    }

    /// How many digits stand in front of the point.
    pub fn point(&self) -> i128 {
        self.point
    }

    /// Whether it is below zero.
    pub fn is_negative(&self) -> bool {
        self.negative
    }
}

/// The exponent of a number from its `e` on. One of more than 38 digits counts as the largest there is.
fn power_of_ten(text: &[u8]) -> i128 {
    let digits = text.iter().filter(|byte| byte.is_ascii_digit());
    let amount = digits.fold(0_i128, |amount, byte| amount.saturating_mul(10).saturating_add(i128::from(byte - b'0')));
    if text.contains(&b'-') { -amount } else { amount }
}

impl From<Decimal> for WrittenNumber {
    fn from(number: Decimal) -> WrittenNumber {
        let mut text = Vec::new();
        number.write(&mut text);
        WrittenNumber::read(&text)
    }
}

impl Ord for WrittenNumber {
    fn cmp(&self, other: &WrittenNumber) -> Ordering {
        let sign = |one: &WrittenNumber| match (one.digits.is_empty(), one.negative) {
            (true, _) => 0,
            (_, true) => -1,
            _ => 1,
        };
        let amounts = self.point.cmp(&other.point).then_with(|| self.digits.cmp(&other.digits));
        sign(self).cmp(&sign(other)).then(match sign(self) {
            0 => Ordering::Equal,
            -1 => amounts.reverse(),
            _ => amounts,
        })
    }
}

impl PartialOrd for WrittenNumber {
    fn partial_cmp(&self, other: &WrittenNumber) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Compares two JSON numbers of any length, exactly.
pub fn compare_numbers(one: &[u8], other: &[u8]) -> Ordering {
    // JSON writes no zeros in front.
    let is_plain = |text: &[u8]| text.iter().all(u8::is_ascii_digit);
    if is_plain(one) && is_plain(other) {
        return one.len().cmp(&other.len()).then_with(|| one.cmp(other));
    }
    WrittenNumber::read(one).cmp(&WrittenNumber::read(other))
}

/// Whether a text is a number as JSON writes it (RFC 8259, section 6).
pub fn is_number(text: &[u8]) -> bool {
    fn digits(text: &[u8]) -> Option<&[u8]> {
        let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
        text.get(count..).filter(|_| count > 0)
    }
    let number = || {
        let text = text.strip_prefix(b"-").unwrap_or(text);
        let mut rest = digits(text)?;
        if text.first() == Some(&b'0') && text.len() - rest.len() > 1 {
            return None;
        }
        if let [b'.', fraction @ ..] = rest {
            rest = digits(fraction)?;
        }
        if let [b'e' | b'E', exponent @ ..] = rest {
            let unsigned = match exponent {
                [b'+' | b'-', unsigned @ ..] => unsigned,
                unsigned => unsigned,
            };
            rest = digits(unsigned)?;
        }
        Some(rest.is_empty())
    };
    number() == Some(true)
}
