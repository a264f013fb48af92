//! What is wrong with an expression by the types of its parts.
//!
//! What an event may turn out to be is never a fault here: a field without a declared type fits everywhere.

use super::calls;
use super::expression::Want;
use super::fault::ExprFault;
use super::node::{Comparison, ExprConstant, ExprNode, Operation, What};
use super::reads::{PlacedRead, Read};
use super::resolve::is_split;
use super::run;
use super::types::ExprType;

/// All faults of an expression.
pub fn check(
    root: &ExprNode,
    reads: &[PlacedRead],
    text: &str,
    types: &dyn Fn(&Read) -> ExprType,
    want: Want,
) -> Vec<ExprFault> {
    let mut checker = Checker { reads, text, types, faults: Vec::new() };
    let found = checker.node(root);
    if want == Want::Condition {
        checker.condition(root, found);
    }
    if reads.is_empty() && checker.faults.is_empty() {
        checker.faults.push(constant(root, want));
    }
    checker.faults
}

/// What to say of an expression that reads nothing.
fn constant(root: &ExprNode, want: Want) -> ExprFault {
    let what = match (want, &root.what) {
        (Want::Value, _) => "this is the same value for all events",
        (Want::Condition, _) => match run::holds_always(root) {
            Ok(true) => "this condition holds for all events",
            Ok(false) | Err(_) => "this condition holds for no event",
        },
    };
    ExprFault::warning(root.at.clone(), what)
}

pub(super) struct Checker<'a> {
    reads: &'a [PlacedRead],
    text: &'a str,
    types: &'a dyn Fn(&Read) -> ExprType,
    faults: Vec<ExprFault>,
}

