//! Evaluates a tree over one event: three-valued, without an allocation where numbers and texts are compared.
//!
//! A pure function of the values that it is given. Recursion is as deep as the tree, which the parser has bounded.

use super::datum::{Datum, List, json_type};
use super::functions::Function;
use super::inside::{self, EvaluationBudget};
use super::lengths;
use super::node::{Comparison, ExprConstant, ExprNode, Operation, What};
use super::quick;
use super::resolve::is_split;
use super::texts::{self, Arguments};
use super::times;
use super::types::ExprType;
use super::values::{EventValues, InputValue};
use super::why::{Why, both};
use std::borrow::Cow;

/// One evaluation.
pub struct Evaluation<'a> {
    values: &'a dyn EventValues,
    /// What the plan says of each read's type; of those behind the last, nothing.
    declared: &'a [ExprType],
    work: EvaluationBudget,
}

/// The elements that `exists` and `all` around a place have in hand.
#[derive(Clone, Copy)]
struct ElementScope<'s, 'a> {
    element: &'s Datum<'a>,
    outer: Option<&'s ElementScope<'s, 'a>>,
}

/// Without any reads.
struct Nothing;

impl EventValues for Nothing {
    fn value(&self, _: usize) -> InputValue<'_> {
        InputValue::Absent
    }
}

/// The value of a tree that is the same for all events.
pub fn constant(node: &ExprNode) -> Result<Datum<'_>, Why> {
    Evaluation::new(&Nothing, &[]).value(node)?.settled()
}

/// What a condition answers that is the same for all events.
pub fn holds_always(node: &ExprNode) -> Result<bool, Why> {
    Evaluation::new(&Nothing, &[]).holds(node)
}

/// Whether one of the answers decides; else the strongest reason why one is unknown, else the other answer.
fn decide(answers: impl Iterator<Item = Result<bool, Why>>, decisive: bool) -> Result<bool, Why> {
    let mut unknown = None;
    for answer in answers {
        match answer {
            Ok(answer) if answer == decisive => return Ok(decisive),
            Ok(_) => {}
            Err(why) => unknown = unknown.max(Some(why)),
        }
    }
    unknown.map_or(Ok(!decisive), Err)
}

type Around<'s, 'a> = Option<&'s ElementScope<'s, 'a>>;

