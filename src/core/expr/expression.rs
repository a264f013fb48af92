//! An expression: parsed once, checked against the types of a plan, evaluated for every event.
//!
//! The only door to this room. Who uses it finds out which values it reads and hands them over.

use super::check;
use super::datum::{Datum, List};
use super::fault::ExprFault;
use super::lengths;
use super::lexer;
use super::node::ExprNode;
use super::reads::{PlacedRead, Read};
use super::resolve;
use super::run::Evaluation;
use super::syntax;
use super::times;
use super::types::ExprType;
use super::values::EventValues;
use super::why::{ConditionAnswer, Why};
use crate::json::text::escape_into;

/// How many bytes the text of an expression may have.
pub const MAX_BYTES: usize = 4096;

/// An expression.
#[derive(Clone, Debug)]
pub struct Expression {
    text: Box<str>,
    root: ExprNode,
    reads: Vec<PlacedRead>,
    /// The types that are relied on, by read.
    declared: Vec<ExprType>,
}

/// What an expression is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// To decide something.
    Condition,
    /// To compute a value.
    Value,
}

impl Expression {
    /// Reads the text; what is wrong with it is told at its place.
    pub fn parse(text: &str) -> Result<Expression, ExprFault> {
        if text.len() > MAX_BYTES {
            return Err(ExprFault::mistake(0..text.len(), format!("an expression has at most {MAX_BYTES} bytes")));
        }
        let tree = syntax::parse(&lexer::words(text)?, text.len())?;
        let (root, reads) = resolve::resolve(&tree, text)?;
        Ok(Expression { text: text.into(), root, reads, declared: Vec::new() })
    }

    /// The text that it was read from.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it reads, each once, in the order of the text.
    pub fn reads(&self) -> &[PlacedRead] {
        &self.reads
    }

    /// What is wrong with it or hardly meant, where `types` says what a field or a column is; [`ExprType::Dyn`] says nothing.
    pub fn check(&self, types: &dyn Fn(&Read) -> ExprType, want: Want) -> Vec<ExprFault> {
        check::check(&self.root, &self.reads, &self.text, types, want)
    }

    /// From now on a field or a column that is not of its type here is *broken*, so that what `check` has found by these types
    /// is true of every event.
    pub fn rely_on(&mut self, types: &dyn Fn(&Read) -> ExprType) {
        let of =
            |reading: &PlacedRead| if reading.read.own_type().is_some() { ExprType::Dyn } else { types(&reading.read) };
        self.declared = self.reads.iter().map(of).collect();
    }

    /// Whether the condition holds.
    pub fn holds(&self, values: &dyn EventValues) -> ConditionAnswer {
        Evaluation::new(values, &self.declared).holds(&self.root).into()
    }

    /// Appends the value as JSON text; appends nothing where it is unknown.
    ///
    /// What only is moved keeps its bytes. A computed number is plain decimal, a time RFC 3339 text in UTC, a length of time a
    /// text of seconds.
    pub fn compute(&self, values: &dyn EventValues, out: &mut Vec<u8>) -> Result<(), Why> {
        let run = Evaluation::new(values, &self.declared);
        let before = out.len();
        let written = run.value(&self.root).and_then(|datum| write(datum, out));
        if written.is_err() {
            out.truncate(before);
        }
        written
    }
}

fn write(datum: Datum<'_>, out: &mut Vec<u8>) -> Result<(), Why> {
    match datum {
        Datum::Json(raw) | Datum::Digits(raw) | Datum::Object(raw) | Datum::List(List::Json(raw)) => {
            out.extend_from_slice(raw);
        }
        Datum::Null => out.extend_from_slice(b"null"),
        Datum::Bool(value) => out.extend_from_slice(if value { b"true" } else { b"false" }),
        Datum::Number(number) => number.write(out),
        Datum::Text(text) => escape_into(out, &text),
        Datum::Time(time) => times::write(time, out),
        Datum::Duration(length) => {
            out.push(b'"');
            lengths::write(length, out);
            out.push(b'"');
        }
        Datum::List(List::Made(elements)) => {
            out.push(b'[');
            for (n, element) in elements.into_iter().enumerate() {
                if n > 0 {
                    out.push(b',');
                }
                write(element?, out)?;
            }
            out.push(b']');
        }
    }
    Ok(())
}
