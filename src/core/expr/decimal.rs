//! Exact decimal numbers of at most 38 digits: the only numbers that an expression calculates with.
//!
//! Nothing is ever rounded but the digits of a quotient behind the eighteenth, and nothing here knows a binary fraction. What
//! does not fit is `None`. Equal numbers have equal results, however many zeros they were written with.

use super::written::WrittenNumber;
use std::cmp::Ordering;

/// How many digits a number may have, and how many of them behind the point.
const DIGITS: u32 = 38;
/// How many digits behind the point a quotient has at most.
const QUOTIENT: i64 = 18;
/// So many digits always fit into 64 bits.
const SHORT: usize = 18;

/// The powers of ten that fit.
const POWERS: [i128; DIGITS as usize + 1] = {
    let mut powers = [1; DIGITS as usize + 1];
    let mut n = 1;
    #[allow(clippy::indexing_slicing)] // Evaluated at compile time.
    while n < powers.len() {
        powers[n] = powers[n - 1] * 10;
        n += 1;
    }
    powers
};

/// `mantissa / 10^scale`.
#[derive(Clone, Copy, Debug)]
pub struct Decimal {
    /// Less than 10^38 either way.
    mantissa: i128,
    /// At most 38. What a number was written with stays: 1.50 has a scale of 2.
    scale: u32,
}

/// `number * 10^zeros`. Almost all numbers take the short way, on which nothing can overflow.
#[inline]
fn with_zeros(number: i128, zeros: u32) -> Option<i128> {
    match (i64::try_from(number), zeros) {
        (_, 0) => Some(number),
        (Ok(short), 1..=18) => Some(i128::from(short) * i128::from(10_i64.pow(zeros))),
        _ => number.checked_mul(power(zeros)?),
    }
}

/// `a * b`.
#[inline]
fn product(a: i128, b: i128) -> Option<i128> {
    match (i64::try_from(a), i64::try_from(b)) {
        (Ok(a), Ok(b)) => Some(i128::from(a) * i128::from(b)),
        _ => a.checked_mul(b),
    }
}

fn power(n: u32) -> Option<i128> {
    POWERS.get(n as usize).copied()
}

impl Decimal {
    /// A whole number.
    pub fn whole(number: i64) -> Decimal {
        Decimal { mantissa: i128::from(number), scale: 0 }
    }

    /// `mantissa / 10^scale`, if it fits as it is.
    pub fn new(mantissa: i128, scale: u32) -> Option<Decimal> {
        let fits = mantissa.unsigned_abs() < POWERS.last()?.unsigned_abs() && scale <= DIGITS;
        fits.then_some(Decimal { mantissa, scale })
    }

    /// Reads a JSON number.
    #[inline]
    pub fn read(raw: &[u8]) -> Option<Decimal> {
        let digits = raw.strip_prefix(b"-").unwrap_or(raw);
        if digits.len() > SHORT {
            return Decimal::read_long(raw);
        }
        let (mut mantissa, mut scale, mut behind) = (0_i64, 0, 0);
        for byte in digits {
            match byte {
                b'0'..=b'9' => {
                    mantissa = mantissa * 10 + i64::from(byte - b'0');
                    scale += behind;
                }
                b'.' => behind = 1,
                _ => return Decimal::read_long(raw),
            }
        }
        let mantissa = if digits.len() < raw.len() { -mantissa } else { mantissa };
        Some(Decimal { mantissa: i128::from(mantissa), scale })
    }

    /// A number with an exponent or many digits.
    #[cold]
    fn read_long(raw: &[u8]) -> Option<Decimal> {
        Decimal::as_written(raw).or_else(|| Decimal::from_written(&WrittenNumber::read(raw)))
    }

    /// With all zeros that the text has, if they fit.
    fn as_written(raw: &[u8]) -> Option<Decimal> {
        let text = std::str::from_utf8(raw).ok()?;
        let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let behind = digits.split_once('.').map_or(0, |(_, behind)| behind.len());
        let scale = i64::try_from(behind).ok()?.checked_sub(exponent.parse().ok()?)?;
        let mantissa = digits
            .bytes()
            .filter(u8::is_ascii_digit)
            .try_fold(0_i128, |mantissa, byte| mantissa.checked_mul(10)?.checked_add(i128::from(byte - b'0')))?;
        let mantissa = if text.starts_with('-') { -mantissa } else { mantissa };
        Decimal::shifted(mantissa, scale)
    }

