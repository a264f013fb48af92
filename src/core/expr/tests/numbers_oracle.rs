//! Exact decimals beside a library of big numbers that shares nothing with them.

use crate::core::expr::decimal::Decimal;
use crate::core::expr::written::{WrittenNumber, is_number};
use bigdecimal::{BigDecimal, RoundingMode, Zero};
use proptest::prelude::*;
use std::str::FromStr;

/// A number as JSON writes it: short or long, with or without a fraction and an exponent.
fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => r"-?(0|[1-9][0-9]{0,5})(\.[0-9]{1,4})?",
        4 => r"-?(0|[1-9][0-9]{0,40})(\.[0-9]{1,40})?",
        2 => r"-?(0|[1-9][0-9]{0,20})(\.0{1,45})?",
        2 => r"-?(0|[1-9])(\.[0-9]{1,6})?[eE][+-]?[0-9]{1,2}",
        1 => r"-?(0|[1-9])(\.[0-9]{1,3})?[eE][+-]?[0-9]{1,4}",
    ]
}

fn written(number: Decimal) -> String {
    let mut out = Vec::new();
    number.write(&mut out);
    String::from_utf8(out).unwrap()
}

fn big(text: &str) -> BigDecimal {
    BigDecimal::from_str(text).unwrap()
}

/// Whether a number has at most 38 digits, and at most 38 behind the point.
fn fits(number: &BigDecimal) -> bool {
    let (mantissa, scale) = number.normalized().into_bigint_and_exponent();
    let digits = mantissa.magnitude().to_string().len() as i64;
    mantissa.is_zero() || scale <= 38 && digits - scale.min(0) <= 38
}

/// What was worked out is the right number, and is not worked out only where it does not fit.
fn same(ours: Option<Decimal>, right: &BigDecimal, what: &str) {
    match ours {
        Some(ours) => assert_eq!(&big(&written(ours)), right, "{what}"),
        None => assert!(!fits(right), "{what} is {right}"),
    }
}

