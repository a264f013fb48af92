//! Variables in values: `${NAME}`, `${NAME:-default}`, and `$${` for a `${` that is none.
//!
//! They are filled in before anything is checked, in the texts of the files alone, never in names. A value that is nothing but one
//! variable may be a number or a flag, too. No environment is read here: `cli` hands the variables in.

use super::report::ConfigReport;
use super::tree::{TreeNode, TreeTable, TreeValue};
use std::collections::BTreeMap;

/// Fills in the variables of a document; the result is whether there is a value for each.
pub(super) fn fill(document: &mut TreeTable, variables: &BTreeMap<String, String>, report: &mut ConfigReport) -> bool {
    let mut all = true;
    for member in document.values_mut() {
        all &= node(&mut member.node, variables, report);
    }
    all
}

fn node(node: &mut TreeNode, variables: &BTreeMap<String, String>, report: &mut ConfigReport) -> bool {
    match &mut node.value {
        TreeValue::Table(members) => return fill(members, variables, report),
        TreeValue::List(items) => {
            let mut all = true;
            for item in items {
                all &= self::node(item, variables, report);
            }
            return all;
        }
        TreeValue::Text(text) if text.contains("${") => match filled(text, variables) {
            Ok((with, alone)) => {
                *text = with;
                if alone {
                    report.filled(node.place);
                }
            }
            Err((what, hint)) => {
                report.error_with(node.place, what, hint);
                return false;
            }
        },
        _ => {}
    }
    true
}

/// The text with its variables filled in, and whether it was one variable and nothing else; else what is wrong, and what to do.
fn filled(text: &str, variables: &BTreeMap<String, String>) -> Result<(String, bool), (String, String)> {
    let (mut with, mut rest, mut count) = (String::with_capacity(text.len()), text, 0);
    while let Some(at) = rest.find("${") {
        let before = rest.get(..at).unwrap_or_default();
        let inside = rest.get(at + 2..).unwrap_or_default();
        if let Some(literal) = before.strip_suffix('$') {
            with.push_str(literal);
            with.push_str("${");
            rest = inside;
            continue;
        }
        let Some((variable, after)) = inside.split_once('}') else {
            return Err(("`${` begins a variable that does not end".to_owned(), NOTATION.to_owned()));
        };
        let (name, default) = variable.split_once(":-").map_or((variable, None), |(name, or)| (name, Some(or)));
        if !is_name(name) {
            return Err((format!("`${{{variable}}}` is no variable"), NOTATION.to_owned()));
        }
        let value = variables.get(name).map(String::as_str).filter(|value| !value.is_empty());
        let Some(value) = value.or(default) else {
            let hint = format!("set it in the environment, or give it a default: ${{{name}:-value}}");
            return Err((format!("the variable `{name}` is not set, or empty"), hint));
        };
        with.push_str(before);
        with.push_str(value);
        (rest, count) = (after, count + 1);
    }
    with.push_str(rest);
    let alone = count == 1 && text.starts_with("${") && rest.is_empty();
    Ok((with, alone))
}

const NOTATION: &str = "write ${NAME} or ${NAME:-default}; a `${` that is no variable is `$${`";

fn is_name(name: &str) -> bool {
    let first = name.bytes().next().is_some_and(|byte| byte == b'_' || byte.is_ascii_alphabetic());
    first && name.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_filled_in_and_nothing_else_is() {
        let variables: BTreeMap<String, String> =
            [("A", "x"), ("N", "7"), ("E", ""), ("V", "${A}")].map(|(name, value)| (name.into(), value.into())).into();
        for (text, expected, alone) in [
            ("${A}", "x", true),
            ("${N}", "7", true),
            ("a${A}b${N}", "axb7", false),
            ("${A}${N}", "x7", false),
            ("${B:-y}", "y", true),
            ("${E:-y}", "y", true),
            ("${B:-}", "", true),
            ("${B:-a:-b}", "a:-b", true),
            ("$${A} ${A}", "${A} x", false),
            ("${V}", "${A}", true),
            ("$A {A} $", "$A {A} $", false),
        ] {
            assert_eq!(filled(text, &variables), Ok((expected.to_owned(), alone)), "{text}");
        }
        for (text, what) in [
            ("${B}", "the variable `B` is not set, or empty"),
            ("${E}", "the variable `E` is not set, or empty"),
            ("${A", "`${` begins a variable that does not end"),
            ("${1}", "`${1}` is no variable"),
            ("${}", "`${}` is no variable"),
            ("${A-B}", "`${A-B}` is no variable"),
        ] {
            assert_eq!(filled(text, &variables).unwrap_err().0, what);
        }
    }
}
