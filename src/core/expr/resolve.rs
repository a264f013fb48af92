//! From the tree of syntax to the tree that is evaluated: names become reads, calls become functions of the closed set.
//!
//! Knows no event. What is the same for all events is worked out here, once.

use super::datum::Datum;
use super::decimal::Decimal;
use super::fault::ExprFault;
use super::functions::{self, Callee, Function};
use super::node::{Comparison, ExprConstant, ExprNode, Operation, What};
use super::reads::{self, PlacedRead, ROOTS};
use super::run;
use super::tree::{Form, Tree};
use regex_lite::RegexBuilder;
use std::ops::Range;

/// How many bytes of memory a pattern may take when it is compiled.
const PATTERN_BYTES: usize = 256 << 10;

/// Makes the tree to evaluate, and the list of all that it reads.
pub fn resolve(tree: &Tree, text: &str) -> Result<(ExprNode, Vec<PlacedRead>), ExprFault> {
    let mut resolver = Resolver { text, reads: Vec::new(), variables: Vec::new() };
    let node = resolver.node(tree)?;
    Ok((node, resolver.reads))
}

struct Resolver<'a> {
    text: &'a str,
    reads: Vec<PlacedRead>,
    /// The names that `exists` and `all` gave, the innermost last.
    variables: Vec<&'a str>,
}

impl<'a> Resolver<'a> {
    fn node(&mut self, tree: &'a Tree) -> Result<ExprNode, ExprFault> {
        let what = match &tree.form {
            Form::Name(_) | Form::Member(..) | Form::Index(_) => return self.place(tree),
            Form::Null => What::Constant(ExprConstant::Null),
            Form::Bool(value) => What::Constant(ExprConstant::Bool(*value)),
            Form::Text(text) => What::Constant(ExprConstant::Text(text.as_str().into())),
            Form::Number => What::Constant(ExprConstant::Number(self.number(tree)?)),
            Form::Not(inner) => What::Not(Box::new(self.node(inner)?)),
            Form::Minus(inner) => What::Minus(Box::new(self.node(inner)?)),
            Form::All(terms) => What::All(self.nodes(terms)?),
            Form::Any(terms) => What::Any(self.nodes(terms)?),
            Form::List(elements) => What::List(self.nodes(elements)?),
            Form::Choose(parts) => {
                let [condition, yes, no] = &**parts;
                What::Choose(Box::new([self.node(condition)?, self.node(yes)?, self.node(no)?]))
            }
            Form::Infix { sign, sides, .. } => {
                let [left, right] = &**sides;
                infix(sign, Box::new([self.node(left)?, self.node(right)?]))
            }
            Form::Call { name, named, target, arguments } => {
                self.call(name, named.clone(), target.as_deref(), arguments)?
            }
        };
        Ok(folded(ExprNode { at: tree.at.clone(), what }))
    }

    fn nodes(&mut self, trees: &'a [Tree]) -> Result<Vec<ExprNode>, ExprFault> {
        trees.iter().map(|tree| self.node(tree)).collect()
    }

    fn number(&self, tree: &Tree) -> Result<Decimal, ExprFault> {
        let digits = self.text.get(tree.at.clone()).unwrap_or_default();
        let number = Decimal::read(digits.as_bytes());
        number.ok_or_else(|| {
            ExprFault::mistake(tree.at.clone(), "a number has at most 38 digits, and 38 behind the point")
        })
    }

    /// A name, or something that is inside of what a name or a call stands for.
    fn place(&mut self, tree: &'a Tree) -> Result<ExprNode, ExprFault> {
        let root = reads::root(tree);
        if let Some(between) = root.and_then(|root| self.variables.iter().rev().position(|known| *known == root)) {
            return self.inside(tree, None, What::Variable(between));
        }
        match reads::find(tree, self.text) {
            Some(found) => {
                let (read, whole) = found?;
                let known = self.reads.iter().position(|reading| reading.read == read);
                let read = known.unwrap_or_else(|| {
                    self.reads.push(PlacedRead { read, at: whole.at.clone() });
                    self.reads.len() - 1
                });
                self.inside(tree, Some(whole), What::Read(read))
            }
            None => self.inside(tree, None, What::Constant(ExprConstant::Null)),
        }
    }

    /// The members and elements of `tree` from `whole` on, which `innermost` stands for; without a `whole`, of the name that
    /// it begins with. What begins with no name is a node of its own.
    fn inside(&mut self, tree: &'a Tree, whole: Option<&Tree>, innermost: What) -> Result<ExprNode, ExprFault> {
        let at = tree.at.clone();
        let is_whole = whole.is_some_and(|whole| std::ptr::eq(tree, whole));
        match &tree.form {
            _ if is_whole => Ok(ExprNode { at, what: innermost }),
            Form::Name(_) => Ok(ExprNode { at, what: innermost }),
            Form::Member(inner, name) => {
                let inner = self.inside(inner, whole, innermost)?;
                Ok(ExprNode { at, what: What::Member(Box::new(inner), name.as_str().into()) })
            }
            Form::Index(parts) => {
                let [inner, index] = &**parts;
                let inner = self.inside(inner, whole, innermost)?;
                let what = match &index.form {
                    Form::Text(name) => What::Member(Box::new(inner), name.as_str().into()),
                    _ => What::Element(Box::new([inner, self.node(index)?])),
                };
                Ok(folded(ExprNode { at, what }))
            }
            _ => self.node(tree),
        }
    }