    fn from_written(written: &WrittenNumber) -> Option<Decimal> {
        let mantissa = written
            .digits()
            .try_fold(0_i128, |mantissa, digit| mantissa.checked_mul(10)?.checked_add(i128::from(digit)))?;
        let scale = i64::try_from(written.digits().count()).ok()?.checked_sub(i64::try_from(written.point()).ok()?)?;
        Decimal::shifted(if written.is_negative() { -mantissa } else { mantissa }, scale)
    }

    /// `mantissa / 10^scale` for any scale: zeros are put behind a mantissa whose scale is below zero.
    fn shifted(mantissa: i128, scale: i64) -> Option<Decimal> {
        if mantissa == 0 {
            return Some(Decimal { mantissa: 0, scale: u32::try_from(scale).unwrap_or(0).min(DIGITS) });
        }
        match u32::try_from(scale) {
            Ok(scale) => Decimal::new(mantissa, scale),
            Err(_) => Decimal::new(with_zeros(mantissa, u32::try_from(scale.checked_neg()?).ok()?)?, 0),
        }
    }

    /// The same number without the zeros at the end of its fraction.
    pub fn trimmed(mut self) -> Decimal {
        while self.scale > 0 && self.mantissa % 10 == 0 {
            self.mantissa /= 10;
            self.scale -= 1;
        }
        self
    }

    /// The sum, with the longer fraction's digits.
    pub fn add(self, other: Decimal) -> Option<Decimal> {
        let sum = |a: Decimal, b: Decimal| {
            let scale = a.scale.max(b.scale);
            let (a, b) = (with_zeros(a.mantissa, scale - a.scale)?, with_zeros(b.mantissa, scale - b.scale)?);
            Decimal::new(a.checked_add(b)?, scale)
        };
        sum(self, other).or_else(|| sum(self.trimmed(), other.trimmed()))
    }

    /// The difference, with the longer fraction's digits.
    pub fn subtract(self, other: Decimal) -> Option<Decimal> {
        self.add(other.negative())
    }

    /// The product, with the digits of both fractions.
    pub fn multiply(self, other: Decimal) -> Option<Decimal> {
        let as_written = || Decimal::new(product(self.mantissa, other.mantissa)?, self.scale + other.scale);
        as_written().or_else(|| {
            let ((a, a_scale), (b, b_scale)) = (self.without_zeros(), other.without_zeros());
            let (mut mantissa, mut scale) = (product(a, b)?, a_scale + b_scale);
            while mantissa != 0 && mantissa % 10 == 0 {
                mantissa /= 10;
                scale -= 1;
            }
            Decimal::shifted(mantissa, scale)
        })
    }

    /// The mantissa without any zeros at its end, and the scale that belongs to it.
    fn without_zeros(self) -> (i128, i64) {
        let (mut mantissa, mut scale) = (self.mantissa, i64::from(self.scale));
        while mantissa != 0 && mantissa % 10 == 0 {
            mantissa /= 10;
            scale -= 1;
        }
        (mantissa, scale)
    }