/// Whether the product of two numbers can be held while it is worked out, which is before its zeros are cut.
fn can_be_multiplied(a: &BigDecimal, b: &BigDecimal) -> bool {
    let mantissa = |of: &BigDecimal| BigDecimal::from(of.normalized().into_bigint_and_exponent().0);
    fits(&(mantissa(a) * mantissa(b)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_number_is_read_and_written_as_it_is(text in number()) {
        prop_assert!(is_number(text.as_bytes()));
        let ours = Decimal::read(text.as_bytes());
        same(ours, &big(&text), &text);
        if let Some(number) = ours {
            let out = written(number);
            prop_assert!(is_number(out.as_bytes()) && !out.contains(['e', 'E']), "{}", out);
            prop_assert_eq!(Decimal::read(out.as_bytes()), Some(number));
            // A plain number that is no longer than it may be keeps its zeros.
            let short = text.len() < 30 && !text.contains(['e', 'E']);
            prop_assert!(!short || out == text || text.starts_with("-0"), "{} became {}", text, out);
        }
    }

    #[test]
    fn numbers_are_compared_exactly(a in number(), b in number()) {
        let right = big(&a).cmp(&big(&b));
        prop_assert_eq!(WrittenNumber::read(a.as_bytes()).cmp(&WrittenNumber::read(b.as_bytes())), right);
        if let (Some(one), Some(other)) = (Decimal::read(a.as_bytes()), Decimal::read(b.as_bytes())) {
            prop_assert_eq!(one.cmp(&other), right);
            prop_assert_eq!(WrittenNumber::from(one).cmp(&WrittenNumber::from(other)), right);
        }
    }

    #[test]
    fn sums_and_products_are_exact(a in number(), b in number()) {
        let (Some(one), Some(other)) = (Decimal::read(a.as_bytes()), Decimal::read(b.as_bytes())) else { return Ok(()) };
        let (a, b) = (big(&a), big(&b));
        same(one.add(other), &(&a + &b), &format!("{a} + {b}"));
        same(one.subtract(other), &(&a - &b), &format!("{a} - {b}"));
        let product = one.multiply(other);
        if product.is_some() || can_be_multiplied(&a, &b) {
            same(product, &(&a * &b), &format!("{a} * {b}"));
        }
    }

    #[test]
    fn quotients_are_rounded_half_to_even(a in number(), b in number()) {
        let (Some(one), Some(other)) = (Decimal::read(a.as_bytes()), Decimal::read(b.as_bytes())) else { return Ok(()) };
        let (a, b) = (big(&a), big(&b));
        let ours = one.divide(other);
        if b.is_zero() {
            prop_assert!(ours.is_none());
            return Ok(());
        }
        // Exactly: of whole numbers, with eighteen digits more, and the rest against half of the divisor.
        let scale = a.fractional_digit_count().max(b.fractional_digit_count()).max(0);
        let whole = |of: &BigDecimal| of.with_scale(scale).into_bigint_and_exponent().0;
        let (top, bottom) = (whole(&a) * num(18), whole(&b));
        let right = rounded(&top, &bottom);
        match ours {
            Some(ours) => {
                prop_assert_eq!(big(&written(ours)), right);
                prop_assert!(!written(ours).contains('.') || !written(ours).ends_with('0'));
            }
            None => prop_assert!(!fits(&right) || right.abs() >= big("1e19"), "{} / {} is {}", a, b, right),
        }
        if let (Some(ours), true) = (one.remainder(other), a.is_integer() && b.is_integer()) {
            prop_assert_eq!(big(&written(ours)), a % b);
        }
    }

    #[test]
    fn what_is_no_number_of_json_is_none(text in "[-+.eE0-9]{0,8}") {
        let json = serde_json::from_str::<Box<serde_json::value::RawValue>>(&text).is_ok();
        prop_assert_eq!(is_number(text.as_bytes()), json);
        // Whatever it is, nothing breaks.
        let _ = (Decimal::read(text.as_bytes()), WrittenNumber::read(text.as_bytes()));
    }
}

type Whole = bigdecimal::num_bigint::BigInt;

fn num(digits: u32) -> Whole {
    Whole::from(10).pow(digits)
}

/// `top / bottom / 10^18`, where the quotient is rounded half to even.
fn rounded(top: &Whole, bottom: &Whole) -> BigDecimal {
    let (quotient, rest) = (top / bottom, top % bottom);
    let twice = rest.magnitude() * 2_u32;
    let odd = &quotient % 2 != Whole::from(0);
    let up = match twice.cmp(bottom.magnitude()) {
        std::cmp::Ordering::Greater => true,
        std::cmp::Ordering::Equal => odd,
        std::cmp::Ordering::Less => false,
    };
    let negative =
        (top.sign() == bigdecimal::num_bigint::Sign::Minus) != (bottom.sign() == bigdecimal::num_bigint::Sign::Minus);
    let step = Whole::from(if negative { -1 } else { 1 });
    let right = BigDecimal::new(if up { quotient + step } else { quotient }, 18);
    // The library says the same wherever it can be asked.
    debug_assert_eq!(right.with_scale_round(18, RoundingMode::HalfEven), right);
    right
}

#[test]
fn ties_go_to_the_even_digit() {
    for (a, b, expected) in [
        ("1", "2000000000000000000", "0"),
        ("3", "2000000000000000000", "0.000000000000000002"),
        ("-3", "2000000000000000000", "-0.000000000000000002"),
        ("5", "2000000000000000000", "0.000000000000000002"),
        ("1", "20000000000000000000000000000000000000", "0"),
        ("0.00000000000000000000000000000000000001", "99999999999999999999999999999999999999", "0"),
        ("99999999999999999999", "3", "33333333333333333333"),
        ("1000000000000000000000000000000", "2", "500000000000000000000000000000"),
        ("0.0000000000000000015", "1", "0.000000000000000002"),
        ("0.0000000000000000025", "1", "0.000000000000000002"),
        ("0.00000000000000000250000000000000000001", "1", "0.000000000000000003"),
        ("40000000000000000000000000000000000000", "80000000000000000000000000000000000000", "0.5"),
        ("0.0000000000000000016", "3", "0.000000000000000001"),
        ("0.0000000000000000025", "0.99999999999999999999", "0.000000000000000003"),
        ("99999999999999999999999999999999999999", "77777777777777777777777777777777777777", "1.285714285714285714"),
    ] {
        let read = |text: &str| Decimal::read(text.as_bytes()).unwrap();
        let quotient = read(a).divide(read(b)).map(written);
        assert_eq!(quotient.as_deref(), Some(expected), "{a} / {b}");
    }
}