impl<'a> Evaluation<'a> {
    pub fn new(values: &'a dyn EventValues, declared: &'a [ExprType]) -> Evaluation<'a> {
        Evaluation { values, declared, work: EvaluationBudget::default() }
    }

    /// Whether a condition holds.
    pub fn holds(&self, node: &'a ExprNode) -> Result<bool, Why> {
        self.test(node, None)
    }

    /// A value, as JSON where it only is moved.
    pub fn value(&self, node: &'a ExprNode) -> Result<Datum<'a>, Why> {
        self.moved(node, None)
    }

    fn test(&self, node: &'a ExprNode, scope: Around<'_, 'a>) -> Result<bool, Why> {
        match &node.what {
            What::All(terms) => decide(terms.iter().map(|term| self.test(term, scope)), false),
            What::Any(terms) => decide(terms.iter().map(|term| self.test(term, scope)), true),
            What::Not(inner) => self.test(inner, scope).map(|answer| !answer),
            What::Compare(comparison, sides) => {
                let [left, right] = &**sides;
                if let (What::Read(read), What::Constant(constant)) = (&left.what, &right.what)
                    && let InputValue::Json(raw) = self.values.value(*read)
                    && self.is_declared(*read, raw)
                    && let Some(order) = quick::order(raw, constant)
                {
                    return Ok(comparison.holds_for(order));
                }
                let (left, right) = both(self.settled(left, scope), self.settled(right, scope))?;
                self.compare(*comparison, &left, &right)
            }
            What::In(sides) => self.is_in(sides, scope),
            What::Has(inner) => Ok(self.there(inner, scope).is_some()),
            What::Present(inner) => Ok(self.there(inner, scope).is_some_and(is_present)),
            What::Matches(text, pattern) => Ok(pattern.is_match(&self.settled(text, scope)?.text()?)),
            What::Quantify { every, parts } => self.quantify(*every, parts, scope),
            _ => match self.settled(node, scope)? {
                Datum::Bool(answer) => Ok(answer),
                _ => Err(Why::Broken),
            },
        }
    }

    fn compare(&self, comparison: Comparison, left: &Datum<'a>, right: &Datum<'a>) -> Result<bool, Why> {
        Ok(match comparison {
            Comparison::Equal => left.equals(right, &self.work)?,
            Comparison::Unequal => !left.equals(right, &self.work)?,
            _ => comparison.holds_for(left.order(right)?),
        })
    }

    /// Whether a value is of the type that its read is declared to have.
    #[inline]
    fn is_declared(&self, read: usize, raw: &[u8]) -> bool {
        match self.declared.get(read) {
            None | Some(ExprType::Dyn) => true,
            Some(declared) => json_type(raw) == Some(*declared),
        }
    }

    fn is_in(&self, sides: &'a [ExprNode; 2], scope: Around<'_, 'a>) -> Result<bool, Why> {
        let [wanted, list] = sides;
        if let (What::Read(read), What::List(elements)) = (&wanted.what, &list.what)
            && let InputValue::Json(raw) = self.values.value(*read)
            && self.is_declared(*read, raw)
            && !elements.is_empty()
            && let Some(answer) = quick::is_among(raw, elements)
        {
            return Ok(answer);
        }
        let wanted = self.settled(wanted, scope);
        let equals =
            |element: Result<Datum<'a>, Why>| element?.equals(wanted.as_ref().map_err(|why| *why)?, &self.work);
        if let What::List(elements) = &list.what {
            let answer = decide(elements.iter().map(|element| equals(self.settled(element, scope))), true);
            // Of an empty list too, nobody knows whether it holds what is not there.
            return both(wanted.as_ref().map_err(|why| *why), answer).map(|(_, answer)| answer);
        }
        let (_, list) = both(wanted.as_ref().map_err(|why| *why), self.settled(list, scope))?;
        match list {
            Datum::List(list) => decide(list.elements(&self.work).map(equals), true),
            _ => Err(Why::Broken),
        }
    }

    fn quantify(&self, every: bool, parts: &'a [ExprNode; 2], scope: Around<'_, 'a>) -> Result<bool, Why> {
        let [list, predicate] = parts;
        let Datum::List(list) = self.settled(list, scope)? else { return Err(Why::Broken) };
        let asked = list.elements(&self.work).map(|element| {
            let element = element?;
            self.test(predicate, Some(&ElementScope { element: &element, outer: scope }))
        });
        decide(asked, !every)
    }

    fn settled(&self, node: &'a ExprNode, scope: Around<'_, 'a>) -> Result<Datum<'a>, Why> {
        self.moved(node, scope)?.settled()
    }

    fn moved(&self, node: &'a ExprNode, scope: Around<'_, 'a>) -> Result<Datum<'a>, Why> {
        match &node.what {
            What::Constant(constant) => Ok(self.constant(constant)),
            What::Read(read) => self.read(*read),
            What::Variable(between) => {
                let mut scope = scope;
                for _ in 0..*between {
                    scope = scope.and_then(|scope| scope.outer);
                }
                Ok(scope.expect("a variable stands inside of what names it").element.clone())
            }
            What::Member(inner, name) => match self.settled(inner, scope)? {
                Datum::Object(raw) => inside::member(raw, name, &self.work)?.map(Datum::Json).ok_or(Why::Absent),
                _ => Err(Why::Absent),
            },
            What::Element(parts) => self.element(parts, scope),
            What::Choose(parts) => {
                let [condition, yes, no] = &**parts;
                self.moved(if self.test(condition, scope)? { yes } else { no }, scope)
            }
            What::Minus(inner) => match self.settled(inner, scope)? {
                Datum::Duration(length) => Ok(Datum::Duration(-length)),
                number => Ok(Datum::Number(number.number()?.negative())),
            },
            What::Calculate(operation, sides) => {
                let [left, right] = &**sides;
                let (left, right) = both(self.settled(left, scope), self.settled(right, scope))?;
                calculate(*operation, left, right)
            }
            What::List(elements) => {
                Ok(Datum::List(List::Made(elements.iter().map(|element| self.settled(element, scope)).collect())))
            }
            What::Call(function, arguments) => self.call(*function, arguments, scope),
            What::Not(_)
            | What::All(_)
            | What::Any(_)
            | What::Compare(..)
            | What::In(_)
            | What::Has(_)
            | What::Present(_)
            | What::Matches(..)
            | What::Quantify { .. } => self.test(node, scope).map(Datum::Bool),
        }
    }

    fn constant(&self, constant: &'a ExprConstant) -> Datum<'a> {
        match constant {
            ExprConstant::Null => Datum::Null,
            ExprConstant::Bool(value) => Datum::Bool(*value),
            ExprConstant::Number(number) => Datum::Number(*number),
            ExprConstant::Text(text) => Datum::Text(Cow::Borrowed(text)),
            ExprConstant::Time(time) => Datum::Time(*time),
            ExprConstant::Duration(length) => Datum::Duration(*length),
        }
    }

    fn read(&self, read: usize) -> Result<Datum<'a>, Why> {
        let datum = match self.values.value(read) {
            InputValue::Absent => return Err(Why::Absent),
            InputValue::Json(raw) if self.is_declared(read, raw) => Datum::Json(raw),
            InputValue::Json(_) => return Err(Why::Broken),
            InputValue::Text(text) => Datum::Text(text),
            InputValue::Number(number) => Datum::Number(number.into()),
            InputValue::Time(time) => Datum::Time(i128::from(time.0)),
        };
        Ok(datum)
    }

    fn element(&self, parts: &'a [ExprNode; 2], scope: Around<'_, 'a>) -> Result<Datum<'a>, Why> {
        let [list, place] = parts;
        if let (true, [text, separator]) = (is_split(list), list.parts()) {
            let (text, separator) = both(self.settled(text, scope), self.settled(separator, scope))?;
            let place = self.place(place, scope)?;
            return texts::part(text.text()?, &separator.text()?, place).map(Datum::Text);
        }
        match both(self.settled(list, scope), self.place(place, scope))? {
            (Datum::List(list), place) => list.element(place, &self.work),
            _ => Err(Why::Broken),
        }
    }

    fn place(&self, node: &'a ExprNode, scope: Around<'_, 'a>) -> Result<usize, Why> {
        self.settled(node, scope)?.number()?.place().ok_or(Why::Broken)
    }

    fn call(&self, function: Function, nodes: &'a [ExprNode], scope: Around<'_, 'a>) -> Result<Datum<'a>, Why> {
        let mut arguments = Arguments::new();
        let mut unknown = None;
        for node in nodes {
            match self.settled(node, scope) {
                Ok(argument) => arguments.push(argument),
                Err(why) => unknown = unknown.max(Some(why)),
            }
        }
        unknown.map_or_else(|| texts::call(function, arguments, &self.work), Err)
    }

    /// What stands at a place that `has` and `present` ask about; `None` where nothing does, also where that which it would be
    /// in is of another type.
    fn there(&self, node: &'a ExprNode, scope: Around<'_, 'a>) -> Option<Datum<'a>> {
        match &node.what {
            // Whatever its type.
            What::Read(read) => match self.values.value(*read) {
                InputValue::Json(raw) => Some(Datum::Json(raw)),
                _ => self.read(*read).ok(),
            },
            What::Member(inner, name) => match self.there(inner, scope)?.settled().ok()? {
                Datum::Object(raw) => inside::member(raw, name, &self.work).ok()?.map(Datum::Json),
                _ => None,
            },
            _ => self.moved(node, scope).ok(),
        }
    }
}

/// Whether a value says anything.
fn is_present(datum: Datum<'_>) -> bool {
    match datum {
        Datum::Null | Datum::Json(b"null" | b"\"\"") => false,
        Datum::Text(text) => !text.is_empty(),
        _ => true,
    }
}

fn calculate<'a>(operation: Operation, left: Datum<'a>, right: Datum<'a>) -> Result<Datum<'a>, Why> {
    let time = |time: Option<i128>| time.and_then(times::known).map(Datum::Time).ok_or(Why::Broken);
    let length = |length: Option<i128>| length.and_then(lengths::known).map(Datum::Duration).ok_or(Why::Broken);
    match (operation, left, right) {
        (Operation::Add, Datum::Text(a), Datum::Text(b)) => texts::joined(a, &b).map(Datum::Text),
        (Operation::Add, Datum::Time(a), Datum::Duration(b)) | (Operation::Add, Datum::Duration(a), Datum::Time(b)) => {
            time(a.checked_add(b))
        }
        (Operation::Subtract, Datum::Time(a), Datum::Duration(b)) => time(a.checked_sub(b)),
        (Operation::Subtract, Datum::Time(a), Datum::Time(b)) => length(a.checked_sub(b)),
        (Operation::Add, Datum::Duration(a), Datum::Duration(b)) => length(a.checked_add(b)),
        (Operation::Subtract, Datum::Duration(a), Datum::Duration(b)) => length(a.checked_sub(b)),
        (operation, left, right) => {
            let (a, b) = (left.number()?, right.number()?);
            let number = match operation {
                Operation::Add => a.add(b),
                Operation::Subtract => a.subtract(b),
                Operation::Multiply => a.multiply(b),
                Operation::Divide => a.divide(b),
                Operation::Remainder => a.remainder(b),
            };
            number.map(Datum::Number).ok_or(Why::Broken)
        }
    }
}
