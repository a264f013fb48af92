//! The tree that is checked and evaluated: names are places in lists, patterns are compiled, constants are worked out.

use super::decimal::Decimal;
use super::functions::Function;
use regex_lite::Regex;
use std::ops::Range;

/// A part of an expression, and its bytes in the text.
#[derive(Clone, Debug)]
pub struct ExprNode {
    pub at: Range<usize>,
    pub what: What,
}

/// What a part is.
#[derive(Clone, Debug)]
pub enum What {
    Constant(ExprConstant),
    /// One of the expression's reads.
    Read(usize),
    /// An element that `exists` or `all` names: so many of these are between it and this place.
    Variable(usize),
    /// A member of an object.
    Member(Box<ExprNode>, Box<str>),
    /// An element of a list.
    Element(Box<[ExprNode; 2]>),
    Not(Box<ExprNode>),
    Minus(Box<ExprNode>),
    All(Vec<ExprNode>),
    Any(Vec<ExprNode>),
    Compare(Comparison, Box<[ExprNode; 2]>),
    In(Box<[ExprNode; 2]>),
    Calculate(Operation, Box<[ExprNode; 2]>),
    Choose(Box<[ExprNode; 3]>),
    List(Vec<ExprNode>),
    Has(Box<ExprNode>),
    Present(Box<ExprNode>),
    /// A function; what it is called on comes first.
    Call(Function, Vec<ExprNode>),
    Matches(Box<ExprNode>, Box<Regex>),
    /// `exists`, or `all` when it is `every`: a list and what is asked of each element.
    Quantify {
        every: bool,
        parts: Box<[ExprNode; 2]>,
    },
}

/// A value that the text of the expression says.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprConstant {
    Null,
    Bool(bool),
    Number(Decimal),
    Text(Box<str>),
    /// Nanoseconds since 1970.
    Time(i128),
    /// Nanoseconds.
    Duration(i128),
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// What is done with two numbers, texts or times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl ExprNode {
    /// The parts that it is made of.
    pub fn parts(&self) -> &[ExprNode] {
        match &self.what {
            What::Constant(_) | What::Read(_) | What::Variable(_) => &[],
            What::Member(inner, _)
            | What::Not(inner)
            | What::Minus(inner)
            | What::Has(inner)
            | What::Present(inner)
            | What::Matches(inner, _) => std::slice::from_ref(inner),
            What::Element(sides) | What::Compare(_, sides) | What::In(sides) | What::Calculate(_, sides) => &sides[..],
            What::Choose(parts) => &parts[..],
            What::Quantify { parts, .. } => &parts[..],
            What::All(parts) | What::Any(parts) | What::List(parts) | What::Call(_, parts) => parts,
        }
    }

    /// Whether it is the same for all events.
    pub fn is_constant(&self) -> bool {
        !matches!(self.what, What::Read(_) | What::Variable(_)) && self.parts().iter().all(ExprNode::is_constant)
    }
}

impl Operation {
    /// How it is written.
    pub fn sign(self) -> &'static str {
        match self {
            Operation::Add => "+",
            Operation::Subtract => "-",
            Operation::Multiply => "*",
            Operation::Divide => "/",
            Operation::Remainder => "%",
        }
    }
}
