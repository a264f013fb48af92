//! Expressions over an event: conditions and computed values in CEL's syntax, with a meaning of their own.
//!
//! [`expression`] is the door. A text becomes words (`lexer`), a tree of syntax (`syntax`, `tree`), then a tree whose names are
//! `reads` and whose calls are `functions` of a closed set (`resolve`, `node`). `check` finds what cannot work by types,
//! `run` evaluates over one event's values. Numbers are exact decimals, and what is unknown stays unknown: no error exists
//! while an event is processed. Nothing here knows a plan, a table or a setting. docs/conditions.md says what users may rely on.

pub mod expression;
pub mod reads;
pub mod values;
pub mod types;
pub mod why;
pub mod fault;
mod lexer;
mod tree;
mod syntax;
mod functions;
mod node;
mod resolve;
mod check;
mod calls;
mod run;
mod quick;
mod datum;
mod inside;
mod decimal;
mod written;
mod times;
mod lengths;
mod texts;
#[cfg(test)]
mod tests;

pub(crate) use decimal::Decimal;
pub use expression::{Expression, Want};
pub use fault::ExprFault;
pub use reads::{PlacedRead, Read};
pub use types::ExprType;
pub use values::{EventValues, InputValue};
pub use why::{ConditionAnswer, Why};
pub use written::{compare_numbers, is_number};
