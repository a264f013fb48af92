//! The ordinary case: a field beside a number or a text that the expression says, compared without making values of them.
//!
//! Answers what `datum` would, or not at all; `run` asks here first.

use super::decimal::Decimal;
use super::node::{Comparison, ExprConstant, ExprNode, What};
use std::cmp::Ordering;

impl Comparison {
    /// Whether it holds for two values in this order.
    #[inline]
    pub fn holds_for(self, order: Ordering) -> bool {
        match self {
            Comparison::Equal => order == Ordering::Equal,
            Comparison::Unequal => order != Ordering::Equal,
            Comparison::Less => order == Ordering::Less,
            Comparison::LessOrEqual => order != Ordering::Greater,
            Comparison::Greater => order == Ordering::Greater,
            Comparison::GreaterOrEqual => order != Ordering::Less,
        }
    }
}

/// The order of a JSON value and a constant; `None` for all but short numbers and texts without escapes.
#[inline]
pub fn order(raw: &[u8], constant: &ExprConstant) -> Option<Ordering> {
    match (constant, raw) {
        (ExprConstant::Number(number), [b'-' | b'0'..=b'9', ..]) => Some(Decimal::read(raw)?.cmp(number)),
        (ExprConstant::Text(text), [b'"', inner @ .., b'"']) => {
            (!inner.contains(&b'\\')).then(|| inner.cmp(text.as_bytes()))
        }
        _ => None,
    }
}

/// Whether a JSON value is one of the elements of a list; `None` where one of these is no constant of the same type.
pub fn is_among(raw: &[u8], elements: &[ExprNode]) -> Option<bool> {
    let mut found = false;
    for element in elements {
        let What::Constant(constant) = &element.what else { return None };
        found |= order(raw, constant)? == Ordering::Equal;
    }
    Some(found)
}