    /// The quotient, rounded half to even behind 18 digits of a fraction, without zeros at its end.
    pub fn divide(self, other: Decimal) -> Option<Decimal> {
        let (a, b) = (self.trimmed(), other.trimmed());
        let divisor = b.mantissa.unsigned_abs();
        let mut quotient = a.mantissa.unsigned_abs().checked_div(divisor)?;
        let mut rest = a.mantissa.unsigned_abs() % divisor;
        let mut scale = i64::from(a.scale) - i64::from(b.scale);
        while rest != 0 && scale < QUOTIENT {
            let digit;
            (digit, rest) = tenfold(rest, divisor);
            quotient = quotient.checked_mul(10)?.checked_add(digit)?;
            scale += 1;
        }
        let too_many = u32::try_from((scale - QUOTIENT).max(0)).ok()?;
        let half = if too_many > 0 {
            let unit = power(too_many)?.unsigned_abs();
            let cut = quotient % unit;
            quotient /= unit;
            scale = QUOTIENT;
            (cut * 2).cmp(&unit).then(if rest == 0 { Ordering::Equal } else { Ordering::Greater })
        } else {
            rest.cmp(&(divisor - rest))
        };
        if half == Ordering::Greater || half == Ordering::Equal && quotient % 2 == 1 {
            quotient = quotient.checked_add(1)?;
        }
        let quotient = i128::try_from(quotient).ok()?;
        let negative = (a.mantissa < 0) != (b.mantissa < 0);
        Decimal::shifted(if negative { -quotient } else { quotient }, scale).map(Decimal::trimmed)
    }

    /// What is left when one whole number is divided by another, with the first one's sign; of whole numbers only.
    pub fn remainder(self, other: Decimal) -> Option<Decimal> {
        let (a, b) = (self.trimmed(), other.trimmed());
        if a.scale > 0 || b.scale > 0 {
            return None;
        }
        Decimal::new(a.mantissa.checked_rem(b.mantissa)?, 0)
    }

    /// Whether it is nothing.
    pub fn is_zero(self) -> bool {
        self.mantissa == 0
    }

    /// The number with the other sign.
    pub fn negative(self) -> Decimal {
        Decimal { mantissa: -self.mantissa, ..self }
    }

    /// The number as the place in a list or a text, from 0.
    pub fn place(self) -> Option<usize> {
        let whole = self.trimmed();
        usize::try_from(whole.mantissa).ok().filter(|_| whole.scale == 0)
    }

    /// The whole part of the number times `10^digits`; what is behind the point then is cut.
    pub fn in_units(self, digits: u32) -> Option<i128> {
        match self.scale.checked_sub(digits) {
            Some(cut) => Some(self.mantissa.div_euclid(power(cut)?)),
            None => with_zeros(self.mantissa, digits - self.scale),
        }
    }

    /// The number as plain decimal text, never with an exponent.
    pub fn write(self, out: &mut Vec<u8>) {
        if self.mantissa < 0 {
            out.push(b'-');
        }
        let mut buffer = itoa::Buffer::new();
        let digits = buffer.format(self.mantissa.unsigned_abs());
        let scale = self.scale as usize;
        let (whole, fraction) = match digits.len().checked_sub(scale) {
            None | Some(0) => ("0", digits),
            Some(whole) => digits.split_at(whole),
        };
        out.extend_from_slice(whole.as_bytes());
        if scale > 0 {
            out.push(b'.');
            out.extend(std::iter::repeat_n(b'0', scale - fraction.len()));
            out.extend_from_slice(fraction.as_bytes());
        }
    }
}

/// The next digit of a quotient whose rest this is, and the rest behind it.
fn tenfold(rest: u128, divisor: u128) -> (u128, u128) {
    if let Some(ten) = rest.checked_mul(10) {
        return (ten / divisor, ten % divisor);
    }
    // Both are below 10^38, so that twice as much still fits.
    let (mut digit, mut sum) = (0, 0);
    for _ in 0..10 {
        sum += rest;
        if sum >= divisor {
            sum -= divisor;
            digit += 1;
        }
    }
    (digit, sum)
}

impl From<u64> for Decimal {
    fn from(number: u64) -> Decimal {
        Decimal { mantissa: i128::from(number), scale: 0 }
    }
}

impl Ord for Decimal {
    #[inline]
    fn cmp(&self, other: &Decimal) -> Ordering {
        let scale = self.scale.max(other.scale);
        let aligned = |one: &Decimal| with_zeros(one.mantissa, scale - one.scale);
        match (aligned(self), aligned(other)) {
            (Some(a), Some(b)) => a.cmp(&b),
            // Only the one with the shorter fraction was multiplied; if that was too much, its amount is the larger one.
            (None, _) => self.mantissa.cmp(&0),
            (_, None) => 0.cmp(&other.mantissa),
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Decimal) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Decimal) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Decimal {}