    fn call(
        &mut self,
        name: &str,
        named: Range<usize>,
        target: Option<&'a Tree>,
        arguments: &'a [Tree],
    ) -> Result<What, ExprFault> {
        let callee = functions::find(name, named, target.is_some(), arguments.len())?;
        // `find` has seen that they are there.
        match (callee, target, arguments) {
            (Callee::Has | Callee::Present, _, [argument]) => {
                if !matches!(argument.form, Form::Name(_) | Form::Member(..) | Form::Index(_)) {
                    return Err(ExprFault::mistake(
                        argument.at.clone(),
                        format!("`{name}` asks about a field or another place"),
                    )
                    .hint(format!("such as `{name}(event.a)`")));
                }
                let argument = Box::new(self.node(argument)?);
                Ok(if callee == Callee::Has { What::Has(argument) } else { What::Present(argument) })
            }
            (Callee::Matches, Some(target), [pattern]) => {
                Ok(What::Matches(Box::new(self.node(target)?), Box::new(compiled(pattern)?)))
            }
            (Callee::Exists | Callee::All, Some(target), [variable, predicate]) => {
                let list = self.node(target)?;
                self.variables.push(self.variable(variable)?);
                let predicate = self.node(predicate);
                self.variables.pop();
                Ok(What::Quantify { every: callee == Callee::All, parts: Box::new([list, predicate?]) })
            }
            (Callee::Function(function), ..) => {
                let all = target.into_iter().chain(arguments);
                let all: Result<Vec<ExprNode>, ExprFault> = all.map(|tree| self.node(tree)).collect();
                Ok(What::Call(function, all?))
            }
            _ => unreachable!("a call of `{name}` has its target and its arguments"),
        }
    }

    fn variable(&self, tree: &'a Tree) -> Result<&'a str, ExprFault> {
        let wrong =
            |what: &str| Err(ExprFault::mistake(tree.at.clone(), what).hint("such as `event.list.exists(e, e > 1)`"));
        match &tree.form {
            Form::Name(name) if ROOTS.contains(&name.as_str()) => wrong("an element needs a name of its own"),
            Form::Name(name) if self.variables.contains(&name.as_str()) => wrong("this name is taken further out"),
            Form::Name(name) => Ok(name),
            _ => wrong("the first argument names the list's elements"),
        }
    }
}

fn infix(sign: &str, sides: Box<[ExprNode; 2]>) -> What {
    match sign {
        "==" => What::Compare(Comparison::Equal, sides),
        "!=" => What::Compare(Comparison::Unequal, sides),
        "<" => What::Compare(Comparison::Less, sides),
        "<=" => What::Compare(Comparison::LessOrEqual, sides),
        ">" => What::Compare(Comparison::Greater, sides),
        ">=" => What::Compare(Comparison::GreaterOrEqual, sides),
        "+" => What::Calculate(Operation::Add, sides),
        "-" => What::Calculate(Operation::Subtract, sides),
        "*" => What::Calculate(Operation::Multiply, sides),
        "/" => What::Calculate(Operation::Divide, sides),
        "%" => What::Calculate(Operation::Remainder, sides),
        "in" => What::In(sides),
        _ => unreachable!("the parser knows no sign `{sign}`"),
    }
}

fn compiled(pattern: &Tree) -> Result<regex_lite::Regex, ExprFault> {
    let Form::Text(text) = &pattern.form else {
        return Err(ExprFault::mistake(pattern.at.clone(), "a pattern is a text in quotes, the same for all events"));
    };
    RegexBuilder::new(text).size_limit(PATTERN_BYTES).build().map_err(|error| {
        ExprFault::mistake(pattern.at.clone(), format!("this is no regular expression: {error}"))
            .hint("write it with an `r` in front, r\"\\d+\", so that backslashes stay as they are")
    })
}

/// A node that is the same for all events as what it is; one that cannot be worked out stays as it is, for `check` to find.
fn folded(node: ExprNode) -> ExprNode {
    let works = matches!(node.what, What::Minus(_) | What::Calculate(..) | What::Call(..) | What::Element(_));
    if !works || !node.is_constant() {
        return node;
    }
    let constant = match run::constant(&node) {
        Ok(Datum::Null) => ExprConstant::Null,
        Ok(Datum::Bool(value)) => ExprConstant::Bool(value),
        Ok(Datum::Number(number)) => ExprConstant::Number(number),
        Ok(Datum::Text(text)) => ExprConstant::Text(text.as_ref().into()),
        Ok(Datum::Time(time)) => ExprConstant::Time(time),
        Ok(Datum::Duration(length)) => ExprConstant::Duration(length),
        Ok(Datum::Json(_) | Datum::Digits(_) | Datum::List(_) | Datum::Object(_)) | Err(_) => return node,
    };
    ExprNode { at: node.at, what: What::Constant(constant) }
}

/// Whether the call makes a list of texts, of which one may be asked for without the others.
pub fn is_split(node: &ExprNode) -> bool {
    matches!(node.what, What::Call(Function::Split, _))
}
