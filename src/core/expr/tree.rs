//! The tree of an expression's syntax.
//!
//! Never deeper than those who walk it have stack for.

use super::fault::ExprFault;
use std::ops::Range;

/// How deep a tree may be.
pub const DEEPEST: usize = 64;

/// A part of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    /// All bytes of the text that belong to it, without brackets around it.
    pub at: Range<usize>,
    pub form: Form,
    pub depth: usize,
}

/// What a part is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    Null,
    Bool(bool),
    /// Its digits stand in the text.
    Number,
    Text(String),
    Name(String),
    /// `a.b`.
    Member(Box<Tree>, String),
    /// `a[b]`.
    Index(Box<[Tree; 2]>),
    /// `f(a)` or `target.f(a)`.
    Call {
        name: String,
        named: Range<usize>,
        target: Option<Box<Tree>>,
        arguments: Vec<Tree>,
    },
    Not(Box<Tree>),
    Minus(Box<Tree>),
    /// `a == b`, `a + b`, `a in b`.
    Infix {
        sign: &'static str,
        signed: Range<usize>,
        sides: Box<[Tree; 2]>,
    },
    /// `a && b && c`.
    All(Vec<Tree>),
    /// `a || b || c`.
    Any(Vec<Tree>),
    /// `a ? b : c`.
    Choose(Box<[Tree; 3]>),
    List(Vec<Tree>),
}

impl Tree {
    /// A part over others, of which the deepest is so deep.
    pub fn new(at: Range<usize>, form: Form, below: usize) -> Result<Tree, ExprFault> {
        if below >= DEEPEST {
            return Err(too_deep(at));
        }
        Ok(Tree { at, form, depth: below + 1 })
    }
}

/// What to say of too deep an expression.
pub fn too_deep(at: Range<usize>) -> ExprFault {
    ExprFault::mistake(at, format!("the expression is nested more than {DEEPEST} deep"))
}

/// How deep the deepest of some parts is.
pub fn deepest(trees: &[Tree]) -> usize {
    trees.iter().map(|tree| tree.depth).max().unwrap_or(0)
}

/// From the beginning of the first part to the end of the last one.
pub fn span(trees: &[Tree]) -> Range<usize> {
    trees.first().map_or(0, |tree| tree.at.start)..trees.last().map_or(0, |tree| tree.at.end)
}