impl Checker<'_> {
    pub(super) fn fault(&mut self, fault: ExprFault) {
        self.faults.push(fault);
    }

    /// The part's text.
    fn shown(&self, node: &ExprNode) -> &str {
        self.text.get(node.at.clone()).unwrap_or_default()
    }

    /// Where the types do not fit: with a hint that names what was declared.
    pub(super) fn unfit(&mut self, node: &ExprNode, found: ExprType, what: String) {
        let declared = match &node.what {
            What::Read(read) => self.reads.get(*read).is_some_and(|reading| reading.read.own_type().is_none()),
            _ => false,
        };
        let hint = declared.then(|| format!("`{}` is declared as {found}", self.shown(node)));
        self.faults.push(ExprFault { hint, ..ExprFault::mistake(node.at.clone(), what) });
    }

    /// A part that has to be true or false.
    fn condition(&mut self, node: &ExprNode, found: ExprType) {
        if found.may_be(ExprType::Bool) {
            return;
        }
        let shown = self.shown(node);
        let fault = ExprFault::mistake(node.at.clone(), format!("a condition is true or false, and this is {found}"));
        let hint = match found {
            ExprType::Null | ExprType::Object | ExprType::List => None,
            // A long part would make a long hint.
            _ if shown.len() > 40 => None,
            ExprType::Number => Some(format!("compare it: `{shown} > 0`")),
            ExprType::Text => Some(format!("compare it: `{shown} == \"x\"`, or ask `present({shown})`")),
            _ => None,
        };
        self.faults.push(ExprFault { hint, ..fault });
    }

    fn conditions(&mut self, nodes: &[ExprNode]) -> ExprType {
        for node in nodes {
            let found = self.node(node);
            self.condition(node, found);
        }
        ExprType::Bool
    }

    /// The type of a part; its faults are noted.
    pub(super) fn node(&mut self, node: &ExprNode) -> ExprType {
        let before = self.faults.len();
        let found = self.type_of(node);
        if self.faults.len() == before
            && node.is_constant()
            && let What::Minus(_) | What::Calculate(..) | What::Call(..) | What::Element(_) = &node.what
            && run::constant(node).is_err()
        {
            self.faults.push(calls::uncomputable(node));
        }
        found
    }

    fn type_of(&mut self, node: &ExprNode) -> ExprType {
        match &node.what {
            What::Constant(constant) => match constant {
                ExprConstant::Null => ExprType::Null,
                ExprConstant::Bool(_) => ExprType::Bool,
                ExprConstant::Number(_) => ExprType::Number,
                ExprConstant::Text(_) => ExprType::Text,
                ExprConstant::Time(_) => ExprType::Time,
                ExprConstant::Duration(_) => ExprType::Duration,
            },
            What::Read(read) => self.reads.get(*read).map_or(ExprType::Dyn, |reading| {
                reading.read.own_type().unwrap_or_else(|| (self.types)(&reading.read))
            }),
            What::Variable(_) => ExprType::Dyn,
            What::Member(inner, name) => {
                let found = self.node(inner);
                if !found.may_be(ExprType::Object) {
                    self.unfit(inner, found, format!("{found} has no member `{name}`"));
                }
                ExprType::Dyn
            }
            What::Element(parts) => self.element(parts),
            What::Not(inner) => self.conditions(std::slice::from_ref(inner)),
            What::All(terms) | What::Any(terms) => self.conditions(terms),
            What::Minus(inner) => {
                let found = self.node(inner);
                if !found.may_be(ExprType::Number) && found != ExprType::Duration {
                    self.unfit(inner, found, format!("`-` does not take {found}"));
                }
                found
            }
            What::Compare(comparison, sides) => self.compare(*comparison, sides),
            What::In(sides) => self.is_in(sides),
            What::Calculate(operation, sides) => self.calculate(*operation, sides),
            What::Choose(parts) => {
                let [condition, yes, no] = &**parts;
                self.conditions(std::slice::from_ref(condition));
                let (yes, no) = (self.node(yes), self.node(no));
                if yes == no { yes } else { ExprType::Dyn }
            }
            What::List(elements) => {
                elements.iter().for_each(|element| {
                    self.node(element);
                });
                ExprType::List
            }
            What::Has(inner) | What::Present(inner) => {
                self.node(inner);
                ExprType::Bool
            }
            What::Call(function, arguments) => calls::check(self, *function, arguments),
            What::Matches(inner, _) => {
                let found = self.node(inner);
                if !found.may_be(ExprType::Text) {
                    self.unfit(inner, found, format!("`matches` is for texts, and this is {found}"));
                }
                ExprType::Bool
            }
            What::Quantify { parts, .. } => {
                let [list, predicate] = &**parts;
                let found = self.node(list);
                if !found.may_be(ExprType::List) {
                    self.unfit(list, found, format!("`exists` and `all` are for lists, and this is {found}"));
                }
                self.conditions(std::slice::from_ref(predicate))
            }
        }
    }

    fn element(&mut self, parts: &[ExprNode; 2]) -> ExprType {
        let [list, place] = parts;
        let (found, index) = (self.node(list), self.node(place));
        if !found.may_be(ExprType::List) {
            self.unfit(list, found, format!("{found} has no elements"));
        }
        if !index.may_be(ExprType::Number) {
            self.unfit(place, index, format!("an element is told by its number from 0, and this is {index}"));
        }
        if is_split(list) { ExprType::Text } else { ExprType::Dyn }
    }

    fn compare(&mut self, comparison: Comparison, sides: &[ExprNode; 2]) -> ExprType {
        let [left, right] = sides;
        let types = (self.node(left), self.node(right));
        let (a, b) = types;
        let equality = matches!(comparison, Comparison::Equal | Comparison::Unequal);
        // The side that is no constant is the one that was declared.
        let blamed = if matches!(left.what, What::Constant(_)) { right } else { left };
        let blamed_type = if std::ptr::eq(blamed, left) { a } else { b };
        if !a.may_be(b) {
            let what = if equality {
                format!("{a} is never equal to {b}")
            } else {
                format!("{a} cannot be compared with {b}")
            };
            let time = matches!(
                types,
                (ExprType::Time, ExprType::Text | ExprType::Number)
                    | (ExprType::Text | ExprType::Number, ExprType::Time)
            );
            if time {
                let fault = ExprFault::mistake(blamed.at.clone(), what);
                self.fault(fault.hint("a time is written `timestamp(\"2022-02-14T14:40:00Z\")`"));
            } else {
                self.unfit(blamed, blamed_type, what);
            }
        } else if equality && (a == ExprType::Object && b == ExprType::Object) {
            self.unfit(blamed, blamed_type, "objects cannot be compared: compare their members".to_owned());
        } else if !equality {
            for (node, found) in [(left, a), (right, b)] {
                if !found.has_order() {
                    self.unfit(node, found, format!("{found} is neither smaller nor larger than anything"));
                    break;
                }
            }
        }
        ExprType::Bool
    }

    fn is_in(&mut self, sides: &[ExprNode; 2]) -> ExprType {
        let [wanted, list] = sides;
        let (sought, found) = (self.node(wanted), self.node(list));
        if let What::List(elements) = &list.what {
            for element in elements {
                // Noted already, if it has faults.
                let before = self.faults.len();
                let of = self.node(element);
                self.faults.truncate(before);
                if !of.may_be(sought) {
                    self.unfit(element, of, format!("{sought} is never equal to {of}"));
                }
            }
        } else if !found.may_be(ExprType::List) {
            let fault = ExprFault::mistake(list.at.clone(), format!("behind `in` stands a list, and this is {found}"));
            self.fault(match found {
                ExprType::Text => fault.hint("whether a text contains another one asks `x.contains(\"a\")`"),
                ExprType::Object => fault.hint("whether an object has a member asks `has(event.a.b)`"),
                _ => fault,
            });
        }
        ExprType::Bool
    }

    fn calculate(&mut self, operation: Operation, sides: &[ExprNode; 2]) -> ExprType {
        let [left, right] = sides;
        let (a, b) = (self.node(left), self.node(right));
        let by_zero = matches!(&right.what, What::Constant(ExprConstant::Number(number)) if number.is_zero());
        if by_zero && matches!(operation, Operation::Divide | Operation::Remainder) {
            self.fault(ExprFault::mistake(right.at.clone(), "nothing can be divided by zero"));
            return ExprType::Number;
        }
        if let Some(result) = calls::result(operation, a, b) {
            return result;
        }
        let alone = |found: ExprType| {
            calls::result(operation, found, ExprType::Dyn).is_none()
                && calls::result(operation, ExprType::Dyn, found).is_none()
        };
        let sign = operation.sign();
        if alone(a) {
            self.unfit(left, a, format!("`{sign}` does not take {a}"));
        } else if alone(b) {
            self.unfit(right, b, format!("`{sign}` does not take {b}"));
        } else {
            let fault = ExprFault::mistake(left.at.start..right.at.end, format!("`{sign}` does not take {a} and {b}"));
            let texts = a == ExprType::Text || b == ExprType::Text;
            self.fault(if texts {
                fault.hint("`text(x)` makes a text of a number, `number(x)` a number of a text")
            } else {
                fault
            });
        }
        ExprType::Dyn
    }
}
